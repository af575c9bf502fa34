//! `create ingress`.
//!
//! Mirrors: kubectl/pkg/cmd/create/create_ingress.go.

use serde_json::{Map, Value, json};

use super::{GENERATOR, finish, one_name};
use crate::client::Client;
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::verb::{VERB as BASE, Verb};

pub static INGRESS: Verb = Verb {
    name: "ingress",
    aliases: &["ing"],
    short: "Create an ingress with the specified name",
    long: "Create an ingress with the specified name.",
    examples: "# Create a single ingress called 'simple' that directs requests to foo.com/bar to svc1:8080 with a TLS secret \"my-cert\"
kubectl create ingress simple --rule=\"foo.com/bar=svc1:8080,tls=my-cert\"

# Create a catch all ingress of \"/path\" pointing to service svc:port and Ingress Class as \"otheringress\"
kubectl create ingress catch-all --class=otheringress --rule=\"/path=svc:port\"",
    usage: "NAME --rule=host/path=service:port[,tls[=secret]]",
    flags: &[
        &[
            Flag::list("annotation", "Annotation to insert in the ingress object, in the format annotation=value"),
            Flag::text("class", "", "Ingress Class to be used"),
            Flag::text("default-backend", "", "Default service for backend, in format of svcname:port"),
            Flag::list("rule", "Rule in format host/path=service:port[,tls=secretname]. Paths containing the leading character '*' are considered pathType=Prefix. tls argument is optional."),
        ],
        GENERATOR[0],
        GENERATOR[1],
        GENERATOR[2],
        GENERATOR[3],
        GENERATOR[4],
    ],
    run: Some(|cx, args| Box::pin(ingress(cx, args))),
    ..BASE
};

/// `svc:80` or `svc:http`.
fn backend(spec: &str) -> Option<Value> {
    let (name, port) =
        spec.split_once(':').filter(|(name, port)| !name.is_empty() && !port.is_empty() && !port.contains(':'))?;
    let port = port.parse::<u16>().map_or_else(|_| json!({"name": port}), |number| json!({"number": number}));
    Some(json!({"service": {"name": name, "port": port}}))
}

async fn ingress(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let name = one_name(args)?;
    let (rules, default) = (args.list("rule"), args.text("default-backend"));
    if rules.is_empty() && default.is_empty() {
        return Err(Failure::plain(
            "not enough information provided: every ingress has to either specify a default-backend (which catches all traffic) or a list of rules (which catch specific paths)",
        ));
    }
    let mut metadata = json!({"name": name});
    let mut annotations = Map::new();
    for pair in args.list("annotation") {
        let Some((key, value)) = pair.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            return Err(Failure::plain(format!("annotation {pair} is invalid and should be in format key=[value]")));
        };
        annotations.insert(key.into(), value.into());
    }
    if !annotations.is_empty() {
        metadata["annotations"] = Value::Object(annotations);
    }
    let mut spec = Map::new();
    if !args.text("class").is_empty() {
        spec.insert("ingressClassName".into(), args.text("class").into());
    }
    if !default.is_empty() {
        let Some(backend) = backend(default) else {
            return Err(Failure::plain("default-backend should be in format servicename:serviceport"));
        };
        spec.insert("defaultBackend".into(), backend);
    }
    // Hosts keep the order in which they appear; their paths gather below them.
    let mut hosts: Vec<(String, Vec<Value>)> = Vec::new();
    let mut tls: Vec<(String, Vec<String>)> = Vec::new();
    for rule in rules {
        let bad = || {
            Failure::plain(format!(
                "rule {rule} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]"
            ))
        };
        let (route, secret) = match rule.split_once(",tls") {
            Some((route, secret)) => (route, Some(secret.trim_start_matches('='))),
            None => (rule.as_str(), None),
        };
        let (place, target) = route.split_once('=').ok_or_else(bad)?;
        let (host, path) = place.split_once('/').ok_or_else(bad)?;
        let (path, kind) = match path.strip_suffix('*') {
            Some(prefix) => (prefix, "Prefix"),
            None => (path, "Exact"),
        };
        let backend = backend(target).ok_or_else(bad)?;
        let entry = json!({"backend": backend, "path": format!("/{path}"), "pathType": kind});
        match hosts.iter_mut().find(|(known, _)| known == host) {
            Some((_, paths)) => paths.push(entry),
            None => hosts.push((host.into(), vec![entry])),
        }
        if let Some(secret) = secret {
            match tls.iter_mut().find(|(known, _)| known == secret) {
                Some((_, names)) if names.iter().any(|name| name == host) => {}
                Some((_, names)) => names.push(host.into()),
                None => tls.push((secret.into(), vec![host.into()])),
            }
        }
    }
    if !hosts.is_empty() {
        let rules: Vec<Value> = hosts
            .into_iter()
            .map(|(host, paths)| {
                let mut rule = json!({"http": {"paths": paths}});
                if !host.is_empty() {
                    rule["host"] = host.into();
                }
                rule
            })
            .collect();
        spec.insert("rules".into(), json!(rules));
    }
    if !tls.is_empty() {
        let list: Vec<Value> = tls
            .into_iter()
            .map(|(secret, hosts)| {
                let mut entry = json!({});
                let hosts: Vec<String> = hosts.into_iter().filter(|host| !host.is_empty()).collect();
                if !hosts.is_empty() {
                    entry["hosts"] = json!(hosts);
                }
                if !secret.is_empty() {
                    entry["secretName"] = secret.into();
                }
                entry
            })
            .collect();
        spec.insert("tls".into(), json!(list));
    }
    let object = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": metadata,
        "spec": spec,
        "status": {"loadBalancer": {}},
    });
    finish(&client, args, object, "failed to create ingress: ").await
}
