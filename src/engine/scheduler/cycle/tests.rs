//! The scheduling cycle: sampling of nodes, and what a nominated pod changes.

use super::*;
use crate::scheduler::testing::{cache_of, node, pod, pod_on};

fn sized(name: &str, cpu: &str) -> k8s_openapi::api::core::v1::Node {
    node(&format!(
        r#"{{"metadata": {{"name": "{name}"}}, "status": {{"allocatable": {{"cpu": "{cpu}", "memory": "8Gi", "pods": "10"}}}}}}"#
    ))
}

fn wants(cpu: &str) -> PodInfo {
    pod(&format!(r#"{{"containers": [{{"name": "c", "resources": {{"requests": {{"cpu": "{cpu}"}}}}}}]}}"#))
}

#[test]
fn larger_clusters_are_sampled() {
    let cases = [
        // nodes, setting, feasible nodes that are enough
        (99, 0, 99),
        (100, 0, 100),
        (1_000, 0, 420),
        (5_000, 0, 500),
        (10_000, 0, 500),
        (5_000, 100, 5_000),
        (5_000, 1, 100),
    ];
    for (nodes, percentage, want) in cases {
        let algorithm = Algorithm::new(Settings { percentage_of_nodes_to_score: percentage });
        assert_eq!(algorithm.feasible_to_find(nodes), want, "{nodes} nodes at {percentage}%");
    }
}

#[test]
fn the_trace_tells_what_the_attempt_saw() {
    let cache = cache_of(&[sized("small", "1"), sized("a", "4"), sized("b", "4")], &[]);
    let (outcome, trace) =
        Algorithm::default().attempt(&cache, &Nominator::default(), &wants("2"), 7, &mut |equals| equals - 1);
    // Of the equals a and b, the last was picked.
    assert_eq!(outcome, Outcome::Scheduled { node: "b".into() });
    assert_eq!(trace.feasible_names().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(trace.reasons("small").map(<[_]>::len), Some(1));
    assert_eq!(trace.total("a"), trace.total("b"));
    let sum: i64 = trace.scores.iter().map(|row| row.weight * row.normalised[0]).sum();
    assert_eq!(trace.total("a"), Some(sum));
}

#[test]
fn nominated_pods_keep_their_place() {
    let cache = cache_of(&[sized("n", "2")], &[]);
    let mut nominator = Nominator::default();
    let mut expected = pod_on("n", "expected", "{}");
    expected.requests = wants("1500m").requests;
    expected.priority = 100;
    nominator.set(Arc::new(expected), "n".into());
    let attempt = |priority| {
        let mut incoming = wants("1");
        incoming.priority = priority;
        let (outcome, _) = Algorithm::default().attempt(&cache, &nominator, &incoming, 0, &mut |_| 0);
        matches!(outcome, Outcome::Scheduled { .. })
    };
    assert!(!attempt(0), "a lesser pod must not take the place that is being freed");
    assert!(attempt(200), "a greater pod need not wait");
}
