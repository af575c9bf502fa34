//! What a pod asks for and what a node has, as integers: the one place where the scheduler reads quantities.
//!
//! CPU counts in millicores, rounded up, all else in whole units; names without a slash that are none of the
//! built-in ones do not count.
//! Mirrors: pkg/scheduler/framework/types.go `Resource`, component-helpers/resource `PodRequests`. Left
//! out: what a resize of the pod as a whole (`status.resources`) has reached; resources backed by claims.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::meta::quantity::amount;
use api::order::Gather;
use k8s_openapi::api::core::v1::{Container, ContainerStatus, Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

/// What a container without a CPU request counts for in scores, in millicores.
pub const DEFAULT_MILLI_CPU: i64 = 100;
/// What a container without a memory request counts for in scores, in bytes.
pub const DEFAULT_MEMORY: i64 = 200 * 1024 * 1024;

type List = BTreeMap<String, Quantity>;

/// Amounts of every resource the scheduler accounts for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resources {
    pub milli_cpu: i64,
    /// Bytes.
    pub memory: i64,
    /// Bytes.
    pub ephemeral_storage: i64,
    /// How many pods a node may run; only set for nodes.
    pub pods: i64,
    /// Extended resources and huge pages.
    pub scalar: BTreeMap<Arc<str>, i64>,
}

impl Resources {
    pub fn from_list(list: Option<&List>) -> Self {
        let mut resources = Self::default();
        for (name, quantity) in list.into_iter().flatten() {
            let amount = amount(quantity);
            match name.as_str() {
                "cpu" => resources.milli_cpu = amount.milli_value(),
                "memory" => resources.memory = amount.value(),
                "ephemeral-storage" => resources.ephemeral_storage = amount.value(),
                "pods" => resources.pods = amount.value(),
                name if is_scalar(name) => {
                    resources.scalar.insert(name.into(), amount.value());
                }
                // Attachable volume limits and the like are not requested by pods.
                _ => {}
            }
        }
        resources
    }

    pub fn add(&mut self, other: &Self) {
        self.milli_cpu += other.milli_cpu;
        self.memory += other.memory;
        self.ephemeral_storage += other.ephemeral_storage;
        for (name, value) in &other.scalar {
            *self.scalar.entry(name.clone()).or_default() += value;
        }
    }

    pub fn subtract(&mut self, other: &Self) {
        self.milli_cpu -= other.milli_cpu;
        self.memory -= other.memory;
        self.ephemeral_storage -= other.ephemeral_storage;
        for (name, value) in &other.scalar {
            *self.scalar.entry(name.clone()).or_default() -= value;
        }
    }

    /// Per resource the larger of both.
    fn raise_to(&mut self, other: &Self) {
        self.milli_cpu = self.milli_cpu.max(other.milli_cpu);
        self.memory = self.memory.max(other.memory);
        self.ephemeral_storage = self.ephemeral_storage.max(other.ephemeral_storage);
        for (name, value) in &other.scalar {
            let mine = self.scalar.entry(name.clone()).or_default();
            *mine = (*mine).max(*value);
        }
    }
}

/// Whether a resource is counted as an integer under its own name.
///
/// Mirrors: pkg/apis/core/v1/helper `IsScalarResourceName`.
fn is_scalar(name: &str) -> bool {
    if name.starts_with("hugepages-") || name.starts_with("attachable-volumes-") {
        return true;
    }
    name.contains('/') && !name.starts_with("requests.")
}

/// A pod's requests: as the filters count them, and with the defaults that scores assume.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodRequests {
    pub exact: Resources,
    /// Millicores, with [`DEFAULT_MILLI_CPU`] for each container that asks for none.
    pub non_zero_milli_cpu: i64,
    /// Bytes, with [`DEFAULT_MEMORY`] for each container that asks for none.
    pub non_zero_memory: i64,
}

