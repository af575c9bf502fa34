//! `kubectl auth can-i | reconcile | whoami`.
//!
//! Mirrors: kubectl/pkg/cmd/auth.

mod reconcile;

use api::order::Order;
use serde_json::{Value, json};

use super::{list_at, text_at};
use crate::client::{Client, Query};
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::output::table::TabWriter;
use crate::output::{Output, Printer, gofmt};
use crate::verb::{Complete, VERB as BASE, Verb};

pub static VERB: Verb = Verb {
    name: "auth",
    short: "Inspect authorization",
    long: "Inspect authorization.",
    subcommands: &[&CAN_I, &reconcile::VERB, &WHO_AM_I],
    ..BASE
};

static CAN_I: Verb = Verb {
    name: "can-i",
    short: "Check whether an action is allowed",
    long: "Check whether an action is allowed.

 VERB is a logical Kubernetes API verb like 'get', 'list', 'watch', 'delete', etc. TYPE is a Kubernetes resource. Shortcuts and groups will be resolved. NONRESOURCEURL is a partial URL that starts with \"/\". NAME is the name of a particular Kubernetes resource. This command pairs nicely with impersonation. See --as global flag.",
    examples: "# Check to see if I can create pods in any namespace
kubectl auth can-i create pods --all-namespaces

# Check to see if I can list deployments in my current namespace
kubectl auth can-i list deployments.apps

# Check to see if service account \"foo\" of namespace \"dev\" can list pods
# in the namespace \"prod\".
# You must be allowed to use impersonation for the global option \"--as\".
kubectl auth can-i list pods --as=system:serviceaccount:dev:foo -n prod

# Check to see if I can do everything in my current namespace (\"*\" means all)
kubectl auth can-i '*' '*'",
    usage: "VERB [TYPE | TYPE/NAME | NONRESOURCEURL]",
    flags: &[
        &[
            Flag::bool("list", false, "If true, prints all allowed actions."),
            Flag::bool("no-headers", false, "If true, prints allowed actions without headers"),
            Flag::bool("quiet", false, "If true, suppress output and just return the exit code.").short('q'),
            Flag::text("subresource", "", "SubResource such as pod/log or deployment/scale"),
        ],
        global::ALL_NAMESPACES,
    ],
    complete: Complete::Types,
    run: Some(|cx, args| Box::pin(can_i(cx, args))),
    ..BASE
};

static WHO_AM_I: Verb = Verb {
    name: "whoami",
    short: "Experimental: Check self subject attributes",
    long: "Experimental: Check who you are and your attributes (groups, extra).

        This command is helpful to get yourself aware of the current user attributes,
        especially when dynamic authentication, e.g., token webhook, auth proxy, or OIDC provider,
        is enabled in the Kubernetes cluster.",
    flags: &[global::PRINT],
    run: Some(|cx, args| Box::pin(who_am_i(cx, args))),
    ..BASE
};

const VERBS: &[&str] = &[
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "use",
    "bind",
    "escalate",
    "impersonate",
    "*",
    "approve",
    "sign",
    "attest",
    "proxy",
    "head",
    "options",
    "post",
    "put",
];

const API: &str = "authorization.k8s.io/v1";

async fn can_i(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    if args.flag("list") {
        if !args.words.is_empty() {
            return Err(Failure::plain("list option must be specified with no arguments"));
        }
        if args.flag("quiet") || args.flag("all-namespaces") || !args.text("subresource").is_empty() {
            return Err(Failure::plain(
                "list option can't be specified with neither quiet, all-namespaces nor subresource options",
            ));
        }
        return list(&client, args).await;
    }
    if args.flag("no-headers") {
        return Err(Failure::plain("--no-headers cannot be set without --list specified"));
    }
    let (verb, target) = match args.words.as_slice() {
        [verb, target] => (verb.as_str(), target.as_str()),
        _ => {
            return Err(Failure::plain(format!(
                "you must specify two arguments: verb resource or verb resource/resourceName.\nSee '{} -h' for help and examples.",
                args.path
            )));
        }
    };
    match target.split_once('/') {
        Some(("", _)) => {
            let body = json!({"apiVersion": API, "kind": "SelfSubjectAccessReview", "spec": {"nonResourceAttributes": {"verb": verb, "path": target}}});
            answer(&client, args, body).await
        }
        Some((resource, name)) => one(&client, args, verb, resource, name).await,
        None => one(&client, args, verb, target, "").await,
    }
}

