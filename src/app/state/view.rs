//! What the page draws, as plain data. Components read these and nothing else: no engine type
//! crosses this line, so that a component can be built, tested and shown with a made-up cluster.
//! `state/project.rs` makes them from the engine's snapshot.

/// Simulated milliseconds since the cluster's start.
pub type Millis = u64;

/// A place on the map: whoever can speak or be spoken to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    You,
    ApiServer,
    Etcd,
    Scheduler,
    Controllers,
    /// A machine, and the kubelet on it.
    Node(String),
}

impl Part {
    /// The value of `data-part`, by which the wires find their ends.
    pub fn key(&self) -> String {
        match self {
            Part::You => "you".into(),
            Part::ApiServer => "api-server".into(),
            Part::Etcd => "etcd".into(),
            Part::Scheduler => "scheduler".into(),
            Part::Controllers => "controllers".into(),
            Part::Node(name) => format!("node/{name}"),
        }
    }
}

/// Something on the map that can be acted upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Node(String),
    Pod {
        namespace: String,
        name: String,
    },
    Component(Part),
    /// The requests that somebody outside sends to Services.
    Traffic,
}

/// "What can I do with this?", asked at a place of the window.
#[derive(Clone, Debug, PartialEq)]
pub struct MenuRequest {
    pub target: Target,
    pub x: f64,
    pub y: f64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterView {
    pub name: String,
    /// When it was drawn; the clock may be a little further.
    pub now: Millis,
    pub components: Vec<ComponentView>,
    pub nodes: Vec<NodeView>,
    /// Pods no node has been chosen for.
    pub homeless: Vec<PodView>,
    pub caption: Option<CaptionView>,
    pub traffic: Vec<TrafficView>,
    /// What could be asked: namespace and name of each Service that learners made.
    pub services: Vec<(String, String)>,
}

impl ClusterView {
    pub fn node(&self, name: &str) -> Option<&NodeView> {
        self.nodes.iter().find(|node| node.name == name)
    }

    pub fn component(&self, part: &Part) -> Option<&ComponentView> {
        self.components.iter().find(|component| component.part == *part)
    }

