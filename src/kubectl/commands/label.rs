//! `kubectl label` and `kubectl annotate`: the two maps of metadata, changed alike.
//!
//! Mirrors: kubectl/pkg/cmd/label/label.go, kubectl/pkg/cmd/annotate/annotate.go.

use api::meta::names;
use serde_json::{Map, Value, json};

use super::{check_files, dry_run, map_at, write_query};
use crate::client::{Client, DryRun, PatchType};
use crate::coroutine::Cx;
use crate::discovery::Mapping;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::output::Output;
use crate::resource::{Info, Selection};
use crate::verb::{Complete, VERB as BASE, Verb};

const OVERWRITE_LABELS: &[Flag] = &[
    Flag::bool("list", false, "If true, display the labels for a given resource."),
    Flag::bool(
        "overwrite",
        false,
        "If true, allow labels to be overwritten, otherwise reject label updates that overwrite existing labels.",
    ),
    Flag::text(
        "resource-version",
        "",
        "If non-empty, the labels update will only succeed if this is the current resource-version for the object. Only valid when specifying a single resource.",
    ),
    global::manager("kubectl-label"),
];

pub static LABEL: Verb = Verb {
    name: "label",
    short: "Update the labels on a resource",
    long: "Update the labels on a resource.

  *  A label key and value must begin with a letter or number, and may contain letters, numbers, hyphens, dots, and underscores, up to 63 characters each.
  *  Optionally, the key can begin with a DNS subdomain prefix and a single '/', like example.com/my-app.
  *  If --overwrite is true, then existing labels can be overwritten, otherwise attempting to overwrite a label will result in an error.
  *  If --resource-version is specified, then updates will use this resource version, otherwise the existing resource-version will be used.",
    examples: "# Update pod 'foo' with the label 'unhealthy' and the value 'true'
kubectl label pods foo unhealthy=true

# Update pod 'foo' with the label 'status' and the value 'unhealthy', overwriting any existing value
kubectl label --overwrite pods foo status=unhealthy

# Update all pods in the namespace
kubectl label pods --all status=unhealthy

# Update pod 'foo' by removing a label named 'bar' if it exists
# Does not require the --overwrite flag
kubectl label pods foo bar-",
    usage: "[--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version]",
    flags: &[
        OVERWRITE_LABELS,
        global::ALL,
        global::PRINT,
        global::DRY_RUN,
        global::FILES,
        global::SELECTOR,
        global::FIELD_SELECTOR,
        global::ALL_NAMESPACES,
        global::LOCAL,
    ],
    complete: Complete::TypeThenNames,
    run: Some(|cx, args| Box::pin(run(cx, args, &LABELS))),
    ..BASE
};

const OVERWRITE_ANNOTATIONS: &[Flag] = &[
    Flag::bool("list", false, "If true, display the annotations for a given resource."),
    Flag::bool(
        "overwrite",
        false,
        "If true, allow annotations to be overwritten, otherwise reject annotation updates that overwrite existing annotations.",
    ),
    Flag::text(
        "resource-version",
        "",
        "If non-empty, the annotation update will only succeed if this is the current resource-version for the object. Only valid when specifying a single resource.",
    ),
    global::manager("kubectl-annotate"),
];

pub static ANNOTATE: Verb = Verb {
    name: "annotate",
    short: "Update the annotations on a resource",
    long: "Update the annotations on one or more resources.

 All Kubernetes objects support the ability to store additional data with the object as annotations. Annotations are key/value pairs that can be larger than labels and include arbitrary string values such as structured JSON. Tools and system extensions may use annotations to store their own data.

 Attempting to set an annotation that already exists will fail unless --overwrite is set. If --resource-version is specified and does not match the current resource version on the server the command will fail.

Use \"kubectl api-resources\" for a complete list of supported resources.",
    examples: "# Update pod 'foo' with the annotation 'description' and the value 'my frontend'
# If the same annotation is set multiple times, only the last value will be applied
kubectl annotate pods foo description='my frontend'

# Update pod 'foo' with the annotation 'description' and the value 'my frontend running nginx', overwriting any existing value
kubectl annotate --overwrite pods foo description='my frontend running nginx'

# Update pod 'foo' by removing an annotation named 'description' if it exists
# Does not require the --overwrite flag
kubectl annotate pods foo description-",
    usage: "[--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version]",
    flags: &[
        OVERWRITE_ANNOTATIONS,
        global::ALL,
        global::PRINT,
        global::DRY_RUN,
        global::FILES,
        global::SELECTOR,
        global::FIELD_SELECTOR,
        global::ALL_NAMESPACES,
        global::LOCAL,
    ],
    complete: Complete::TypeThenNames,
    run: Some(|cx, args| Box::pin(run(cx, args, &ANNOTATIONS))),
    ..BASE
};