/// What scheduling counts for a pod.
///
/// Containers and sidecars add up; ordinary init containers run one after the other
/// beside the sidecars started before them, so only the largest moment counts.
/// Requests of the pod as a whole replace the sum for the resources they name.
/// A resize that is under way counts for the larger of what is wanted and what is given.
pub fn pod_requests(pod: &Pod) -> PodRequests {
    let Some(spec) = &pod.spec else { return PodRequests::default() };
    let whole =
        spec.resources.as_ref().and_then(|resources| resources.requests.as_ref()).filter(|list| !list.is_empty());
    let exact = total(pod, spec, whole, &Defaults::NONE);
    let mut requests = PodRequests { non_zero_milli_cpu: 0, non_zero_memory: 0, exact };
    // Where the pod itself names a resource, its containers need no assumption.
    let defaults = Defaults {
        milli_cpu: if whole.is_some_and(|list| list.contains_key("cpu")) { 0 } else { DEFAULT_MILLI_CPU },
        memory: if whole.is_some_and(|list| list.contains_key("memory")) { 0 } else { DEFAULT_MEMORY },
    };
    let assumed = total(pod, spec, whole, &defaults);
    requests.non_zero_milli_cpu = assumed.milli_cpu;
    requests.non_zero_memory = assumed.memory;
    requests
}

/// What to assume for a container that names no request.
struct Defaults {
    milli_cpu: i64,
    memory: i64,
}

impl Defaults {
    const NONE: Self = Self { milli_cpu: 0, memory: 0 };
}

fn total(pod: &Pod, spec: &PodSpec, whole: Option<&List>, defaults: &Defaults) -> Resources {
    let status = pod.status.as_ref();
    let statuses = status.map(|status| by_name(&status.container_statuses)).unwrap_or_default();
    let init_statuses = status.map(|status| by_name(&status.init_container_statuses)).unwrap_or_default();
    let infeasible =
        status.is_some_and(|status| {
            status.conditions.iter().flatten().any(|condition| {
                condition.type_ == "PodResizePending" && condition.reason.as_deref() == Some("Infeasible")
            })
        });

    let mut sum = Resources::default();
    for container in &spec.containers {
        sum.add(&container_requests(container, &statuses, infeasible, defaults));
    }
    let mut sidecars = Resources::default();
    let mut startup = Resources::default();
    for container in spec.init_containers.iter().flatten() {
        let own = container_requests(container, &init_statuses, infeasible, defaults);
        if container.restart_policy.as_deref() == Some("Always") {
            sum.add(&own);
            sidecars.add(&own);
            startup.raise_to(&sidecars);
        } else {
            let mut moment = own;
            moment.add(&sidecars);
            startup.raise_to(&moment);
        }
    }
    sum.raise_to(&startup);
    if let Some(list) = whole {
        let pod_level = Resources::from_list(Some(list));
        if list.contains_key("cpu") {
            sum.milli_cpu = pod_level.milli_cpu;
        }
        if list.contains_key("memory") {
            sum.memory = pod_level.memory;
        }
        for (name, value) in pod_level.scalar.iter().filter(|(name, _)| name.starts_with("hugepages-")) {
            sum.scalar.insert(name.clone(), *value);
        }
    }
    sum.add(&Resources::from_list(spec.overhead.as_ref()));
    sum
}

fn by_name(list: &Option<Vec<ContainerStatus>>) -> BTreeMap<&str, &ContainerStatus> {
    list.iter().flatten().map(|status| (status.name.as_str(), status)).into_map()
}

fn container_requests(
    container: &Container,
    statuses: &BTreeMap<&str, &ContainerStatus>,
    infeasible: bool,
    defaults: &Defaults,
) -> Resources {
    let list = container.resources.as_ref().and_then(|resources| resources.requests.as_ref());
    let mut own = Resources::from_list(list);
    if let Some(status) = statuses.get(container.name.as_str()) {
        let actual = status.resources.as_ref().and_then(|resources| resources.requests.as_ref());
        let allocated = status.allocated_resources.as_ref();
        if actual.is_some() || allocated.is_some() {
            let mut given = Resources::from_list(actual);
            given.raise_to(&Resources::from_list(allocated));
            if infeasible {
                own = given;
            } else {
                own.raise_to(&given);
            }
        }
    }
    // An explicit zero stays zero: only a missing request is assumed.
    if !list.is_some_and(|list| list.contains_key("cpu")) {
        own.milli_cpu = own.milli_cpu.max(defaults.milli_cpu);
    }
    if !list.is_some_and(|list| list.contains_key("memory")) {
        own.memory = own.memory.max(defaults.memory);
    }
    own
}
