//! `create role | clusterrole | rolebinding | clusterrolebinding`.
//!
//! Mirrors: kubectl/pkg/cmd/create/create_{role,clusterrole,rolebinding,clusterrolebinding}.go.

use api::order::{Gather, Order};
use serde_json::{Value, json};

use super::{GENERATOR, finish, one_name};
use crate::client::Client;
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::verb::{VERB as BASE, Verb};

const RULE: &[Flag] = &[
    Flag::csv("resource", "Resource that the rule applies to"),
    Flag::list(
        "resource-name",
        "Resource in the white list that the rule applies to, repeat this flag for multiple items",
    ),
    Flag::csv("verb", "Verb that applies to the resources contained in the rule"),
];

pub static ROLE: Verb = Verb {
    name: "role",
    short: "Create a role with single rule",
    long: "Create a role with single rule.",
    examples: "# Create a role named \"pod-reader\" that allows user to perform \"get\", \"watch\" and \"list\" on pods
kubectl create role pod-reader --verb=get --verb=list --verb=watch --resource=pods",
    usage: "NAME --verb=verb --resource=resource.group/subresource [--resource-name=resourcename] [--dry-run=server|client|none]",
    flags: &[RULE, GENERATOR[0], GENERATOR[1], GENERATOR[2], GENERATOR[3], GENERATOR[4]],
    run: Some(|cx, args| Box::pin(role(cx, args, "Role"))),
    ..BASE
};

pub static CLUSTER_ROLE: Verb = Verb {
    name: "clusterrole",
    short: "Create a cluster role",
    long: "Create a cluster role.",
    examples: "# Create a cluster role named \"pod-reader\" that allows user to perform \"get\", \"watch\" and \"list\" on pods
kubectl create clusterrole pod-reader --verb=get,list,watch --resource=pods",
    usage: "NAME --verb=verb --resource=resource.group [--resource-name=resourcename] [--dry-run=server|client|none]",
    flags: &[
        RULE,
        &[
            Flag::map("aggregation-rule", "An aggregation label selector for combining ClusterRoles."),
            Flag::csv("non-resource-url", "A partial url that user should have access to."),
        ],
        GENERATOR[0],
        GENERATOR[1],
        GENERATOR[2],
        GENERATOR[3],
        GENERATOR[4],
    ],
    run: Some(|cx, args| Box::pin(role(cx, args, "ClusterRole"))),
    ..BASE
};

const SUBJECTS: &[Flag] = &[
    Flag::text("clusterrole", "", "ClusterRole this RoleBinding should reference"),
    Flag::list("group", "Groups to bind to the role. The flag can be repeated to add multiple groups."),
    Flag::list(
        "serviceaccount",
        "Service accounts to bind to the role, in the format <namespace>:<name>. The flag can be repeated to add multiple service accounts.",
    ),
    Flag::list("user", "Usernames to bind to the role. The flag can be repeated to add multiple users."),
];

pub static ROLE_BINDING: Verb = Verb {
    name: "rolebinding",
    short: "Create a role binding for a particular role or cluster role",
    long: "Create a role binding for a particular role or cluster role.",
    examples: "# Create a role binding for user1, user2, and group1 using the admin cluster role
kubectl create rolebinding admin --clusterrole=admin --user=user1 --user=user2 --group=group1",
    usage: "NAME --clusterrole=NAME|--role=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none]",
    flags: &[
        SUBJECTS,
        &[Flag::text("role", "", "Role this RoleBinding should reference")],
        GENERATOR[0],
        GENERATOR[1],
        GENERATOR[2],
        GENERATOR[3],
        GENERATOR[4],
    ],
    run: Some(|cx, args| Box::pin(binding(cx, args, "RoleBinding"))),
    ..BASE
};

pub static CLUSTER_ROLE_BINDING: Verb = Verb {
    name: "clusterrolebinding",
    short: "Create a cluster role binding for a particular cluster role",
    long: "Create a cluster role binding for a particular cluster role.",
    examples: "# Create a cluster role binding for user1, user2, and group1 using the cluster-admin cluster role
kubectl create clusterrolebinding cluster-admin --clusterrole=cluster-admin --user=user1 --user=user2 --group=group1",
    usage: "NAME --clusterrole=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none]",
    flags: &[SUBJECTS, GENERATOR[0], GENERATOR[1], GENERATOR[2], GENERATOR[3], GENERATOR[4]],
    required: &["clusterrole"],
    run: Some(|cx, args| Box::pin(binding(cx, args, "ClusterRoleBinding"))),
    ..BASE
};

