//! In-place resize: a running container gets the CPU and memory its spec asks for by now.
//!
//! The node must have room. What it could never have is infeasible, what it may have later is
//! deferred; meanwhile the container keeps what it has, and a condition says why. Events tell of each
//! step, the last of them when a later sync finds everything as it was asked for.
//! Mirrors: pkg/kubelet/allocation/allocation_manager.go `handlePodResourcesResize`,
//! pkg/kubelet/events `PodResizeStartedMsg` and its like,
//! pkg/kubelet/kuberuntime/kuberuntime_manager.go `doPodResizeAction`. Left out: errors of the runtime
//! and the order in which deferred pods are tried again.

use std::collections::BTreeMap;

use api::k8s_openapi::api::core::v1::{Container, Pod, ResourceRequirements};
use api::k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use api::meta::quantity::amount;

use super::container::{Kind, Slot, spec_of};
use super::events::Turn;
use super::lifecycle::{PreStop, begin_kill};
use super::pod_worker::PodWorker;
use crate::client::EventType;

/// A deferred resize is tried again after this long.
const RETRY: u64 = 60_000;

impl PodWorker {
    /// Gives containers what they ask for by now; `true` when one must stop for it.
    pub(super) fn resize(&mut self, turn: &mut Turn) -> bool {
        let pod = self.pod.clone();
        let changed: Vec<String> =
            self.slots.iter().filter(|slot| is_asked_otherwise(&pod, slot)).map(|slot| slot.name.clone()).collect();
        let before = self.resize_pending.take();
        let generation = pod.metadata.generation.unwrap_or(0);
        if changed.is_empty() {
            return false;
        }
        if let Some(refusal) = no_room(turn, &pod) {
            if refusal.0 == "Deferred" {
                self.sync_by(turn.now + RETRY);
            }
            let (reason, why) = refusal.clone();
            self.resize_pending = Some(refusal);
            if self.resize_pending != before {
                let text = message(&pod, &reason, generation, Some(&why));
                turn.pod_event(&pod, EventType::Warning, &format!("Resize{reason}"), text);
                self.write_status(turn);
            }
            return false;
        }
        self.resizing = Some(generation);
        turn.pod_event(&pod, EventType::Normal, "ResizeStarted", message(&pod, "started", generation, None));
        self.write_status(turn);
        self.changed_something = true;
        let mut stops = false;
        for name in changed {
            let Some(spec) = spec_of(&pod, &name) else { continue };
            let wanted = spec.resources.clone().unwrap_or_default();
            let Some(slot) = self.slots.iter_mut().find(|slot| slot.name == name) else { continue };
            slot.allocated = wanted.clone();
            let Some(instance) = slot.running_mut() else { continue };
            let restarts = spec.resize_policy.iter().flatten().any(|policy| {
                policy.restart_policy == "RestartContainer"
                    && part(&instance.resources, &policy.resource_name) != part(&wanted, &policy.resource_name)
            });
            if restarts {
                let grace = pod.spec.as_ref().and_then(|spec| spec.termination_grace_period_seconds).unwrap_or(30);
                let why = format!("Container {name} resize requires restart");
                begin_kill(turn, &pod, &mut self.slots, &mut self.world, &name, grace, &why, PreStop::Runs);
                self.stopped.push(name);
                stops = true;
                continue;
            }
            let bytes = limit(&wanted, "memory").map(|limit| u64::try_from(limit.value()).unwrap_or(0));
            let millis = limit(&wanted, "cpu").map(|limit| u64::try_from(limit.milli_value()).unwrap_or(0));
            instance.runtime.limit(bytes, millis);
            instance.resources = wanted;
        }
        stops
    }

    /// A sync that finds every running container with what it asks for: the resize is over.
    pub(super) fn finish_resize(&mut self, turn: &mut Turn) {
        let Some(generation) = self.resizing else { return };
        let pod = self.pod.clone();
        if self.slots.iter().any(|slot| differs(&pod, slot)) {
            return;
        }
        self.resizing = None;
        turn.pod_event(&pod, EventType::Normal, "ResizeCompleted", message(&pod, "completed", generation, None));
    }
}

