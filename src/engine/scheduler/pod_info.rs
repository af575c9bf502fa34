//! A pod as the scheduler sees it: everything a plugin asks for, parsed once when the pod is first seen.
//!
//! Mirrors: pkg/scheduler/framework/types.go `PodInfo`, `AffinityTerm`.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::meta::Selector;
use api::meta::host_port::{HostPort, host_ports};
pub use api::meta::node_selector::NodeTerm;
use api::meta::selector::{Labels, Operator, Requirement};
use k8s_openapi::api::core::v1::{Pod, PodAffinityTerm, PodSpec, TopologySpreadConstraint, WeightedPodAffinityTerm};

use super::cache::GroupId;
use super::resources::{PodRequests, pod_requests};

/// Labels of every namespace, for terms that select namespaces by label.
pub type NamespaceLabels = BTreeMap<String, Labels>;

/// A pod with its requests, selectors and terms already read.
#[derive(Debug, Clone)]
pub struct PodInfo {
    pub pod: Arc<Pod>,
    pub namespace: Arc<str>,
    pub name: Arc<str>,
    pub priority: i32,
    /// Pods with equal namespace and labels share it.
    pub group: GroupId,
    pub requests: PodRequests,
    pub host_ports: Vec<HostPort>,
    pub node_affinity: NodeAffinityTerms,
    pub affinity: PodAffinityTerms,
    pub spread: Vec<SpreadConstraint>,
    /// Image of every container, init containers first, and of every image volume, with its tag.
    pub images: Vec<String>,
}

impl PodInfo {
    pub fn new(pod: Arc<Pod>, group: GroupId) -> Self {
        let meta = &pod.metadata;
        let namespace: Arc<str> = meta.namespace.as_deref().unwrap_or_default().into();
        let name: Arc<str> = meta.name.as_deref().unwrap_or_default().into();
        let empty = PodSpec::default();
        let spec = pod.spec.as_ref().unwrap_or(&empty);
        let containers = spec.init_containers.iter().flatten().chain(&spec.containers);
        let mounted = spec.volumes.iter().flatten().filter_map(|volume| volume.image.as_ref()?.reference.as_deref());
        Self {
            priority: spec.priority.unwrap_or(0),
            group,
            requests: pod_requests(&pod),
            host_ports: host_ports(spec),
            node_affinity: NodeAffinityTerms::new(spec),
            affinity: PodAffinityTerms::new(&pod, spec),
            spread: spec
                .topology_spread_constraints
                .iter()
                .flatten()
                .map(|constraint| SpreadConstraint::new(constraint, meta.labels.as_ref()))
                .collect(),
            images: containers
                .map(|container| container.image.as_deref().unwrap_or_default())
                .chain(mounted)
                .map(tagged)
                .collect(),
            namespace,
            name,
            pod,
        }
    }

    pub fn labels(&self) -> Option<&Labels> {
        self.pod.metadata.labels.as_ref()
    }

    pub fn uid(&self) -> &str {
        self.pod.metadata.uid.as_deref().unwrap_or_default()
    }

    pub fn node_name(&self) -> Option<&str> {
        self.spec()?.node_name.as_deref().filter(|name| !name.is_empty())
    }

    pub fn nominated_node(&self) -> Option<&str> {
        self.pod.status.as_ref()?.nominated_node_name.as_deref().filter(|name| !name.is_empty())
    }

    pub fn spec(&self) -> Option<&PodSpec> {
        self.pod.spec.as_ref()
    }

    /// How many containers it has, init containers included.
    pub fn container_count(&self) -> usize {
        self.spec().map_or(0, |spec| spec.containers.len() + spec.init_containers.as_ref().map_or(0, Vec::len))
    }

    pub fn is_terminating(&self) -> bool {
        self.pod.metadata.deletion_timestamp.is_some()
    }
}

/// What a pod demands of a node's labels and name, and what it would like.
#[derive(Debug, Clone, Default)]
pub struct NodeAffinityTerms {
    /// `spec.nodeSelector`: all of it must match.
    pub node_selector: Vec<Requirement>,
    /// Required terms: one of them must match. `None` demands nothing.
    pub required: Option<Vec<NodeTerm>>,
    /// Preferred terms with their weights.
    pub preferred: Vec<(i64, NodeTerm)>,
}

impl NodeAffinityTerms {
    fn new(spec: &PodSpec) -> Self {
        let affinity = spec.affinity.as_ref().and_then(|affinity| affinity.node_affinity.as_ref());
        let required = affinity.and_then(|a| a.required_during_scheduling_ignored_during_execution.as_ref());
        let preferred = affinity.and_then(|a| a.preferred_during_scheduling_ignored_during_execution.as_ref());
        Self {
            node_selector: match Selector::from_set(spec.node_selector.as_ref()) {
                Selector::All(requirements) => requirements,
                Selector::Nothing => Vec::new(),
            },
            required: required.map(|selector| selector.node_selector_terms.iter().map(NodeTerm::new).collect()),
            preferred: preferred
                .into_iter()
                .flatten()
                .map(|term| (i64::from(term.weight), NodeTerm::new(&term.preference)))
                .collect(),
        }
    }

    /// Whether the pod demands anything of nodes.
    pub fn demands(&self) -> bool {
        !self.node_selector.is_empty() || self.required.is_some()
    }