const GROUP: &str = "rbac.authorization.k8s.io";

fn verbs(args: &Args) -> Vec<String> {
    let mut verbs: Vec<String> = Vec::new();
    for verb in args.list("verb") {
        if verb == "*" {
            return vec!["*".into()];
        }
        if !verbs.contains(verb) {
            verbs.push(verb.clone());
        }
    }
    verbs
}

/// What rules speak of without a warning.
const VERBS: &[&str] = &[
    "*",
    "get",
    "delete",
    "list",
    "create",
    "update",
    "patch",
    "watch",
    "proxy",
    "deletecollection",
    "use",
    "bind",
    "escalate",
    "impersonate",
];

const URL_VERBS: &[&str] = &["*", "get", "post", "put", "delete", "patch", "head", "options"];

/// Verbs that only some resources have, as `(group, resource)`.
const SPECIAL: &[(&str, &[(&str, &str)])] = &[
    ("use", &[("policy", "podsecuritypolicies"), ("extensions", "podsecuritypolicies")]),
    ("bind", &[(GROUP, "roles"), (GROUP, "clusterroles")]),
    ("escalate", &[(GROUP, "roles"), (GROUP, "clusterroles")]),
    ("impersonate", &[("", "users"), ("", "serviceaccounts"), ("", "groups"), ("authentication.k8s.io", "userextras")]),
];

/// The group and the plural of a word that the server need not know, where a special verb knows it.
async fn resource(client: &Client<'_>, word: &str, verbs: &[String]) -> Result<(String, String)> {
    let (name, group) = word.split_once('.').unwrap_or((word, ""));
    if name.is_empty() {
        return Err(Failure::plain("resource must be specified if apiGroup/subresource specified"));
    }
    let found = client.mapping(word).await.ok().filter(|mapping| group.is_empty() || mapping.group.starts_with(group));
    let (known, group, name) = match &found {
        Some(mapping) => (true, mapping.group.clone(), mapping.plural.clone()),
        None => (false, group.to_string(), name.to_string()),
    };
    let mut special = false;
    for (verb, resources) in SPECIAL.iter().filter(|(verb, _)| verbs.iter().any(|given| given == verb)) {
        if !resources.contains(&(group.as_str(), name.as_str())) {
            return Err(Failure::plain(format!("can not perform '{verb}' on '{name}' in group '{group}'")));
        }
        special = true;
    }
    if !known && !special {
        let place = if group.is_empty() { String::new() } else { format!(" in group {group:?}") };
        return Err(Failure::Bare(format!("the server doesn't have a resource type {name:?}{place}")));
    }
    Ok((group, name))
}

/// One rule for each API group.
async fn rules(client: &Client<'_>, args: &Args) -> Result<Vec<Value>> {
    let verbs = verbs(args);
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for word in args.list("resource") {
        let (main, sub) = word.split_once('/').unwrap_or((word, ""));
        let (group, plural) =
            if main == "*" { (String::new(), "*".to_string()) } else { resource(client, main, &verbs).await? };
        let name = if sub.is_empty() { plural } else { format!("{plural}/{sub}") };
        match groups.iter_mut().find(|(known, _)| *known == group) {
            Some((_, names)) if names.contains(&name) => {}
            Some((_, names)) => names.push(name),
            None => groups.push((group, vec![name])),
        }
    }
    groups.order_by_key(|(group, _)| group.clone());
    Ok(groups
        .into_iter()
        .map(|(group, names)| {
            let mut rule = json!({"apiGroups": [group], "resources": names, "verbs": verbs});
            let mut named: Vec<&String> = Vec::new();
            for name in args.list("resource-name") {
                if !named.contains(&name) {
                    named.push(name);
                }
            }
            if !named.is_empty() {
                rule["resourceNames"] = json!(named);
            }
            rule
        })
        .collect())
}