/// What the spec asks for by now.
fn wished(pod: &Pod, slot: &Slot) -> ResourceRequirements {
    slot.spec(pod).and_then(|spec| spec.resources.clone()).unwrap_or_default()
}

/// Whether a container that may run yet was given other resources than its spec asks for.
fn is_asked_otherwise(pod: &Pod, slot: &Slot) -> bool {
    (slot.kind != Kind::Init || slot.ended().is_none()) && slot.allocated != wished(pod, slot)
}

/// Whether a running container has other resources than its spec asks for.
fn differs(pod: &Pod, slot: &Slot) -> bool {
    slot.running().is_some_and(|instance| instance.resources != wished(pod, slot))
}

/// An event's words: what became of the resize, and what every container asks for.
fn message(pod: &Pod, what: &str, generation: i64, error: Option<&str>) -> String {
    let spec = pod.spec.clone().unwrap_or_default();
    let list = |containers: &[Container]| -> Vec<String> {
        let of = |container: &Container| {
            let resources = container.resources.clone().unwrap_or_default();
            let map = |name: &str, map: &Option<BTreeMap<String, Quantity>>| {
                let map = map.as_ref().filter(|map| !map.is_empty())?;
                let pairs: Vec<String> = map.iter().map(|(key, value)| format!("{key:?}:{:?}", value.0)).collect();
                Some(format!("{name:?}:{{{}}}", pairs.join(",")))
            };
            let parts = [map("limits", &resources.limits), map("requests", &resources.requests)];
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            format!("{{\"name\":{:?},\"resources\":{{{}}}}}", container.name, parts.join(","))
        };
        containers.iter().map(of).collect()
    };
    let mut parts = Vec::new();
    for (name, containers) in
        [("initContainers", spec.init_containers.as_deref()), ("containers", Some(&*spec.containers))]
    {
        let listed = list(containers.unwrap_or_default());
        if !listed.is_empty() {
            parts.push(format!("{name:?}:[{}]", listed.join(",")));
        }
    }
    parts.push(format!("\"generation\":{generation}"));
    parts.extend(error.map(|error| format!("\"error\":{}", serde_json::Value::from(error))));
    format!("Pod resize {what}: {{{}}}", parts.join(","))
}

/// Limit and request of one resource.
fn part<'a>(resources: &'a ResourceRequirements, name: &str) -> (Option<&'a Quantity>, Option<&'a Quantity>) {
    let get = |map: &'a Option<BTreeMap<String, Quantity>>| map.as_ref().and_then(|map| map.get(name));
    (get(&resources.limits), get(&resources.requests))
}

fn limit(resources: &ResourceRequirements, name: &str) -> Option<api::meta::Amount> {
    part(resources, name).0.map(amount)
}

/// Why the node cannot give the pod what it asks for: reason and message.
fn no_room(turn: &Turn, pod: &Pod) -> Option<(String, String)> {
    let machine = &turn.host.machine;
    let others: Vec<&std::sync::Arc<Pod>> = turn
        .cx
        .api
        .pods_on(&machine.name)
        .filter(|other| other.metadata.uid != pod.metadata.uid)
        .filter(|other| {
            let phase = other.status.as_ref().and_then(|status| status.phase.as_deref());
            !matches!(phase, Some("Succeeded" | "Failed"))
        })
        .collect();
    for (name, capacity, milli) in [("cpu", &machine.cpu, true), ("memory", &machine.memory, false)] {
        let units = |quantity: api::meta::Amount| if milli { quantity.milli_value() } else { quantity.value() };
        let capacity = units(amount(&Quantity(capacity.clone())));
        let wanted = units(super::admission::requested(pod, name));
        if wanted > capacity {
            let message =
                format!("Node didn't have enough capacity: {name}, requested: {wanted}, capacity: {capacity}");
            return Some(("Infeasible".to_owned(), message));
        }
        let used: i64 = others.iter().map(|other| units(super::admission::given(other, name))).sum();
        if wanted + used > capacity {
            let message = format!(
                "Node didn't have enough resource: {name}, requested: {wanted}, used: {used}, capacity: {capacity}"
            );
            return Some(("Deferred".to_owned(), message));
        }
    }
    None
}
