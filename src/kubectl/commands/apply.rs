//! `kubectl apply`: creates, or patches by a three-way merge; `--server-side` leaves that to the server.
//!
//! Mirrors: kubectl/pkg/cmd/apply/{apply,patcher}.go.

mod last_applied;

use api::meta::selector::Selector;
use api::order::Order;
use api::wire::Body;
use serde_json::Value;

use super::{LAST_APPLIED, applied_configuration, dry_run, require_files, text_at, with_last_applied, write_query};
use crate::client::{Client, DryRun, PatchType, Query};
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::manifest::Validation;
use crate::merge;
use crate::output::{self, Output, Printer, json};
use crate::resource::{Fetch, Info, Selection};
use crate::verb::{VERB as BASE, Verb};

const FLAGS: &[Flag] = &[
    Flag::text("cascade", "background", "Must be \"background\", \"orphan\", or \"foreground\". Selects the deletion cascading strategy for the dependents (e.g. Pods created by a ReplicationController). Defaults to background.")
        .bare("background")
        .values(&["background", "orphan", "foreground"]),
    Flag::bool("force", false, "If true, immediately remove resources from API and bypass graceful deletion. Note that immediate deletion of some resources may result in inconsistency or data loss and requires confirmation."),
    Flag::bool("force-conflicts", false, "If true, server-side apply will force the changes against conflicts."),
    Flag::int("grace-period", "-1", "Period of time in seconds given to the resource to terminate gracefully. Ignored if negative. Set to 1 for immediate shutdown. Can only be set to 0 when --force is true (force deletion)."),
    Flag::bool("openapi-patch", true, "If true, use openapi to calculate diff when the openapi presents and the resource can be found in the openapi spec. Otherwise, fall back to use baked-in types.").ignored(),
    Flag::bool("overwrite", true, "Automatically resolve conflicts between the modified and live configuration by using values from the modified configuration"),
    Flag::bool("prune", false, "Automatically delete resource objects, that do not appear in the configs and are created by either apply or create --save-config. Should be used with either -l or --all."),
    Flag::csv("prune-allowlist", "Overwrite the default allowlist with <group/version/kind> for --prune").ignored(),
    Flag::bool("server-side", false, "If true, apply runs in the server instead of the client."),
    Flag::text("subresource", "", "If specified, apply will operate on the subresource of the requested object.  Only allowed when using --server-side."),
    Flag::duration("timeout", "0s", "The length of time to wait before giving up on a delete, zero means determine a timeout from the size of the object").ignored(),
    Flag::bool("wait", false, "If true, wait for resources to be gone before returning. This waits for finalizers.").ignored(),
    global::manager("kubectl-client-side-apply"),
];

