//! Lifecycle hooks and the stopping of containers: hook, signal, patience, force.
//!
//! Mirrors: pkg/kubelet/kuberuntime/kuberuntime_container.go `killContainer`, pkg/kubelet/lifecycle.

use api::k8s_openapi::api::core::v1::{LifecycleHandler, Pod};

use super::container::{Hook, Instance, Kill, Slot, spec_of};
use super::events::Turn;
use super::probes::{resolve_port, serve};
use super::runtime::{HttpRequest, Millis, SandboxWorld, process};
use crate::client::EventType;

/// What is left at least for the signal after a hook that took too long.
const LEAST_GRACE: Millis = 2_000;

/// What became of a hook.
pub enum HookState {
    Done,
    Running(Hook),
    /// What it printed goes nowhere: the event only says that it failed.
    Failed,
}

/// Starts a hook in its container.
pub fn run_hook(
    handler: &LifecycleHandler,
    pod: &Pod,
    slots: &mut [Slot],
    name: &str,
    world: &mut SandboxWorld,
    now: Millis,
) -> HookState {
    if let Some(sleep) = &handler.sleep {
        return HookState::Running(Hook::Until(now + u64::try_from(sleep.seconds).unwrap_or(0) * 1_000));
    }
    if let Some(action) = &handler.exec {
        let command = action.command.clone().unwrap_or_default();
        let Some(instance) = slots.iter_mut().find(|slot| slot.name == name).and_then(Slot::running_mut) else {
            return HookState::Done;
        };
        return match instance.runtime.exec(&command, false, false, now, world) {
            Err(_) => HookState::Failed,
            Ok(io) => {
                let hook = Hook::Exec(io);
                poll_hook(instance, hook, now)
            }
        };
    }
    let Some(spec) = spec_of(pod, name) else { return HookState::Done };
    let spec = &*spec;
    if let Some(action) = &handler.http_get {
        let port = resolve_port(&action.port, spec);
        let request = HttpRequest::get(action.path.as_deref().unwrap_or("/"), "10.244.0.1");
        return match serve(slots, world, port, &request, now) {
            Some(response) if (200..400).contains(&response.status) => HookState::Done,
            Some(_) | None => HookState::Failed,
        };
    }
    HookState::Done
}

/// Looks whether a running hook is over.
pub fn poll_hook(instance: &mut Instance, hook: Hook, now: Millis) -> HookState {
    match hook {
        Hook::Until(at) if now >= at => HookState::Done,
        Hook::Until(at) => HookState::Running(Hook::Until(at)),
        Hook::Exec(io) => match instance.runtime.exec_status(&io) {
            None => HookState::Running(Hook::Exec(io)),
            Some(code) => {
                instance.runtime.end_exec(&io, now);
                if code == 0 { HookState::Done } else { HookState::Failed }
            }
        },
    }
}

/// Begins to stop a running container. The event says why.
pub fn begin_kill(
    turn: &mut Turn,
    pod: &Pod,
    slots: &mut [Slot],
    world: &mut SandboxWorld,
    name: &str,
    grace: i64,
    why: &str,
) {
    let Some(index) = slots.iter().position(|slot| slot.name == name && slot.running().is_some()) else { return };
    if slots[index].running().is_some_and(|instance| instance.kill.is_some()) {
        return;
    }
    turn.container_event(pod, &slots[index], EventType::Normal, "Killing", why);
    let grace = u64::try_from(grace).unwrap_or(0) * 1_000;
    let handler = spec_of(pod, name).and_then(|spec| spec.lifecycle.as_ref()?.pre_stop.clone());
    let mut hook = None;
    if let Some(handler) = handler.filter(|_| grace > 0) {
        match run_hook(&handler, pod, slots, name, world, turn.now) {
            HookState::Done => {}
            HookState::Running(running) => hook = Some(running),
            HookState::Failed => {
                turn.container_event(pod, &slots[index], EventType::Warning, "FailedPreStopHook", "PreStopHook failed");
            }
        }
    }
    if let Some(instance) = slots[index].running_mut() {
        instance.kill = Some(Kill { deadline: turn.now + grace, hook, signalled: false });
    }
    advance_kill(turn, pod, slots, world, index);
}

/// Takes a kill further: after the hook the signal, at the deadline force.
pub fn advance_kill(turn: &mut Turn, pod: &Pod, slots: &mut [Slot], world: &mut SandboxWorld, index: usize) {
    let now = turn.now;
    let Some(instance) = slots[index].running_mut() else { return };
    let Some(mut kill) = instance.kill.take() else { return };
    let mut hook_failed = false;
    if let Some(hook) = kill.hook.take() {
        match poll_hook(instance, hook, now) {
            HookState::Running(running) if now < kill.deadline => kill.hook = Some(running),
            // Whatever is left of the hook dies with the container.
            HookState::Running(_) | HookState::Done => kill.deadline = kill.deadline.max(now + LEAST_GRACE),
            HookState::Failed => {
                hook_failed = true;
                kill.deadline = kill.deadline.max(now + LEAST_GRACE);
            }
        }
    }
    if kill.hook.is_none() && !kill.signalled {
        kill.signalled = true;
        if now >= kill.deadline {
            instance.runtime.signal(process::SIGKILL, now, world);
        } else {
            let signal = spec_of(pod, &slots[index].name).and_then(|spec| spec.lifecycle.as_ref()?.stop_signal.clone());
            let number = signal.and_then(|name| process::signal_number(&name)).unwrap_or(process::SIGTERM);
            if let Some(instance) = slots[index].running_mut() {
                instance.runtime.signal(number, now, world);
            }
        }
    } else if kill.signalled && now >= kill.deadline {
        instance.runtime.signal(process::SIGKILL, now, world);
    }
    if let Some(instance) = slots[index].current.as_mut() {
        instance.kill = Some(kill);
    }
    if hook_failed {
        turn.container_event(pod, &slots[index], EventType::Warning, "FailedPreStopHook", "PreStopHook failed");
    }
}

/// When a kill next needs attention.
pub fn kill_due(kill: &Kill) -> Millis {
    match &kill.hook {
        Some(Hook::Until(at)) => (*at).min(kill.deadline),
        Some(Hook::Exec(_)) | None => kill.deadline,
    }
}
