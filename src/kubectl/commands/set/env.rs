//! `kubectl set env`.
//!
//! Mirrors: kubectl/pkg/cmd/set/set_env.go, kubectl/pkg/cmd/set/env.

use base64::Engine as _;
use serde_json::{Value, json};

use super::super::{list_at, text_at};
use super::resources::matches;
use super::{containers_mut, finish, flags, not_all_and_selector, of, pod_spec_mut, resources_and_pairs, targets};
use crate::client::{Client, DryRun};
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::resource::{Info, Selection};
use crate::verb::{Complete, VERB as BASE, Verb};

const FLAGS: &[Flag] = &[
    Flag::text(
        "containers",
        "*",
        "The names of containers in the selected pod templates to change - may use wildcards",
    )
    .short('c'),
    Flag::list("env", "Specify a key-value pair for an environment variable to set into each container.").short('e'),
    Flag::text("from", "", "The name of a resource from which to inject environment variables"),
    Flag::csv("keys", "Comma-separated list of keys to import from specified resource"),
    Flag::bool(
        "list",
        false,
        "If true, display the environment and any changes in the standard format. this flag will removed when we have kubectl view env.",
    ),
    Flag::bool(
        "overwrite",
        true,
        "If true, allow environment to be overwritten, otherwise reject updates that overwrite existing environment.",
    ),
    Flag::text("prefix", "", "Prefix to append to variable names"),
    Flag::bool("resolve", false, "If true, show secret or configmap references when listing variables"),
    global::manager("kubectl-set"),
];

pub static VERB: Verb = Verb {
    name: "env",
    short: "Update environment variables on a pod template",
    long: "Update environment variables on a pod template.

 List environment variable definitions in one or more pods, pod templates. Add, update, or remove container environment variable definitions in one or more pod templates (within replication controllers or deployment configurations). View or modify the environment variable definitions on all containers in the specified pods or pod templates, or just those that match a wildcard.",
    examples: "# Update deployment 'registry' with a new environment variable
kubectl set env deployment/registry STORAGE_DIR=/local

# List the environment variables defined on a deployments 'sample-build'
kubectl set env deployment/sample-build --list

# Import environment from a config map with a prefix
kubectl set env --from=configmap/myconfigmap --prefix=MYSQL_ deployment/myapp

# Remove the environment variable ENV from container 'c1' in all deployment configs
kubectl set env deployments --all --containers=\"c1\" ENV-",
    usage: "RESOURCE/NAME KEY_1=VAL_1 ... KEY_N=VAL_N",
    flags: &[FLAGS, global::ALL, global::PRINT, global::DRY_RUN, global::FILES, global::SELECTOR, global::LOCAL, global::RECORD],
    complete: Complete::Workloads,
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    not_all_and_selector(args)?;
    let Ok((words, own)) = resources_and_pairs(&args.words, "env", true) else {
        return Err(Failure::plain(format!(
            "all resources must be specified before environment changes: {}",
            args.words.join(" ")
        )));
    };
    let mut pairs = args.list("env").to_vec();
    pairs.extend(own);
    let dry_run = flags(&client, args)?;
    if args.flag("local") && dry_run == DryRun::Server {
        return Err(Failure::plain("cannot specify --local and --dry-run=server - did you mean --dry-run=client?"));
    }
    if words.is_empty() && args.list("filename").is_empty() {
        return Err(Failure::plain(
            "one or more resources must be specified as <resource> <name> or <resource>/<name>",
        ));
    }
    if args.flag("list") && !args.text("output").is_empty() {
        return Err(Failure::plain("--list and --output may not be specified together"));
    }
    if !args.list("keys").is_empty() && args.text("from").is_empty() {
        return Err(Failure::plain("when specifying --keys, a configmap or secret must be provided with --from"));
    }
    let (mut set, remove) = parse(cx, &pairs)?;
    set.extend(imported(&client, args).await?);
    for var in set.iter_mut().filter(|_| !args.text("prefix").is_empty()) {
        var["name"] = format!("{}{}", args.text("prefix"), text_at(var, "/name")).into();
    }
    let infos = targets(&client, args, &words).await?;
    let mut failures = Vec::new();
    for info in infos {
        let outcome = one(&client, args, &info, &set, &remove).await;
        failures.extend(outcome.err());
    }
    Failure::aggregate(failures)
}

/// What to set and what to remove; `-` stands for lines of standard input.
fn parse(cx: &Cx, specs: &[String]) -> Result<(Vec<Value>, Vec<String>)> {
    let (mut set, mut remove): (Vec<Value>, Vec<String>) = (Vec::new(), Vec::new());
    let mut named: Vec<&str> = Vec::new();
    for spec in specs {
        if spec == "-" {
            let input = cx.env.stdin.clone().unwrap_or_default();
            let lines = input.lines().map(|line| line.split('#').next().unwrap_or_default());
            set.extend(
                lines
                    .filter_map(|line| line.split_once('='))
                    .map(|(name, value)| json!({"name": name, "value": value})),
            );
        } else if let Some((name, value)) = spec.split_once('=') {
            if let Some(why) = api::meta::names::strict_env_var_name(name).first() {
                return Err(Failure::plain(format!("{name:?} is not a valid key name: {why}")));
            }
            named.push(name);
            set.push(json!({"name": name, "value": value}));
        } else if let Some(name) = spec.strip_suffix('-') {
            remove.push(name.into());
        } else {
            return Err(Failure::plain(format!("unknown environment variable: {spec}")));
        }
    }
    if remove.iter().any(|name| named.contains(&name.as_str())) {
        return Err(Failure::plain("can not both modify and remove the same environment variable in the same command"));
    }
    Ok((set, remove))
}

