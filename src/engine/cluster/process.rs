//! Processes: the programs beside the API server, each with its inbox, its identity and its randomness.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ClusterConfig;
use crate::apiserver::{Identity, Revision};
use crate::client::{Component, Context, Next};
use crate::controllers::ControllerManager;
use crate::scheduler::{Scheduler, Traces};
use crate::sim::{Millis, Rng};

/// Names a process. Ordered, so that simultaneous starts have an order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProcessId {
    ControllerManager,
    Scheduler,
    /// The kubelet (with containers and network) of one node.
    Kubelet(Arc<str>),
}

impl ProcessId {
    /// The lane on the timeline.
    pub fn lane(&self) -> String {
        match self {
            ProcessId::ControllerManager => "controller-manager".into(),
            ProcessId::Scheduler => "scheduler".into(),
            ProcessId::Kubelet(node) => format!("kubelet/{node}"),
        }
    }
}

/// The code a process runs. New components get a variant here and nowhere else.
#[derive(Clone)]
pub(super) enum Program {
    ControllerManager(Box<ControllerManager>),
    Scheduler(Box<Scheduler>),
}

impl Component for Program {
    fn start(&mut self, cx: &mut Context) -> Next {
        match self {
            Program::ControllerManager(program) => program.start(cx),
            Program::Scheduler(program) => program.start(cx),
        }
    }

    fn wake(&mut self, news: &[Arc<Revision>], cx: &mut Context) -> Next {
        match self {
            Program::ControllerManager(program) => program.wake(news, cx),
            Program::Scheduler(program) => program.wake(news, cx),
        }
    }
}

impl super::Cluster {
    /// The scheduler's recent attempts.
    pub(super) fn traces(&self) -> Traces {
        match self.processes.get(&ProcessId::Scheduler).map(|process| &process.program) {
            Some(Program::Scheduler(scheduler)) => scheduler.traces().clone(),
            _ => Traces::default(),
        }
    }
}

/// One running (or stopped) program.
#[derive(Clone)]
pub(super) struct Process {
    pub program: Program,
    pub identity: Identity,
    pub rng: Rng,
    /// Stopped processes forget their news and start afresh.
    pub running: bool,
    /// A frozen process keeps everything and does nothing.
    pub frozen: bool,
    pub inbox: Vec<Arc<Revision>>,
    /// When it will be woken, and the ticket that wake-up carries.
    pub armed: Option<Millis>,
    pub ticket: u64,
}

/// Every process of a new cluster.
pub(super) fn all(config: &ClusterConfig) -> BTreeMap<ProcessId, Process> {
    let id = ProcessId::ControllerManager;
    let program = Program::ControllerManager(Box::default());
    let manager = process(config, &id, "system:kube-controller-manager", "kube-controller-manager", program);
    let scheduler_id = ProcessId::Scheduler;
    let program = Program::Scheduler(Box::default());
    let scheduler = process(config, &scheduler_id, "system:kube-scheduler", "kube-scheduler", program);
    [(id, manager), (scheduler_id, scheduler)].into()
}

/// The kubelet of one machine; `None` until kubelets are programs here.
pub(super) fn kubelet(_config: &ClusterConfig, _node: super::NodeConfig) -> Option<(ProcessId, Process)> {
    None
}

/// A process before its first start.
fn process(config: &ClusterConfig, id: &ProcessId, user: &str, manager: &str, program: Program) -> Process {
    let lane = id.lane();
    Process {
        program,
        identity: Identity::new(&lane, user, manager),
        rng: Rng::stream(config.seed, &lane),
        running: true,
        frozen: false,
        inbox: Vec::new(),
        armed: None,
        ticket: 0,
    }
}
