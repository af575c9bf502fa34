//! Lifecycle hooks and the stopping of containers: hook, signal, patience, force.
//!
//! postStart runs beside the container's own process and holds back whatever starts behind it; when it
//! fails, the container is killed. preStop runs before the signal and is part of the grace period: of a
//! hook that takes all of it two seconds are left for the signal. An HTTP hook has done its work when it
//! was answered, whatever the status. What went wrong in a postStart is the container's waiting message;
//! the events only say that a hook failed, since what a hook prints may be a secret.
//! Mirrors: pkg/kubelet/kuberuntime/kuberuntime_container.go `killContainer`,
//! pkg/kubelet/lifecycle/handlers.go. Left out: the time an answer takes, headers of HTTP hooks.

use api::k8s_openapi::api::core::v1::{HTTPGetAction, LifecycleHandler, Pod};

use super::container::{Hook, Instance, Kill, Slot, spec_of};
use super::events::Turn;
use super::probes::{Target, collect, exec_error, probed_port, serve, speech};
use super::runtime::{HttpRequest, Millis, SandboxWorld, Speech, process};
use crate::client::EventType;

/// What is left at least for the signal after a hook that took too long.
const LEAST_GRACE: Millis = 2_000;

/// What became of a hook.
pub enum HookState {
    Done,
    Running(Hook),
    /// Why, in the words of whoever carried it out.
    Failed(String),
}

/// Starts a hook in its container.
pub fn run_hook(
    turn: &mut Turn,
    handler: &LifecycleHandler,
    pod: &Pod,
    slots: &mut [Slot],
    name: &str,
    world: &mut SandboxWorld,
) -> HookState {
    let now = turn.now;
    if let Some(sleep) = &handler.sleep {
        return HookState::Running(Hook::Until(now + u64::try_from(sleep.seconds).unwrap_or(0) * 1_000));
    }
    let place = Place { container: name, pod: full_name(pod) };
    if let Some(action) = &handler.exec {
        let command = action.command.clone().unwrap_or_default();
        let Some(instance) = slots.iter_mut().find(|slot| slot.name == name).and_then(Slot::running_mut) else {
            return HookState::Done;
        };
        return match instance.runtime.exec(&command, false, false, now, world) {
            Err(launch) => {
                let uid = pod.metadata.uid.as_deref().unwrap_or_default();
                let error = exec_error(uid, now, &command, launch);
                HookState::Failed(place.exec_failed(&command, &format!("rpc error: code = Unknown desc = {error}"), ""))
            }
            Ok(io) => poll_hook(instance, Hook::Exec { io, command }, pod, name, now),
        };
    }
    if let Some(action) = &handler.http_get {
        return match ask(turn, action, pod, slots, name, world) {
            Ok(()) => HookState::Done,
            Err(error) => HookState::Failed(format!(
                "HTTP lifecycle hook ({}) for Container {name:?} in Pod {:?} failed - error: {error}",
                action.path.as_deref().unwrap_or_default(),
                place.pod
            )),
        };
    }
    // The API takes a tcpSocket here and says itself that nobody carries it out.
    HookState::Failed("Cannot run handler: invalid handler".to_owned())
}

struct Place<'a> {
    container: &'a str,
    pod: String,
}

impl Place<'_> {
    fn exec_failed(&self, command: &[String], error: &str, output: &str) -> String {
        format!(
            "Exec lifecycle hook ([{}]) for Container {:?} in Pod {:?} failed - error: {error}, message: {output:?}",
            command.join(" "),
            self.container,
            self.pod
        )
    }
}

/// `name_namespace(uid)`
pub fn full_name(pod: &Pod) -> String {
    let part = |text: &Option<String>| text.clone().unwrap_or_default();
    format!("{}_{}({})", part(&pod.metadata.name), part(&pod.metadata.namespace), part(&pod.metadata.uid))
}

/// Any answer will do. Who is asked for TLS and answers without it is asked again, without it.
fn ask(
    turn: &mut Turn,
    action: &HTTPGetAction,
    pod: &Pod,
    slots: &mut [Slot],
    name: &str,
    world: &mut SandboxWorld,
) -> Result<(), String> {
    let Some(spec) = spec_of(pod, name) else { return Ok(()) };
    let target = Target::of(action, probed_port(&action.port, &spec)?, &world.ip);
    let mut request = HttpRequest::get(&target.path, "10.244.0.1");
    request.headers.insert("User-Agent".to_owned(), "kube-lifecycle/1.36".to_owned());
    if serve(slots, world, target.port, &request, turn.now).is_none() {
        return Err(target.refused());
    }
    if target.scheme == "https" && speech(slots, target.port) != Some(Speech::Https) {
        let message = format!(
            "request to HTTPS lifecycle hook {}:{} got HTTP response, retry with HTTP succeeded",
            target.host, target.port
        );
        turn.pod_event(pod, EventType::Warning, "LifecycleHTTPFallback", message);
    }
    Ok(())
}

/// Looks whether a running hook is over.
pub fn poll_hook(instance: &mut Instance, hook: Hook, pod: &Pod, name: &str, now: Millis) -> HookState {
    match hook {
        Hook::Until(at) if now >= at => HookState::Done,
        Hook::Until(at) => HookState::Running(Hook::Until(at)),
        Hook::Exec { io, command } => match instance.runtime.exec_status(&io) {
            None => HookState::Running(Hook::Exec { io, command }),
            Some(code) => {
                let (output, errors) = collect(instance, &io);
                instance.runtime.end_exec(&io, now);
                if code == 0 {
                    return HookState::Done;
                }
                let error = format!("command '{}' exited with {code}: {errors}", command.join(" "));
                let place = Place { container: name, pod: full_name(pod) };
                HookState::Failed(place.exec_failed(&command, &error, &format!("{output}{errors}")))
            }
        },
    }
}

/// Whether a container's preStop runs before the signal; without a grace period it never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreStop {
    Runs,
    LeftOut,
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
    pre_stop: PreStop,
) {
    let Some(index) = slots.iter().position(|slot| slot.name == name && slot.running().is_some()) else { return };
    if slots[index].running().is_some_and(|instance| instance.kill.is_some()) {
        return;
    }
    turn.container_event(pod, &slots[index], EventType::Normal, "Killing", why);
    let runs = pre_stop == PreStop::Runs && grace > 0;
    let handler = spec_of(pod, name).and_then(|spec| spec.lifecycle.as_ref()?.pre_stop.clone());
    let grace = u64::try_from(grace).unwrap_or(0) * 1_000;
    let mut hook = None;
    if let Some(handler) = handler.filter(|_| runs) {
        match run_hook(turn, &handler, pod, slots, name, world) {
            HookState::Done => {}
            HookState::Running(running) => hook = Some(running),
            HookState::Failed(_) => {
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
    let name = slots[index].name.clone();
    let Some(instance) = slots[index].running_mut() else { return };
    let Some(mut kill) = instance.kill.take() else { return };
    let mut hook_failed = false;
    if let Some(hook) = kill.hook.take() {
        match poll_hook(instance, hook, pod, &name, now) {
            HookState::Running(running) if now < kill.deadline => kill.hook = Some(running),
            // Whatever is left of the hook dies with the container.
            HookState::Running(_) | HookState::Done => kill.deadline = kill.deadline.max(now + LEAST_GRACE),
            HookState::Failed(_) => {
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
            let signal = spec_of(pod, &name).and_then(|spec| spec.lifecycle.as_ref()?.stop_signal.clone());
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
        Some(Hook::Exec { .. }) | None => kill.deadline,
    }
}