async fn role(cx: &Cx, args: &Args, kind: &str) -> Result {
    let client = Client::new(cx, args)?;
    let name = one_name(args)?;
    let mut object = json!({"apiVersion": format!("{GROUP}/v1"), "kind": kind, "metadata": {"name": name}});
    let aggregation = args.list("aggregation-rule");
    let urls = args.list("non-resource-url");
    if !aggregation.is_empty() {
        if ["non-resource-url", "verb", "resource", "resource-name"].iter().any(|long| !args.list(long).is_empty()) {
            return Err(Failure::plain(
                "aggregation rule must be specified without nonResourceURLs, verbs, resources or resourceNames",
            ));
        }
        let labels: serde_json::Map<String, Value> = aggregation
            .iter()
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key.to_string(), value.into()))
            .into_object();
        object["aggregationRule"] = json!({"clusterRoleSelectors": [{"matchLabels": labels}]});
        object["rules"] = Value::Null;
        return finish(&client, args, object, "").await;
    }
    if args.list("verb").is_empty() {
        return Err(Failure::plain("at least one verb must be specified"));
    }
    let none = args.list("resource").is_empty();
    if kind == "ClusterRole" && none && urls.is_empty() {
        return Err(Failure::plain("one of resource or nonResourceURL must be specified"));
    }
    if kind == "Role" || !none {
        for verb in verbs(args).iter().filter(|verb| !VERBS.contains(&verb.as_str())) {
            cx.err(format!("Warning: '{verb}' is not a standard resource verb\n"));
        }
    }
    if kind == "Role" && none {
        return Err(Failure::plain("at least one resource must be specified"));
    }
    let mut rules = rules(&client, args).await?;
    if !urls.is_empty() {
        check_urls(urls, &verbs(args))?;
        rules.push(json!({"nonResourceURLs": urls, "verbs": verbs(args)}));
    }
    object["rules"] = json!(rules);
    finish(&client, args, object, "").await
}

fn check_urls(urls: &[String], verbs: &[String]) -> Result {
    if let Some(verb) = verbs.iter().find(|verb| !URL_VERBS.contains(&verb.as_str())) {
        return Err(Failure::plain(format!("invalid verb: '{verb}' for nonResourceURL")));
    }
    for url in urls.iter().filter(|url| *url != "*") {
        if !url.starts_with('/') {
            return Err(Failure::plain("nonResourceURL should start with /"));
        }
        if url.trim_end_matches('*').contains('*') || url.ends_with("**") {
            return Err(Failure::plain("nonResourceURL only supports wildcard matches when '*' is at the end"));
        }
    }
    Ok(())
}

async fn binding(cx: &Cx, args: &Args, kind: &str) -> Result {
    let client = Client::new(cx, args)?;
    let name = one_name(args)?;
    let (cluster, role) = (args.text("clusterrole"), args.text("role"));
    if kind == "RoleBinding" && cluster.is_empty() == role.is_empty() {
        return Err(Failure::plain("exactly one of clusterrole or role must be specified"));
    }
    let mut subjects = Vec::new();
    subjects.extend(args.list("user").iter().map(|user| json!({"apiGroup": GROUP, "kind": "User", "name": user})));
    subjects.extend(args.list("group").iter().map(|group| json!({"apiGroup": GROUP, "kind": "Group", "name": group})));
    for account in args.list("serviceaccount") {
        let Some((namespace, name)) =
            account.split_once(':').filter(|(a, b)| !a.is_empty() && !b.is_empty() && !b.contains(':'))
        else {
            return Err(Failure::plain("serviceaccount must be <namespace>:<name>"));
        };
        subjects.push(json!({"kind": "ServiceAccount", "namespace": namespace, "name": name}));
    }
    let (role_kind, role) = if cluster.is_empty() { ("Role", role) } else { ("ClusterRole", cluster) };
    let mut object = json!({
        "apiVersion": format!("{GROUP}/v1"),
        "kind": kind,
        "metadata": {"name": name},
        "roleRef": {"apiGroup": GROUP, "kind": role_kind, "name": role},
    });
    if !subjects.is_empty() {
        object["subjects"] = json!(subjects);
    }
    finish(&client, args, object, &format!("failed to create {}: ", kind.to_lowercase())).await
}
