//! `create service clusterip | nodeport | loadbalancer | externalname`.
//!
//! Mirrors: kubectl/pkg/cmd/create/create_service.go.

use serde_json::{Value, json};

use super::{GENERATOR, finish, one_name};
use crate::client::Client;
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::verb::{VERB as BASE, Verb};

pub static SERVICE: Verb = Verb {
    name: "service",
    aliases: &["svc"],
    short: "Create a service using a specified subcommand",
    long: "Create a service using a specified subcommand.",
    subcommands: &[&CLUSTER_IP, &EXTERNAL_NAME, &LOAD_BALANCER, &NODE_PORT],
    ..BASE
};

const TCP: Flag = Flag::csv("tcp", "Port pairs can be specified as '<port>:<targetPort>'.");

static CLUSTER_IP: Verb = Verb {
    name: "clusterip",
    short: "Create a ClusterIP service",
    long: "Create a ClusterIP service with the specified name.",
    examples: "# Create a new ClusterIP service named my-cs
kubectl create service clusterip my-cs --tcp=5678:8080

# Create a new ClusterIP service named my-cs (in headless mode)
kubectl create service clusterip my-cs --clusterip=\"None\"",
    usage: "NAME [--tcp=<port>:<targetPort>] [--dry-run=server|client|none]",
    flags: &[
        &[
            Flag::text(
                "clusterip",
                "",
                "Assign your own ClusterIP or set to 'None' for a 'headless' service (no loadbalancing).",
            ),
            TCP,
        ],
        GENERATOR[0],
        GENERATOR[1],
        GENERATOR[2],
        GENERATOR[3],
        GENERATOR[4],
    ],
    run: Some(|cx, args| Box::pin(run(cx, args, "ClusterIP"))),
    ..BASE
};

static NODE_PORT: Verb = Verb {
    name: "nodeport",
    short: "Create a NodePort service",
    long: "Create a NodePort service with the specified name.",
    examples: "# Create a new NodePort service named my-ns
kubectl create service nodeport my-ns --tcp=5678:8080",
    usage: "NAME [--tcp=port:targetPort] [--dry-run=server|client|none]",
    flags: &[
        &[Flag::int("node-port", "0", "Port used to expose the service on each node in a cluster."), TCP],
        GENERATOR[0],
        GENERATOR[1],
        GENERATOR[2],
        GENERATOR[3],
        GENERATOR[4],
    ],
    run: Some(|cx, args| Box::pin(run(cx, args, "NodePort"))),
    ..BASE
};

static LOAD_BALANCER: Verb = Verb {
    name: "loadbalancer",
    short: "Create a LoadBalancer service",
    long: "Create a LoadBalancer service with the specified name.",
    examples: "# Create a new LoadBalancer service named my-lbs
kubectl create service loadbalancer my-lbs --tcp=5678:8080",
    usage: "NAME [--tcp=port:targetPort] [--dry-run=server|client|none]",
    flags: &[&[TCP], GENERATOR[0], GENERATOR[1], GENERATOR[2], GENERATOR[3], GENERATOR[4]],
    run: Some(|cx, args| Box::pin(run(cx, args, "LoadBalancer"))),
    ..BASE
};

static EXTERNAL_NAME: Verb = Verb {
    name: "externalname",
    short: "Create an ExternalName service",
    long: "Create an ExternalName service with the specified name.

 ExternalName service references to an external DNS address instead of only pods, which will allow application authors to reference services that exist off platform, on other clusters, or locally.",
    examples: "# Create a new ExternalName service named my-ns
kubectl create service externalname my-ns --external-name bar.com",
    usage: "NAME --external-name external.name [--dry-run=server|client|none]",
    flags: &[
        &[Flag::text("external-name", "", "External name of service"), TCP],
        GENERATOR[0],
        GENERATOR[1],
        GENERATOR[2],
        GENERATOR[3],
        GENERATOR[4],
    ],
    required: &["external-name"],
    run: Some(|cx, args| Box::pin(run(cx, args, "ExternalName"))),
    ..BASE
};

/// `80:8080` → a service port.
fn port(spec: &str) -> Result<Value> {
    let mut parts = spec.split(':');
    let port = parts.next().unwrap_or_default();
    // What stands behind a second colon nobody reads.
    let target = parts.next().unwrap_or(port);
    let number = |text: &str| {
        text.parse::<u16>().map_err(|_| {
            let why = if text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty() {
                "value out of range"
            } else {
                "invalid syntax"
            };
            Failure::plain(format!("strconv.ParseUint: parsing {text:?}: {why}"))
        })
    };
    let port = number(port)?;
    let target = match target.parse::<i32>() {
        Ok(target) => {
            if let Some(why) = api::meta::names::port_number(target.into()).first().filter(|_| spec.contains(':')) {
                return Err(Failure::plain(why.to_string()));
            }
            json!(target)
        }
        Err(_) => {
            if let Some(why) = api::meta::names::port_name(target).first() {
                return Err(Failure::plain(why.to_string()));
            }
            json!(target)
        }
    };
    Ok(json!({"name": spec.replace(':', "-"), "port": port, "targetPort": target, "protocol": "TCP"}))
}

async fn run(cx: &Cx, args: &Args, kind: &str) -> Result {
    let client = Client::new(cx, args)?;
    let name = one_name(args)?;
    let cluster_ip = if kind == "ClusterIP" { args.text("clusterip") } else { "" };
    let specs = args.list("tcp");
    let needs_port = kind != "ExternalName" && cluster_ip != "None";
    if needs_port && specs.is_empty() {
        return Err(Failure::plain("at least one tcp port specifier must be provided"));
    }
    let external = args.text("external-name");
    if kind == "ExternalName" && !api::meta::names::dns1123_subdomain(external).is_empty() {
        return Err(Failure::plain(format!("invalid service external name {external}")));
    }
    let mut ports = specs.iter().map(|spec| port(spec)).collect::<Result<Vec<_>>>()?;
    if kind == "NodePort" && args.int("node-port") > 0 {
        for port in &mut ports {
            port["nodePort"] = args.int("node-port").into();
        }
    }
    let labels = json!({"app": name});
    let mut spec = json!({"selector": labels, "type": kind});
    if !ports.is_empty() {
        spec["ports"] = json!(ports);
    }
    if !cluster_ip.is_empty() {
        spec["clusterIP"] = cluster_ip.into();
    }
    if kind == "ExternalName" {
        spec["externalName"] = external.into();
    }
    let object = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
        "status": {"loadBalancer": {}},
    });
    finish(&client, args, object, &format!("failed to create {kind} service: ")).await
}
