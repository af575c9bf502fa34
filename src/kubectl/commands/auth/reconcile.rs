//! `kubectl auth reconcile`: roles get the permissions that are missing, bindings the subjects.
//!
//! Mirrors: kubectl/pkg/cmd/auth/reconcile.go, component-helpers/auth/rbac/reconciliation, auth/rbac/validation
//! `Covers`. Left out: namespaces that are missing are not created, and metadata is not merged.

use serde_json::{Value, json};

use super::super::{dry_run, list_at, require_files, text_at, write_query};
use crate::client::{Client, DryRun};
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::output::Output;
use crate::resource::{Fetch, Info, Selection};
use crate::verb::{VERB as BASE, Verb};

pub static VERB: Verb = Verb {
    name: "reconcile",
    short: "Reconciles rules for RBAC role, role binding, cluster role, and cluster role binding objects",
    long: "Reconciles rules for RBAC role, role binding, cluster role, and cluster role binding objects.

 Missing objects are created, and the containing namespace is created for namespaced objects, if required.

 Existing roles are updated to include the permissions in the input objects, and remove extra permissions if --remove-extra-permissions is specified.

 Existing bindings are updated to include the subjects in the input objects, and remove extra subjects if --remove-extra-subjects is specified.

 This is preferred to 'apply' for RBAC resources so that semantically-aware merging of rules and subjects is done.",
    examples: "# Reconcile RBAC resources from a file
kubectl auth reconcile -f my-rbac-rules.yaml",
    usage: "-f FILENAME",
    flags: &[
        &[
            Flag::bool("remove-extra-permissions", false, "If true, removes extra permissions added to roles"),
            Flag::bool("remove-extra-subjects", false, "If true, removes extra subjects added to rolebindings"),
        ],
        global::PRINT,
        global::DRY_RUN,
        global::FILES,
    ],
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

async fn run(cx: &Cx, args: &Args) -> Result {
    if !args.words.is_empty() {
        return Err(Failure::plain("no arguments are allowed"));
    }
    require_files(args)?;
    let client = Client::new(cx, args)?;
    let dry_run = dry_run(cx, args)?;
    let mut output = Output::success(cx, args, &format!("reconciled{}", dry_run.suffix()))?.typed();
    let selection = Selection { fetch: Fetch::Names, ..Selection::of(args, &[]) };
    for info in selection.resolve(&client).await?.all()? {
        let part = match info.mapping.kind.as_str() {
            "Role" | "ClusterRole" => "rules",
            "RoleBinding" | "ClusterRoleBinding" => "subjects",
            // What is no such object is passed over.
            _ => continue,
        };
        reconcile(&client, args, dry_run, &mut output, &info, part).await?;
    }
    Ok(())
}

/// The parts of `wanted` that nothing of `known` covers: rules in their smallest pieces, subjects as they are.
fn uncovered(wanted: &[Value], known: &[Value], part: &str) -> Vec<Value> {
    if part == "subjects" {
        return wanted.iter().filter(|subject| !known.contains(subject)).cloned().collect();
    }
    let pieces: Vec<Value> = wanted.iter().flat_map(pieces).collect();
    pieces.into_iter().filter(|piece| !known.iter().any(|rule| covers(rule, piece))).collect()
}

/// One rule for each verb on each resource, name or path.
fn pieces(rule: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    for verb in list_at(rule, "/verbs") {
        for group in list_at(rule, "/apiGroups") {
            for resource in list_at(rule, "/resources") {
                let piece = json!({"verbs": [verb], "apiGroups": [group], "resources": [resource]});
                let names = list_at(rule, "/resourceNames");
                if names.is_empty() {
                    found.push(piece.clone());
                }
                for name in names {
                    let mut named = piece.clone();
                    named["resourceNames"] = json!([name]);
                    found.push(named);
                }
            }
        }
        for path in list_at(rule, "/nonResourceURLs") {
            found.push(json!({"verbs": [verb], "nonResourceURLs": [path]}));
        }
    }
    found
}

fn covers(rule: &Value, piece: &Value) -> bool {
    let all = |key: &str| {
        let known = list_at(rule, key);
        known.iter().any(|value| value == "*") || list_at(piece, key).iter().all(|value| known.contains(value))
    };
    let paths = list_at(piece, "/nonResourceURLs").iter().filter_map(Value::as_str).all(|path| {
        let known = list_at(rule, "/nonResourceURLs").iter().filter_map(Value::as_str);
        known
            .into_iter()
            .any(|known| known == path || known.strip_suffix('*').is_some_and(|base| path.starts_with(base)))
    });
    let (own, asked) = (list_at(rule, "/resourceNames"), list_at(piece, "/resourceNames"));
    let names = own.is_empty() || (!asked.is_empty() && asked.iter().all(|name| own.contains(name)));
    all("/verbs") && all("/apiGroups") && all("/resources") && names && paths
}

async fn reconcile(
    client: &Client<'_>,
    args: &Args,
    dry_run: DryRun,
    output: &mut Output,
    info: &Info,
    part: &str,
) -> Result {
    let existing = match client.get(&info.mapping, &info.namespace, &info.name).await {
        Ok(object) => Some(object),
        Err(failure) if failure.is_not_found() => None,
        Err(failure) => return Err(failure),
    };
    let at = format!("/{part}");
    let wanted = list_at(&info.object, &at);
    let known = existing.as_ref().map_or(&[][..], |object| list_at(object, &at));
    let removes = args.flag(if part == "rules" { "remove-extra-permissions" } else { "remove-extra-subjects" });
    let other_role = existing.as_ref().is_some_and(|object| object["roleRef"] != info.object["roleRef"]);
    let protected = existing.as_ref().is_some_and(|object| {
        text_at(object, "/metadata/annotations/rbac.authorization.kubernetes.io~1autoupdate") == "false"
    });
    let recreates = other_role && part == "subjects";
    let (missing, extra) = match &existing {
        None => (wanted.to_vec(), Vec::new()),
        Some(_) if recreates => (Vec::new(), Vec::new()),
        Some(_) => (uncovered(wanted, known, part), uncovered(known, wanted, part)),
    };
    let mut after = existing.clone().unwrap_or_else(|| info.object.clone());
    let operation = match &existing {
        None => "create",
        Some(_) if recreates => {
            after = info.object.clone();
            "recreate"
        }
        Some(_) if removes && !(missing.is_empty() && extra.is_empty()) => {
            after[part] = wanted.into();
            "update"
        }
        Some(_) if !missing.is_empty() => {
            after[part] = [known, &missing].concat().into();
            "update"
        }
        Some(_) => "",
    };
    let query = || write_query(args, dry_run);
    let (mapping, namespace, name) = (&info.mapping, info.namespace.as_str(), info.name.as_str());
    let after = match operation {
        _ if protected || dry_run == DryRun::Client => after,
        "create" => client.create(mapping, namespace, &after, query()).await?,
        "update" => client.replace(mapping, namespace, name, "", &after, query()).await?,
        "recreate" if dry_run == DryRun::None => {
            client.delete(mapping, namespace, name, &json!({})).await?;
            client.create(mapping, namespace, &after, query()).await?
        }
        _ => after,
    };
    let cx = client.cx;
    cx.out(output.print(&after)?);
    if operation.is_empty() {
        return Ok(());
    }
    let caveat =
        if protected { ", but object opted out (rbac.authorization.kubernetes.io/autoupdate: false)" } else { "" };
    cx.err(format!("\treconciliation required {operation}{caveat}\n"));
    for (list, word) in [(&missing, format!("missing {part} added")), (&extra, format!("extra {part} removed"))] {
        if list.is_empty() || (word.starts_with("extra") && !removes) {
            continue;
        }
        let lines: String = list.iter().map(|item| format!("\t\t{}\n", shown(item, part))).collect();
        cx.err(format!("\t{word}:\n{lines}"));
    }
    Ok(())
}

/// A rule or a subject as Go prints its struct.
fn shown(item: &Value, part: &str) -> String {
    let fields: &[(&str, &str)] = if part == "rules" {
        &[
            ("Verbs", "verbs"),
            ("APIGroups", "apiGroups"),
            ("Resources", "resources"),
            ("ResourceNames", "resourceNames"),
            ("NonResourceURLs", "nonResourceURLs"),
        ]
    } else {
        &[("Kind", "kind"), ("APIGroup", "apiGroup"), ("Name", "name"), ("Namespace", "namespace")]
    };
    let empty = if part == "rules" { "[]" } else { "" };
    let value = |key: &str| item.get(key).map_or_else(|| empty.to_string(), crate::output::gofmt::v);
    let fields: Vec<String> = fields.iter().map(|(name, key)| format!("{name}:{}", value(key))).collect();
    format!("{{{}}}", fields.join(" "))
}
