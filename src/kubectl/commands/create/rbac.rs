//! `create role | clusterrole | rolebinding | clusterrolebinding`.
//!
//! Mirrors: kubectl/pkg/cmd/create/create_{role,clusterrole,rolebinding,clusterrolebinding}.go.

use api::order::Gather;
use serde_json::{Value, json};

use super::{GENERATOR, finish, one_name};
use crate::client::Client;
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::verb::{VERB as BASE, Verb};

const RULE: &[Flag] = &[
    Flag::csv("resource", "Resource that the role applies to"),
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
            Flag::csv("aggregation-rule", "An aggregation label selector for combining ClusterRoles."),
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

/// One rule for each API group, in the order of the resources.
async fn rules(client: &Client<'_>, args: &Args) -> Result<Vec<Value>> {
    let verbs = verbs(args);
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for word in args.list("resource") {
        let (main, sub) = word.split_once('/').unwrap_or((word, ""));
        let (group, plural) = if main == "*" {
            (String::new(), "*".to_string())
        } else {
            let mapping = client.mapping(main).await?;
            (mapping.group.clone(), mapping.plural.clone())
        };
        let name = if sub.is_empty() { plural } else { format!("{plural}/{sub}") };
        match groups.iter_mut().find(|(known, _)| *known == group) {
            Some((_, names)) if names.contains(&name) => {}
            Some((_, names)) => names.push(name),
            None => groups.push((group, vec![name])),
        }
    }
    Ok(groups
        .into_iter()
        .map(|(group, names)| {
            let mut rule = json!({"apiGroups": [group], "resources": names, "verbs": verbs});
            if !args.list("resource-name").is_empty() {
                rule["resourceNames"] = json!(args.list("resource-name"));
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
    if !aggregation.is_empty() {
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
    let urls = args.list("non-resource-url");
    if args.list("resource").is_empty() && urls.is_empty() {
        return Err(Failure::plain("at least one resource must be specified"));
    }
    let mut rules = rules(&client, args).await?;
    if !urls.is_empty() {
        rules.push(json!({"nonResourceURLs": urls, "verbs": verbs(args)}));
    }
    object["rules"] = json!(rules);
    finish(&client, args, object, "").await
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
        let Some((namespace, name)) = account.split_once(':').filter(|(a, b)| !a.is_empty() && !b.is_empty()) else {
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
