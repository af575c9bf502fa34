//! `kubectl set serviceaccount | selector | subject`.
//!
//! Mirrors: kubectl/pkg/cmd/set/set_{serviceaccount,selector,subject}.go.

use api::order::Order;
use serde_json::{Value, json};

use super::super::create::label_selector;
use super::super::{list_at, text_at};
use super::{finish, flags, not_all_and_selector, of, pod_spec_mut, targets};
use crate::client::Client;
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::resource::Selection;
use crate::verb::{Complete, VERB as BASE, Verb};

pub static SERVICE_ACCOUNT: Verb = Verb {
    name: "serviceaccount",
    aliases: &["sa"],
    short: "Update the service account of a resource",
    long: "Update the service account of pod template resources.

 Possible resources (case insensitive) can be:

 replicationcontroller (rc), deployment (deploy), daemonset (ds), job, replicaset (rs), statefulset",
    examples: "# Set deployment nginx-deployment's service account to serviceaccount1
kubectl set serviceaccount deployment nginx-deployment serviceaccount1",
    usage: "(-f FILENAME | TYPE NAME) SERVICE_ACCOUNT",
    flags: &[
        &[global::manager("kubectl-set")],
        global::ALL,
        global::PRINT,
        global::DRY_RUN,
        global::FILES,
        global::LOCAL,
    ],
    complete: Complete::TypeThenNames,
    run: Some(|cx, args| Box::pin(service_account(cx, args))),
    ..BASE
};

pub static SELECTOR: Verb = Verb {
    name: "selector",
    short: "Set the selector on a resource",
    long: "Set the selector on a resource. Note that the new selector will overwrite the old selector if the resource had one prior to the invocation of 'set selector'.

 A selector must begin with a letter or number, and may contain letters, numbers, hyphens, dots, and underscores, up to 63 characters. Note: currently selectors can only be set on Service objects.",
    usage: "(-f FILENAME | TYPE NAME) EXPRESSIONS [--resource-version=version]",
    flags: &[
        &[Flag::text("resource-version", "", "If non-empty, the selectors update will only succeed if this is the current resource-version for the object. Only valid when specifying a single resource."), global::manager("kubectl-set")],
        global::ALL,
        global::PRINT,
        global::DRY_RUN,
        global::FILES,
        global::LOCAL,
    ],
    complete: Complete::TypeThenNames,
    run: Some(|cx, args| Box::pin(selector(cx, args))),
    ..BASE
};

pub static SUBJECT: Verb = Verb {
    name: "subject",
    short: "Update the user, group, or service account in a role binding or cluster role binding",
    usage: "(-f FILENAME | TYPE NAME) [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none]",
    flags: &[
        &[
            Flag::list("group", "Groups to bind to the role"),
            Flag::list("serviceaccount", "Service accounts to bind to the role"),
            Flag::list("user", "Usernames to bind to the role"),
            global::manager("kubectl-set"),
        ],
        global::ALL,
        global::PRINT,
        global::DRY_RUN,
        global::FILES,
        global::SELECTOR,
        global::LOCAL,
    ],
    complete: Complete::TypeThenNames,
    run: Some(|cx, args| Box::pin(subject(cx, args))),
    ..BASE
};

async fn service_account(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    flags(&client, args)?;
    let Some((account, words)) = args.words.split_last() else {
        return Err(Failure::plain("serviceaccount is required"));
    };
    let infos = targets(&client, args, words).await?;
    let mut failures = Vec::new();
    for info in infos {
        let mut after = info.object.clone();
        let outcome = match pod_spec_mut(&mut after, &info) {
            Ok(spec) => {
                spec["serviceAccountName"] = account.clone().into();
                finish(&client, args, &info, after, "serviceaccount updated", "failed to patch ServiceAccountName ")
                    .await
            }
            Err(failure) => Err(failure),
        };
        failures.extend(outcome.err());
    }
    Failure::aggregate(failures)
}

async fn selector(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    flags(&client, args)?;
    let Some((expression, words)) = args.words.split_last() else {
        return Err(Failure::plain("one selector is required"));
    };
    let wanted = label_selector(expression)?;
    let (infos, mut failures) = Selection::of(args, words).resolve(&client).await?.split();
    for info in infos {
        if info.mapping.kind != "Service" {
            failures.push(Failure::plain("setting a selector is only supported for Services"));
            continue;
        }
        let expressions = list_at(&wanted, "/matchExpressions");
        if !expressions.is_empty() {
            let shown: Vec<String> = expressions.iter().map(go_expression).collect();
            failures
                .push(Failure::plain(format!("match expression [{}] not supported on this object", shown.join(" "))));
            continue;
        }
        let mut after = info.object.clone();
        after["spec"]["selector"] = wanted.get("matchLabels").cloned().unwrap_or_else(|| json!({}));
        failures.extend(finish(&client, args, &info, after, "selector updated", "").await.err());
    }
    Failure::aggregate(failures)
}

/// An expression as Go's `%v` writes the struct.
fn go_expression(expression: &Value) -> String {
    let values: Vec<&str> = list_at(expression, "/values").iter().filter_map(Value::as_str).collect();
    format!("{{{} {} [{}]}}", text_at(expression, "/key"), text_at(expression, "/operator"), values.join(" "))
}

async fn subject(cx: &Cx, args: &Args) -> Result {
    const GROUP: &str = "rbac.authorization.k8s.io";
    let client = Client::new(cx, args)?;
    let infos = targets(&client, args, &args.words).await?;
    not_all_and_selector(args)?;
    let mut subjects: Vec<Value> = Vec::new();
    for (flag, kind) in [("user", "User"), ("group", "Group")] {
        let mut names = args.list(flag).to_vec();
        names.order();
        subjects.extend(names.iter().map(|name| json!({"apiGroup": GROUP, "kind": kind, "name": name})));
    }
    let mut accounts = args.list("serviceaccount").to_vec();
    accounts.order();
    for account in &accounts {
        let Some((namespace, name)) =
            account.split_once(':').filter(|(_, name)| !name.is_empty() && !name.contains(':'))
        else {
            return Err(Failure::plain("serviceaccount must be <namespace>:<name>"));
        };
        if namespace.is_empty() && infos.iter().any(|info| info.mapping.kind == "ClusterRoleBinding") {
            return Err(Failure::plain("serviceaccount must be <namespace>:<name>, namespace must be specified"));
        }
        let namespace = if namespace.is_empty() { client.namespace.as_str() } else { namespace };
        subjects.push(json!({"kind": "ServiceAccount", "namespace": namespace, "name": name}));
    }
    if subjects.is_empty() {
        return Err(Failure::plain("you must specify at least one value of user, group or serviceaccount"));
    }
    let mut failures = Vec::new();
    for info in infos {
        if !matches!(info.mapping.kind.as_str(), "RoleBinding" | "ClusterRoleBinding") {
            failures.push(of(&info, "setting subjects is only supported for RoleBinding/ClusterRoleBinding"));
            continue;
        }
        let mut after = info.object.clone();
        let mut all = list_at(&after, "/subjects").to_vec();
        all.extend(subjects.iter().filter(|new| !list_at(&info.object, "/subjects").contains(new)).cloned());
        after["subjects"] = json!(all);
        failures.extend(
            finish(&client, args, &info, after, "subjects updated", "failed to patch subjects to rolebinding: ")
                .await
                .err(),
        );
    }
    Failure::aggregate(failures)
}
