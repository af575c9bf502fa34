//! `kubectl top`: what the metrics API says, where a cluster has one.
//!
//! Mirrors: kubectl/pkg/cmd/top.

use api::order::Order;
use api::wire::Request;
use serde_json::Value;

use super::{list_at, text_at};
use crate::client::Client;
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::output::table::TabWriter;
use crate::quantity;
use crate::verb::{Complete, VERB as BASE, Verb};
use api::meta::selector::Selector;

pub static VERB: Verb = Verb {
    name: "top",
    short: "Display resource (CPU/memory) usage",
    long: "Display resource (CPU/memory) usage.

 The top command allows you to see the resource consumption for nodes or pods.

 This command requires Metrics Server to be correctly configured and working on the server.",
    usage: "[flags]",
    subcommands: &[&NODE, &POD],
    ..BASE
};

const COMMON: &[Flag] = &[
    Flag::bool("no-headers", false, "If present, print output without headers"),
    Flag::bool("show-swap", false, "Print resources related to swap memory.").ignored(),
    Flag::text(
        "sort-by",
        "",
        "If non-empty, sort list using specified field. The field can be either 'cpu' or 'memory'.",
    )
    .values(&["cpu", "memory"]),
    Flag::bool("use-protocol-buffers", true, "Enables using protocol-buffers to access Metrics API.").ignored(),
];

static NODE: Verb = Verb {
    name: "node",
    aliases: &["nodes", "no"],
    short: "Display resource (CPU/memory) usage of nodes",
    long: "Display resource (CPU/memory) usage of nodes.

 The top-node command allows you to see the resource consumption of nodes.",
    usage: "[NAME | -l label]",
    flags: &[
        COMMON,
        &[Flag::bool(
            "show-capacity",
            false,
            "Print node resources based on Capacity instead of Allocatable(default) of the nodes.",
        )],
        global::SELECTOR,
    ],
    complete: Complete::Nodes,
    run: Some(|cx, args| Box::pin(nodes(cx, args))),
    ..BASE
};

static POD: Verb = Verb {
    name: "pod",
    aliases: &["pods", "po"],
    short: "Display resource (CPU/memory) usage of pods",
    long: "Display resource (CPU/memory) usage of pods.

 The 'top pod' command allows you to see the resource consumption of pods.

 Due to the metrics pipeline delay, they may be unavailable for a few minutes since pod creation.",
    usage: "[NAME | -l label]",
    flags: &[
        COMMON,
        &[
            Flag::bool("containers", false, "If present, print usage of containers within a pod."),
            Flag::bool("sum", false, "Print the sum of the resource usage"),
        ],
        global::SELECTOR,
        global::FIELD_SELECTOR,
        global::ALL_NAMESPACES,
    ],
    complete: Complete::Pod,
    run: Some(|cx, args| Box::pin(pods(cx, args))),
    ..BASE
};

const MISSING: &str = "Metrics API not available";

async fn metrics(client: &Client<'_>, args: &Args, path: &str) -> Result<Vec<Value>> {
    check(args)?;
    let name = args.words.first().map(|name| format!("/{name}")).unwrap_or_default();
    let mut request = Request::get(format!("{path}{name}"));
    if !args.text("selector").is_empty() {
        request = request.with_query("labelSelector", args.text("selector"));
    }
    let served = client.discovery().await?.resources.iter().any(|mapping| mapping.group == "metrics.k8s.io");
    if !served {
        return Err(Failure::plain(MISSING));
    }
    let answer = client.call(request).await?;
    Ok(match answer.value().get("items") {
        Some(Value::Array(items)) => items.clone(),
        _ => vec![answer.value().clone()],
    })
}

/// What can be refused before anybody is asked.
fn check(args: &Args) -> Result {
    if args.words.len() > 1 {
        return Err(Failure::usage(&args.path, format!("{} {}", args.verb.name, args.verb.usage)));
    }
    if !matches!(args.text("sort-by"), "" | "cpu" | "memory") {
        return Err(Failure::plain("--sort-by accepts only cpu or memory"));
    }
    let (label, field) = (args.text("selector"), args.text("field-selector"));
    let selects = !label.is_empty() || !field.is_empty();
    if selects && !args.words.is_empty() {
        let what = if args.verb.name == "node" { "--selector" } else { "selector" };
        return Err(Failure::plain(format!("only one of NAME or {what} can be provided")));
    }
    Selector::parse(label).map_err(Failure::plain)?;
    if let Some(term) = field.split(',').find(|term| !term.is_empty() && !term.contains('=')) {
        return Err(Failure::plain(format!("invalid selector: '{field}'; can't understand '{term}'")));
    }
    Ok(())
}

