//! The works of a pod worker, one after the other: mount, sandbox, pull, create, start, hook.
//!
//! For each container: the back-off, the image (`images.rs`), then its configuration (environment, user,
//! mounts), whose faults are `CreateContainerConfigError` and name what is missing; then it is created
//! and started. What the runtime refuses is an instance that ended with 128 (`StartError`), so it counts
//! as a crash. A fault of one main container does not hold back the others; of an init container it does.
//! After a sync with faults the next one comes when the back-off ends, else after ten to fifteen seconds.
//! Mirrors: pkg/kubelet/kuberuntime/kuberuntime_container.go `startContainer`,
//! kuberuntime_manager.go `doBackOff`, pkg/kubelet/kuberuntime/security_context.go
//! `verifyRunAsNonRoot`. Left out: devices, seccomp and AppArmor profiles, capabilities.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::Kind as ApiKind;
use api::k8s_openapi::api::core::v1::{Container, Pod, SecurityContext};
use api::meta::quantity::amount;
use api::order::{Gather, Order};

use super::container::{End, Instance, Kind};
use super::env::{self, Env};
use super::events::Turn;
use super::images::{self, Ensure, Failure};
use super::lifecycle::{HookState, PreStop, begin_kill, full_name, poll_hook, run_hook};
use super::names;
use super::pod_worker::{PodWorker, Work};
use super::probes;
use super::runtime::reference::hex_of;
use super::runtime::{self, Image, Launch, Millis, Reference};
use super::volumes;
use crate::client::EventType;

/// A failed sync is tried again after this long, up to half longer.
const RETRY: Millis = 10_000;
/// What the container runtime of every machine is configured for.
const HANDLERS: [&str; 2] = ["", "runc"];
/// Back-offs are slept in slices of at most this.
const LONGEST_SLEEP: Millis = 60_000;

impl PodWorker {
    /// Carries on with the work if it is done; `true` when something happened.
    pub(super) fn run_work(&mut self, turn: &mut Turn) -> bool {
        let Some((at, work)) = self.work.take() else { return false };
        if let Work::PostStart { container } = work {
            return self.await_post_start(turn, container);
        }
        if at.is_none_or(|at| at > turn.now) {
            self.work = Some((at, work));
            return false;
        }
        match work {
            Work::Mounting(mounting) => self.mount(turn, mounting),
            Work::CreatingSandbox => self.sandbox_created(turn),
            Work::Pulling { container, ensure } => self.pulled(turn, &container, *ensure),
            Work::Creating { container, image, reference } => self.created(turn, container, image, reference),
            Work::Starting { container, image, reference } => self.start(turn, &container, &image, &reference),
            Work::PostStart { .. } => {}
            Work::Stopping if self.is_terminating() => self.sync_by(turn.now),
            Work::Stopping => {
                self.changed_something = true;
                self.decide(turn);
            }
            Work::TearingDown => self.torn_down(turn),
        }
        true
    }

    fn sandbox_created(&mut self, turn: &mut Turn) {
        let spec = self.pod.spec.clone().unwrap_or_default();
        let class = spec.runtime_class_name.as_deref().filter(|_| !turn.cx.profile.instant).unwrap_or_default();
        let class = turn.cx.api.get_object(ApiKind::RuntimeClass, "", class).map(api::Object::to_value);
        let handler = class.and_then(|class| class["handler"].as_str().map(str::to_owned));
        if let Some(handler) = handler.filter(|handler| !HANDLERS.contains(&handler.as_str())) {
            let pod = self.pod.clone();
            let message = format!(
                "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to get sandbox runtime: no runtime for {handler:?} is configured"
            );
            turn.pod_event(&pod, EventType::Warning, "FailedCreatePodSandBox", message);
            self.retry(turn, None);
            self.end_sync(turn);
            return;
        }
        let host_network = spec.host_network == Some(true);
        self.world.ip = if host_network {
            turn.host.machine.host_ip.clone()
        } else {
            let (cidr, goes_round) = (turn.host.machine.pod_cidr.as_deref(), !turn.cx.profile.instant);
            turn.host.addresses.give(&self.uid, cidr, goes_round, turn.now)
        };
        names::settle(&mut self.world, &self.pod, &turn.host.machine.name);
        self.world.node = turn.host.machine.name.clone();
        self.sandbox_ready = true;
        self.made_sandbox = true;
        if turn.cx.profile.instant {
            self.sandbox_seen = true;
        } else {
            self.hold_status(turn);
        }
        // Files that name the pod's address can be written only now.
        let ip = self.world.ip.clone();
        volumes::refresh(turn, &self.pod.clone(), &ip, &mut self.world.volumes);
        self.decide(turn);
        self.flush_status(turn);
    }

