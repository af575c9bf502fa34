//! `kubectl expose`: a Service in front of what already runs.
//!
//! Mirrors: kubectl/pkg/cmd/expose/expose.go.

use serde_json::{Map, Value, json};

use super::run::{labels, overridden};
use super::{create, dry_run, list_at, text_at, with_last_applied_typed, write_query};
use crate::client::{Client, DryRun};
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::output::Output;
use crate::resource::{Info, Selection};
use crate::verb::{Complete, VERB as BASE, Verb};

const FLAGS: &[Flag] = &[
    Flag::text(
        "cluster-ip",
        "",
        "ClusterIP to be assigned to the service. Leave empty to auto-allocate, or set to 'None' to create a headless service.",
    ),
    Flag::text(
        "external-ip",
        "",
        "Additional external IP address (not managed by Kubernetes) to accept for the service. If this IP is routed to a node, the service can be accessed by this IP in addition to its generated service IP.",
    ),
    Flag::text("labels", "", "Labels to apply to the service created by this call.").short('l'),
    Flag::text(
        "load-balancer-ip",
        "",
        "IP to assign to the LoadBalancer. If empty, an ephemeral IP will be created and used (cloud-provider specific).",
    ),
    Flag::text("name", "", "The name for the newly created object."),
    Flag::text(
        "override-type",
        "merge",
        "The method used to override the generated object: json, merge, or strategic.",
    ),
    Flag::text(
        "overrides",
        "",
        "An inline JSON override for the generated object. If this is non-empty, it is used to override the generated object. Requires that the object supply a valid apiVersion field.",
    ),
    Flag::text(
        "port",
        "",
        "The port that the service should serve on. Copied from the resource being exposed, if unspecified",
    ),
    Flag::text("protocol", "", "The network protocol for the service to be created. Default is 'TCP'."),
    Flag::text(
        "selector",
        "",
        "A label selector to use for this service. Only equality-based selector requirements are supported. If empty (the default) infer the selector from the replication controller or replica set.)",
    ),
    Flag::text(
        "session-affinity",
        "",
        "If non-empty, set the session affinity for the service to this; legal values: 'None', 'ClientIP'",
    ),
    Flag::text(
        "target-port",
        "",
        "Name or number for the port on the container that the service should direct traffic to. Optional.",
    ),
    Flag::text(
        "type",
        "",
        "Type for this service: ClusterIP, NodePort, LoadBalancer, or ExternalName. Default is 'ClusterIP'.",
    )
    .values(&["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]),
    global::manager("kubectl-expose"),
];

pub static VERB: Verb = Verb {
    name: "expose",
    short: "Take a replication controller, service, deployment or pod and expose it as a new Kubernetes service",
    long: "Expose a resource as a new Kubernetes service.

 Looks up a deployment, service, replica set, replication controller or pod by name and uses the selector for that resource as the selector for a new service on the specified port. A deployment or replica set will be exposed as a service only if its selector is convertible to a selector that service supports, i.e. when the selector contains only the matchLabels component. Note that if no port is specified via --port and the exposed resource has multiple ports, all will be re-used by the new service. Also if no labels are specified, the new service will re-use the labels from the resource it exposes.

 Possible resources include (case insensitive):

 pod (po), service (svc), replicationcontroller (rc), deployment (deploy), replicaset (rs)",
    examples: "# Create a service for a pod valid-pod, which serves on port 444 with the name \"frontend\"
kubectl expose pod valid-pod --port=444 --name=frontend

# Create a service for an nginx deployment, which serves on port 80 and connects to the containers on port 8000
kubectl expose deployment nginx --port=80 --target-port=8000",
    usage: "(-f FILENAME | TYPE NAME) [--port=port] [--protocol=TCP|UDP|SCTP] [--target-port=number-or-name] [--name=name] [--external-ip=external-ip-of-service] [--type=type]",
    flags: &[FLAGS, global::PRINT, global::DRY_RUN, global::FILES, global::SAVE_CONFIG],
    complete: Complete::TypeThenNames,
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let dry_run = dry_run(cx, args)?;
    let mut output = Output::success(cx, args, &format!("exposed{}", dry_run.suffix()))?.typed();
    let selection = Selection { selector: None, ..Selection::of(args, &args.words) };
    let (infos, mut failures) = selection.resolve(&client).await?.split();
    for info in infos {
        let outcome = async {
            let mut service = service(args, &info)?;
            if client.explicit {
                service["metadata"]["namespace"] = client.namespace.clone().into();
            }
            service = overridden(args, service, "Service")?;
            if dry_run == DryRun::Client {
                return Ok(service);
            }
            if args.flag("save-config") {
                service = with_last_applied_typed(&service);
            }
            let mapping = create::mapping_of(&service)?;
            client.create(&mapping, &client.namespace, &service, write_query(args, dry_run)).await
        }
        .await;
        match outcome {
            Ok(object) => cx.out(output.print(&object)?),
            Err(failure) => failures.push(failure),
        }
    }
    Failure::aggregate(failures)
}

/// Labels the new Service selects by.
fn selector(info: &Info) -> Result<Map<String, Value>> {
    let object = &info.object;
    let map = |pointer: &str| object.pointer(pointer).and_then(Value::as_object).cloned().unwrap_or_default();
    match info.mapping.kind.as_str() {
        "Pod" if map("/metadata/labels").is_empty() => Err(Failure::plain(
            "couldn't retrieve selectors via --selector flag or introspection: the pod has no labels and cannot be exposed",
        )),
        "Pod" => Ok(map("/metadata/labels")),
        "Service" if map("/spec/selector").is_empty() => Err(Failure::plain(
            "couldn't retrieve selectors via --selector flag or introspection: the service has no pod selector set",
        )),
        "Service" | "ReplicationController" => Ok(map("/spec/selector")),
        _ if !list_at(object, "/spec/selector/matchExpressions").is_empty() => Err(Failure::plain(
            "couldn't retrieve selectors via --selector flag or introspection: couldn't convert expressions - \"[]\" to map-based selector format",
        )),
        _ => Ok(map("/spec/selector/matchLabels")),
    }
}

/// Ports and their protocols, as the object declares them.
fn ports(info: &Info) -> Vec<(i64, String)> {
    let object = &info.object;
    let (declared, field): (Vec<&Value>, &str) = match info.mapping.kind.as_str() {
        "Service" => (list_at(object, "/spec/ports").iter().collect(), "port"),
        kind => {
            let spec = super::set::pod_spec_path(kind).unwrap_or("/spec");
            let containers = list_at(object, &format!("{spec}/containers"));
            (containers.iter().flat_map(|container| list_at(container, "/ports")).collect(), "containerPort")
        }
    };
    declared
        .into_iter()
        .filter_map(|port| {
            let protocol = match text_at(port, "/protocol") {
                "" => "TCP",
                protocol => protocol,
            };
            Some((port.get(field)?.as_i64()?, protocol.to_string()))
        })
        .collect()
}

fn service(args: &Args, info: &Info) -> Result<Value> {
    if !matches!(info.mapping.kind.as_str(), "Pod" | "Service" | "Deployment" | "ReplicaSet" | "ReplicationController")
    {
        let group = if info.mapping.group.is_empty() { String::new() } else { format!(".{}", info.mapping.group) };
        return Err(Failure::plain(format!("cannot expose a {}{group}", info.mapping.kind)));
    }
    let selector = match args.text("selector") {
        "" => selector(info)?,
        text => labels(text)?,
    };
    let declared = ports(info);
    let numbers: Vec<String> = match args.text("port") {
        "" if args.text("cluster-ip") == "None" => Vec::new(),
        "" if declared.is_empty() => {
            return Err(Failure::plain("couldn't find port via --port flag or introspection"));
        }
        "" => {
            let mut numbers: Vec<String> = Vec::new();
            for (port, _) in &declared {
                if !numbers.contains(&port.to_string()) {
                    numbers.push(port.to_string());
                }
            }
            numbers
        }
        text => text.split(',').map(String::from).collect(),
    };
    let name = match args.text("name") {
        "" => info.name.chars().take(63).collect::<String>(),
        name => name.to_string(),
    };
    let mut service_ports = Vec::new();
    for (at, text) in numbers.iter().enumerate() {
        let number: i64 =
            text.parse().map_err(|_| Failure::plain(format!("strconv.Atoi: parsing {text:?}: invalid syntax")))?;
        let protocol = match args.text("protocol") {
            "" => declared.iter().find(|(port, _)| *port == number).map_or("TCP", |(_, protocol)| protocol.as_str()),
            protocol => protocol,
        };
        let target = match args.text("target-port") {
            "" => json!(number),
            target => target.parse::<i64>().map_or_else(|_| json!(target), |target| json!(target)),
        };
        let mut port = json!({"port": number, "protocol": protocol, "targetPort": target});
        if numbers.len() > 1 {
            port["name"] = format!("port-{}", at + 1).into();
        }
        service_ports.push(port);
    }
    let mut metadata = json!({"name": name});
    let own = match args.text("labels") {
        "" => info.object.pointer("/metadata/labels").and_then(Value::as_object).cloned().unwrap_or_default(),
        text => labels(text)?,
    };
    if !own.is_empty() {
        metadata["labels"] = Value::Object(own);
    }
    if !matches!(args.text("session-affinity"), "" | "None" | "ClientIP") {
        return Err(Failure::plain(format!("unknown session affinity: {}", args.text("session-affinity"))));
    }
    let mut spec = json!({"selector": selector});
    if !service_ports.is_empty() {
        spec["ports"] = json!(service_ports);
    }
    for (flag, field) in [
        ("type", "type"),
        ("session-affinity", "sessionAffinity"),
        ("cluster-ip", "clusterIP"),
        ("load-balancer-ip", "loadBalancerIP"),
    ] {
        if !args.text(flag).is_empty() {
            spec[field] = args.text(flag).into();
        }
    }
    if !args.text("external-ip").is_empty() {
        spec["externalIPs"] = json!([args.text("external-ip")]);
    }
    Ok(
        json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec, "status": {"loadBalancer": {}}}),
    )
}
