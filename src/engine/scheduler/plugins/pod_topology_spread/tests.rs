//! Skew between zones: which nodes remain, and in which order.

use super::*;
use crate::scheduler::testing::{filter_verdict, labelled, node, pod, pod_on, scores};

fn zones() -> Vec<Node> {
    ["a", "b"]
        .iter()
        .map(|zone| node(&format!(r#"{{"metadata": {{"name": "{zone}", "labels": {{"zone": "{zone}"}}}}}}"#)))
        .chain([node(r#"{"metadata": {"name": "none"}}"#)])
        .collect()
}

fn spread(when: &str, more: &str) -> String {
    format!(
        r#"{{"topologySpreadConstraints": [{{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "{when}",
            "labelSelector": {{"matchLabels": {{"app": "web"}}}}{more}}}]}}"#
    )
}

#[test]
fn a_domain_may_lead_by_max_skew_only() {
    const REFUSED: &str = "node(s) didn't match pod topology spread constraints";
    const NO_LABEL: &str = "node(s) didn't match pod topology spread constraints (missing required label)";
    let cases = [
        // case                              pods of the app on a, b      more          verdicts on a, b, none
        ("nothing there", 0, 0, "", ["", "", NO_LABEL]),
        ("one ahead", 1, 0, "", [REFUSED, "", NO_LABEL]),
        ("level", 1, 1, "", ["", "", NO_LABEL]),
        ("a missing domain counts as empty", 1, 1, r#", "minDomains": 3"#, [REFUSED, REFUSED, NO_LABEL]),
    ];
    for (case, on_a, on_b, more, want) in cases {
        let there: Vec<_> = (0..on_a)
            .map(|i| ("a", i))
            .chain((0..on_b).map(|i| ("b", i)))
            .map(|(zone, i)| labelled(pod_on(zone, &format!("{zone}{i}"), "{}"), "app", "web"))
            .collect();
        let incoming = labelled(pod(&spread("DoNotSchedule", more)), "app", "web");
        assert_eq!(filter_verdict(&PodTopologySpread, &zones(), &there, incoming), want, "{case}");
    }
}

#[test]
fn soft_constraints_prefer_the_emptier_domain() {
    let there: Vec<_> = (0..2).map(|i| labelled(pod_on("a", &format!("a{i}"), "{}"), "app", "web")).collect();
    let incoming = labelled(pod(&spread("ScheduleAnyway", "")), "app", "web");
    assert_eq!(scores(&PodTopologySpread, &zones(), &there, incoming), [0, 100, 0]);
}