    /// Starts the next container of the plan, or ends the sync.
    pub(super) fn start_next(&mut self, turn: &mut Turn) {
        while let Some(index) = self.plan.pop_front() {
            if index >= self.slots.len() || !self.may_start(turn, index) {
                continue;
            }
            let pod = self.pod.clone();
            let ensured = images::ensure(turn, &pod, &self.slots[index], &mut self.image_waits);
            match ensured {
                Ensure::Ready(image, reference) => {
                    if self.begin_create(turn, index, image, reference) {
                        return;
                    }
                }
                Ensure::Pulling { until, .. } => {
                    let container = self.slots[index].name.clone();
                    self.work = Some((Some(until), Work::Pulling { container, ensure: Box::new(ensured) }));
                    return;
                }
                Ensure::Failed(mut failure) => {
                    if failure.reason == "ImagePullBackOff" {
                        let image =
                            self.slots[index].spec(&pod).and_then(|spec| spec.image.clone()).unwrap_or_default();
                        if let Some(error) = self.image_errors.get(&image) {
                            failure.message = format!("{}: ErrImagePull: {error}", failure.message);
                        }
                    }
                    let text = format!("Error: {}", failure.reason);
                    self.fail(turn, index, failure, &text);
                }
            }
        }
        self.end_sync(turn);
    }

    /// Whether the crash back-off lets the container start again.
    ///
    /// A sync sees containers as they were when it began: of one that it stopped itself it knows only
    /// how the one before ended.
    fn may_start(&mut self, turn: &mut Turn, index: usize) -> bool {
        let slot = &self.slots[index];
        let name = slot.name.clone();
        let known = if self.stopped.contains(&name) { &slot.previous } else { &slot.current };
        let Some(ended) = known.as_ref().and_then(|instance| instance.end.as_ref()).map(|end| end.at) else {
            return true;
        };
        let full = full_name(&self.pod);
        match self.crashes.waiting(&name, ended, turn.now) {
            None => {
                self.crashes.next(&name, ended, turn.now);
                true
            }
            Some((wait, until)) => {
                let pod = self.pod.clone();
                let text = format!("Back-off restarting failed container {name} in pod {full}");
                turn.container_event(&pod, &self.slots[index], EventType::Warning, "BackOff", text);
                let wait = api::meta::time::go_duration(i64::try_from(wait).unwrap_or(i64::MAX));
                let message = format!("back-off {wait} restarting failed container={name} pod={full}");
                self.reasons.insert(name, Failure { reason: "CrashLoopBackOff", message });
                self.retry(turn, Some(until));
                false
            }
        }
    }

    /// Plans the next try after an error: when a back-off ends, or soon.
    fn retry(&mut self, turn: &mut Turn, until: Option<Millis>) {
        let wait = until.map_or(RETRY, |until| until.saturating_sub(turn.now).min(LONGEST_SLEEP));
        let at = turn.now + turn.stretch(wait, 0.5);
        let at = turn.host.ticks.next_sync(at);
        self.retry_at = Some(self.retry_at.map_or(at, |known| known.min(at)));
    }

    fn fail(&mut self, turn: &mut Turn, index: usize, failure: Failure, event: &str) {
        let pod = self.pod.clone();
        turn.container_event(&pod, &self.slots[index], EventType::Warning, "Failed", event);
        self.reasons.insert(self.slots[index].name.clone(), failure);
        self.retry(turn, None);
    }

    fn pulled(&mut self, turn: &mut Turn, name: &str, ensure: Ensure) {
        let Ensure::Pulling { waited, took, outcome, reference, .. } = ensure else { return };
        let pod = self.pod.clone();
        let Some(index) = self.slots.iter().position(|slot| slot.name == name) else { return };
        let image_name = self.slots[index].spec(&pod).and_then(|spec| spec.image.clone()).unwrap_or_default();
        match outcome {
            Ok(image) => {
                turn.host.images.add(&reference, image.clone());
                let text = images::pulled_text(&image_name, took, waited, image.size);
                turn.container_event(&pod, &self.slots[index], EventType::Normal, "Pulled", text);
                self.image_errors.remove(&image_name);
                if !self.begin_create(turn, index, image, reference) {
                    self.start_next(turn);
                }
            }
            Err(error) => {
                let text = format!("Failed to pull image \"{image_name}\": {error}");
                turn.container_event(&pod, &self.slots[index], EventType::Warning, "Failed", text);
                let now = turn.now;
                self.image_waits.next(&images::backoff_key(&pod, &image_name), now, now);
                self.image_errors.insert(image_name, error.clone());
                self.fail(turn, index, Failure { reason: "ErrImagePull", message: error }, "Error: ErrImagePull");
                self.start_next(turn);
            }
        }
    }