pub static VERB: Verb = Verb {
    name: "apply",
    short: "Apply a configuration to a resource by file name or stdin",
    long: "Apply a configuration to a resource by file name or stdin. The resource name must be specified. This resource will be created if it doesn't exist yet. To use 'apply', always create the resource initially with either 'apply' or 'create --save-config'.

 JSON and YAML formats are accepted.",
    examples: "# Apply the configuration in pod.json to a pod
kubectl apply -f ./pod.json

# Apply the JSON passed into stdin to a pod
cat pod.json | kubectl apply -f -

# Apply the configuration from all files that end with '.json'
kubectl apply -f '*.json'",
    usage: "(-f FILENAME | -k DIRECTORY)",
    flags: &[
        FLAGS,
        global::ALL,
        global::PRINT,
        global::DRY_RUN,
        global::FILES,
        global::SELECTOR,
        global::VALIDATE,
        global::RECORD,
    ],
    subcommands: &[&last_applied::EDIT, &last_applied::SET, &last_applied::VIEW],
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

const CONFLICT_ADVICE: &str = "
Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the `--force-conflicts` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts";

struct Apply<'a> {
    client: &'a Client<'a>,
    args: &'a Args,
    dry_run: DryRun,
    query: Query,
}

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    if !args.words.is_empty() {
        return Err(Failure::usage(&args.path, format!("Unexpected args: {}", brackets(&args.words))));
    }
    let server_side = args.flag("server-side");
    let dry_run = dry_run(cx, args)?;
    if args.flag("force-conflicts") && !server_side {
        return Err(Failure::plain("--force-conflicts only works with --server-side"));
    }
    if dry_run == DryRun::Client && server_side {
        return Err(Failure::plain(
            "--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)",
        ));
    }
    let validation = Validation::parse(args.text("validate"))?;
    super::delete::cascade(args)?;
    if !args.text("subresource").is_empty() && !server_side {
        return Err(Failure::plain("--subresource can only be specified for --server-side"));
    }
    require_files(args)?;
    if args.flag("force") && server_side {
        return Err(Failure::plain("--force cannot be used with --server-side"));
    }
    if args.flag("prune") && !args.flag("all") && args.text("selector").is_empty() {
        return Err(Failure::plain(
            "all resources selected for prune without explicitly passing --all. To prune all resources, pass the --all flag. If you did not mean to prune all resources, specify a label selector",
        ));
    }
    if args.flag("force") && dry_run == DryRun::Server {
        return Err(Failure::plain("--dry-run=server cannot be used with --force"));
    }
    for kind in args.list("prune-allowlist").iter().filter(|_| args.flag("prune")) {
        if kind.split('/').count() != 3 {
            return Err(Failure::plain(format!(
                "invalid GroupVersionKind format: {kind}, please follow <group/version/kind>"
            )));
        }
    }
    let mut selection = Selection::of(args, &[]);
    selection.fetch = Fetch::Names;
    selection.validation = validation;
    selection.all = false;
    selection.selector = None;
    let found = selection.resolve(&client).await?;
    let wanted = Selector::parse(args.text("selector")).map_err(|why| {
        Failure::plain(format!("the provided selector {:?} is not valid: {why}", args.text("selector")))
    })?;
    let mut whole = Output::success(cx, args, "")?;
    let (mut infos, mut failures) = found.split();
    infos.retain(|info| {
        let labels = info.object.pointer("/metadata/labels").and_then(Value::as_object);
        let labels = labels.into_iter().flatten();
        let labels = labels.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_string())).collect();
        wanted.matches(Some(&labels))
    });
    if infos.is_empty() && failures.is_empty() {
        return Err(Failure::plain("no objects passed to apply"));
    }
    let mut query = write_query(args, dry_run);
    if server_side && !args.changed("field-manager") {
        query.retain(|(key, _)| *key != "fieldManager");
        query.push(("fieldManager", "kubectl".into()));
    }
    query.push(("fieldValidation", validation.directive().into()));
    let apply = Apply { client: &client, args, dry_run, query };
    let as_object = !matches!(whole.printer, Printer::Success(_) | Printer::Name);
    let mut results = Vec::new();
    for info in &infos {
        let applied = if server_side { apply.server_side(info).await } else { apply.client_side(info).await };
        match applied {
            Ok((word, object)) if !as_object => {
                let mut line = Output::success(cx, args, &format!("{word}{}", dry_run.suffix()))?;
                cx.out(line.print(&object)?);
            }
            Ok((_, object)) => results.push(object),
            Err(failure) => failures.push(failure),
        }
    }
    if failures.is_empty() && !results.is_empty() {
        let object = if results.len() == 1 { results.remove(0) } else { output::list(results) };
        cx.out(whole.print(&object)?);
    }
    if failures.is_empty() && args.flag("prune") {
        apply.prune(&infos).await?;
    }
    Failure::aggregate(failures)
}

/// `[a b]`, as Go prints a list of words.
pub fn brackets(words: &[String]) -> String {
    format!("[{}]", words.join(" "))
}

