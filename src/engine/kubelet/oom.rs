//! `oom_score_adj`: whom the kernel kills first when a machine has no memory left.
//!
//! Linux takes the process with the most memory, in thousandths of the machine's, plus this figure. A
//! Guaranteed pod is nearly out of reach (-997), a BestEffort pod goes first (1000). Between them the
//! figure falls with what a container requests, so that whoever uses more than it asked for is nearer to
//! the end than whoever keeps to it; the bounds of the other two classes are never reached. A sidecar is
//! no nearer than the main container that requests least: it must outlive what it serves.
//! Mirrors: pkg/kubelet/qos/policy.go `GetContainerOOMScoreAdjust`. Left out: requests of the pod as a
//! whole, and the kernel that would do it: here only a container's own limit kills (`runtime/kernel.rs`).

use api::k8s_openapi::api::core::v1::{Container, Pod};
use api::meta::qos::qos_class;
use api::meta::quantity::amount;

const PROTECTED: i64 = -997;
const FIRST: i64 = 1000;

pub fn score(pod: &Pod, container: &Container, machine_memory: u64) -> i64 {
    let spec = pod.spec.as_ref();
    if spec.and_then(|spec| spec.priority_class_name.as_deref()) == Some("system-node-critical") {
        return PROTECTED;
    }
    match qos_class(pod) {
        "Guaranteed" => return PROTECTED,
        "BestEffort" => return FIRST,
        _ => {}
    }
    let machine = i64::try_from(machine_memory).unwrap_or(i64::MAX).max(1);
    let of = |requested: i64| 1000 - i64::try_from(i128::from(requested) * 1000 / i128::from(machine)).unwrap_or(1000);
    let mut score = of(requested(container));
    let main = || spec.into_iter().flat_map(|spec| &spec.containers);
    let is_init = !main().any(|known| known.name == container.name);
    if is_init && container.restart_policy.as_deref() == Some("Always") {
        score = score.min(of(main().map(requested).min().unwrap_or(0)));
    }
    score.clamp(1000 + PROTECTED, FIRST - 1)
}

fn requested(container: &Container) -> i64 {
    let requests = container.resources.as_ref().and_then(|resources| resources.requests.as_ref());
    requests.and_then(|requests| requests.get("memory")).map_or(0, |memory| amount(memory).value())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn score_of(spec: Value, machine: u64) -> i64 {
        let pod: Pod = serde_json::from_value(json!({"spec": spec})).expect("a pod");
        let spec = pod.spec.clone().expect("a spec");
        let first = spec.init_containers.unwrap_or_default().into_iter().chain(spec.containers).next();
        score(&pod, &first.expect("a container"), machine)
    }

    /// Mirrors: pkg/kubelet/qos/policy_test.go `TestGetContainerOOMScoreAdjust`.
    #[test]
    fn classes_and_requests_decide() {
        let one = |resources: Value| json!({"containers": [{"name": "c", "resources": resources}]});
        let rows = [
            (one(json!({"limits": {"cpu": "10"}})), 4_000_000_000, 999),
            (one(json!({"requests": {"cpu": "0"}, "limits": {"memory": "10G"}})), 8_000_000_000, 999),
            (one(json!({})), 4_000_000_000, 1000),
            (
                one(json!({"requests": {"memory": "10G", "cpu": "5m"}, "limits": {"memory": "10G", "cpu": "5m"}})),
                123_456_789,
                -997,
            ),
            (
                one(json!({"requests": {"memory": "4000000000", "cpu": "5m"}, "limits": {"memory": "10G"}})),
                8_000_000_000,
                500,
            ),
            (one(json!({"requests": {"memory": "7999999999", "cpu": "5m"}})), 8_000_000_000, 3),
            (json!({"priorityClassName": "system-node-critical", "containers": [{"name": "c"}]}), 4_000_000_000, -997),
            (
                json!({
                    "initContainers": [{"name": "s", "restartPolicy": "Always"}],
                    "containers": [
                        {"name": "a", "resources": {"requests": {"memory": "4000000000"}}},
                        {"name": "b", "resources": {"requests": {"memory": "2000000000"}}},
                    ],
                }),
                8_000_000_000,
                750,
            ),
        ];
        for (spec, machine, expected) in rows {
            assert_eq!(score_of(spec.clone(), machine), expected, "{spec}");
        }
    }
}