    fn environment(&self, turn: &Turn, spec: &Container) -> Result<Env, String> {
        if turn.cx.profile.instant {
            return Ok(Env::new());
        }
        let facts = env::Facts {
            api: &turn.cx.api,
            machine: &turn.host.machine,
            pod: &self.pod,
            pod_ip: &self.world.ip,
            volumes: &self.world.volumes,
        };
        env::make(&facts, spec)
    }

    /// Checks the container's configuration; `true` when it is now being created.
    fn begin_create(&mut self, turn: &mut Turn, index: usize, image: Arc<Image>, reference: Reference) -> bool {
        let pod = self.pod.clone();
        let Some(spec) = self.slots[index].spec(&pod) else { return false };
        let env = self.environment(turn, &spec);
        let mounts = env.and_then(|env| volumes::mounts(turn, &pod, &spec, &env));
        let checked = mounts.and_then(|_| self.check_user(&pod, &spec, &image));
        if let Err(message) = checked {
            let event = format!("Error: {message}");
            self.fail(turn, index, Failure { reason: "CreateContainerConfigError", message }, &event);
            return false;
        }
        let until = turn.now + turn.labour(14, 16);
        self.work = Some((Some(until), Work::Creating { container: self.slots[index].name.clone(), image, reference }));
        true
    }

    fn check_user(&self, pod: &Pod, spec: &Container, image: &Image) -> Result<(), String> {
        let pod_context = pod.spec.as_ref().and_then(|spec| spec.security_context.as_ref());
        let own = spec.security_context.as_ref();
        let non_root =
            own.and_then(|context| context.run_as_non_root).or(pod_context.and_then(|context| context.run_as_non_root));
        if non_root != Some(true) || user_of(pod, own, image).0 != 0 {
            return Ok(());
        }
        let asked = own.and_then(|context| context.run_as_user).or(pod_context.and_then(|context| context.run_as_user));
        let why = match asked {
            Some(_) => "container's runAsUser breaks non-root policy",
            None => "container has runAsNonRoot and image will run as root",
        };
        Err(format!("{why} (pod: {:?}, container: {})", full_name(pod), spec.name))
    }

    fn created(&mut self, turn: &mut Turn, container: String, image: Arc<Image>, reference: Reference) {
        let pod = self.pod.clone();
        if let Some(slot) = self.slots.iter().find(|slot| slot.name == container) {
            turn.container_event(&pod, slot, EventType::Normal, "Created", "Container created");
        }
        let until = turn.now + turn.labour(55, 35);
        self.work = Some((Some(until), Work::Starting { container, image, reference }));
    }

