//! `kubectl taint`.
//!
//! Mirrors: kubectl/pkg/cmd/taint/{taint,utils}.go.

use serde_json::{Value, json};

use super::{dry_run, list_at, text_at, write_query};
use crate::client::{Client, DryRun, PatchType};
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::output::Output;
use crate::resource::Selection;
use crate::verb::{Complete, VERB as BASE, Verb};

const FLAGS: &[Flag] = &[
    Flag::bool("all", false, "Select all nodes in the cluster"),
    Flag::bool(
        "overwrite",
        false,
        "If true, allow taints to be overwritten, otherwise reject taint updates that overwrite existing taints.",
    ),
    global::manager("kubectl-taint"),
];

pub static VERB: Verb = Verb {
    name: "taint",
    short: "Update the taints on one or more nodes",
    long: "Update the taints on one or more nodes.

  *  A taint consists of a key, value, and effect. As an argument here, it is expressed as key=value:effect.
  *  The key must begin with a letter or number, and may contain letters, numbers, hyphens, dots, and underscores, up to 253 characters.
  *  Optionally, the key can begin with a DNS subdomain prefix and a single '/', like example.com/my-app.
  *  The value is optional. If given, it must begin with a letter or number, and may contain letters, numbers, hyphens, dots, and underscores, up to 63 characters.
  *  The effect must be NoSchedule, PreferNoSchedule or NoExecute.
  *  Currently taint can only apply to node.",
    examples: "# Update node 'foo' with a taint with key 'dedicated' and value 'special-user' and effect 'NoSchedule'
# If a taint with that key and effect already exists, its value is replaced as specified
kubectl taint nodes foo dedicated=special-user:NoSchedule

# Remove from node 'foo' the taint with key 'dedicated' and effect 'NoSchedule' if one exists
kubectl taint nodes foo dedicated:NoSchedule-

# Remove from node 'foo' all the taints with key 'dedicated'
kubectl taint nodes foo dedicated-",
    usage: "NODE NAME KEY_1=VAL_1:TAINT_EFFECT_1 ... KEY_N=VAL_N:TAINT_EFFECT_N",
    flags: &[FLAGS, global::PRINT, global::DRY_RUN, global::SELECTOR, global::VALIDATE],
    complete: Complete::TypeThenNames,
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

/// A taint on the command line; an empty effect means all of them.
#[derive(Debug, Clone, PartialEq)]
struct Taint {
    key: String,
    value: String,
    effect: String,
}

const EFFECTS: &[&str] = &["NoSchedule", "PreferNoSchedule", "NoExecute"];

fn effect(text: &str) -> Result<(), String> {
    if EFFECTS.contains(&text) {
        Ok(())
    } else {
        Err(format!("invalid taint effect: {text}, unsupported taint effect"))
    }
}

/// `key=value:effect`, `key:effect`, `key`.
fn taint(spec: &str) -> Result<Taint, String> {
    let parts: Vec<&str> = spec.split(':').collect();
    let (pair, effect_name) = match parts.as_slice() {
        [pair] => (*pair, ""),
        [pair, name] => {
            effect(name)?;
            (*pair, *name)
        }
        _ => return Err(format!("invalid taint spec: {spec}")),
    };
    let halves: Vec<&str> = pair.split('=').collect();
    let (key, value) = match halves.as_slice() {
        [key] => (*key, ""),
        // Without an effect the whole is the key.
        [_, _] if effect_name.is_empty() => (pair, ""),
        [key, value] => {
            let why = api::meta::names::label_value(value);
            if !why.is_empty() {
                return Err(format!("invalid taint spec: {spec}, {}", why.join("; ")));
            }
            (*key, *value)
        }
        _ => return Err(format!("invalid taint spec: {spec}")),
    };
    let why = api::meta::names::qualified_name(key);
    if !why.is_empty() {
        return Err(format!("invalid taint spec: {spec}, {}", why.join("; ")));
    }
    Ok(Taint { key: key.into(), value: value.into(), effect: effect_name.into() })
}

/// What to add and what to remove.
fn parse(specs: &[String]) -> Result<(Vec<Taint>, Vec<Taint>), String> {
    let (mut add, mut remove): (Vec<Taint>, Vec<Taint>) = (Vec::new(), Vec::new());
    for spec in specs {
        if let Some(spec) = spec.strip_suffix('-') {
            remove.push(taint(spec)?);
        } else {
            let new = taint(spec)?;
            if new.effect.is_empty() {
                return Err(format!("invalid taint spec: {spec}"));
            }
            if add.iter().any(|old| old.key == new.key && old.effect == new.effect) {
                return Err(format!(
                    "duplicated taints with the same key and effect: {{{} {} {} <nil>}}",
                    new.key, new.value, new.effect
                ));
            }
            add.push(new);
        }
    }
    Ok((add, remove))
}

/// Upstream looks at all this after the type of what is tainted.
fn validate(args: &Args, words: &[String], add: &[Taint], remove: &[Taint]) -> Result {
    let both: Vec<String> = add
        .iter()
        .flat_map(|a| remove.iter().filter(|r| r.key == a.key && (r.effect.is_empty() || r.effect == a.effect)))
        .map(|taint| format!("{}={}", taint.key, taint.effect))
        .collect();
    if !both.is_empty() {
        return Err(Failure::plain(format!(
            "can not both modify and remove the following taint(s) in the same command: {}",
            both.join(", ")
        )));
    }
    let selected = !args.text("selector").is_empty();
    if args.flag("all") && selected {
        return Err(Failure::plain("setting 'all' parameter with a non empty selector is prohibited"));
    }
    if !args.flag("all") && !selected && words.len() < 2 {
        return Err(Failure::plain("at least one resource name must be specified since 'all' parameter is not set"));
    }
    Ok(())
}

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let dry_run = dry_run(cx, args)?;
    crate::manifest::Validation::parse(args.text("validate"))?;
    let is_taint = |word: &String| word.contains([':', '=']) || word.ends_with('-');
    let at = args.words.iter().position(is_taint).unwrap_or(args.words.len());
    let (words, specs) = (args.words[..at].to_vec(), args.words[at..].to_vec());
    if let Some(wrong) = specs.iter().find(|word| !is_taint(word)) {
        return Err(Failure::plain(format!("all resources must be specified before taint changes: {wrong}")));
    }
    let Some(word) = words.first() else {
        return Err(Failure::plain("one or more resources must be specified as <resource> <name>"));
    };
    if specs.is_empty() {
        return Err(Failure::plain("at least one taint update is required"));
    }
    let (add, remove) = parse(&specs).map_err(|why| Failure::usage(&args.path, why))?;
    let lower = word.to_lowercase();
    let mapping = client
        .mapping(&lower)
        .await
        .map_err(|_| Failure::Bare(format!("the server doesn't have a resource type {lower:?}")))?;
    if mapping.kind != "Node" {
        return Err(Failure::plain(format!("invalid resource type {lower}, only node types are supported")));
    }
    validate(args, &words, &add, &remove)?;
    let selection = if args.flag("all") || !args.text("selector").is_empty() {
        Selection { type_alone: true, ..Selection::of(args, &["node".to_string()]) }
    } else {
        Selection::named("node", &words[1..])
    };
    let (infos, mut failures) = selection.resolve(&client).await?.split();
    for info in infos {
        let old = list_at(&info.object, "/spec/taints").to_vec();
        match changed(&info.name, &old, &add, &remove, args.flag("overwrite")) {
            Err(failure) => failures.push(failure),
            Ok((taints, word)) => {
                let mut object = info.object.clone();
                object["spec"]["taints"] = json!(taints);
                if dry_run != DryRun::Client {
                    let new = if taints.is_empty() { Value::Null } else { json!(taints) };
                    let patch = json!({"spec": {"taints": new}});
                    let query = write_query(args, dry_run);
                    match client.patch(&info.mapping, "", &info.name, (PatchType::Merge, &patch), query).await {
                        Ok(patched) => object = patched,
                        Err(failure) => {
                            failures.push(failure);
                            continue;
                        }
                    }
                }
                // A server's dry run is not told from the real thing here.
                let suffix = if dry_run == DryRun::Server { "" } else { dry_run.suffix() };
                let mut output = Output::success(cx, args, &format!("{word}{suffix}"))?.typed();
                cx.out(output.print(&object)?);
            }
        }
    }
    Failure::aggregate(failures)
}

