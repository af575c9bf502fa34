//! Preemption: whose place is taken, and when nobody's is.

use super::*;
use crate::scheduler::cycle::{Algorithm, Outcome};
use crate::scheduler::testing::{cache_of, labelled, node, pod, pod_on};

fn spec(cpu: &str, priority: i32, more: &str) -> String {
    format!(
        r#"{{"priority": {priority}, "containers": [{{"name": "c", "resources": {{"requests": {{"cpu": "{cpu}"}}}}}}]{more}}}"#
    )
}

fn nodes() -> Vec<k8s_openapi::api::core::v1::Node> {
    ["n1", "n2"]
        .iter()
        .map(|name| {
            node(&format!(
                r#"{{"metadata": {{"name": "{name}"}}, "status": {{"allocatable": {{"cpu": "2", "memory": "8Gi", "pods": "10"}}}}}}"#
            ))
        })
        .collect()
}

/// Node and victims, or the message.
fn outcome(pods: &[PodInfo], incoming: &str, protect: Option<&str>) -> String {
    let mut cache = cache_of(&nodes(), pods);
    if let Some(app) = protect {
        let budget = serde_json::json!({"metadata": {"name": "b", "namespace": "default"},
            "spec": {"selector": {"matchLabels": {"app": app}}}, "status": {"disruptionsAllowed": 0}});
        let budget = api::Object::from_value(api::Kind::PodDisruptionBudget, budget);
        cache.listers.set(&budget.expect("test budgets are well formed"));
    }
    let (outcome, _) = Algorithm::default().attempt(&cache, &Nominator::default(), &pod(incoming), 0, &mut |_| 0);
    match outcome {
        Outcome::Scheduled { node } => format!("fits {node}"),
        Outcome::Unschedulable { nomination: Some(nomination), .. } => {
            let victims: Vec<&str> = nomination.victims.iter().map(|pod| &*pod.name).collect();
            format!("{} without {}", nomination.node, victims.join(","))
        }
        Outcome::Unschedulable { message, .. } => message,
    }
}

#[test]
fn the_least_important_victims_go() {
    let low = |node: &str, name: &str, cpu: &str, priority| pod_on(node, name, &spec(cpu, priority, ""));
    let incoming = spec("1500m", 100, "");
    let cases = [
        ("the lower first victim", vec![low("n1", "a", "2", 5), low("n2", "b", "2", 1)], "n2 without b"),
        (
            "fewer of equal importance",
            vec![low("n1", "a", "1", 1), low("n1", "b", "1", 1), low("n2", "c", "2", 1)],
            "n2 without c",
        ),
        (
            "only as many as needed, the greater one stays",
            vec![low("n1", "a", "1500m", 1), low("n1", "b", "500m", 2), low("n2", "c", "2", 100)],
            "n1 without a",
        ),
    ];
    for (case, pods, want) in cases {
        assert_eq!(outcome(&pods, &incoming, None), want, "{case}");
    }
}

#[test]
fn budgets_are_spared_where_possible() {
    let pods = [
        labelled(pod_on("n1", "a", &spec("2", 1, "")), "app", "web"),
        labelled(pod_on("n2", "b", &spec("2", 5, "")), "app", "db"),
    ];
    assert_eq!(outcome(&pods, &spec("1", 100, ""), None), "n1 without a");
    assert_eq!(outcome(&pods, &spec("1", 100, ""), Some("web")), "n2 without b");
}

#[test]
fn it_is_said_why_nobody_is_removed() {
    let full = [pod_on("n1", "a", &spec("2", 100, "")), pod_on("n2", "b", &spec("2", 1, ""))];
    let head = "0/2 nodes are available: 2 Insufficient cpu. no new claims to deallocate, preemption: ";
    let cases = [
        ("never", spec("1", 100, r#", "preemptionPolicy": "Never""#), "not eligible due to preemptionPolicy=Never."),
        (
            "too large for any node",
            spec("3", 100, ""),
            "0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
        ),
        (
            "no lesser pods",
            spec("1", 1, ""),
            "0/2 nodes are available: 2 No preemption victims found for incoming pod.",
        ),
    ];
    for (case, incoming, want) in cases {
        assert_eq!(outcome(&full, &incoming, None), format!("{head}{want}"), "{case}");
    }
}
