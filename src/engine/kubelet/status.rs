//! The status of a pod, generated from what its worker knows.
//!
//! The phase: `Pending` until every init container has ended with 0 and every main container has been
//! started once; `Running` as long as a main container runs or will come back; then `Succeeded` if all
//! ended with 0, else `Failed`. It never goes back, and a final phase is held back until nothing runs any
//! more, so that whoever counts ended pods (a Job) does not count one twice. Of a container that waits for
//! its next start the state is `Waiting` with the reason of the last fault, and its last run is
//! `lastState`. Conditions keep their transition time while their status stays; those of others are kept.
//! Mirrors: pkg/kubelet/kubelet_pods.go `generateAPIPodStatus`, `getPhase`,
//! `convertToAPIContainerStatuses`; pkg/kubelet/status/generate.go. Left out: allocated devices, volume
//! mounts that are read-only by themselves, IPv6 addresses.

use std::collections::BTreeMap;

use api::k8s_openapi::api::core::v1::{
    ContainerState, ContainerStateRunning, ContainerStateTerminated, ContainerStateWaiting, ContainerStatus,
    ContainerUser, HostIP, LinuxContainerUser, PodCondition, PodIP, PodStatus, ResourceRequirements, VolumeMountStatus,
};
use api::k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use api::meta::quantity::amount;
use api::meta::restart_rules::could_restart_all;
use api::meta::time::time_from_millis;
use api::order::{Gather, Order};

use super::container::{End, Instance, Kind, Slot, restarts_after};
use super::pod_worker::PodWorker;
use super::restart_all::RESTARTING;
use super::runtime::Millis;

/// The condition of a pod whose containers all begin anew.
const ALL_RESTARTING: &str = "AllContainersRestarting";

/// Facts of the environment that show in a status.
pub struct Look {
    pub now: Millis,
    pub host_ip: String,
    /// Container IDs and users are shown; a profile without containers has none.
    pub shows_ids: bool,
}

pub fn time(at: Millis) -> Time {
    time_from_millis(i64::try_from(at).unwrap_or(i64::MAX))
}

/// The phase that follows from the containers.
pub fn phase(worker: &PodWorker) -> &'static str {
    let pod = &worker.pod;
    if let Some((_, _)) = &worker.rejected {
        return "Failed";
    }
    let mains = || worker.slots.iter().filter(|slot| slot.kind == Kind::Main);
    let has_initialized = mains().any(|slot| slot.current.is_some() || slot.previous.is_some());
    let mut pending_init = false;
    for slot in worker.slots.iter().filter(|slot| slot.kind.is_init()) {
        match (slot.kind, slot.running(), slot.ended()) {
            (Kind::Init, None, Some(end)) if end.code == 0 => {}
            (Kind::Init, None, Some(end)) if !has_initialized => {
                if !restarts_after(pod, slot, end.code) {
                    return "Failed";
                }
                pending_init = true;
            }
            (Kind::Init, ..) if has_initialized => {}
            (Kind::Sidecar, Some(instance), _) => pending_init |= !instance.started && !has_initialized,
            (Kind::Sidecar, None, _) => pending_init |= !has_initialized,
            _ => pending_init = true,
        }
    }
    let (mut running, mut stopped, mut succeeded, mut waiting) = (0, 0, 0, 0);
    for slot in mains() {
        match (slot.running(), slot.ended()) {
            (Some(_), _) => running += 1,
            (None, Some(end)) => {
                stopped += 1;
                succeeded += usize::from(end.code == 0);
            }
            // It was removed so that all may start again.
            (None, None) if slot.previous.is_some() => stopped += 1,
            (None, None) => waiting += 1,
        }
    }
    let sidecar_running = worker.slots.iter().any(|slot| slot.kind == Kind::Sidecar && slot.running().is_some());
    running += usize::from(has_initialized && sidecar_running);
    let comes_back = || {
        mains().any(|slot| match (slot.ended(), slot.running()) {
            (Some(end), _) => restarts_after(pod, slot, end.code),
            (None, running) => running.is_none(),
        })
    };
    match () {
        () if pending_init || waiting > 0 => "Pending",
        () if mains().any(|slot| slot.running().is_some()) => "Running",
        () if stopped > 0 && !worker.is_terminating() && comes_back() => "Running",
        () if stopped > 0 && stopped == succeeded => "Succeeded",
        () if stopped > 0 => "Failed",
        () if running > 0 => "Running",
        () => "Pending",
    }
}