fn amount(usage: &Value, key: &str) -> f64 {
    usage.get(key).and_then(Value::as_str).and_then(quantity::parse).unwrap_or(0.0)
}

fn cpu(cores: f64) -> String {
    format!("{}m", (cores * 1000.0).ceil() as i64)
}

fn memory(bytes: f64) -> String {
    format!("{}Mi", (bytes / 1024.0 / 1024.0) as i64)
}

fn print(cx: &Cx, args: &Args, header: &[&str], mut rows: Vec<(f64, f64, Vec<String>)>) {
    match args.text("sort-by") {
        "cpu" => rows.order_by(|a, b| b.0.total_cmp(&a.0)),
        "memory" => rows.order_by(|a, b| b.1.total_cmp(&a.1)),
        _ => rows.order_by(|a, b| a.2.cmp(&b.2)),
    }
    let mut lines: Vec<Vec<String>> = Vec::new();
    if !args.flag("no-headers") {
        lines.push(header.iter().map(ToString::to_string).collect());
    }
    lines.extend(rows.into_iter().map(|(_, _, row)| row));
    cx.out(TabWriter::default().render(&lines));
}

async fn nodes(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let items = metrics(&client, args, "/apis/metrics.k8s.io/v1beta1/nodes").await?;
    if items.is_empty() {
        return Err(Failure::plain("metrics not available yet"));
    }
    let mut rows = Vec::new();
    for item in items {
        let name = text_at(&item, "/metadata/name").to_string();
        let node = client.fetch("nodes", "", &name).await?;
        let field = if args.flag("show-capacity") { "/status/capacity" } else { "/status/allocatable" };
        let whole = node.pointer(field).cloned().unwrap_or_default();
        let usage = item.get("usage").cloned().unwrap_or_default();
        let (cores, bytes) = (amount(&usage, "cpu"), amount(&usage, "memory"));
        let share = |part: f64, key: &str| match amount(&whole, key) {
            0.0 => "<unknown>".to_string(),
            all => format!("{}%", (part / all * 100.0) as i64),
        };
        rows.push((cores, bytes, vec![name, cpu(cores), share(cores, "cpu"), memory(bytes), share(bytes, "memory")]));
    }
    print(cx, args, &["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"], rows);
    Ok(())
}

async fn pods(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let path = if args.flag("all-namespaces") {
        "/apis/metrics.k8s.io/v1beta1/pods".to_string()
    } else {
        format!("/apis/metrics.k8s.io/v1beta1/namespaces/{}/pods", client.namespace)
    };
    let items = metrics(&client, args, &path).await?;
    if items.is_empty() {
        cx.err(format!("No resources found in {} namespace.\n", client.namespace));
        return Ok(());
    }
    let (all, by_container) = (args.flag("all-namespaces"), args.flag("containers"));
    let mut rows = Vec::new();
    for item in &items {
        let containers = list_at(item, "/containers");
        let usage = |container: &Value, key: &str| container.get("usage").map_or(0.0, |usage| amount(usage, key));
        let mut names: Vec<String> = Vec::new();
        if all {
            names.push(text_at(item, "/metadata/namespace").into());
        }
        if by_container {
            for container in containers {
                let (cores, bytes) = (usage(container, "cpu"), usage(container, "memory"));
                let mut row = names.clone();
                row.extend([
                    text_at(item, "/metadata/name").into(),
                    text_at(container, "/name").into(),
                    cpu(cores),
                    memory(bytes),
                ]);
                rows.push((cores, bytes, row));
            }
            continue;
        }
        let sum = |key: &str| containers.iter().map(|container| usage(container, key)).sum::<f64>();
        let (cores, bytes) = (sum("cpu"), sum("memory"));
        names.extend([text_at(item, "/metadata/name").into(), cpu(cores), memory(bytes)]);
        rows.push((cores, bytes, names));
    }
    let mut header = Vec::new();
    if all {
        header.push("NAMESPACE");
    }
    header.extend(if by_container { vec!["POD", "NAME"] } else { vec!["NAME"] });
    header.extend(["CPU(cores)", "MEMORY(bytes)"]);
    print(cx, args, &header, rows);
    Ok(())
}
