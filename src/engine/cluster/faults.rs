//! Faults: what a hand at the machines can do, as inputs on the same timeline as requests.

use std::str::FromStr;
use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{ContainerState, ContainerStateTerminated, ContainerStatus, Pod};
use api::k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use api::meta::quantity::amount;
use api::{Kind, Object, Status};

use super::process::{ProcessId, Program};
use super::{Cluster, NodeConfig};
use crate::apiserver::{Identity, Key, WriteOptions, seconds};
pub use crate::kubelet::Scarce;

/// One machine event. Nothing here is an API request: kubectl cannot pull a plug.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// The process dies; what it knew is forgotten.
    Stop(ProcessId),
    Start(ProcessId),
    /// The machine is cut off or frozen: nothing on it restarts, nothing is forgotten.
    Freeze {
        node: String,
    },
    Thaw {
        node: String,
    },
    /// The machine loses its power: its kubelet and everything that ran on it are gone.
    PowerOff {
        node: String,
    },
    /// The machine starts again; its containers are started anew.
    PowerOn {
        node: String,
    },
    /// A new machine is plugged in.
    Join(Box<NodeConfig>),
    /// A container's process ends with this code; the first running one if none is named.
    Crash {
        namespace: String,
        pod: String,
        container: Option<String>,
        exit_code: i32,
    },
    /// A container reaches its memory limit.
    OutOfMemory {
        namespace: String,
        pod: String,
        container: Option<String>,
    },
    /// Something outside the pods takes a machine's memory or disk until only this much (a quantity)
    /// is left; `None` gives it back.
    Squeeze {
        node: String,
        scarce: Scarce,
        left: Option<String>,
    },
    /// Somebody outside asks this Service so many times a second from now on; 0 ends it.
    Traffic {
        namespace: String,
        service: String,
        per_second: u32,
    },
    /// The pod's status is written as its kubelet would, and stays so.
    PodStatus {
        namespace: String,
        pod: String,
        to: PodFate,
    },
}

/// What a pod's status is made to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PodFate {
    Failed { reason: String, exit_code: i32 },
    Succeeded,
    Ready,
    NotReady,
}

impl FromStr for Fault {
    type Err = String;

    /// As transcripts and the bridge's administrators write it: `stop scheduler`, `node-down worker-1`,
    /// `pod-fail web-0 Evicted exit=3 -n shop`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut words: Vec<&str> = text.split_whitespace().collect();
        let namespace = words.iter().position(|word| *word == "-n").filter(|at| at + 1 < words.len());
        let namespace = namespace.and_then(|at| words.drain(at..at + 2).next_back()).unwrap_or("default").to_string();
        let pod_status = |pod: &str, to: PodFate| Fault::PodStatus { namespace, pod: pod.into(), to };
        let process = |words: &[&str]| match words {
            ["kubelet", node] => Some(ProcessId::Kubelet((*node).into())),
            ["apiserver"] => Some(ProcessId::ApiServer),
            ["scheduler"] => Some(ProcessId::Scheduler),
            ["controller-manager"] => Some(ProcessId::ControllerManager),
            _ => None,
        };
        let unknown = || {
            format!(
                "there is no fault {text:?}; there are: node-down NODE, node-up NODE, stop or start apiserver, \
                 scheduler, controller-manager, kubelet NODE; pod-fail POD [REASON] [exit=N], pod-succeed POD, \
                 pod-ready POD, pod-unready POD [-n NAMESPACE]"
            )
        };
        Ok(match words.as_slice() {
            ["node-down", node] => Fault::Freeze { node: (*node).into() },
            ["node-up", node] => Fault::Thaw { node: (*node).into() },
            ["stop", rest @ ..] => Fault::Stop(process(rest).ok_or_else(unknown)?),
            ["start", rest @ ..] => Fault::Start(process(rest).ok_or_else(unknown)?),
            ["pod-succeed", pod] => pod_status(pod, PodFate::Succeeded),
            ["pod-ready", pod] => pod_status(pod, PodFate::Ready),
            ["pod-unready", pod] => pod_status(pod, PodFate::NotReady),
            ["pod-fail", pod, rest @ ..] => {
                let (exits, reasons): (Vec<&str>, Vec<&str>) =
                    rest.iter().copied().partition(|word| word.starts_with("exit="));
                let exit_code = match exits.as_slice() {
                    [] => 1,
                    [exit] => exit.trim_start_matches("exit=").parse().map_err(|_| unknown())?,
                    _ => return Err(unknown()),
                };
                match reasons.as_slice() {
                    [] => pod_status(pod, PodFate::Failed { reason: String::new(), exit_code }),
                    [reason] => pod_status(pod, PodFate::Failed { reason: (*reason).into(), exit_code }),
                    _ => return Err(unknown()),
                }
            }
            _ => return Err(unknown()),
        })
    }
}