/// The whole status. A terminal phase is held back until `worker.finished`.
pub fn generate(worker: &PodWorker, look: &Look) -> PodStatus {
    let pod = &worker.pod;
    let old = pod.status.clone().unwrap_or_default();
    if let (Some((reason, message)), None) = (&worker.rejected, worker.ending) {
        return PodStatus {
            phase: Some("Failed".to_owned()),
            reason: Some(reason.clone()),
            message: Some(message.clone()),
            observed_generation: pod.metadata.generation,
            start_time: Some(time(worker.seen_at)),
            ..old
        };
    }
    let real = phase(worker);
    let before = old.phase.as_deref().unwrap_or("Pending");
    let terminal = matches!(real, "Succeeded" | "Failed");
    let was_terminal = matches!(before, "Succeeded" | "Failed");
    let shown = if was_terminal || (terminal && !worker.finished) { before } else { real };
    // Nothing of the containers shows before the sandbox has been seen.
    let ip = worker.sandbox_seen.then(|| worker.world.ip.clone()).filter(|ip| !ip.is_empty());
    let statuses = |kinds: &[Kind]| -> Vec<ContainerStatus> {
        worker
            .slots
            .iter()
            .filter(|slot| kinds.contains(&slot.kind))
            .map(|slot| container_status(worker, slot, look))
            .collect()
    };
    let mut main = statuses(&[Kind::Main]);
    main.order_by(|a, b| a.name.cmp(&b.name));
    let init = statuses(&[Kind::Init, Kind::Sidecar]);
    let added = statuses(&[Kind::Ephemeral]);
    let slots: BTreeMap<&str, usize> =
        worker.slots.iter().enumerate().map(|(place, slot)| (slot.name.as_str(), place)).into_map();
    let requests = totals(worker, &slots, |resources| resources.requests.as_ref());
    let limits = totals(worker, &slots, |resources| resources.limits.as_ref());
    let (reason, message) = worker.rejected.clone().unzip();
    PodStatus {
        phase: Some(shown.to_owned()),
        reason: reason.or(old.reason.clone()),
        message: message.or(old.message.clone()),
        conditions: Some(conditions(worker, &slots, real, &init, &main, look)),
        host_ip: Some(look.host_ip.clone()),
        host_ips: Some(vec![HostIP { ip: look.host_ip.clone() }]),
        pod_ips: ip.clone().or(old.pod_ip.clone()).map(|ip| vec![PodIP { ip }]),
        pod_ip: ip.or(old.pod_ip.clone()),
        start_time: old.start_time.clone().or(Some(time(worker.seen_at))),
        observed_generation: pod.metadata.generation,
        allocated_resources: requests.clone(),
        resources: Some(ResourceRequirements { claims: None, limits, requests }),
        container_statuses: Some(main),
        init_container_statuses: Some(init).filter(|list| !list.is_empty()),
        ephemeral_container_statuses: Some(added).filter(|list| !list.is_empty()),
        ..old
    }
}

/// The containers' resources together: what they run with, or are to run with.
fn totals(
    worker: &PodWorker,
    slots: &BTreeMap<&str, usize>,
    pick: impl Fn(&ResourceRequirements) -> Option<&BTreeMap<String, Quantity>>,
) -> Option<BTreeMap<String, Quantity>> {
    let mut sums: BTreeMap<String, Quantity> = BTreeMap::new();
    for container in worker.pod.spec.iter().flat_map(|spec| &spec.containers) {
        let slot = slots.get(container.name.as_str()).map(|place| &worker.slots[*place]);
        let runs_with = slot.map(|slot| slot.running().map_or(&slot.allocated, |instance| &instance.resources));
        for (name, quantity) in runs_with.or(container.resources.as_ref()).and_then(&pick).into_iter().flatten() {
            let sum = match sums.get(name) {
                Some(known) => (amount(known) + amount(quantity)).to_quantity(),
                None => quantity.clone(),
            };
            sums.insert(name.clone(), sum);
        }
    }
    Some(sums).filter(|sums| !sums.is_empty())
}

