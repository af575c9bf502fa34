//! NodePorts: two pods on one node cannot have the same host port.
//!
//! A conflict is equal port and protocol, on the same address or where one of them takes all
//! addresses (`0.0.0.0`).
//! Mirrors: pkg/scheduler/framework/plugins/nodeports, framework/types.go `HostPortInfo`. Nothing is left out.

use api::meta::host_port::HostPort;

use crate::scheduler::cache::{Cache, NodeInfo};
use crate::scheduler::framework::{Filter, Plugin, PreFilter, Verdict};
use crate::scheduler::pod_info::PodInfo;
use crate::scheduler::queue::ClusterEvent;

pub struct NodePorts;

#[derive(Clone, Copy)]
struct Ready<'a> {
    wanted: &'a [HostPort],
}

impl Plugin for NodePorts {
    fn name(&self) -> &'static str {
        "NodePorts"
    }

    fn pre_filter<'a>(&self, _cache: &'a Cache, pod: &'a PodInfo) -> PreFilter<'a> {
        if pod.host_ports.is_empty() {
            return PreFilter::Skip;
        }
        PreFilter::Filter(Box::new(Ready { wanted: &pod.host_ports }))
    }

    fn hint(&self, _cache: &Cache, pod: &PodInfo, event: &ClusterEvent) -> bool {
        match event {
            ClusterEvent::Node { old: None, .. } => true,
            ClusterEvent::AssignedPodDeleted(gone) => conflicts(&pod.host_ports, &gone.host_ports),
            // Ports of a running pod cannot change.
            _ => false,
        }
    }
}

impl<'a> Filter<'a> for Ready<'a> {
    fn filter(&self, node: &NodeInfo) -> Verdict {
        if conflicts(self.wanted, &node.used_ports) {
            return Verdict::unschedulable("node(s) didn't have free ports for the requested pod ports");
        }
        Verdict::Fits
    }

    fn boxed(&self) -> Box<dyn Filter<'a> + 'a> {
        Box::new(*self)
    }
}

fn conflicts(wanted: &[HostPort], used: &[HostPort]) -> bool {
    wanted.iter().any(|want| used.iter().any(|used| want.conflicts_with(used)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::testing::{filter_verdict, node, pod, pod_on};

    #[test]
    fn equal_host_ports_exclude_each_other() {
        const REFUSED: &str = "node(s) didn't have free ports for the requested pod ports";
        let spec = |port: &str| format!(r#"{{"containers": [{{"name": "c", "ports": [{port}]}}]}}"#);
        let used = r#"{"containerPort": 80, "hostPort": 8080}"#;
        let cases = [
            ("another port", used, r#"{"containerPort": 80, "hostPort": 8081}"#, ""),
            ("the same port", used, used, REFUSED),
            ("the same port over UDP", used, r#"{"containerPort": 80, "hostPort": 8080, "protocol": "UDP"}"#, ""),
            ("one address of all", used, r#"{"containerPort": 80, "hostPort": 8080, "hostIP": "127.0.0.1"}"#, REFUSED),
            ("no host port", used, r#"{"containerPort": 8080}"#, ""),
        ];
        for (case, used, wanted, want) in cases {
            let node = node(r#"{"metadata": {"name": "n"}}"#);
            let there = pod_on("n", "there", &spec(used));
            assert_eq!(filter_verdict(&NodePorts, &[node], &[there], pod(&spec(wanted))), [want], "{case}");
        }
    }
}