fn is(taint: &Value, key: &str, effect: &str) -> bool {
    text_at(taint, "/key") == key && (effect.is_empty() || text_at(taint, "/effect") == effect)
}

/// The node's taints afterwards, and what happened to it.
fn changed(
    node: &str,
    old: &[Value],
    add: &[Taint],
    remove: &[Taint],
    overwrite: bool,
) -> Result<(Vec<Value>, &'static str)> {
    let existing: Vec<&str> = add
        .iter()
        .filter(|new| old.iter().any(|taint| is(taint, &new.key, &new.effect)))
        .map(|new| new.key.as_str())
        .collect();
    if !existing.is_empty() && !overwrite {
        return Err(Failure::plain(format!(
            "node {node} already has {} taint(s) with same effect(s) and --overwrite is false",
            existing.join(",")
        )));
    }
    let mut missing = Vec::new();
    let mut taints: Vec<Value> = add
        .iter()
        .map(|new| {
            let mut taint = json!({"key": new.key, "effect": new.effect});
            if !new.value.is_empty() {
                taint["value"] = new.value.clone().into();
            }
            taint
        })
        .collect();
    for gone in remove {
        if !old.iter().any(|taint| is(taint, &gone.key, &gone.effect)) {
            let name = if gone.effect.is_empty() { gone.key.clone() } else { format!("{}:{}", gone.key, gone.effect) };
            missing.push(Failure::plain(format!("taint {name:?} not found")));
        }
    }
    Failure::aggregate(missing)?;
    for taint in old {
        let replaced = add.iter().any(|new| is(taint, &new.key, &new.effect));
        let removed = remove.iter().any(|gone| is(taint, &gone.key, &gone.effect));
        if !replaced && !removed {
            taints.push(taint.clone());
        }
    }
    let word = match (add.is_empty(), remove.is_empty()) {
        (true, _) => "untainted",
        (false, true) if existing.is_empty() => "tainted",
        _ => "modified",
    };
    Ok((taints, word))
}
