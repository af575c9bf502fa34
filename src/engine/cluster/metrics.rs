//! metrics-server: asks every kubelet each fifteen seconds what its containers use.
//!
//! Mirrors: metrics-server/pkg/scraper. A kubelet that does not answer is left out until it does.

use std::collections::BTreeMap;

use super::process::{ProcessId, Program};
use super::{Cluster, Due};
use crate::apiserver::{Reading, Usage};
use crate::sim::{Millis, SECOND};

const RESOLUTION: Millis = 15 * SECOND;

impl Cluster {
    pub(super) fn scrape(&mut self) {
        // Kubelets count in Unix time.
        let unix = self.server.unix_millis();
        let mut answers: BTreeMap<String, Vec<Reading>> = BTreeMap::new();
        for (id, process) in &self.processes {
            let (ProcessId::Kubelet(node), Program::Kubelet(kubelet)) = (id, &process.program) else { continue };
            if process.running && !process.frozen {
                let rows = kubelet.usage(unix).into_iter().map(|(namespace, pod, container, cpu, memory)| Reading {
                    namespace,
                    pod,
                    container,
                    usage: Usage { cpu, memory },
                });
                answers.insert(node.to_string(), rows.collect());
            }
        }
        self.server.measure(answers);
        self.timeline.at(self.now() + RESOLUTION, Due::Scrape);
    }
}