    /// Every pod, on a node or not.
    pub fn pods(&self) -> impl Iterator<Item = &PodView> {
        self.nodes.iter().flat_map(|node| node.pods.iter()).chain(self.homeless.iter())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct ComponentView {
    pub part: Part,
    pub up: bool,
    pub load: Load,
}

/// What a component of the control plane is busy with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Load {
    /// Requests answered in the last simulated second.
    Requests(u32),
    /// The newest resourceVersion.
    Revision(u64),
    /// Pods waiting for a node.
    Queue(usize),
    /// How many controllers wrote something in the last seconds.
    Loops(usize),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeView {
    pub name: String,
    pub control_plane: bool,
    pub ready: Readiness,
    pub cordoned: bool,
    /// False once the plug was pulled: only the map can know, the API finds out later.
    pub powered: bool,
    /// When the kubelet last renewed its lease.
    pub heartbeat: Option<Millis>,
    pub cpu: Meter,
    pub memory: Meter,
    pub taints: Vec<String>,
    pub pods: Vec<PodView>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    NotReady,
    /// Nobody has reported for it.
    #[default]
    Unknown,
}

/// Requests against what the node can give: millicores or bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meter {
    pub requested: u64,
    pub allocatable: u64,
}

impl Meter {
    /// From 0 to 1; nothing to give counts as full only if something is asked.
    pub fn share(self) -> f64 {
        if self.allocatable == 0 {
            return if self.requested > 0 { 1.0 } else { 0.0 };
        }
        (self.requested as f64 / self.allocatable as f64).min(1.0)
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct PodView {
    pub uid: String,
    pub namespace: String,
    pub name: String,
    pub state: PodState,
    /// kubectl's STATUS column, word for word.
    pub word: String,
    pub restarts: u32,
    /// Why it waits, in the cluster's words.
    pub reason: Option<String>,
    pub wait: Option<Wait>,
    /// Siblings share a colour: 0 for none, else 1 to 4.
    pub family: u8,
    /// Part of the cluster itself (kube-system), folded away on the map.
    pub system: bool,
}

/// A moment the pod is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    pub until: Millis,
    pub kind: WaitKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitKind {
    BackOff,
    Eviction,
    Grace,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PodState {
    #[default]
    Pending,
    Starting,
    Running,
    Unready,
    BackOff,
    Failed,
    Succeeded,
    Terminating,
    Unknown,
}

impl PodState {
    /// In the order of the legend.
    pub const ALL: [PodState; 9] = [
        PodState::Running,
        PodState::Starting,
        PodState::Pending,
        PodState::Unready,
        PodState::BackOff,
        PodState::Failed,
        PodState::Succeeded,
        PodState::Terminating,
        PodState::Unknown,
    ];

    /// The value of `data-state`, by which the style sheet picks shape and colour.
    pub fn key(self) -> &'static str {
        match self {
            PodState::Pending => "pending",
            PodState::Starting => "starting",
            PodState::Running => "running",
            PodState::Unready => "unready",
            PodState::BackOff => "backoff",
            PodState::Failed => "failed",
            PodState::Succeeded => "succeeded",
            PodState::Terminating => "terminating",
            PodState::Unknown => "unknown",
        }
    }

    /// The same shape as a letter, for crowds.
    pub fn letter(self) -> char {
        match self {
            PodState::Running => '●',
            PodState::Starting => '◐',
            PodState::Unready => '◑',
            PodState::Pending => '◌',
            PodState::BackOff => '↻',
            PodState::Failed => '■',
            PodState::Succeeded => '◉',
            PodState::Terminating => '◍',
            PodState::Unknown => '▢',
        }
    }
}

/// One write, told as a sentence: actor → object → change, because of …
#[derive(Clone, Debug, PartialEq)]
pub struct CaptionView {
    pub seq: u64,
    pub at: Millis,
    pub actor: Part,
    /// The controller's or component's own name, e.g. `replicaset-controller`.
    pub actor_name: String,
    /// `pod/web-7d4b9-x2k8p`
    pub object: String,
    pub change: Change,
    /// The command or event it answers.
    pub because: Option<String>,
    /// The stations of the request, first to last.
    pub path: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Created,
    Deleted,
    /// `field=value`, in API words.
    Set(String),
    Bound(String),
    Updated,
    /// A machine event: no request, something happened to hardware or a process.
    Machine(String),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrafficView {
    pub namespace: String,
    pub service: String,
    /// Per mille of the last seconds' requests that were answered.
    pub success: u16,
    /// Oldest first, per mille.
    pub history: Vec<u16>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct EventView {
    pub key: String,
    pub at: Millis,
    pub warning: bool,
    pub reason: String,
    pub object: String,
    pub message: String,
    pub count: u32,
}

/// One line of the time bar.
#[derive(Clone, Debug, PartialEq)]
pub struct LaneView {
    pub part: Part,
    pub marks: Vec<Mark>,
    /// Stretches of silence: from, to.
    pub silent: Vec<(Millis, Millis)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    pub at: Millis,
    pub kind: MarkKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkKind {
    Quiet,
    /// It answers what you did last.
    Hot,
    You,
    Bad,
}

impl MarkKind {
    pub fn key(self) -> &'static str {
        match self {
            MarkKind::Quiet => "quiet",
            MarkKind::Hot => "hot",
            MarkKind::You => "you",
            MarkKind::Bad => "bad",
        }
    }
}

/// One entry of the terminal; never changed once written.
#[derive(Clone, Debug, PartialEq)]
pub struct TermLine {
    pub id: u64,
    pub kind: TermKind,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TermKind {
    Command,
    Out,
    Error,
    /// The page speaking, not the cluster.
    Note,
    /// The kubectl line of something done on the map.
    Map,
    /// Something no kubectl can do: a plug pulled, a process killed.
    Machine,
}

impl TermKind {
    pub fn key(self) -> &'static str {
        match self {
            TermKind::Command => "command",
            TermKind::Out => "out",
            TermKind::Error => "error",
            TermKind::Note => "note",
            TermKind::Map => "map",
            TermKind::Machine => "machine",
        }
    }
}

/// What Tab offers: replace the text from `from` (a byte offset) by one of these.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Completion {
    pub from: usize,
    pub candidates: Vec<Candidate>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidate {
    pub text: String,
    pub hint: String,
}

/// A problem in a file, at a place a learner can go to.
#[derive(Clone, Debug, PartialEq)]
pub struct DiagnosticView {
    /// UTF-16 offsets of what is marked.
    pub from: u32,
    pub to: u32,
    /// From 1.
    pub line: u32,
    pub warning: bool,
    pub message: String,
    /// "Did you mean": the word that would be understood.
    pub suggestion: Option<String>,
}

/// Prose arrives as HTML made from the lesson's Markdown; raw HTML in it was dropped there.
pub type Html = String;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct LessonView {
    pub id: String,
    pub title: String,
    pub kills: String,
    pub minutes: u32,
    /// Whether the lesson begins with them.
    pub editor: bool,
    pub events: bool,
    pub step: usize,
    pub steps: usize,
    /// Shown once, on the first step.
    pub predict: Option<PredictView>,
    pub step_title: String,
    pub situation: Html,
    /// What to do, after the prediction.
    pub task: Html,
    /// Lines the step offers to type; empty where support has faded.
    pub commands: Vec<String>,
    pub checks: Vec<CheckView>,
    pub answer: Option<AnswerView>,
    pub order: Option<OrderView>,
    pub buttons: Vec<FaultButton>,
    pub hints: Vec<Html>,
    pub more_hints: bool,
    /// Each line, and whether it is a command that can be typed.
    pub solution: Option<Vec<(String, bool)>>,
    pub because: Option<Html>,
    pub step_done: bool,
    pub finished: bool,
    /// The English text is newer than this translation.
    pub stale: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct PredictView {
    pub ask: Html,
    /// key, label
    pub options: Vec<(String, Html)>,
    pub chosen: Option<String>,
    /// Known only once the cluster has shown it.
    pub truth: Option<String>,
    /// A later lesson shows it.
    pub kept: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CheckView {
    pub done: bool,
    pub title: String,
    /// What the cluster says about it now.
    pub detail: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnswerView {
    pub label: String,
    pub given: String,
    pub done: bool,
    pub feedback: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct OrderView {
    /// key, label
    pub options: Vec<(String, String)>,
    pub chosen: Vec<String>,
    pub done: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct FaultButton {
    pub id: String,
    pub label: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChapterView {
    pub number: u32,
    pub title: String,
    pub lessons: Vec<LessonEntry>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct LessonEntry {
    pub id: String,
    pub title: String,
    pub minutes: u32,
    pub done: bool,
    pub now: bool,
}

/// Something to be said once, at the foot of the page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Notice {
    pub id: u64,
    pub text: String,
}
