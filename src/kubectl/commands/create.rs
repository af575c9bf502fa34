//! `kubectl create -f`, and the frame of its generators (`create deployment …`).
//!
//! Mirrors: kubectl/pkg/cmd/create/create.go.

mod config;
mod ingress;
mod policy;
mod rbac;
mod service;
mod simple;
mod workload;

pub use policy::label_selector;

use std::rc::Rc;

use api::wire::{Method, Request};
use serde_json::Value;

use super::{dry_run, require_files, with_last_applied, with_last_applied_typed, write_query};
use crate::client::{Client, DryRun};
use crate::coroutine::Cx;
use crate::discovery::Mapping;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::manifest::{self, Validation};
use crate::output::Output;
use crate::resource::{Fetch, Selection, local_mapping};
use crate::verb::{VERB as BASE, Verb};

const FLAGS: &[Flag] = &[
    Flag::bool("edit", false, "Edit the API resource before creating").ignored(),
    Flag::text("raw", "", "Raw URI to POST to the server.  Uses the transport specified by the kubeconfig file."),
    Flag::bool(
        "windows-line-endings",
        false,
        "Only relevant if --edit=true. Defaults to the line ending native to your platform.",
    )
    .ignored(),
    global::manager("kubectl-create"),
];

/// The flags of every generator.
pub const GENERATOR: &[&[Flag]] =
    &[&[global::manager("kubectl-create")], global::PRINT, global::DRY_RUN, global::VALIDATE, global::SAVE_CONFIG];

pub static VERB: Verb = Verb {
    name: "create",
    short: "Create a resource from a file or from stdin",
    long: "Create a resource from a file or from stdin.

 JSON and YAML formats are accepted.",
    examples: "# Create a pod using the data in pod.json
kubectl create -f ./pod.json

# Create a pod based on the JSON passed into stdin
cat pod.json | kubectl create -f -

# Edit the data in registry.yaml in JSON then create the resource using the edited data
kubectl create -f registry.yaml --edit -o json",
    usage: "-f FILENAME",
    flags: &[
        FLAGS,
        global::PRINT,
        global::DRY_RUN,
        global::FILES,
        global::SELECTOR,
        global::VALIDATE,
        global::SAVE_CONFIG,
        global::RECORD,
    ],
    subcommands: &[
        &rbac::CLUSTER_ROLE,
        &rbac::CLUSTER_ROLE_BINDING,
        &config::CONFIG_MAP,
        &workload::CRON_JOB,
        &workload::DEPLOYMENT,
        &ingress::INGRESS,
        &workload::JOB,
        &simple::NAMESPACE,
        &policy::DISRUPTION_BUDGET,
        &policy::PRIORITY_CLASS,
        &policy::QUOTA,
        &rbac::ROLE,
        &rbac::ROLE_BINDING,
        &config::SECRET,
        &service::SERVICE,
        &simple::SERVICE_ACCOUNT,
        &simple::TOKEN,
    ],
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let uri = args.text("raw");
    if !uri.is_empty() {
        return raw(&client, args, uri, Method::Post).await;
    }
    if args.list("filename").is_empty() && args.text("kustomize").is_empty() && !args.words.is_empty() {
        return Err(Failure::usage(&args.path, format!("Unexpected args: {}", super::apply::brackets(&args.words))));
    }
    let dry_run = dry_run(cx, args)?;
    let mut output = Output::success(cx, args, &format!("created{}", dry_run.suffix()))?;
    let validation = Validation::parse(args.text("validate"))?;
    require_files(args)?;
    if !args.words.is_empty() {
        return Err(Failure::usage(&args.path, format!("Unexpected args: {}", super::apply::brackets(&args.words))));
    }
    let mut selection = Selection::of(args, &[]);
    selection.fetch = Fetch::Names;
    selection.validation = validation;
    selection.selector = None;
    let found = selection.resolve(&client).await?;
    let mut query = write_query(args, dry_run);
    query.push(("fieldValidation", validation.directive().into()));
    let (mut failures, mut count) = (Vec::new(), 0);
    for info in found.infos {
        let info = match info {
            Ok(info) => info,
            Err(failure) => {
                failures.push(failure);
                continue;
            }
        };
        let mut object = info.object;
        super::record(args, &mut object);
        if args.flag("save-config") {
            object = with_last_applied(&object);
        }
        if dry_run != DryRun::Client {
            match client.create(&info.mapping, &info.namespace, &object, query.clone()).await {
                Ok(created) => object = created,
                Err(failure) => {
                    failures.push(failure.when("creating", &info.source));
                    continue;
                }
            }
        }
        count += 1;
        cx.out(output.print(&object)?);
    }
    Failure::aggregate(failures)?;
    if count == 0 {
        return Err(Failure::plain("no objects passed to create"));
    }
    Ok(())
}