    /// Whether a node meets the demands.
    pub fn required_match(&self, node_name: &str, labels: Option<&Labels>) -> bool {
        self.node_selector.iter().all(|requirement| requirement.matches(labels))
            && self.required.as_ref().is_none_or(|terms| terms.iter().any(|term| term.matches(node_name, labels)))
    }
}

/// A pod's wishes about other pods.
#[derive(Debug, Clone, Default)]
pub struct PodAffinityTerms {
    pub required: Vec<AffinityTerm>,
    pub required_anti: Vec<AffinityTerm>,
    pub preferred: Vec<(i64, AffinityTerm)>,
    pub preferred_anti: Vec<(i64, AffinityTerm)>,
}

impl PodAffinityTerms {
    fn new(pod: &Pod, spec: &PodSpec) -> Self {
        let Some(affinity) = &spec.affinity else { return Self::default() };
        let one = |term: &PodAffinityTerm| AffinityTerm::new(term, pod);
        let weighted = |term: &WeightedPodAffinityTerm| (i64::from(term.weight), one(&term.pod_affinity_term));
        let (with, against) = (affinity.pod_affinity.as_ref(), affinity.pod_anti_affinity.as_ref());
        let with_required = with.and_then(|a| a.required_during_scheduling_ignored_during_execution.as_ref());
        let with_preferred = with.and_then(|a| a.preferred_during_scheduling_ignored_during_execution.as_ref());
        let against_required = against.and_then(|a| a.required_during_scheduling_ignored_during_execution.as_ref());
        let against_preferred = against.and_then(|a| a.preferred_during_scheduling_ignored_during_execution.as_ref());
        Self {
            required: with_required.into_iter().flatten().map(one).collect(),
            required_anti: against_required.into_iter().flatten().map(one).collect(),
            preferred: with_preferred.into_iter().flatten().map(weighted).collect(),
            preferred_anti: against_preferred.into_iter().flatten().map(weighted).collect(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.required.is_empty()
            && self.required_anti.is_empty()
            && self.preferred.is_empty()
            && self.preferred_anti.is_empty()
    }
}

/// Which pods a term speaks of, and within which kind of place.
#[derive(Debug, Clone)]
pub struct AffinityTerm {
    pub topology_key: String,
    selector: Selector,
    namespaces: Vec<String>,
    /// Further namespaces, by their labels.
    namespace_selector: Option<Selector>,
}

impl AffinityTerm {
    fn new(term: &PodAffinityTerm, pod: &Pod) -> Self {
        // What `matchLabelKeys` and `mismatchLabelKeys` mean, the API server has written into it.
        let selector = Selector::from_label_selector(term.label_selector.as_ref());
        let mut namespaces = term.namespaces.clone().unwrap_or_default();
        // Naming no namespaces at all means the pod's own.
        if namespaces.is_empty() && term.namespace_selector.is_none() {
            namespaces = pod.metadata.namespace.iter().cloned().collect();
        }
        let namespace_selector =
            term.namespace_selector.as_ref().map(|selector| Selector::from_label_selector(Some(selector)));
        Self { topology_key: term.topology_key.clone(), selector, namespaces, namespace_selector }
    }

    /// Whether the term speaks of `pod`.
    pub fn matches(&self, pod: &PodInfo, namespace_labels: &NamespaceLabels) -> bool {
        let in_namespace = self.namespaces.iter().any(|namespace| **namespace == *pod.namespace)
            || self
                .namespace_selector
                .as_ref()
                .is_some_and(|selector| selector.matches(namespace_labels.get(&*pod.namespace)));
        in_namespace && self.selector.matches(pod.labels())
    }
}

/// One rule about how evenly pods lie over the values of a node label.
#[derive(Debug, Clone)]
pub struct SpreadConstraint {
    pub max_skew: i64,
    pub topology_key: String,
    /// `DoNotSchedule`; otherwise the rule only scores.
    pub hard: bool,
    pub selector: Arc<Selector>,
    /// Fewer domains than this count as if an empty one existed.
    pub min_domains: i64,
    /// Count only nodes that the pod's node affinity and selector admit.
    pub honor_affinity: bool,
    /// Count only nodes whose taints the pod tolerates.
    pub honor_taints: bool,
}

impl SpreadConstraint {
    fn new(from: &TopologySpreadConstraint, labels: Option<&Labels>) -> Self {
        let mut selector = Selector::from_label_selector(from.label_selector.as_ref());
        if let Selector::All(requirements) = &mut selector {
            // The API server has written these into the selector of a new pod; labels may have changed since.
            let keys = from.match_label_keys.iter().flatten();
            requirements.extend(keys.filter_map(|key| {
                let value = labels?.get(key)?;
                Some(Requirement { key: key.clone(), operator: Operator::In, values: vec![value.clone()] })
            }));
        }
        Self {
            max_skew: i64::from(from.max_skew),
            topology_key: from.topology_key.clone(),
            hard: from.when_unsatisfiable == "DoNotSchedule",
            selector: Arc::new(selector),
            min_domains: i64::from(from.min_domains.unwrap_or(1)),
            honor_affinity: from.node_affinity_policy.as_deref() != Some("Ignore"),
            honor_taints: from.node_taints_policy.as_deref() == Some("Honor"),
        }
    }
}

/// The image's name with a tag, as nodes report it.
fn tagged(image: &str) -> String {
    let tag = image.rfind(':');
    let slash = image.rfind('/');
    if tag <= slash { format!("{image}:latest") } else { image.to_owned() }
}
