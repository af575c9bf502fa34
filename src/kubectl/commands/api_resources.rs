//! `kubectl api-resources` and `kubectl api-versions`.
//!
//! Mirrors: kubectl/pkg/cmd/apiresources.

use std::rc::Rc;

use crate::client::Client;
use crate::coroutine::Cx;
use crate::discovery::{Discovery, Mapping};
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::output::table::TabWriter;
use crate::output::{json, kyaml};
use crate::verb::{VERB as BASE, Verb};
use crate::yaml;
use api::order::Order;
use serde_json::{Value, json};

const FLAGS: &[Flag] = &[
    Flag::text("api-group", "", "Limit to resources in the specified API group."),
    Flag::bool("cached", false, "Use the cached list of resources if available."),
    Flag::bool(
        "show-managed-fields",
        false,
        "If true, keep the managedFields when printing objects in JSON or YAML format.",
    )
    .ignored(),
    Flag::csv("categories", "Limit to resources that belong to the specified categories."),
    Flag::bool(
        "namespaced",
        true,
        "If false, non-namespaced resources will be returned, otherwise returning namespaced resources by default.",
    ),
    Flag::bool(
        "no-headers",
        false,
        "When using the default or custom-column output format, don't print headers (default print headers).",
    ),
    Flag::text("output", "", "Output format. One of: (json, yaml, kyaml, name, wide).")
        .short('o')
        .values(&["wide", "name"]),
    Flag::text(
        "sort-by",
        "",
        "If non-empty, sort list of resources using specified field. The field can be either 'name' or 'kind'.",
    ),
    Flag::csv("verbs", "Limit to resources that support the specified verbs."),
];

pub static RESOURCES: Verb = Verb {
    name: "api-resources",
    short: "Print the supported API resources on the server",
    long: "Print the supported API resources on the server.",
    examples: "# Print the supported API resources
kubectl api-resources

# Print the supported API resources with more information
kubectl api-resources -o wide

# Print the supported non-namespaced resources
kubectl api-resources --namespaced=false

# Print the supported API resources with a specific APIGroup
kubectl api-resources --api-group=rbac.authorization.k8s.io",
    usage: "[flags]",
    flags: &[FLAGS],
    run: Some(|cx, args| Box::pin(resources(cx, args))),
    ..BASE
};

pub static VERSIONS: Verb = Verb {
    name: "api-versions",
    short: "Print the supported API versions on the server, in the form of \"group/version\"",
    long: "Print the supported API versions on the server, in the form of \"group/version\".",
    examples: "# Print the supported API versions
kubectl api-versions",
    run: Some(|cx, args| Box::pin(versions(cx, args))),
    ..BASE
};

fn no_words(args: &Args) -> Result {
    if args.words.is_empty() {
        return Ok(());
    }
    Err(Failure::usage(&args.path, format!("unexpected arguments: {}", super::apply::brackets(&args.words))))
}

fn as_json(mapping: &Mapping) -> Value {
    let mut resource = json!({
        "name": mapping.plural,
        "singularName": mapping.singular,
        "namespaced": mapping.namespaced,
    });
    if !mapping.group.is_empty() {
        resource["group"] = mapping.group.clone().into();
    }
    resource["version"] = mapping.version.clone().into();
    resource["kind"] = mapping.kind.clone().into();
    resource["verbs"] = json!(mapping.verbs);
    for (field, words) in [("shortNames", &mapping.short_names), ("categories", &mapping.categories)] {
        if !words.is_empty() {
            resource[field] = json!(words);
        }
    }
    resource
}

/// Each resource once, in its group's preferred version.
fn preferred(discovery: &Discovery) -> Vec<Rc<Mapping>> {
    let mut chosen: Vec<Rc<Mapping>> = Vec::new();
    for mapping in &discovery.resources {
        if !chosen.iter().any(|known| known.group == mapping.group && known.plural == mapping.plural) {
            chosen.push(mapping.clone());
        }
    }
    chosen
}

async fn resources(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    no_words(args)?;
    let format = args.text("output");
    if !matches!(format, "" | "wide" | "name" | "json" | "yaml" | "kyaml") {
        return Err(Failure::plain(format!(
            "unable to match a printer suitable for the output format {format:?}, allowed formats are: json,kyaml,name,wide,yaml"
        )));
    }
    let sort = args.text("sort-by");
    if !matches!(sort, "" | "name" | "kind") {
        return Err(Failure::plain("--sort-by accepts only name or kind"));
    }
    let discovery = if args.flag("cached") { client.discovery().await? } else { client.rediscover().await? };
    let mut chosen = preferred(&discovery);
    chosen.retain(|mapping| {
        (!args.changed("api-group") || mapping.group == args.text("api-group"))
            && (!args.changed("namespaced") || mapping.namespaced == args.flag("namespaced"))
            && args.list("verbs").iter().all(|verb| mapping.can(verb))
            && args.list("categories").iter().all(|category| mapping.categories.contains(category))
    });
    chosen.order_by(|a, b| match sort {
        "name" => a.plural.cmp(&b.plural),
        "kind" => a.kind.cmp(&b.kind),
        _ => a.group.cmp(&b.group).then_with(|| a.plural.cmp(&b.plural)),
    });
    if matches!(format, "json" | "yaml" | "kyaml") {
        const ORDER: &[&str] = &[
            "name",
            "singularName",
            "namespaced",
            "group",
            "version",
            "kind",
            "verbs",
            "shortNames",
            "categories",
            "apiVersion",
            "groupVersion",
            "resources",
        ];
        let list = json!({
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": "",
            "resources": chosen.iter().map(|mapping| as_json(mapping)).collect::<Vec<_>>(),
        });
        // Fields stand in the order of the Go struct, which no kind of the scheme is.
        cx.out(match format {
            "json" => format!("{}\n", json::indented(&json::in_order(&list, ORDER), "    ")),
            "yaml" => yaml::emit(&list),
            _ => kyaml::emit(&list),
        });
        return Ok(());
    }
    if format == "name" {
        cx.out(chosen.iter().map(|mapping| format!("{}\n", mapping.group_resource())).collect::<String>());
        return Ok(());
    }
    let mut rows = Vec::new();
    if !args.flag("no-headers") {
        let mut header = vec!["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"];
        if format == "wide" {
            header.extend(["VERBS", "CATEGORIES"]);
        }
        rows.push(header.into_iter().map(String::from).collect());
    }
    for mapping in chosen {
        let mut row = vec![
            mapping.plural.clone(),
            mapping.short_names.join(","),
            mapping.api_version(),
            mapping.namespaced.to_string(),
            mapping.kind.clone(),
        ];
        if format == "wide" {
            row.push(mapping.verbs.join(","));
            row.push(mapping.categories.join(","));
        }
        rows.push(row);
    }
    cx.out(TabWriter::default().render(&rows));
    Ok(())
}

async fn versions(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    no_words(args)?;
    let discovery = client.rediscover().await?;
    let mut versions: Vec<String> = discovery.resources.iter().map(|mapping| mapping.api_version()).collect();
    versions.order();
    versions.dedup();
    cx.out(versions.iter().map(|version| format!("{version}\n")).collect::<String>());
    Ok(())
}