/// What an update would not keep either.
fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(without_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(without_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The object after the patch, without asking the server.
fn merged_locally(object: &Value, patch: &Value, info: &Info) -> Value {
    let kind = api::schema::for_kind(&info.mapping.group, &info.mapping.version, &info.mapping.kind);
    match kind {
        Some(kind) => api::patch::strategic(object, patch, Some(kind)).unwrap_or_else(|_| object.clone()),
        None => {
            let mut object = object.clone();
            api::patch::merge_patch(&mut object, patch);
            object
        }
    }
}

impl Apply<'_> {
    async fn server_side(&self, info: &Info) -> Result<(&'static str, Value)> {
        let mut query = self.query.clone();
        query.push(("force", self.args.flag("force-conflicts").to_string()));
        let patch = (PatchType::Apply, Body::Json(info.object.clone().into()));
        let subresource = self.args.text("subresource");
        let sent = self.client.patch_sub(&info.mapping, &info.namespace, &info.name, subresource, patch, query).await;
        match sent {
            Ok(object) => Ok(("serverside-applied", object)),
            Err(failure) if failure.is_reason("Conflict") => {
                Err(Failure::plain(format!("{}{CONFLICT_ADVICE}", failure.text())))
            }
            Err(failure) => Err(failure),
        }
    }

    async fn client_side(&self, info: &Info) -> Result<(&'static str, Value)> {
        let generate = text_at(&info.object, "/metadata/generateName");
        if info.name.is_empty() && !generate.is_empty() {
            return Err(Failure::plain(format!("from {generate}: cannot use generate name with apply")));
        }
        let mut object = info.object.clone();
        super::record(self.args, &mut object);
        let modified = with_last_applied(&object);
        let current = match self.client.get(&info.mapping, &info.namespace, &info.name).await {
            Ok(current) => current,
            Err(failure) if failure.is_not_found() => return self.create(info, modified).await,
            Err(failure) => {
                let doing = format!("retrieving current configuration of:\n{}\nfrom server for:", describe(info));
                return Err(failure.when(&doing, &info.source));
            }
        };
        if current.pointer("/metadata/annotations").and_then(|map| map.get(LAST_APPLIED)).is_none() {
            self.client.cx.err(format!(
                "Warning: resource {}/{} is missing the {LAST_APPLIED} annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically.\n",
                info.mapping.plural, info.name
            ));
        }
        if self.dry_run == DryRun::Client {
            let (_, patch) = merge::three_way(&original(&current), &modified, &current, &info.mapping)?;
            let same = patch.as_object().is_some_and(serde_json::Map::is_empty);
            let mut patched = current;
            patched = merged_locally(&patched, &patch, info);
            return Ok((if same { "unchanged" } else { "configured" }, patched));
        }
        self.patch(info, &modified, current).await
    }

    async fn create(&self, info: &Info, modified: Value) -> Result<(&'static str, Value)> {
        if self.dry_run == DryRun::Client {
            return Ok(("created", modified));
        }
        let mut modified = modified;
        without_nulls(&mut modified);
        let created = self.client.create(&info.mapping, &info.namespace, &modified, self.query.clone()).await;
        let created = created.map_err(|failure| failure.when("creating", &info.source))?;
        Ok(("created", created))
    }

    /// Sends the three-way merge; a conflict is retried on the newest object.
    async fn patch(&self, info: &Info, modified: &Value, mut current: Value) -> Result<(&'static str, Value)> {
        const RETRIES: usize = 5;
        for attempt in 0.. {
            let original = original(&current);
            let (kind, patch) = merge::three_way(&original, modified, &current, &info.mapping)?;
            if patch.as_object().is_some_and(serde_json::Map::is_empty) {
                self.warn_if_deleting(&current, info);
                return Ok(("unchanged", current));
            }
            let query = self.query.clone();
            match self.client.patch(&info.mapping, &info.namespace, &info.name, (kind, &patch), query).await {
                Ok(object) => {
                    self.warn_if_deleting(&object, info);
                    return Ok(("configured", object));
                }
                Err(failure) if failure.is_reason("Conflict") && attempt < RETRIES => {
                    current = self.client.get(&info.mapping, &info.namespace, &info.name).await?;
                }
                Err(failure)
                    if self.args.flag("force") && (failure.is_reason("Conflict") || failure.is_reason("Invalid")) =>
                {
                    return self.recreate(info, modified).await;
                }
                Err(failure) => {
                    let doing = format!("applying patch:\n{}\nto:\n{}\nfor:", json::compact(&patch), describe(info));
                    return Err(failure
                        .prefixed(&format!("error when patching {:?}: ", info.source))
                        .when(&doing, &info.source));
                }
            }
        }
        unreachable!("the last attempt returns")
    }

    /// `--force`: what cannot be changed is deleted and made anew.
    async fn recreate(&self, info: &Info, modified: &Value) -> Result<(&'static str, Value)> {
        let options = super::delete::options(self.args.int("grace-period"), "Background", self.dry_run);
        let answer = self.client.delete(&info.mapping, &info.namespace, &info.name, &options).await?;
        let uid = match text_at(&answer, "/details/uid") {
            "" => text_at(&answer, "/metadata/uid").to_string(),
            uid => uid.to_string(),
        };
        super::wait::gone(self.client, info, &uid, self.client.cx.now() + 300_000).await?;
        let created = self.client.create(&info.mapping, &info.namespace, modified, self.query.clone()).await?;
        Ok(("configured", created))
    }

    fn warn_if_deleting(&self, object: &Value, info: &Info) {
        if object.pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null()) {
            self.client.cx.err(format!(
                "Warning: Detected changes to resource {} which is currently being deleted.\n",
                info.name
            ));
        }
    }

    /// Deletes what was applied once and is no longer in the manifests.
    async fn prune(&self, applied: &[Info]) -> Result {
        const KINDS: &[&str] = &[
            "configmaps",
            "endpoints",
            "persistentvolumeclaims",
            "pods",
            "replicationcontrollers",
            "secrets",
            "services",
            "jobs.batch",
            "cronjobs.batch",
            "ingresses.networking.k8s.io",
            "daemonsets.apps",
            "deployments.apps",
            "replicasets.apps",
            "statefulsets.apps",
        ];
        let mut namespaces: Vec<&str> = applied.iter().map(|info| info.namespace.as_str()).collect();
        namespaces.retain(|namespace| !namespace.is_empty());
        namespaces.order();
        namespaces.dedup();
        for namespace in namespaces {
            for word in KINDS {
                let Ok(mapping) = self.client.mapping(word).await else { continue };
                for object in self.client.select(word, namespace, self.args.text("selector")).await? {
                    let name = text_at(&object, "/metadata/name");
                    let was_applied =
                        object.pointer("/metadata/annotations").is_some_and(|map| map.get(LAST_APPLIED).is_some());
                    let still = applied.iter().any(|info| {
                        info.mapping.kind == mapping.kind && info.name == name && info.namespace == namespace
                    });
                    if !was_applied || still {
                        continue;
                    }
                    if self.dry_run != DryRun::Client {
                        let options = super::delete::options(self.args.int("grace-period"), "Background", self.dry_run);
                        self.client.delete(&mapping, namespace, name, &options).await?;
                    }
                    let title = crate::resource::title(&mapping, name);
                    self.client.cx.out(format!("{title} pruned{}\n", self.dry_run.suffix()));
                }
            }
        }
        Ok(())
    }
}

