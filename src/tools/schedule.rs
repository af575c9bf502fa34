//! `schedule`: plays scheduler scenarios through the scheduler alone.
//!
//! Each incoming pod is one attempt. A real cluster breaks ties at random, so a recording says where
//! the earlier pods went, and a pod is tried with its predecessors there and recorded victims gone.
//! What was recorded of the pod itself is never looked at. The recordings are in `--expected`, or in
//! a folder `expected` beside the scenarios; without any (or with `--alone`) each pod finds its
//! predecessors where this scheduler put them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use api::k8s_openapi::api::core::v1::Pod;
use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use api::meta::time::time_from_millis;
use api::{Kind, Object};
use engine::scheduler::{Algorithm, Cache, Nominator, Outcome, SchedulingTrace, Settings};
use serde_json::{Map, Value, json};
use tools::args::Args;

const USAGE: &str = "schedule --scenarios DIR --out DIR [--expected DIR | --alone]";

/// Runs the tool with its arguments.
///
/// # Errors
/// What is wrong with the arguments or a file.
pub fn main(words: &[String]) -> Result<(), String> {
    let args = Args::read(USAGE, words)?;
    let (scenarios, out) = (Path::new(args.needed("--scenarios")?), Path::new(args.needed("--out")?));
    fs::create_dir_all(out).map_err(|error| format!("{}: {error}", out.display()))?;
    let entries = fs::read_dir(scenarios).map_err(|error| format!("{}: {error}", scenarios.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let beside = scenarios.canonicalize().ok().and_then(|dir| Some(dir.parent()?.join("expected")));
    let recordings = match args.text("--expected") {
        Some(dir) => Some(dir.into()),
        None => beside.filter(|dir| dir.is_dir() && !args.has("--alone")),
    };
    let mut pods = 0;
    for file in &files {
        let scenario = read(file)?;
        let name = file.file_name().unwrap_or_default();
        let recorded = recordings.as_ref().map(|dir| dir.join(name)).filter(|file| file.is_file());
        let expected = recorded.map(|file| read(&file)).transpose()?;
        let results = play(&scenario, expected.as_ref());
        pods += results.len();
        let path = out.join(name);
        let text = json!({ "results": results }).to_string();
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let placed = match &recordings {
        Some(dir) => format!("earlier pods of a scenario as recorded in {}", dir.display()),
        None => "earlier pods of a scenario where this scheduler put them".into(),
    };
    println!("{} scenarios, {pods} pods; {placed}", files.len());
    Ok(())
}

fn read(path: &Path) -> Result<Value, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// One scenario, pod by pod.
fn play(scenario: &Value, expected: Option<&Value>) -> Vec<Value> {
    let classes = list(scenario, "priorityClasses");
    let mut cache = Cache::default();
    for node in list(scenario, "nodes") {
        if let Some(Object::Node(node)) = object(Kind::Node, node_json(node)) {
            cache.set_node(node);
        }
    }
    for (at, pod) in list(scenario, "existing").iter().enumerate() {
        if let Some(mut pod) = read_pod(pod, classes) {
            Arc::make_mut(&mut pod).status.get_or_insert_default().start_time = Some(start_time(at));
            let info = cache.pod_info(pod);
            cache.set_pod(info);
        }
    }
    let mut algorithm = Algorithm::new(Settings { percentage_of_nodes_to_score: 100 });
    let mut results = Vec::new();
    for incoming in list(scenario, "incoming") {
        let Some(pod) = read_pod(incoming, classes) else { continue };
        set_budgets(&mut cache, list(scenario, "pdbs"));
        let info = cache.pod_info(pod);
        let name = info.name.to_string();
        let (outcome, trace) = algorithm.attempt(&cache, &Nominator::default(), &info, 0, &mut |_| 0);
        let result = result(&name, &outcome, &trace);
        let recorded = expected
            .and_then(|expected| list(expected, "results").iter().find(|recorded| recorded["pod"] == name.as_str()));
        let followed = recorded.unwrap_or(&result);
        // Deleted in the order of importance, which recorded lists do not keep.
        let mut victims: Vec<&str> = list(followed, "victims").iter().filter_map(Value::as_str).collect();
        victims.sort_by_key(|victim| list(&result, "victims").iter().position(|own| own == victim));
        for victim in victims {
            cache.remove_pod(victim);
        }
        if let Some(node) = followed["node"].as_str() {
            cache.assume(info, node.into());
        }
        results.push(result);
    }
    results
}

fn result(pod: &str, outcome: &Outcome, trace: &SchedulingTrace) -> Value {
    let total: Map<String, Value> =
        trace.feasible_names().zip(&trace.totals).map(|(node, total)| (node.to_string(), json!(total))).collect();
    let mut plugins = Map::new();
    for (at, node) in trace.feasible_names().enumerate().filter(|_| !trace.totals.is_empty()) {
        let row = trace.scores.iter().map(|row| (row.plugin.to_owned(), json!(row.weight * row.normalised[at])));
        plugins.insert(node.to_string(), Value::Object(row.collect()));
    }
    match outcome {
        Outcome::Scheduled { node } => {
            json!({"pod": pod, "node": &**node, "message": null, "victims": [], "total": total, "plugins": plugins})
        }
        Outcome::Unschedulable { message, nomination, .. } => {
            let node = nomination.as_ref().map(|nomination| nomination.node.to_string());
            let victims: Vec<String> =
                nomination.iter().flat_map(|nomination| &nomination.victims).map(|pod| pod.name.to_string()).collect();
            json!({"pod": pod, "node": node, "message": message, "victims": victims, "total": {}, "plugins": {}})
        }
    }
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Scenarios do not say when pods started: they were created one after the other, some twenty a second.
fn start_time(at: usize) -> Time {
    time_from_millis(i64::try_from(at / 20).unwrap_or(0) * 1000)
}

fn object(kind: Kind, value: Value) -> Option<Object> {
    Object::from_value(kind, value).ok()
}

fn node_json(node: &Value) -> Value {
    let mut labels = node["labels"].clone();
    labels["kubernetes.io/hostname"] = node["name"].clone();
    labels["kubernetes.io/os"] = "linux".into();
    labels["kubernetes.io/arch"] = "amd64".into();
    let images: Vec<Value> = list(node, "images")
        .iter()
        .map(|image| json!({"names": [image["name"]], "sizeBytes": image["sizeMi"].as_i64().unwrap_or(0) << 20}))
        .collect();
    json!({
        "metadata": {"name": node["name"], "labels": labels},
        "spec": {"taints": node["taints"], "unschedulable": node["unschedulable"].as_bool().unwrap_or(false)},
        "status": {
            "allocatable": {"cpu": node["cpu"], "memory": node["memory"], "pods": node["pods"], "ephemeral-storage": "20Gi"},
            "images": images,
        },
    })
}

/// A pod as the API server would have stored it: defaulted, with the priority of its class.
fn read_pod(pod: &Value, classes: &[Value]) -> Option<Arc<Pod>> {
    let mut spec = pod["spec"].clone();
    let class =
        classes.iter().find(|class| !spec["priorityClassName"].is_null() && class["name"] == spec["priorityClassName"]);
    spec["priority"] = class.map_or(json!(0), |class| class["value"].clone());
    if let Some(policy) = class.map(|class| &class["preemptionPolicy"]).filter(|policy| policy.is_string()) {
        spec["preemptionPolicy"] = policy.clone();
    }
    let metadata = json!({"name": pod["name"], "namespace": "default", "uid": pod["name"], "labels": pod["labels"]});
    let mut object = object(Kind::Pod, json!({"metadata": metadata, "spec": spec}))?;
    api::defaults::apply(&mut object);
    let mut pod = object.get::<Pod>().cloned()?;
    // The rest of what the API server does for the scheduler.
    api::meta::label_keys::merge(Arc::make_mut(&mut pod));
    Some(pod)
}

/// Budgets as the disruption controller would have them now: every pod that matches is healthy.
fn set_budgets(cache: &mut Cache, budgets: &[Value]) {
    for budget in budgets {
        let app = budget["app"].as_str().unwrap_or_default();
        let matching = cache
            .nodes()
            .flat_map(|node| &node.pods)
            .filter(|pod| pod.labels().is_some_and(|labels| labels.get("app").is_some_and(|value| value == app)));
        let healthy = i64::try_from(matching.count()).unwrap_or(0);
        let allowed = (healthy - budget["minAvailable"].as_i64().unwrap_or(0)).max(0);
        let value = json!({
            "metadata": {"name": budget["name"], "namespace": "default"},
            "spec": {"selector": {"matchLabels": {"app": app}}},
            "status": {"disruptionsAllowed": allowed, "currentHealthy": healthy, "desiredHealthy": 0, "expectedPods": healthy},
        });
        if let Some(object) = object(Kind::PodDisruptionBudget, value) {
            cache.listers.set(&object);
        }
    }
}