    fn start(&mut self, turn: &mut Turn, name: &str, image: &Arc<Image>, reference: &Reference) {
        let pod = self.pod.clone();
        let Some(index) = self.slots.iter().position(|slot| slot.name == name) else { return };
        let Some(spec) = self.slots[index].spec(&pod) else { return };
        let mut spec = spec.into_owned();
        spec.resources = Some(self.slots[index].allocated.clone());
        let env = self.environment(turn, &spec).unwrap_or_default();
        let run = self.runtime_spec(turn, &spec, image, env);
        let now = turn.now;
        let first = run.argv.first().cloned().unwrap_or_default();
        let (user, group) = run.user;
        let (runtime, launch) = runtime::Container::start(&run, now, &mut self.world);
        let slot = &mut self.slots[index];
        let attempt = slot.current.as_ref().map_or(slot.restarts, |_| slot.restarts + 1);
        let (ready, started) = if turn.cx.profile.instant { (true, true) } else { probes::initial(&spec) };
        let instant = turn.cx.profile.instant;
        // A profile without containers makes no identities for them either.
        let text = |make: &dyn Fn() -> String| if instant { String::new() } else { make() };
        let mut instance = Instance {
            id: if instant { attempt.to_string() } else { hex_of(&format!("{}/{name}/{attempt}", self.uid)) },
            image: text(&|| reference.full()),
            image_id: text(&|| format!("{}@{}", reference.name(), reference.content_digest())),
            spec_image: spec.image.clone().unwrap_or_default(),
            runtime,
            started_at: now,
            end: None,
            kill: None,
            ready,
            started,
            hook: None,
            uid: i64::from(user),
            gid: i64::from(group),
            groups: run.groups.iter().copied().map(i64::from).collect(),
            resources: slot.allocated.clone(),
        };
        let over_at_once = instant && (slot.kind == Kind::Init || (turn.cx.profile.jobs_succeed && is_job_pod(&pod)));
        if over_at_once && slot.kind != Kind::Sidecar {
            instance.runtime.crash(0, now);
        }
        slot.restarts = attempt;
        let failed = launch != Launch::Running;
        if failed {
            instance.started_at = 0;
            let message = start_error(&first, launch);
            instance.end = Some(End { code: 128, at: now, reason: "StartError", message: Some(message.clone()) });
            slot.begin(instance);
            let event = format!("Error: {message}");
            self.fail(turn, index, Failure { reason: "RunContainerError", message }, &event);
            self.changed_something = true;
            self.start_next(turn);
            return;
        }
        slot.begin(instance);
        self.reasons.remove(name);
        self.changed_something = true;
        turn.container_event(&pod, &self.slots[index], EventType::Normal, "Started", "Container started");
        let hook = spec.lifecycle.as_ref().and_then(|lifecycle| lifecycle.post_start.clone());
        match hook.filter(|_| !instant) {
            None => self.start_next(turn),
            Some(handler) => match run_hook(turn, &handler, &pod, &mut self.slots, name, &mut self.world) {
                HookState::Done => self.start_next(turn),
                HookState::Running(hook) => {
                    if let Some(instance) = self.slots[index].running_mut() {
                        instance.hook = Some(hook);
                    }
                    self.work = Some((None, Work::PostStart { container: name.to_owned() }));
                }
                HookState::Failed(why) => self.post_start_failed(turn, name, why),
            },
        }
    }

    fn await_post_start(&mut self, turn: &mut Turn, container: String) -> bool {
        let pod = self.pod.clone();
        let slot = self.slots.iter_mut().find(|slot| slot.name == container);
        let hook =
            slot.and_then(|slot| slot.running_mut()).and_then(|instance| Some((instance.hook.take()?, instance)));
        let state = match hook {
            None => HookState::Done,
            Some((hook, instance)) => match poll_hook(instance, hook, &pod, &container, turn.now) {
                HookState::Running(hook) => {
                    let at = if let super::container::Hook::Until(at) = &hook { Some(*at) } else { None };
                    instance.hook = Some(hook);
                    self.work = Some((at, Work::PostStart { container }));
                    return false;
                }
                over => over,
            },
        };
        match state {
            HookState::Failed(why) => self.post_start_failed(turn, &container, why),
            HookState::Done | HookState::Running(_) => self.start_next(turn),
        }
        true
    }

    fn post_start_failed(&mut self, turn: &mut Turn, name: &str, message: String) {
        let pod = self.pod.clone();
        if let Some(slot) = self.slots.iter().find(|slot| slot.name == name) {
            turn.container_event(&pod, slot, EventType::Warning, "FailedPostStartHook", "PostStartHook failed");
        }
        let grace = pod.spec.as_ref().and_then(|spec| spec.termination_grace_period_seconds).unwrap_or(30);
        begin_kill(turn, &pod, &mut self.slots, &mut self.world, name, grace, "FailedPostStartHook", PreStop::Runs);
        let failure = Failure { reason: "PostStartHookError", message };
        self.reasons.insert(name.to_owned(), failure);
        self.retry(turn, None);
        self.start_next(turn);
    }