/// `--raw URI -f FILE`: the file as it is, to any path.
pub async fn raw(client: &Client<'_>, args: &Args, uri: &str, method: Method) -> Result {
    require_files(args)?;
    super::get::check_uri(uri)?;
    let [file] = args.list("filename") else {
        return Err(Failure::plain("--raw can only use a single local file or stdin"));
    };
    let sources = manifest::sources(client.cx, std::slice::from_ref(file), false)?;
    let text = sources.into_iter().map(|(_, text)| text).collect::<String>();
    let mut request: Request = super::get::raw_request(uri);
    request.method = method;
    request = request.with_header("content-type", "application/json");
    request = match serde_json::from_str::<Value>(&text) {
        Ok(value) => request.with_json(value),
        Err(_) => {
            request.body = api::wire::Body::Bytes(text.into_bytes());
            request
        }
    };
    let response = client.call(request).await?;
    client.cx.out(format!("{}\n", api::schema::go_json(response.value())));
    Ok(())
}

/// The one name a generator takes.
///
/// # Errors
/// None, or several.
pub fn one_name(args: &Args) -> Result<String> {
    let count = args.before_dash.unwrap_or(args.words.len());
    match args.words.first() {
        Some(name) if count == 1 => Ok(name.clone()),
        _ => Err(Failure::usage(&args.path, format!("exactly one NAME is required, got {count}"))),
    }
}

/// The words after `--`.
pub fn command(args: &Args) -> Vec<String> {
    match args.before_dash {
        Some(at) => args.words[at..].to_vec(),
        None => Vec::new(),
    }
}

/// Without a dash, the words after the name are the command too.
pub fn name_and_command(args: &Args) -> Result<(String, Vec<String>)> {
    let name = one_name(args)?;
    Ok((name, command(args)))
}

/// What can be refused before anything is read.
///
/// # Errors
/// A bad `--dry-run`, `--output` or `--validate`.
pub fn check(cx: &Cx, args: &Args) -> Result {
    dry_run(cx, args)?;
    Output::success(cx, args, "")?;
    Validation::parse(args.text("validate")).map(|_| ())
}

/// Ends a generator: prints the object, or creates it and prints what came of it.
///
/// `failing` stands before the server's refusal (`failed to create deployment: `).
///
/// # Errors
/// The server refuses.
pub async fn finish(client: &Client<'_>, args: &Args, object: Value, failing: &str) -> Result {
    let cx = client.cx;
    let dry_run = dry_run(cx, args)?;
    let mut output = Output::success(cx, args, &format!("created{}", dry_run.suffix()))?.typed();
    let validation = Validation::parse(args.text("validate"))?;
    let mapping = mapping_of(&object)?;
    let mut object = object;
    if client.explicit && mapping.namespaced {
        object["metadata"]["namespace"] = client.namespace.clone().into();
    }
    if args.flag("save-config") {
        object = with_last_applied_typed(&object);
    }
    if dry_run != DryRun::Client {
        let mut query = write_query(args, dry_run);
        query.push(("fieldValidation", validation.directive().into()));
        let created = client.create(&mapping, &client.namespace, &object, query).await;
        object = created.map_err(|failure| if failing.is_empty() { failure } else { failure.wrapped(failing) })?;
    }
    cx.out(output.print(&object)?);
    Ok(())
}

/// The mapping of an object that a generator made.
pub fn mapping_of(object: &Value) -> Result<Rc<Mapping>> {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    local_mapping(text("apiVersion"), text("kind")).ok_or_else(|| {
        Failure::plain(format!("no matches for kind {:?} in version {:?}", text("kind"), text("apiVersion")))
    })
}
