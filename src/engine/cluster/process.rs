//! Processes: the programs beside the API server, each with its inbox, its identity and its randomness.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ClusterConfig;
use crate::apiserver::{Health, Identity, Revision};
use crate::client::{Component, Context, Next};
use crate::controllers::ControllerManager;
use crate::kubelet::{Kubelet, Machine};
use crate::scheduler::{Scheduler, Traces};
use crate::sim::{Millis, Rng};

/// Names a process. Ordered, so that simultaneous starts have an order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProcessId {
    ControllerManager,
    Scheduler,
    /// The kubelet (with containers and network) of one node.
    Kubelet(Arc<str>),
    /// Not woken like the others: it answers, or it does not.
    ApiServer,
}

impl ProcessId {
    /// The lane on the timeline.
    pub fn lane(&self) -> String {
        match self {
            ProcessId::ControllerManager => "controller-manager".into(),
            ProcessId::Scheduler => "scheduler".into(),
            ProcessId::Kubelet(node) => format!("kubelet/{node}"),
            ProcessId::ApiServer => "apiserver".into(),
        }
    }
}

/// The code a process runs. New components get a variant here and nowhere else.
#[derive(Clone)]
pub(super) enum Program {
    ControllerManager(Box<ControllerManager>),
    Scheduler(Box<Scheduler>),
    Kubelet(Box<Kubelet>),
}

impl Component for Program {
    fn start(&mut self, cx: &mut Context) -> Next {
        match self {
            Program::ControllerManager(program) => program.start(cx),
            Program::Scheduler(program) => program.start(cx),
            Program::Kubelet(program) => program.start(cx),
        }
    }

    fn wake(&mut self, news: &[Arc<Revision>], cx: &mut Context) -> Next {
        match self {
            Program::ControllerManager(program) => program.wake(news, cx),
            Program::Scheduler(program) => program.wake(news, cx),
            Program::Kubelet(program) => program.wake(news, cx),
        }
    }
}

impl super::Cluster {
    /// How often the scheduler has tried to place a pod.
    pub fn attempts(&self) -> u64 {
        match self.processes.get(&ProcessId::Scheduler).map(|process| &process.program) {
            Some(Program::Scheduler(scheduler)) => scheduler.traces().taken(),
            _ => 0,
        }
    }

    /// What the health ports of the components answer, and of etcd, which is the API server's own memory.
    pub(super) fn health(&self) -> Vec<Health> {
        let of = |name, id: ProcessId, port: u16| {
            let process = self.processes.get(&id);
            let cause = match process {
                Some(process) if process.frozen => Some("i/o timeout"),
                Some(process) if process.running => None,
                Some(_) | None => Some("connect: connection refused"),
            };
            let url = format!("https://127.0.0.1:{port}/healthz");
            Health { name, trouble: cause.map(|cause| format!("Get {url:?}: dial tcp 127.0.0.1:{port}: {cause}")) }
        };
        vec![
            of("controller-manager", ProcessId::ControllerManager, 10_257),
            Health { name: "etcd-0", trouble: None },
            of("scheduler", ProcessId::Scheduler, 10_259),
        ]
    }

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
    /// How long its messages and writes take.
    pub pace: Rng,
    /// Stopped processes forget their news and start afresh.
    pub running: bool,
    /// A frozen process keeps everything and does nothing.
    pub frozen: bool,
    /// It was started while it was frozen, and has not begun yet.
    pub starts: bool,
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
    let mut all: BTreeMap<ProcessId, Process> = [(id, manager), (scheduler_id, scheduler)].into();
    // Machines count from the control plane's 0, or from 1 where there is none.
    let first = usize::from(!config.nodes.iter().any(|node| node.control_plane));
    all.extend(config.nodes.iter().enumerate().map(|(index, node)| kubelet(config, index + first, node.clone())));
    all
}

/// The kubelet of one machine. `index` counts machines, for their addresses.
pub(super) fn kubelet(config: &ClusterConfig, index: usize, node: super::NodeConfig) -> (ProcessId, Process) {
    let name: Arc<str> = node.name.as_str().into();
    let id = ProcessId::Kubelet(name.clone());
    let machine = Machine {
        host_ip: format!("10.0.{}.{}", index / 200, 10 + index % 200),
        pod_cidr: node.pod_cidr.or_else(|| Some(format!("10.244.{index}.0/24"))),
        name: node.name,
        cpu: node.cpu,
        memory: node.memory,
        pods: node.pods,
        ephemeral_storage: node.ephemeral_storage,
        labels: node.labels,
        taints: node.taints,
        unschedulable: node.unschedulable,
        extended: node.extended,
        images: node.images,
        control_plane: node.control_plane,
    };
    let user = format!("system:node:{name}");
    let program = Program::Kubelet(Box::new(Kubelet::new(machine, config.catalogue())));
    let process = process(config, &id, &user, "kubelet", program);
    (id, process)
}

/// A process before its first start.
fn process(config: &ClusterConfig, id: &ProcessId, user: &str, manager: &str, program: Program) -> Process {
    let lane = id.lane();
    Process {
        program,
        identity: Identity::new(&lane, user, manager),
        rng: Rng::stream(config.seed, &lane),
        pace: Rng::stream(config.seed, &format!("{lane}/pace")),
        running: true,
        frozen: false,
        starts: false,
        inbox: Vec::new(),
        armed: None,
        ticket: 0,
    }
}