fn container_status(worker: &PodWorker, slot: &Slot, look: &Look) -> ContainerStatus {
    let pod = &worker.pod;
    let spec = slot.spec(pod);
    let spec = spec.as_deref();
    let shown = if worker.sandbox_seen { slot.current.as_ref() } else { None };
    let restarts_soon = slot.ended().is_none_or(|end| restarts_after(pod, slot, end.code)) && slot.running().is_none();
    let reason = worker.reasons.get(&slot.name).filter(|_| restarts_soon && !worker.is_terminating());
    let (state, last) = match (shown, reason) {
        (Some(instance), Some(failure)) if instance.end.is_some() => {
            (waiting(failure.reason, &failure.message), terminated_of(instance, look))
        }
        (Some(instance), _) => {
            let state = match &instance.end {
                Some(end) => terminated(instance, end, look),
                None => ContainerState {
                    running: Some(ContainerStateRunning { started_at: Some(time(instance.started_at)) }),
                    ..ContainerState::default()
                },
            };
            (state, slot.previous.as_ref().and_then(|previous| terminated_of(previous, look)))
        }
        (None, Some(failure)) => {
            let last = slot.previous.as_ref().and_then(|previous| terminated_of(previous, look));
            (waiting(failure.reason, &failure.message), last)
        }
        (None, None) => {
            // Init containers are the first.
            let has_init = worker.slots.first().is_some_and(|slot| slot.kind.is_init());
            (waiting(if has_init { "PodInitializing" } else { "ContainerCreating" }, ""), None)
        }
    };
    let running = shown.filter(|instance| instance.end.is_none());
    let done_init =
        slot.kind == Kind::Init && shown.and_then(|instance| instance.end.as_ref()).is_some_and(|end| end.code == 0);
    let ready = match slot.kind {
        Kind::Init => done_init,
        Kind::Ephemeral => false,
        Kind::Sidecar | Kind::Main => running.is_some_and(|instance| instance.ready && instance.started),
    };
    let spec_image = spec.and_then(|spec| spec.image.clone()).unwrap_or_default();
    let shows = look.shows_ids;
    ContainerStatus {
        name: slot.name.clone(),
        state: Some(state),
        last_state: Some(last.unwrap_or_default()),
        ready,
        // Nothing probes what was only added to look around.
        started: (slot.kind != Kind::Ephemeral).then(|| running.is_some_and(|instance| instance.started)),
        restart_count: slot.restarts,
        image: shown.filter(|_| shows).map_or(spec_image, |instance| instance.image.clone()),
        image_id: shown.filter(|_| shows).map_or_else(String::new, |instance| instance.image_id.clone()),
        container_id: shown.filter(|_| shows).map(|instance| format!("containerd://{}", instance.id)),
        // What is promised is told before it is given.
        allocated_resources: shown.and_then(|instance| match spec.filter(|_| worker.resizing.is_some()) {
            Some(spec) => spec.resources.as_ref().and_then(|resources| resources.requests.clone()),
            None => instance.resources.requests.clone(),
        }),
        resources: shown.map(|instance| ResourceRequirements { claims: None, ..instance.resources.clone() }),
        user: shown.filter(|_| shows).map(|instance| ContainerUser {
            linux: Some(LinuxContainerUser {
                uid: instance.uid,
                gid: instance.gid,
                supplemental_groups: Some(instance.groups.clone()),
            }),
        }),
        volume_mounts: spec.and_then(|spec| spec.volume_mounts.as_ref()).map(|mounts| {
            let status = |mount: &api::k8s_openapi::api::core::v1::VolumeMount| {
                let read_only = mount.read_only == Some(true);
                VolumeMountStatus {
                    name: mount.name.clone(),
                    mount_path: mount.mount_path.clone(),
                    read_only: read_only.then_some(true),
                    recursive_read_only: read_only.then(|| "Disabled".to_owned()),
                    ..VolumeMountStatus::default()
                }
            };
            mounts.iter().map(status).collect()
        }),
        ..ContainerStatus::default()
    }
}

fn waiting(reason: &str, message: &str) -> ContainerState {
    let message = Some(message.to_owned()).filter(|message| !message.is_empty());
    ContainerState {
        waiting: Some(ContainerStateWaiting { reason: Some(reason.to_owned()), message }),
        ..ContainerState::default()
    }
}

fn terminated_of(instance: &Instance, look: &Look) -> Option<ContainerState> {
    instance.end.as_ref().map(|end| terminated(instance, end, look))
}

fn terminated(instance: &Instance, end: &End, look: &Look) -> ContainerState {
    if end.reason == RESTARTING {
        // The container is gone, and with it all that was known of its run.
        let state = ContainerStateTerminated {
            exit_code: end.code,
            reason: Some(end.reason.to_owned()),
            message: end.message.clone(),
            ..ContainerStateTerminated::default()
        };
        return ContainerState { terminated: Some(state), ..ContainerState::default() };
    }
    let state = ContainerStateTerminated {
        container_id: look.shows_ids.then(|| format!("containerd://{}", instance.id)),
        exit_code: end.code,
        reason: Some(end.reason.to_owned()),
        message: end.message.clone(),
        started_at: Some(time(instance.started_at)),
        finished_at: Some(time(end.at)),
        signal: None,
    };
    ContainerState { terminated: Some(state), ..ContainerState::default() }
}