async fn one(client: &Client<'_>, args: &Args, verb: &str, word: &str, name: &str) -> Result {
    let cx = client.cx;
    let (mut group, mut resource, mut namespaced) = (String::new(), word.to_string(), true);
    if word == "*" {
        group = "*".into();
    } else {
        match client.discovery().await?.find(word) {
            Ok(mapping) => {
                group.clone_from(&mapping.group);
                resource.clone_from(&mapping.plural);
                namespaced = mapping.namespaced;
            }
            Err(_) => {
                let (plain, of) = word.split_once('.').unwrap_or((word, ""));
                cx.err(if of.is_empty() {
                    format!("Warning: the server doesn't have a resource type '{plain}'\n\n")
                } else {
                    format!("Warning: the server doesn't have a resource type '{plain}' in group '{of}'\n\n")
                });
                (group, resource) = (of.into(), plain.into());
            }
        }
    }
    if !VERBS.contains(&verb) {
        cx.err(format!("Warning: verb '{verb}' is not a known verb\n\n"));
    }
    if !namespaced && !args.flag("all-namespaces") {
        let of = if group.is_empty() { String::new() } else { format!(" in group '{group}'") };
        cx.err(format!("Warning: resource '{resource}' is not namespace scoped{of}\n\n"));
    }
    let mut attributes = json!({"verb": verb, "resource": resource, "group": group});
    if !args.flag("all-namespaces") {
        attributes["namespace"] = client.namespace.clone().into();
    }
    if !name.is_empty() {
        attributes["name"] = name.into();
    }
    if !args.text("subresource").is_empty() {
        attributes["subresource"] = args.text("subresource").into();
    }
    let body =
        json!({"apiVersion": API, "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": attributes}});
    answer(client, args, body).await
}

async fn answer(client: &Client<'_>, args: &Args, body: Value) -> Result {
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews".to_string();
    let review = client.post(path, body, Query::new()).await?;
    let allowed = review.pointer("/status/allowed").and_then(Value::as_bool).unwrap_or(false);
    if !args.flag("quiet") {
        let mut line = if allowed { "yes" } else { "no" }.to_string();
        if !allowed {
            let (reason, error) = (text_at(&review, "/status/reason"), text_at(&review, "/status/evaluationError"));
            if !reason.is_empty() {
                line.push_str(&format!(" - {reason}"));
            }
            if !error.is_empty() {
                line.push_str(&format!(" - {error}"));
            }
        }
        client.cx.out(format!("{line}\n"));
    }
    if allowed { Ok(()) } else { Err(Failure::Exit(1)) }
}

async fn list(client: &Client<'_>, args: &Args) -> Result {
    let body = json!({"apiVersion": API, "kind": "SelfSubjectRulesReview", "spec": {"namespace": client.namespace}});
    let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews".to_string();
    let review = client.post(path, body, Query::new()).await?;
    let mut rows: Vec<Vec<String>> = Vec::new();
    if !args.flag("no-headers") {
        rows.push(["Resources", "Non-Resource URLs", "Resource Names", "Verbs"].map(String::from).to_vec());
    }
    let texts = |rule: &Value, key: &str| -> Vec<String> {
        list_at(rule, key).iter().filter_map(Value::as_str).map(String::from).collect()
    };
    let show = |list: Vec<String>| format!("[{}]", list.join(" "));
    // Rules are sorted by what their struct looks like as text.
    let mut rules: Vec<(String, Vec<String>)> = Vec::new();
    for rule in list_at(&review, "/status/resourceRules") {
        let (names, verbs) = (show(texts(rule, "/resourceNames")), show(texts(rule, "/verbs")));
        for resource in texts(rule, "/resources") {
            for group in texts(rule, "/apiGroups") {
                let key = format!(
                    "&PolicyRule{{Verbs:{verbs},APIGroups:[{group}],Resources:[{resource}],ResourceNames:{names},NonResourceURLs:[],}}"
                );
                let name = if group.is_empty() { resource.clone() } else { format!("{resource}.{group}") };
                rules.push((key, vec![name, "[]".into(), names.clone(), verbs.clone()]));
            }
        }
    }
    for rule in list_at(&review, "/status/nonResourceRules") {
        let verbs = show(texts(rule, "/verbs"));
        for url in texts(rule, "/nonResourceURLs") {
            let key = format!(
                "&PolicyRule{{Verbs:{verbs},APIGroups:[],Resources:[],ResourceNames:[],NonResourceURLs:[{url}],}}"
            );
            rules.push((key, vec![String::new(), format!("[{url}]"), "[]".into(), verbs.clone()]));
        }
    }
    rules.order_by_key(|(key, _)| key.clone());
    rows.extend(rules.into_iter().map(|(_, row)| row));
    client.cx.out(TabWriter::default().render(&rows));
    Ok(())
}

async fn who_am_i(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let mut output = Output::choose(cx, args, Printer::Success(String::new()), &[])?.typed();
    let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews".to_string();
    let review = client.post(path, body, Query::new()).await?;
    if !matches!(output.printer, Printer::Success(_)) {
        cx.out(output.print(&review)?);
        return Ok(());
    }
    let info = review.pointer("/status/userInfo").cloned().unwrap_or_default();
    let mut rows = vec![vec!["ATTRIBUTE".to_string(), "VALUE".into()]];
    for (title, key) in [("Username", "username"), ("UID", "uid"), ("Groups", "groups")] {
        if let Some(value) = info.get(key).filter(|value| !value.is_null()) {
            rows.push(vec![title.into(), gofmt::v(value)]);
        }
    }
    if let Some(extra) = info.get("extra").and_then(Value::as_object) {
        rows.extend(extra.iter().map(|(key, value)| vec![format!("Extra: {key}"), gofmt::v(value)]));
    }
    cx.out(TabWriter::default().render(&rows));
    Ok(())
}