    fn runtime_spec(&mut self, turn: &Turn, spec: &Container, image: &Arc<Image>, env: Env) -> runtime::Spec {
        let pod = self.pod.clone();
        let mut all: BTreeMap<String, String> = image.env.iter().cloned().into_map();
        all.insert("HOSTNAME".to_owned(), self.world.hostname.clone());
        let expand = |text: &String| env::expand(text, &env);
        let command: Option<Vec<String>> =
            spec.command.as_ref().filter(|list| !list.is_empty()).map(|list| list.iter().map(expand).collect());
        let args: Option<Vec<String>> =
            spec.args.as_ref().filter(|list| !list.is_empty()).map(|list| list.iter().map(expand).collect());
        let argv = match (command, args) {
            (Some(command), args) => [command, args.unwrap_or_default()].concat(),
            (None, Some(args)) => [image.entrypoint.clone(), args].concat(),
            (None, None) => [image.entrypoint.clone(), image.cmd.clone()].concat(),
        };
        let mounts = self.mounts(turn, spec, &pod, &env);
        all.extend(env);
        let home = image.home_of(user_of(&pod, spec.security_context.as_ref(), image).0);
        all.entry("HOME".to_owned()).or_insert(home);
        let context = spec.security_context.as_ref();
        let limit = |name: &str| {
            let pick = |resources: &Option<api::k8s_openapi::api::core::v1::ResourceRequirements>| {
                resources.as_ref()?.limits.as_ref()?.get(name).map(amount)
            };
            pick(&spec.resources).or_else(|| pick(&pod.spec.as_ref()?.resources))
        };
        let unsigned = |value: i64| u64::try_from(value).unwrap_or(0);
        // Without a limit the machine itself is one.
        let machine_memory = unsigned(
            amount(&api::k8s_openapi::apimachinery::pkg::api::resource::Quantity(turn.host.machine.memory.clone()))
                .value(),
        );
        runtime::Spec {
            image: image.clone(),
            argv,
            env: all,
            cwd: spec.working_dir.clone().filter(|dir| !dir.is_empty()).unwrap_or_else(|| image.workdir.clone()),
            mounts,
            read_only_root: context.and_then(|context| context.read_only_root_filesystem) == Some(true),
            user: user_of(&pod, context, image),
            groups: groups_of(&pod, user_of(&pod, context, image).1),
            memory_limit: Some(limit("memory").map_or(machine_memory, |limit| unsigned(limit.value())))
                .filter(|bytes| *bytes > 0),
            cpu_limit: limit("cpu").map(|limit| unsigned(limit.milli_value())),
            oom_score: super::oom::score(&pod, spec, machine_memory),
            idle: turn.cx.profile.instant,
            stdin: spec.stdin == Some(true),
            stdin_once: spec.stdin_once == Some(true),
            tty: spec.tty == Some(true),
        }
    }

    /// Mounts, with `subPath` of object volumes turned into copies: those are never refreshed.
    fn mounts(&mut self, turn: &Turn, spec: &Container, pod: &Pod, env: &Env) -> Arc<[runtime::Mount]> {
        let mut mounts = volumes::mounts(turn, pod, spec, env).unwrap_or_default();
        for mount in mounts.iter_mut().filter(|mount| !mount.sub_path.is_empty()) {
            let tree = self.world.volumes.entry(mount.volume.clone()).or_default();
            let path = format!("/{}", mount.sub_path.trim_matches('/'));
            if mount.read_only {
                let copy = tree.clone();
                // What is mounted is the file itself, not the link that leads to it.
                mount.sub_path = copy.resolve(&path);
                mount.volume = format!("{}\u{0}{}", mount.volume, spec.name);
                self.world.volumes.insert(mount.volume.clone(), copy);
            } else if tree.get(&path).is_none() {
                tree.put_dir(&path, 0o755, turn.now);
            }
        }
        mounts.into()
    }
}

fn user_of(pod: &Pod, own: Option<&SecurityContext>, image: &Image) -> (u32, u32) {
    let shared = pod.spec.as_ref().and_then(|spec| spec.security_context.as_ref());
    let id = |value: Option<i64>| value.and_then(|value| u32::try_from(value).ok());
    let user = id(own.and_then(|context| context.run_as_user)).or(id(shared.and_then(|context| context.run_as_user)));
    let group =
        id(own.and_then(|context| context.run_as_group)).or(id(shared.and_then(|context| context.run_as_group)));
    (user.unwrap_or(image.user), group.unwrap_or(0))
}

/// All groups a process is in, in order: its own, and those the pod adds.
fn groups_of(pod: &Pod, own: u32) -> Vec<u32> {
    let shared = pod.spec.as_ref().and_then(|spec| spec.security_context.as_ref());
    let added = shared.into_iter().flat_map(|context| {
        context.supplemental_groups.iter().flatten().copied().chain(context.fs_group).collect::<Vec<_>>()
    });
    let mut groups: Vec<u32> = added.filter_map(|group| u32::try_from(group).ok()).chain([own]).collect();
    groups.order();
    groups.dedup();
    groups
}

fn is_job_pod(pod: &Pod) -> bool {
    api::meta::owner::controller_of(&pod.metadata).is_some_and(|owner| owner.kind == "Job")
}

/// containerd's and runc's words for a process that could not be started.
fn start_error(name: &str, launch: Launch) -> String {
    let cause = probes::cannot_start(name, launch);
    format!(
        "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: {cause}"
    )
}