/// The conditions the kubelet owns, behind those it does not.
fn conditions(
    worker: &PodWorker,
    slots: &BTreeMap<&str, usize>,
    phase: &str,
    init: &[ContainerStatus],
    main: &[ContainerStatus],
    look: &Look,
) -> Vec<PodCondition> {
    let old: Vec<PodCondition> =
        worker.pod.status.as_ref().and_then(|status| status.conditions.clone()).unwrap_or_default();
    let mut list: Vec<(&str, bool, Option<&str>, Option<String>)> = Vec::new();
    if let Some((reason, message)) = &worker.resize_pending {
        list.push(("PodResizePending", true, Some(reason), Some(message.clone())));
    }
    if worker.resizing.is_some() {
        list.push(("PodResizeInProgress", true, None, None));
    }
    list.push(("PodReadyToStartContainers", worker.sandbox_ready, None, None));
    let place = |status: &ContainerStatus| slots.get(status.name.as_str()).copied();
    let is_sidecar =
        |status: &ContainerStatus| place(status).is_some_and(|place| worker.slots[place].kind == Kind::Sidecar);
    let complete =
        |status: &ContainerStatus| if is_sidecar(status) { status.started == Some(true) } else { status.ready };
    let names =
        |list: Vec<&ContainerStatus>| list.iter().map(|status| status.name.clone()).collect::<Vec<_>>().join(" ");
    let incomplete: Vec<&ContainerStatus> = init.iter().filter(|status| !complete(status)).collect();
    let begun =
        worker.slots.iter().any(|slot| slot.kind == Kind::Main && (slot.current.is_some() || slot.previous.is_some()));
    list.push(match phase {
        "Succeeded" => ("Initialized", true, Some("PodCompleted"), None),
        _ if incomplete.is_empty() || begun => ("Initialized", true, None, None),
        _ => {
            let message = format!("containers with incomplete status: [{}]", names(incomplete));
            ("Initialized", false, Some("ContainersNotInitialized"), Some(message))
        }
    });
    let sidecars = init.iter().filter(|status| is_sidecar(status));
    let mut unready: Vec<&ContainerStatus> = sidecars.chain(main).filter(|status| !status.ready).collect();
    // Upstream walks the spec's order, not the status's.
    unready.order_by_key(|status| place(status));
    let ready = match phase {
        "Succeeded" => (false, Some("PodCompleted"), None),
        "Failed" => (false, Some("PodFailed"), None),
        _ if unready.is_empty() => (true, None, None),
        _ => (false, Some("ContainersNotReady"), Some(format!("containers with unready status: [{}]", names(unready)))),
    };
    let gate = if ready.0 { readiness_gate(worker, &old) } else { None };
    match gate {
        Some(message) => list.push(("Ready", false, Some("ReadinessGatesNotReady"), Some(message))),
        None => list.push(("Ready", ready.0, ready.1, ready.2.clone())),
    }
    list.push(("ContainersReady", ready.0, ready.1, ready.2));
    list.push(("PodScheduled", true, None, None));
    if could_restart_all(&worker.pod) {
        list.push(match (phase, worker.restarting_all) {
            ("Succeeded", _) => (ALL_RESTARTING, false, Some("PodCompleted"), None),
            ("Failed", _) => (ALL_RESTARTING, false, Some("PodFailed"), None),
            (_, false) => (ALL_RESTARTING, false, None, None),
            (_, true) => {
                let message = "container exited with restart policy rule".to_owned();
                (ALL_RESTARTING, true, Some("RestartAllContainersStarted"), Some(message))
            }
        });
    }
    let mut owned: Vec<&str> = list.iter().map(|(kind, ..)| *kind).collect();
    owned.extend(["PodResizePending", "PodResizeInProgress"]);
    let mut result: Vec<PodCondition> =
        old.iter().filter(|condition| !owned.contains(&condition.type_.as_str())).cloned().collect();
    for (kind, status, reason, message) in list {
        let status = if status { "True" } else { "False" };
        let known = old.iter().find(|condition| condition.type_ == kind);
        let same = known.filter(|condition| condition.status == status);
        result.push(PodCondition {
            type_: kind.to_owned(),
            status: status.to_owned(),
            reason: reason.map(str::to_owned),
            message,
            last_transition_time: same
                .and_then(|condition| condition.last_transition_time.clone())
                .or_else(|| Some(time(look.now))),
            last_probe_time: None,
            observed_generation: worker.pod.metadata.generation,
        });
    }
    result
}

fn readiness_gate(worker: &PodWorker, old: &[PodCondition]) -> Option<String> {
    let gates = worker.pod.spec.iter().flat_map(|spec| spec.readiness_gates.iter().flatten());
    let mut messages = Vec::new();
    for gate in gates {
        let name = &gate.condition_type;
        match old.iter().find(|condition| condition.type_ == *name) {
            None => messages.push(format!("corresponding condition of pod readiness gate \"{name}\" does not exist.")),
            Some(condition) if condition.status != "True" => {
                messages.push(format!(
                    "the status of pod readiness gate \"{name}\" is not \"True\", but {}",
                    condition.status
                ));
            }
            Some(_) => {}
        }
    }
    (!messages.is_empty()).then(|| messages.join(", "))
}
