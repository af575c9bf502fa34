//! Pods that attract and repel one another: one case per rule of the plugin.

use super::*;
use crate::scheduler::testing::{filter_verdict, labelled, node, pod, pod_on, scores};

fn nodes() -> Vec<k8s_openapi::api::core::v1::Node> {
    [("n1", "a"), ("n2", "a"), ("n3", "b")]
        .iter()
        .map(|(name, zone)| node(&format!(r#"{{"metadata": {{"name": "{name}", "labels": {{"zone": "{zone}"}}}}}}"#)))
        .collect()
}

fn required(kind: &str, app: &str) -> String {
    format!(
        r#"{{"affinity": {{"{kind}": {{"requiredDuringSchedulingIgnoredDuringExecution": [
            {{"topologyKey": "zone", "labelSelector": {{"matchLabels": {{"app": "{app}"}}}}}}]}}}}}}"#
    )
}

fn preferred(kind: &str, app: &str) -> String {
    format!(
        r#"{{"affinity": {{"{kind}": {{"preferredDuringSchedulingIgnoredDuringExecution": [{{"weight": 10, "podAffinityTerm":
            {{"topologyKey": "zone", "labelSelector": {{"matchLabels": {{"app": "{app}"}}}}}}}}]}}}}}}"#
    )
}

#[test]
fn required_terms_hold_in_both_directions() {
    const AFFINITY: &str = "node(s) didn't match pod affinity rules";
    const ANTI: &str = "node(s) didn't match pod anti-affinity rules";
    const EXISTING: &str = "node(s) didn't satisfy existing pods anti-affinity rules";
    let cases = [
        // case                             running on n1        its spec                          newcomer's spec                    verdicts
        ("near a partner", "db", "{}".to_owned(), required("podAffinity", "db"), ["", "", AFFINITY]),
        ("no partner anywhere", "web", "{}".to_owned(), required("podAffinity", "db"), [AFFINITY; 3]),
        ("the first of its own kind", "web", "{}".to_owned(), required("podAffinity", "new"), [""; 3]),
        ("away from a rival", "db", "{}".to_owned(), required("podAntiAffinity", "db"), [ANTI, ANTI, ""]),
        (
            "a running pod wants to be alone",
            "db",
            required("podAntiAffinity", "new"),
            "{}".to_owned(),
            [EXISTING, EXISTING, ""],
        ),
    ];
    for (case, app, there, spec, want) in cases {
        let there = labelled(pod_on("n1", "there", &there), "app", app);
        let incoming = labelled(pod(&spec), "app", "new");
        assert_eq!(filter_verdict(&InterPodAffinity, &nodes(), &[there], incoming), want, "{case}");
    }
}

#[test]
fn preferences_score_in_both_directions() {
    let cases = [
        ("a wish to be near", "{}".to_owned(), preferred("podAffinity", "db"), vec![100, 100, 0]),
        ("a wish to be away", "{}".to_owned(), preferred("podAntiAffinity", "db"), vec![0, 0, 100]),
        ("the running pod's wish", preferred("podAffinity", "new"), "{}".to_owned(), vec![100, 100, 0]),
        ("its requirement counts a little", required("podAffinity", "new"), "{}".to_owned(), vec![100, 100, 0]),
    ];
    for (case, there, spec, want) in cases {
        let there = labelled(pod_on("n1", "there", &there), "app", "db");
        let incoming = labelled(pod(&spec), "app", "new");
        assert_eq!(scores(&InterPodAffinity, &nodes(), &[there], incoming), want, "{case}");
    }
}