/// What differs between the two.
struct Which {
    field: &'static str,
    word: &'static str,
}

const LABELS: Which = Which { field: "labels", word: "label" };
const ANNOTATIONS: Which = Which { field: "annotations", word: "annotation" };

/// What to set and what to remove.
#[derive(Debug, Default)]
struct Changes {
    set: Vec<(String, String)>,
    remove: Vec<String>,
}

/// Tells the resource's words from the pairs behind them.
///
/// # Errors
/// A word behind the first pair that is none.
pub fn words_and_pairs(args: &[String], word: &str) -> Result<(Vec<String>, Vec<String>)> {
    let is_pair =
        |text: &String| (text.contains('=') && !text.starts_with('=')) || (text.ends_with('-') && text != "-");
    let at = args.iter().position(is_pair).unwrap_or(args.len());
    let (words, pairs) = args.split_at(at);
    if let Some(wrong) = pairs.iter().find(|text| !is_pair(text)) {
        return Err(Failure::plain(format!("all resources must be specified before {word} changes: {wrong}")));
    }
    Ok((words.to_vec(), pairs.to_vec()))
}

fn parse(which: &Which, pairs: &[String]) -> Result<Changes> {
    let mut changes = Changes::default();
    for pair in pairs {
        if let Some((key, value)) = pair.split_once('=') {
            if which.word == "label" {
                if value.contains('=') {
                    return Err(Failure::plain(format!("invalid label spec: {pair}")));
                }
                let breaches = names::label_value(value);
                if !breaches.is_empty() {
                    let why: Vec<String> = breaches.iter().map(ToString::to_string).collect();
                    return Err(Failure::plain(format!("invalid label value: {pair:?}: {}", why.join(";"))));
                }
            }
            changes.set.push((key.into(), value.into()));
        } else if let Some(key) = pair.strip_suffix('-') {
            changes.remove.push(key.into());
        } else {
            return Err(Failure::plain(format!("unknown {} spec: {pair}", which.word)));
        }
    }
    let both: Vec<&str> = changes
        .remove
        .iter()
        .filter(|key| changes.set.iter().any(|(set, _)| set == *key))
        .map(String::as_str)
        .collect();
    if !both.is_empty() {
        return Err(Failure::plain(if which.word == "label" {
            "can not both modify and remove a label in the same command".to_string()
        } else {
            format!(
                "can not both modify and remove the following annotation(s) in the same command: {}",
                both.join(", ")
            )
        }));
    }
    Ok(changes)
}