/// Variables for the keys of a ConfigMap or Secret.
async fn imported(client: &Client<'_>, args: &Args) -> Result<Vec<Value>> {
    let from = args.text("from");
    if from.is_empty() {
        return Ok(Vec::new());
    }
    let selection = Selection { files: Vec::new(), ..Selection::of(args, &[from.to_string()]) };
    let (infos, failures) = selection.resolve(client).await?.split();
    Failure::aggregate(failures)?;
    let Some(info) = infos.into_iter().next() else { return Ok(Vec::new()) };
    let reference = match info.mapping.kind.as_str() {
        "ConfigMap" => "configMapKeyRef",
        "Secret" => "secretKeyRef",
        _ => return Err(Failure::plain("unsupported resource specified in --from")),
    };
    let keys = args.list("keys");
    let data = info.object.get("data").and_then(Value::as_object).cloned().unwrap_or_default();
    Ok(data
        .keys()
        .filter(|key| keys.is_empty() || keys.contains(key))
        .map(|key| {
            let name: String = key
                .to_uppercase()
                .chars()
                .map(|letter| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '_' })
                .collect();
            if name != **key {
                client.cx.warn(&format!("key {key} transferred to {name}"));
            }
            json!({
                "name": name,
                "valueFrom": {reference: {"name": info.name, "key": key}},
            })
        })
        .collect())
}

async fn one(client: &Client<'_>, args: &Args, info: &Info, set: &[Value], remove: &[String]) -> Result {
    let mut after = info.object.clone();
    let spec = match pod_spec_mut(&mut after, info) {
        // `--list` says nothing of what has no containers.
        Err(_) if args.flag("list") => return Ok(()),
        spec => spec?,
    };
    let mut listed = String::new();
    let mut found = false;
    for init in [false, true] {
        for container in containers_mut(spec, init) {
            let name = text_at(container, "/name").to_string();
            if !matches(args.text("containers"), &name) {
                continue;
            }
            found = true;
            let mut env = list_at(container, "/env").to_vec();
            for var in set {
                let key = text_at(var, "/name");
                match env.iter_mut().find(|old| text_at(old, "/name") == key) {
                    Some(_) if !args.flag("overwrite") => {
                        return Err(of(
                            info,
                            &format!(
                                "'{key}' already has a value ({}), and --overwrite is false",
                                text_at(var, "/value")
                            ),
                        ));
                    }
                    Some(old) => *old = var.clone(),
                    None => env.push(var.clone()),
                }
            }
            env.retain(|var| !remove.iter().any(|name| name == text_at(var, "/name")));
            listed.push_str(&format!("# {} {}, container {name}\n", info.mapping.kind, info.name));
            for var in &env {
                listed.push_str(&match args.flag("resolve") {
                    true => resolved(client, info, var).await,
                    false => line(var),
                });
            }
            if let Some(map) = container.as_object_mut() {
                if env.is_empty() {
                    map.remove("env");
                } else {
                    map.insert("env".into(), json!(env));
                }
            }
        }
    }
    if !found {
        client.cx.err(format!(
            "Warning: {}/{} does not have any containers matching {:?}\n",
            info.mapping.kind,
            info.name,
            args.text("containers")
        ));
        return Ok(());
    }
    if args.flag("list") {
        client.cx.out(listed);
        return Ok(());
    }
    finish(client, args, info, after, "env updated", "failed to patch env update to pod template: ").await
}

/// `--resolve`: the value behind a reference to a ConfigMap or Secret, where there is one.
async fn resolved(client: &Client<'_>, info: &Info, var: &Value) -> String {
    let from = var.get("valueFrom");
    let found = match from.and_then(|from| from.get("configMapKeyRef").map(|at| ("configmaps", at))) {
        Some(found) => Some(found),
        None => from.and_then(|from| from.get("secretKeyRef").map(|at| ("secrets", at))),
    };
    let Some((word, reference)) = found else { return line(var) };
    let object = client.fetch(word, &info.namespace, text_at(reference, "/name")).await.unwrap_or_default();
    let value = object.get("data").and_then(|data| data.get(text_at(reference, "/key"))).and_then(Value::as_str);
    match value {
        Some(value) if word == "configmaps" => format!("{}={value}\n", text_at(var, "/name")),
        Some(value) => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(value).unwrap_or_default();
            format!("{}={}\n", text_at(var, "/name"), String::from_utf8_lossy(&bytes))
        }
        None => line(var),
    }
}

/// A variable as `--list` shows it.
fn line(var: &Value) -> String {
    let name = text_at(var, "/name");
    let reference = |kind: &str, at: &str| {
        format!(
            "# {name} from {kind} {}, key {}\n",
            text_at(var, &format!("{at}/name")),
            text_at(var, &format!("{at}/key"))
        )
    };
    match var.get("valueFrom") {
        Some(from) if from.get("secretKeyRef").is_some() => reference("secret", "/valueFrom/secretKeyRef"),
        Some(from) if from.get("configMapKeyRef").is_some() => reference("configmap", "/valueFrom/configMapKeyRef"),
        Some(from) if from.get("fieldRef").is_some() => {
            format!("# {name} from field path {}\n", text_at(from, "/fieldRef/fieldPath"))
        }
        Some(from) if from.get("resourceFieldRef").is_some() => {
            let container = match text_at(from, "/resourceFieldRef/containerName") {
                "" => String::new(),
                container => format!("{container}/"),
            };
            format!("# {name} from resource field {container}{}\n", text_at(from, "/resourceFieldRef/resource"))
        }
        _ => format!("{name}={}\n", text_at(var, "/value")),
    }
}
