//! A lesson's stage: the cluster warmed up and set up, the files laid out, and a way to act on it.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use engine::{Cluster, Fault, ProcessId, Scarce, Snapshot};
use kubectl::{Env, Files, MemoryFiles, Out, Session};

use super::action::Action;
use super::catalogue::file;
use super::check::{Baseline, World};
use super::clusters::config_of;
use super::format::Lesson;
use super::run::Run;
use crate::pump::{COMMAND_MILLIS, Job, pass_until, run, step_to, switch_on};
use crate::slices::{at_once, breathe};

/// From switching a cluster on until a learner meets it: nodes are Ready, loops are quiet.
pub const WARM_UP: u64 = 120_000;
/// The longest a command of a solution may take.
const COMMAND_LIMIT: u64 = 120_000;
/// The longest a `wait-for` may wait.
const WAIT_LIMIT: u64 = 15 * 60_000;

/// A lesson being played without a page.
pub struct Stage {
    pub cluster: Cluster,
    pub files: Rc<MemoryFiles>,
    session: Rc<RefCell<Session>>,
    /// The clock stands still: commands that need no time take none. The first wait starts it.
    paused: bool,
}

impl Stage {
    /// The start state of a lesson, at once.
    ///
    /// # Errors
    /// As [`Stage::prepare`].
    pub fn new(lesson: &Lesson) -> Result<Self, String> {
        at_once(Self::prepare(lesson))
    }

    /// The start state of a lesson, in slices.
    ///
    /// # Errors
    /// A sentence for its author: a missing preset or file, a setup that failed.
    pub async fn prepare(lesson: &Lesson) -> Result<Self, String> {
        let front = &lesson.front;
        let mut config = config_of(&front.cluster, front.seed)?;
        if !front.images.is_null() {
            config.images = api::yaml::to_yaml(&serde_json::json!({ "images": front.images }));
            config.check_images().map_err(|why| format!("images: {why}"))?;
        }
        let mut cluster = switch_on(config).await;
        pass_until(&mut cluster, WARM_UP).await;
        let mut laid = Vec::new();
        for (name, path) in &front.files {
            let path = format!("{}/{path}", front.id);
            let text = file(&path).ok_or_else(|| format!("lessons/{path} is missing"))?;
            laid.push((name.clone(), text.to_string()));
        }
        let mut stage = Self {
            cluster,
            files: Rc::new(MemoryFiles::new(laid)),
            session: Rc::new(RefCell::new(Session::default())),
            paused: false,
        };
        for path in &front.manifests {
            let path = format!("{}/{path}", front.id);
            let text = file(&path).ok_or_else(|| format!("lessons/{path} is missing"))?;
            let stderr = stage.command("kubectl apply -f -", Some(text)).await;
            if !stderr.is_empty() && !stderr.starts_with("Warning") {
                return Err(format!("{path}: {stderr}"));
            }
        }
        for action in &front.setup {
            stage.perform(action, None, lesson).await?;
        }
        for traffic in &front.traffic {
            let (namespace, service) = traffic.service.split_once('/').unwrap_or(("default", &traffic.service));
            stage.cluster.inject(Fault::Traffic {
                namespace: namespace.into(),
                service: service.into(),
                per_second: traffic.rps,
            })?;
        }
        stage.paused = front.time.mode == "paused";
        Ok(stage)
    }

    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.cluster.snapshot()
    }

    /// Runs a shell line to its end; answers with its stderr.
    pub async fn command(&mut self, line: &str, stdin: Option<&str>) -> String {
        let started = self.cluster.now();
        let files: Rc<dyn Files> = self.files.clone();
        let env = Env::new(files, self.session.clone()).with_stdin(stdin.map(str::to_string));
        let mut job = match line.strip_prefix("kubectl ") {
            Some(rest) if !rest.contains(['|', ';', '>']) => Job::kubectl(crate::transcript::split_words(rest), env),
            _ => Job::line(line, env),
        };
        if self.paused {
            job.pump(&mut self.cluster);
        }
        if job.exit_code().is_none() && run(&mut job, &mut self.cluster, COMMAND_LIMIT, |_| {}).await.is_none() {
            job.interrupt(&mut self.cluster);
        }
        let mut stderr = String::new();
        for (stream, text) in job.take_output() {
            if stream == Out::Stderr {
                stderr.push_str(&text);
            }
        }
        let end = if self.paused { started } else { started + COMMAND_MILLIS };
        pass_until(&mut self.cluster, end).await;
        stderr
    }

    /// Carries out one action at once.
    ///
    /// # Errors
    /// As [`Stage::perform`].
    pub fn act(&mut self, action: &Action, run: Option<&mut Run>, lesson: &Lesson) -> Result<(), String> {
        at_once(self.perform(action, run, lesson))
    }

    /// Carries out one action, in slices, telling the run what the learner would have told it.
    ///
    /// # Errors
    /// A sentence for the lesson's author.
    pub async fn perform(&mut self, action: &Action, run: Option<&mut Run>, lesson: &Lesson) -> Result<(), String> {
        match action {
            Action::Command(line) => {
                let stderr = self.command(line, None).await;
                if let Some(run) = run {
                    run.command_ended(&stderr);
                }
            }
            Action::Edit { file, set, text } => self.edit(file, set, text.as_deref())?,
            Action::Answer(text) => {
                if let Some(run) = run {
                    run.answer(text);
                }
            }
            Action::Order(keys) => {
                if let Some(run) = run {
                    run.order(keys.clone());
                }
            }
            Action::Machine { what, node, pod } => self.machine(what, node, pod)?,
            Action::Press(id) => {
                let fault = lesson.front.faults.iter().find(|fault| fault.id == *id);
                let fault = fault.ok_or_else(|| format!("there is no fault {id:?}"))?;
                self.machine(&fault.what, &fault.node, &fault.pod)?;
            }
            Action::Wait(millis) => {
                self.paused = false;
                let until = self.cluster.now() + *millis;
                pass_until(&mut self.cluster, until).await;
            }
            Action::WaitFor(clause) => {
                self.paused = false;
                let end = self.cluster.now() + WAIT_LIMIT;
                let baseline = Baseline::of(&self.snapshot());
                loop {
                    let snapshot = self.snapshot();
                    let world = World { cluster: &snapshot, baseline: &baseline, last_error: "" };
                    if clause.gap(&world).is_none() {
                        break;
                    }
                    if self.cluster.now() >= end {
                        return Err(format!("waited 15 minutes in vain for {clause:?}"));
                    }
                    let version = self.cluster.version();
                    while self.cluster.version() == version && self.cluster.now() < end {
                        step_to(&mut self.cluster, end);
                        breathe().await;
                    }
                }
            }
        }
        Ok(())
    }

    fn machine(&mut self, what: &str, node: &str, pod: &str) -> Result<(), String> {
        let fault = fault_of(what, node, pod)?;
        self.cluster.inject(fault)?;
        self.cluster.run_for(COMMAND_MILLIS, usize::MAX);
        Ok(())
    }

    fn edit(
        &mut self,
        name: &str,
        set: &std::collections::BTreeMap<String, serde_json::Value>,
        text: Option<&str>,
    ) -> Result<(), String> {
        if let Some(text) = text {
            self.files.write(name, text);
            return Ok(());
        }
        let old = self.files.read(name).ok_or_else(|| format!("there is no file {name:?}"))?;
        let document = api::yaml::parse_document(&old).map_err(|error| error.converting())?;
        let mut value = document.to_json();
        for (path, wanted) in set {
            let pointer: String =
                path.replace('[', ".").replace(']', "").split('.').map(|part| format!("/{part}")).collect();
            match value.pointer_mut(&pointer) {
                Some(place) => *place = wanted.clone(),
                None => return Err(format!("{name} has no {path}")),
            }
        }
        self.files.write(name, &api::yaml::to_yaml(&value));
        Ok(())
    }
}

