//! A hand at the machines of a session: plugs, processes, new nodes, traffic. No request, so kubectl has
//! no word for it; each act is echoed in the terminal as what it is.

use engine::{Fault, NodeConfig, ProcessId};
use leptos::prelude::*;

use super::{session::Session, view::TermKind};

/// What a traffic generator of the sandbox sends in a second.
const REQUESTS: u32 = 10;

impl Session {
    /// Pulls a plug, or puts it back.
    pub fn power(self, node: &str, on: bool) {
        let t = self.text();
        let what = if on { t.menu.power_on } else { t.menu.power_off };
        let fault = if on { Fault::PowerOn { node: node.into() } } else { Fault::PowerOff { node: node.into() } };
        self.machine(fault, node, what);
    }

    /// Stops or starts a component of the control plane.
    pub fn component(self, id: ProcessId, name: &str, on: bool) {
        let t = self.text();
        let what = if on { t.menu.start } else { t.menu.stop };
        self.machine(if on { Fault::Start(id) } else { Fault::Stop(id) }, name, what);
    }

    /// Ends the process of a pod's container.
    pub fn crash(self, namespace: &str, pod: &str) {
        let fault = Fault::Crash { namespace: namespace.into(), pod: pod.into(), container: None, exit_code: 1 };
        self.machine(fault, pod, self.text().menu.crash);
    }

    /// Starts or ends the requests to a Service.
    pub fn traffic(self, namespace: &str, service: &str, on: bool) {
        let t = self.text();
        let per_second = if on { REQUESTS } else { 0 };
        let fault = Fault::Traffic { namespace: namespace.into(), service: service.into(), per_second };
        self.machine(fault, service, if on { t.menu.traffic_on } else { t.menu.traffic_off });
    }

    pub fn join(self) {
        let taken: Vec<String> =
            self.cluster.with_untracked(|cluster| cluster.nodes.iter().map(|node| node.name.clone()).collect());
        let name = (1..).map(|n| format!("worker-{n}")).find(|name| !taken.contains(name));
        if let Some(name) = name {
            let what = self.text().map.join_node;
            self.machine(Fault::Join(Box::new(NodeConfig::worker(&name))), &name, what);
        }
    }

    pub fn machine(self, fault: Fault, place: &str, what: &str) {
        let line = format!("{place}: {what}");
        let mut result = Ok(());
        self.driver.update_value(|driver| {
            result = driver.machine(fault, line.clone());
            if result.is_ok() {
                let now = driver.cluster.now();
                driver.projector.story.machine(now, place, what);
            }
        });
        match result {
            Ok(()) => self.print(TermKind::Machine, line),
            Err(problem) => self.print(TermKind::Note, problem),
        }
        self.publish(true);
    }
}