/// What was applied last time.
fn original(current: &Value) -> Value {
    let text = current.pointer("/metadata/annotations").and_then(|map| map.get(LAST_APPLIED)).and_then(Value::as_str);
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null)
}

/// Which object, as Go prints a `resource.Info`.
fn describe(info: &Info) -> String {
    format!(
        "Resource: {:?}, GroupVersionKind: {:?}\nName: {:?}, Namespace: {:?}",
        info.mapping.gvr(),
        info.mapping.gvk(),
        info.name,
        info.namespace
    )
}

/// For `set-last-applied` and `diff`.
pub fn configuration(object: &Value) -> String {
    applied_configuration(object)
}

/// The object as apply would leave it, without storing it: what `diff` compares.
///
/// # Errors
/// The server refuses.
pub async fn merged(client: &Client<'_>, info: &Info, live: Option<&Value>, query: Query) -> Result<Value> {
    let Some(current) = live else {
        return client.create(&info.mapping, &info.namespace, &info.object, query).await;
    };
    // The remembered configuration itself is not part of the difference.
    let mut modified = info.object.clone();
    if let Some(annotations) = super::annotations_mut(&mut modified) {
        annotations.remove(LAST_APPLIED);
    }
    let (kind, patch) = merge::three_way(&original(current), &modified, current, &info.mapping)?;
    if patch.as_object().is_some_and(serde_json::Map::is_empty) {
        return Ok(current.clone());
    }
    client.patch(&info.mapping, &info.namespace, &info.name, (kind, &patch), query).await
}