/// The machine event behind a name of the fault list.
///
/// # Errors
/// A sentence when there is no such fault.
pub fn fault_of(what: &str, node: &str, pod: &str) -> Result<Fault, String> {
    let (namespace, pod) = pod.split_once('/').unwrap_or(("default", pod));
    let squeeze =
        |scarce, left: Option<&str>| Fault::Squeeze { node: node.into(), scarce, left: left.map(str::to_owned) };
    let crash = |exit_code| Fault::Crash { namespace: namespace.into(), pod: pod.into(), container: None, exit_code };
    Ok(match what {
        "crash-container" => crash(1),
        "oom" => Fault::OutOfMemory { namespace: namespace.into(), pod: pod.into(), container: None },
        "power-off" => Fault::PowerOff { node: node.into() },
        "power-on" => Fault::PowerOn { node: node.into() },
        "partition" => Fault::Freeze { node: node.into() },
        "heal" => Fault::Thaw { node: node.into() },
        "kubelet-stop" => Fault::Stop(ProcessId::Kubelet(node.into())),
        "kubelet-start" => Fault::Start(ProcessId::Kubelet(node.into())),
        // Just too little: whoever is put out first may be enough.
        "memory-pressure" => squeeze(Scarce::Memory, Some("95Mi")),
        "disk-pressure" => squeeze(Scarce::Disk, Some("100Mi")),
        "memory-relief" => squeeze(Scarce::Memory, None),
        "disk-relief" => squeeze(Scarce::Disk, None),
        "stop-component" => Fault::Stop(component(node)?),
        "start-component" => Fault::Start(component(node)?),
        other => return Err(format!("there is no fault {other:?}")),
    })
}

fn component(name: &str) -> Result<ProcessId, String> {
    match name {
        "apiserver" => Ok(ProcessId::ApiServer),
        "scheduler" => Ok(ProcessId::Scheduler),
        "controller-manager" => Ok(ProcessId::ControllerManager),
        other => Err(format!("there is no component {other:?}")),
    }
}

impl Stage {
    /// The same stage in another world: what happens there does not happen here.
    #[must_use]
    pub fn fork(&self) -> Self {
        let files = self.files.names().into_iter().filter_map(|name| Some((name.clone(), self.files.read(&name)?)));
        Self {
            cluster: self.cluster.clone(),
            files: Rc::new(MemoryFiles::new(files)),
            session: Rc::new(RefCell::new(Session::default())),
            paused: self.paused,
        }
    }
}
