//! `kubectl set env`.
//!
//! Mirrors: kubectl/pkg/cmd/set/set_env.go, kubectl/pkg/cmd/set/env.

use serde_json::{Value, json};

use super::super::{list_at, text_at};
use super::resources::matches;
use super::{containers_mut, finish, pod_spec_mut, resources_and_pairs};
use crate::client::Client;
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
    let (words, mut pairs) = resources_and_pairs(&args.words, "env", true)?;
    pairs.extend(args.list("env").iter().cloned());
    if words.is_empty() && args.list("filename").is_empty() {
        return Err(Failure::plain(
            "one or more resources must be specified as <resource> <name> or <resource>/<name>",
        ));
    }
    if !args.flag("list") && args.text("from").is_empty() && pairs.is_empty() {
        return Err(Failure::plain("at least one environment variable must be provided"));
    }
    if args.flag("list") && !args.text("output").is_empty() {
        return Err(Failure::plain("--list and --output may not be specified together"));
    }
    if !args.list("keys").is_empty() && args.text("from").is_empty() {
        return Err(Failure::plain("when specifying --keys, a configmap or secret must be provided with --from"));
    }
    let mut set: Vec<Value> = imported(&client, args).await?;
    let mut remove = Vec::new();
    for pair in &pairs {
        match pair.split_once('=') {
            Some((name, value)) => set.push(json!({"name": name, "value": value})),
            None => remove.push(pair.trim_end_matches('-').to_string()),
        }
    }
    if let Some(both) = remove.iter().find(|name| set.iter().any(|var| text_at(var, "/name") == name.as_str())) {
        return Err(Failure::plain(format!(
            "can not both modify and remove the following variable(s) in the same command: {both}"
        )));
    }
    let (infos, mut failures) = Selection::of(args, &words).resolve(&client).await?.split();
    for info in infos {
        let outcome = one(&client, args, &info, &set, &remove).await;
        failures.extend(outcome.err());
    }
    Failure::aggregate(failures)
}

/// Variables for the keys of a ConfigMap or Secret.
async fn imported(client: &Client<'_>, args: &Args) -> Result<Vec<Value>> {
    let from = args.text("from");
    if from.is_empty() {
        return Ok(Vec::new());
    }
    let info = super::super::pods::target(client, args, Some(&from.to_string())).await?;
    let reference = match info.mapping.kind.as_str() {
        "ConfigMap" => "configMapKeyRef",
        "Secret" => "secretKeyRef",
        kind => return Err(Failure::plain(format!("unsupported resource specified in --from: {kind}"))),
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
            json!({
                "name": format!("{}{name}", args.text("prefix")),
                "valueFrom": {reference: {"name": info.name, "key": key}},
            })
        })
        .collect())
}

async fn one(client: &Client<'_>, args: &Args, info: &Info, set: &[Value], remove: &[String]) -> Result {
    let mut after = info.object.clone();
    let spec = pod_spec_mut(&mut after, info)?;
    let mut listed = String::new();
    let mut found = false;
    for init in [true, false] {
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
                        return Err(Failure::plain(format!(
                            "'{key}' already has a value ({}), and --overwrite is false",
                            text_at(var, "/value")
                        )));
                    }
                    Some(old) => *old = var.clone(),
                    None => env.push(var.clone()),
                }
            }
            env.retain(|var| !remove.iter().any(|name| name == text_at(var, "/name")));
            listed.push_str(&format!("# {} {}, container {name}\n", info.mapping.kind, info.name));
            listed.extend(env.iter().map(line));
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
            "warning: {}/{} does not have any containers matching {:?}\n",
            info.mapping.plural,
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