impl Cluster {
    /// Lets a machine event happen now.
    ///
    /// # Errors
    /// A sentence for people, when there is no such machine, process or pod.
    pub fn inject(&mut self, fault: Fault) -> Result<(), String> {
        match fault {
            Fault::Crash { ref namespace, ref pod, ref container, .. }
            | Fault::OutOfMemory { ref namespace, ref pod, ref container } => {
                self.container_fault(namespace, pod, container.as_deref(), &fault)?;
            }
            Fault::Stop(ProcessId::ApiServer) => {
                self.server.serve(false);
                // Connections to kubelets go through it.
                self.streams.clear();
            }
            Fault::Start(ProcessId::ApiServer) => self.server.serve(true),
            Fault::Stop(id) => {
                let process = self.processes.get_mut(&id).ok_or_else(|| format!("there is no {}", id.lane()))?;
                process.running = false;
                process.inbox.clear();
                process.armed = None;
            }
            Fault::Start(id) => {
                if !self.processes.contains_key(&id) {
                    return Err(format!("there is no {}", id.lane()));
                }
                self.start(&id);
            }
            Fault::PowerOff { node } => {
                let id = ProcessId::Kubelet(node.as_str().into());
                let unix = self.server.unix_millis();
                let process = self.processes.get_mut(&id).ok_or_else(|| format!("there is no node {node}"))?;
                if let Program::Kubelet(kubelet) = &mut process.program {
                    kubelet.power_cut(unix);
                }
                process.running = false;
                process.inbox.clear();
                process.armed = None;
            }
            Fault::PowerOn { node } => {
                let id = ProcessId::Kubelet(node.as_str().into());
                if !self.processes.contains_key(&id) {
                    return Err(format!("there is no node {node}"));
                }
                self.start(&id);
            }
            Fault::Freeze { node } => self.freeze(&node, true)?,
            Fault::Thaw { node } => self.freeze(&node, false)?,
            Fault::Squeeze { node, scarce, left } => {
                let left = left.map(|text| amount(&Quantity(text)).value());
                let kubelet = self.machine_mut(&node).ok_or_else(|| format!("there is no node {node}"))?;
                kubelet.squeeze(scarce, left);
            }
            Fault::Join(config) => self.join(*config),
            Fault::Traffic { namespace, service, per_second } => self.set_traffic(&namespace, &service, per_second),
            Fault::PodStatus { namespace, pod, to } => self.pod_status(&namespace, &pod, &to)?,
        }
        self.announce();
        Ok(())
    }

    fn freeze(&mut self, node: &str, frozen: bool) -> Result<(), String> {
        let id = ProcessId::Kubelet(node.into());
        let process = self.processes.get_mut(&id).ok_or_else(|| format!("there is no node {node}"))?;
        process.frozen = frozen;
        process.armed = None;
        if !frozen {
            let now = self.now();
            self.arm(&id, now);
        }
        Ok(())
    }

    fn pod_status(&mut self, namespace: &str, pod: &str, to: &PodFate) -> Result<(), String> {
        let who = Identity::new("kubelet", "system:node", "kubelet");
        let key = Key::new(Kind::Pod, namespace, pod);
        let now = Time(seconds(self.server.unix_millis()));
        self.hands_off(namespace, pod);
        let written = self.server.modify(&who, &key, &mut WriteOptions::on("status"), |object| {
            if let Object::Pod(pod) = object {
                doom(Arc::make_mut(pod), to, &now);
            }
            Ok(())
        });
        written.map(|_| ()).map_err(|status: Status| status.message.clone())
    }
}

impl Cluster {
    /// From now on the pod's kubelet leaves its status to others.
    fn hands_off(&mut self, namespace: &str, name: &str) {
        let Some(pod) = self.snapshot().get::<Pod>(namespace, name).cloned() else { return };
        let node = pod.spec.as_ref().and_then(|spec| spec.node_name.clone()).unwrap_or_default();
        let uid = pod.metadata.uid.clone().unwrap_or_default();
        if let Some(kubelet) = self.machine_mut(&node) {
            kubelet.leave_alone(&uid);
        }
    }
}

fn doom(pod: &mut Pod, to: &PodFate, now: &Time) {
    let containers: Vec<(String, String)> = pod
        .spec
        .iter()
        .flat_map(|spec| &spec.containers)
        .map(|container| (container.name.clone(), container.image.clone().unwrap_or_default()))
        .collect();
    let status = pod.status.get_or_insert_default();
    let ready = match to {
        PodFate::Ready => true,
        PodFate::NotReady | PodFate::Succeeded | PodFate::Failed { .. } => false,
    };
    let finished = match to {
        PodFate::Failed { reason, exit_code } => Some(("Failed", reason.as_str(), *exit_code)),
        PodFate::Succeeded => Some(("Succeeded", "Completed", 0)),
        PodFate::Ready | PodFate::NotReady => None,
    };
    if let Some((phase, reason, exit_code)) = finished {
        status.phase = Some(phase.into());
        let old = status.container_statuses.take().unwrap_or_default();
        status.container_statuses = Some(
            containers
                .into_iter()
                .map(|(name, image)| {
                    let known = old.iter().find(|status| status.name == name).cloned();
                    let terminated = ContainerStateTerminated {
                        exit_code,
                        reason: Some(if reason.is_empty() { "Error" } else { reason }.into()),
                        started_at: Some(now.clone()),
                        finished_at: Some(now.clone()),
                        ..ContainerStateTerminated::default()
                    };
                    ContainerStatus {
                        name,
                        image,
                        ready: false,
                        started: Some(false),
                        state: Some(ContainerState { terminated: Some(terminated), ..ContainerState::default() }),
                        ..known.unwrap_or_default()
                    }
                })
                .collect(),
        );
    }
    let word = if ready { "True" } else { "False" };
    for condition in status.conditions.iter_mut().flatten() {
        if matches!(condition.type_.as_str(), "Ready" | "ContainersReady") && condition.status != word {
            condition.status = word.into();
            condition.last_transition_time = Some(now.clone());
            condition.reason = match to {
                PodFate::Succeeded => Some("PodCompleted".into()),
                PodFate::Failed { .. } => Some("PodFailed".into()),
                PodFate::NotReady => Some("ContainersNotReady".into()),
                PodFate::Ready => None,
            };
        }
    }
    if finished.is_none() {
        for container in status.container_statuses.iter_mut().flatten() {
            container.ready = ready;
        }
    }
}
