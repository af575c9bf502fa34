//! One file for each verb, and what several verbs share. A verb is an `async fn`; see [`crate::coroutine`].

pub mod absent;
pub mod api_resources;
pub mod apply;
pub mod attach;
pub mod auth;
pub mod autoscale;
pub mod certificate;
pub mod cluster_info;
pub mod config;
pub mod cordon;
pub mod cp;
pub mod create;
pub mod debug;
pub mod delete;
pub mod describe;
pub mod diff;
pub mod drain;
pub mod edit;
pub mod events;
pub mod exec;
pub mod explain;
pub mod expose;
pub mod get;
pub mod label;
pub mod logs;
pub mod patch;
pub mod pods;
pub mod port_forward;
pub mod replace;
pub mod rollout;
pub mod run;
pub mod scale;
pub mod set;
pub mod taint;
pub mod top;
pub mod version;
pub mod wait;

use serde_json::{Map, Value, json};

use crate::client::{DryRun, Query};
use crate::coroutine::Cx;
use crate::duration;
use crate::failure::{Failure, Result};
use crate::flags::Args;
use crate::output::json;

pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What `--dry-run` asks for.
///
/// # Errors
/// An unknown word.
pub fn dry_run(cx: &Cx, args: &Args) -> Result<DryRun> {
    let klog = |text: &str| {
        let time = duration::rfc3339(cx.now());
        let digits = |range: std::ops::Range<usize>| time.get(range).unwrap_or("00").to_string();
        let clock = time.get(11..19).unwrap_or("00:00:00");
        cx.err(format!("W{}{} {clock}.000000       1 helpers.go:703] {text}\n", digits(5..7), digits(8..10)));
    };
    match args.text("dry-run") {
        "none" | "" => Ok(DryRun::None),
        "client" => Ok(DryRun::Client),
        "server" => Ok(DryRun::Server),
        "unchanged" => {
            klog("--dry-run is deprecated and can be replaced with --dry-run=client.");
            Ok(DryRun::Client)
        }
        "true" => {
            klog("--dry-run=true is deprecated (boolean value) and can be replaced with --dry-run=client.");
            Ok(DryRun::Client)
        }
        "false" => {
            klog("--dry-run=false is deprecated (boolean value) and can be replaced with --dry-run=none.");
            Ok(DryRun::None)
        }
        other => Err(Failure::plain(format!(
            "Invalid dry-run value ({other}). Must be \"none\", \"server\", or \"client\"."
        ))),
    }
}

/// The query of a write: who writes, whether it only tries.
pub fn write_query(args: &Args, dry_run: DryRun) -> Query {
    let mut query = Query::new();
    if dry_run == DryRun::Server {
        query.push(("dryRun", "All".into()));
    }
    let manager = args.text("field-manager");
    if !manager.is_empty() {
        query.push(("fieldManager", manager.into()));
    }
    query
}

/// At least one of `-f` and `-k`, and not both.
///
/// # Errors
/// kubectl's complaint.
pub fn require_files(args: &Args) -> Result {
    let (files, kustomize) = (!args.list("filename").is_empty(), !args.text("kustomize").is_empty());
    match (files, kustomize) {
        (false, false) => Err(Failure::plain("must specify one of -f and -k")),
        _ => check_files(args),
    }
}

/// `-f` and `-k` do not go together; `-k` is not simulated.
///
/// # Errors
/// kubectl's complaint.
pub fn check_files(args: &Args) -> Result {
    let (files, kustomize) = (!args.list("filename").is_empty(), args.text("kustomize"));
    if files && !kustomize.is_empty() {
        return Err(Failure::plain("only one of -f or -k can be specified"));
    }
    if args.flag("recursive") && !kustomize.is_empty() {
        return Err(Failure::plain("the -k flag can't be used with -f or -R"));
    }
    if !kustomize.is_empty() {
        return Err(Failure::plain(format!(
            "kustomize is not part of this simulated kubectl; apply the files in {kustomize:?} with -f"
        )));
    }
    Ok(())
}

/// The configuration as it is remembered: compact JSON without the annotation itself.
pub fn applied_configuration(object: &Value) -> String {
    let mut object = object.clone();
    if let Some(annotations) = annotations_mut(&mut object) {
        annotations.remove(LAST_APPLIED);
    }
    format!("{}\n", json::compact(&object))
}

/// The object with its configuration remembered in the annotation.
pub fn with_last_applied(object: &Value) -> Value {
    let configuration = applied_configuration(object);
    let mut object = object.clone();
    if let Some(annotations) = annotations_mut(&mut object) {
        annotations.insert(LAST_APPLIED.into(), configuration.into());
    }
    object
}

/// The same for what a generator made: a Go struct, its fields in their order.
pub fn with_last_applied_typed(object: &Value) -> Value {
    let configuration = format!("{}\n", api::schema::go_json(object));
    let mut object = object.clone();
    if let Some(annotations) = annotations_mut(&mut object) {
        annotations.insert(LAST_APPLIED.into(), configuration.into());
    }
    object
}

/// `metadata.annotations`, made if missing.
pub fn annotations_mut(object: &mut Value) -> Option<&mut Map<String, Value>> {
    map_at(object, &["metadata", "annotations"])
}

/// The map at a path, made if missing.
pub fn map_at<'a>(object: &'a mut Value, path: &[&str]) -> Option<&'a mut Map<String, Value>> {
    let mut value = object;
    for key in path {
        if value.is_null() {
            *value = json!({});
        }
        value = value.as_object_mut()?.entry(*key).or_insert(Value::Null);
    }
    if value.is_null() {
        *value = json!({});
    }
    value.as_object_mut()
}

/// A text inside an object, or the empty one.
pub fn text_at<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A number inside an object, or 0.
pub fn int_at(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

/// A list inside an object, or the empty one.
pub fn list_at<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A label selector as the query takes it: `matchLabels` and `matchExpressions`.
pub fn selector_text(selector: &Value) -> String {
    let mut parts: Vec<String> = Vec::new();
    if let Some(labels) = selector.get("matchLabels").and_then(Value::as_object) {
        parts.extend(labels.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())));
    }
    for expression in list_at(selector, "/matchExpressions") {
        let key = text_at(expression, "/key");
        let values: Vec<&str> = list_at(expression, "/values").iter().filter_map(Value::as_str).collect();
        parts.push(match text_at(expression, "/operator") {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_string(),
        });
    }
    parts.join(",")
}

/// A plain map of labels as a selector.
pub fn labels_text(labels: &Value) -> String {
    selector_text(&json!({"matchLabels": labels}))
}

/// `--record`: remembers the command line as the cause of the change.
pub fn record(args: &Args, object: &mut Value) {
    if args.flag("record")
        && let Some(annotations) = annotations_mut(object)
    {
        annotations.insert("kubernetes.io/change-cause".into(), args.command_line().into());
    }
}