async fn run(cx: &Cx, args: &Args, which: &Which) -> Result {
    let client = Client::new(cx, args)?;
    let dry_run = dry_run(cx, args)?;
    check_files(args)?;
    let (words, pairs) = words_and_pairs(&args.words, which.word)?;
    let changes = parse(which, &pairs)?;
    let list = args.flag("list");
    let mut output = match which.word {
        "label" => None,
        _ => Some(Output::success(cx, args, "")?),
    };
    if list && !args.text("output").is_empty() && which.word == "label" {
        return Err(Failure::plain("--list and --output may not be specified together"));
    }
    for other in ["selector", "field-selector"] {
        if args.flag("all") && !args.text(other).is_empty() {
            return Err(Failure::plain(format!("cannot set --all and --{other} at the same time")));
        }
    }
    if args.flag("local") {
        let (one, other) = if which.word == "label" { ("pod.yaml", "pod.json") } else { ("rsrc.yaml", "rsrc.json") };
        let why = if dry_run == DryRun::Server {
            "cannot specify --local and --dry-run=server - did you mean --dry-run=client?".to_string()
        } else if !words.is_empty() {
            format!("can only use local files by -f {one} or --filename={other} when --local=true is set")
        } else if args.list("filename").is_empty() {
            format!("one or more files must be specified as -f {one} or --filename={other}")
        } else {
            String::new()
        };
        if !why.is_empty() {
            return Err(Failure::plain(why));
        }
    }
    if words.is_empty() && args.list("filename").is_empty() {
        return Err(Failure::plain(
            "one or more resources must be specified as <resource> <name> or <resource>/<name>",
        ));
    }
    if changes.set.is_empty() && changes.remove.iter().all(String::is_empty) && !list {
        return Err(Failure::plain(format!("at least one {} update is required", which.word)));
    }
    let found = Selection::of(args, &words).resolve(&client).await?;
    let several = !found.single;
    let mut failures = Vec::new();
    if !args.text("resource-version").is_empty() && several {
        return Err(Failure::plain("--resource-version may only be used with a single resource"));
    }
    for info in found.infos {
        let info = match info {
            Ok(info) => info,
            Err(failure) => {
                failures.push(failure);
                continue;
            }
        };
        let outcome = change(&client, args, which, &changes, &info, dry_run).await;
        match outcome {
            Ok((_, object)) if list => {
                let indent = if several { " " } else { "" };
                if several {
                    let Mapping { kind, group, .. } = &*info.mapping;
                    cx.out(format!("Listing {} for {kind}.{group}/{}:\n", which.field, info.name));
                }
                if let Some(map) = object.pointer(&format!("/metadata/{}", which.field)).and_then(Value::as_object) {
                    for (key, value) in map {
                        cx.out(format!("{indent}{key}={}\n", value.as_str().unwrap_or_default()));
                    }
                }
            }
            Ok((word, object)) => {
                // Labels have a printer for each object, annotations one for all.
                if args.text("output").is_empty() || which.word == "label" {
                    output = Some(Output::success(cx, args, &format!("{word}{}", dry_run.suffix()))?);
                }
                if let Some(output) = &mut output {
                    cx.out(output.print(&object)?);
                }
            }
            Err(failure) => failures.push(failure),
        }
    }
    Failure::aggregate(failures)
}

async fn change(
    client: &Client<'_>,
    args: &Args,
    which: &Which,
    changes: &Changes,
    info: &Info,
    dry_run: DryRun,
) -> Result<(&'static str, Value)> {
    let before = &info.object;
    let empty = Map::new();
    let have = before.pointer(&format!("/metadata/{}", which.field)).and_then(Value::as_object).unwrap_or(&empty);
    if which.word == "label" {
        for key in changes.remove.iter().filter(|key| !have.contains_key(*key)) {
            client.cx.out(format!("label {key:?} not found.\n"));
        }
    }
    if !args.flag("overwrite") {
        let taken: Vec<String> = changes
            .set
            .iter()
            .filter_map(|(key, value)| {
                let now = have.get(key)?.as_str()?;
                (now != value).then(|| format!("'{key}' already has a value ({now})"))
            })
            .collect();
        if !taken.is_empty() {
            return Err(Failure::plain(if which.word == "label" {
                format!("{}, and --overwrite is false", taken[0])
            } else {
                format!("--overwrite is false but found the following declared annotation(s): {}", taken.join("; "))
            }));
        }
    }
    let mut after = before.clone();
    if let Some(map) = map_at(&mut after, &["metadata", which.field]) {
        for (key, value) in &changes.set {
            map.insert(key.clone(), value.clone().into());
        }
        map.retain(|key, _| !changes.remove.contains(key));
        if map.is_empty()
            && let Some(metadata) = after.get_mut("metadata").and_then(Value::as_object_mut)
        {
            metadata.remove(which.field);
        }
    }
    let word = match which.word {
        "label" => {
            let added = changes.set.iter().any(|(key, value)| have.get(key).and_then(Value::as_str) != Some(value));
            let removed = changes.remove.iter().any(|key| have.contains_key(key));
            match (added, removed) {
                (true, true) => "modified",
                (true, false) => "labeled",
                (false, true) => "unlabeled",
                (false, false) => "not labeled",
            }
        }
        _ => "annotated",
    };
    if dry_run == DryRun::Client
        || args.flag("local")
        || args.flag("list")
        || (which.word == "label" && after == *before)
    {
        return Ok((word, after));
    }
    let mut patch = api::patch::two_way_merge(before, &after);
    if !args.text("resource-version").is_empty() {
        patch["metadata"]["resourceVersion"] = json!(args.text("resource-version"));
    }
    if which.word == "annotation" && patch.as_object().is_some_and(Map::is_empty) {
        return Ok((word, after));
    }
    let query = write_query(args, dry_run);
    let object = client.patch(&info.mapping, &info.namespace, &info.name, (PatchType::Merge, &patch), query).await?;
    Ok((word, object))
}
