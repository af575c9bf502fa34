//! What an object uses of the resources that quotas count, and which quotas it concerns. Facts only, no state.
//!
//! Mirrors: pkg/quota/v1/evaluator/core, apiserver's generic object counts. The admission
//! plugin and the controller count with the same rules.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{Container, PersistentVolumeClaim, Pod, ResourceQuota, Service};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use crate::Object;
use crate::meta::quantity::{Amount, Format, amount};
use crate::order::Gather;
use crate::scheme::{Resource, group_resource};

/// Amounts by the name of a resource.
pub type Amounts = BTreeMap<String, Amount>;

/// What the object uses. Pods that have ended use nothing but the place of an object.
pub fn usage(object: &Object, resource: &Resource) -> Amounts {
    let mut used = Amounts::new();
    used.insert(format!("count/{}", group_resource(resource.plural, resource.group)), one());
    match object {
        Object::Pod(pod) => of_pod(pod, &mut used),
        Object::Service(service) => of_service(service, &mut used),
        Object::PersistentVolumeClaim(claim) => of_claim(claim, &mut used),
        Object::ConfigMap(_) | Object::Secret(_) | Object::ReplicationController(_) | Object::ResourceQuota(_) => {
            used.insert(resource.plural.into(), one());
        }
        // Everything else only counts.
        _ => {}
    }
    used
}

fn one() -> Amount {
    Amount::from_units(1, Format::DecimalSi)
}

fn of_pod(pod: &Pod, used: &mut Amounts) {
    if is_over(pod) {
        return;
    }
    used.insert("pods".into(), one());
    for (name, sum) in total(pod, false) {
        if matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage") {
            used.insert(name.clone(), sum);
        }
        used.insert(format!("requests.{name}"), sum);
    }
    for (name, sum) in total(pod, true) {
        used.insert(format!("limits.{name}"), sum);
    }
}

fn is_over(pod: &Pod) -> bool {
    matches!(pod.status.as_ref().and_then(|status| status.phase.as_deref()), Some("Succeeded" | "Failed"))
}

/// What the pod's containers ask for together, as the scheduler counts.
///
/// Mirrors: component-helpers/resource `PodRequests`, `PodLimits`.
pub fn total(pod: &Pod, limits: bool) -> Amounts {
    let Some(spec) = &pod.spec else { return Amounts::new() };
    let own = |container: &Container| -> Amounts {
        let resources = container.resources.as_ref();
        let list = resources.and_then(|r| if limits { r.limits.as_ref() } else { r.requests.as_ref() });
        read(list)
    };
    let mut sum = Amounts::new();
    for container in &spec.containers {
        add(&mut sum, &own(container));
    }
    // Init containers run before the others, each beside the sidecars started so far.
    let (mut sidecars, mut initial) = (Amounts::new(), Amounts::new());
    for container in spec.init_containers.iter().flatten() {
        let mut needs = own(container);
        if container.restart_policy.as_deref() == Some("Always") {
            add(&mut sum, &needs);
            add(&mut sidecars, &needs);
            needs = sidecars.clone();
        } else {
            add(&mut needs, &sidecars);
        }
        raise(&mut initial, &needs);
    }
    raise(&mut sum, &initial);
    let whole = spec.resources.as_ref();
    sum.extend(read(whole.and_then(|r| if limits { r.limits.as_ref() } else { r.requests.as_ref() })));
    for (name, overhead) in read(spec.overhead.as_ref()) {
        match sum.get_mut(&name) {
            Some(amount) => *amount += overhead,
            None if !limits => drop(sum.insert(name, overhead)),
            None => {}
        }
    }
    sum
}

fn of_service(service: &Service, used: &mut Amounts) {
    used.insert("services".into(), one());
    let Some(spec) = &service.spec else { return };
    let ports = spec.ports.iter().flatten().count();
    let node_ports = Amount::from_units(i64::try_from(ports).unwrap_or_default(), Format::DecimalSi);
    match spec.type_.as_deref() {
        Some("NodePort") => drop(used.insert("services.nodeports".into(), node_ports)),
        Some("LoadBalancer") => {
            // Where none are allocated, those count that are asked for by number.
            let named = spec.ports.iter().flatten().filter(|port| port.node_port.is_some_and(|port| port != 0)).count();
            let named = Amount::from_units(i64::try_from(named).unwrap_or_default(), Format::DecimalSi);
            let allocates = spec.allocate_load_balancer_node_ports != Some(false);
            used.insert("services.nodeports".into(), if allocates { node_ports } else { named });
            used.insert("services.loadbalancers".into(), one());
        }
        _ => {}
    }
}

fn of_claim(claim: &PersistentVolumeClaim, used: &mut Amounts) {
    let spec = claim.spec.as_ref();
    let requests = spec.and_then(|spec| spec.resources.as_ref()?.requests.as_ref());
    let storage = requests.and_then(|requests| requests.get("storage")).map(amount);
    let class = spec.and_then(|spec| spec.storage_class_name.as_deref()).filter(|class| !class.is_empty());
    let prefixes = [Some(String::new()), class.map(|class| format!("{class}.storageclass.storage.k8s.io/"))];
    for prefix in prefixes.into_iter().flatten() {
        used.insert(format!("{prefix}persistentvolumeclaims"), one());
        if let Some(storage) = storage {
            used.insert(format!("{prefix}requests.storage"), storage);
        }
    }
}

/// The amounts of a resource list.
pub fn read(list: Option<&BTreeMap<String, Quantity>>) -> Amounts {
    list.into_iter().flatten().map(|(name, quantity)| (name.clone(), amount(quantity))).into_map()
}

/// Adds amounts, name by name.
pub fn add(sum: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        match sum.get_mut(name) {
            Some(known) => *known += *amount,
            None => drop(sum.insert(name.clone(), *amount)),
        }
    }
}

fn raise(least: &mut Amounts, other: &Amounts) {
    for (name, amount) in other {
        let known = least.entry(name.clone()).or_insert(*amount);
        *known = (*known).max(*amount);
    }
}

/// Whether the quota's scopes take the object in. Quotas without scopes take everything.
pub fn in_scope(quota: &ResourceQuota, object: &Object) -> bool {
    let Some(spec) = &quota.spec else { return true };
    let scopes = spec.scopes.iter().flatten().map(|scope| (scope.as_str(), "Exists", &[][..]));
    let selected = spec
        .scope_selector
        .iter()
        .flat_map(|selector| selector.match_expressions.iter().flatten())
        .map(|term| (term.scope_name.as_str(), term.operator.as_str(), term.values.as_deref().unwrap_or_default()));
    scopes.chain(selected).all(|(scope, operator, values)| match object {
        Object::Pod(pod) => pod_in_scope(pod, scope, operator, values),
        Object::PersistentVolumeClaim(claim) if scope == "VolumeAttributesClass" => {
            let asked = claim.spec.as_ref().and_then(|spec| spec.volume_attributes_class_name.as_deref());
            let has = claim.status.as_ref().and_then(|status| status.current_volume_attributes_class_name.as_deref());
            let classes: Vec<&str> = [asked, has].into_iter().flatten().filter(|class| !class.is_empty()).collect();
            one_of(&classes, operator, values)
        }
        // Scopes speak of pods: a scoped quota leaves everything else alone.
        _ => false,
    })
}

/// Whether any of the classes an object is of fits a scope's operator.
fn one_of(classes: &[&str], operator: &str, values: &[String]) -> bool {
    let listed = classes.iter().any(|class| values.iter().any(|value| value == class));
    match operator {
        "Exists" => !classes.is_empty(),
        "DoesNotExist" => classes.is_empty(),
        "In" => listed,
        "NotIn" => !listed,
        _ => false,
    }
}

/// Whether a pod's affinity looks into other namespaces than its own.
fn looks_abroad(pod: &Pod) -> bool {
    let affinity = pod.spec.as_ref().and_then(|spec| spec.affinity.as_ref());
    let near = affinity.and_then(|affinity| affinity.pod_affinity.as_ref());
    let far = affinity.and_then(|affinity| affinity.pod_anti_affinity.as_ref());
    let required = near
        .and_then(|near| near.required_during_scheduling_ignored_during_execution.as_ref())
        .into_iter()
        .chain(far.and_then(|far| far.required_during_scheduling_ignored_during_execution.as_ref()))
        .flatten();
    let preferred = near
        .and_then(|near| near.preferred_during_scheduling_ignored_during_execution.as_ref())
        .into_iter()
        .chain(far.and_then(|far| far.preferred_during_scheduling_ignored_during_execution.as_ref()))
        .flatten()
        .map(|weighted| &weighted.pod_affinity_term);
    required.chain(preferred).any(|term| {
        term.namespace_selector.is_some() || term.namespaces.as_ref().is_some_and(|names| !names.is_empty())
    })
}

fn pod_in_scope(pod: &Pod, scope: &str, operator: &str, values: &[String]) -> bool {
    let Some(spec) = &pod.spec else { return false };
    let ends = spec.active_deadline_seconds.is_some_and(|seconds| seconds >= 0);
    let best_effort = total(pod, false).is_empty() && total(pod, true).is_empty();
    let class = spec.priority_class_name.as_deref().unwrap_or_default();
    match scope {
        "Terminating" => ends,
        "NotTerminating" => !ends,
        "BestEffort" => best_effort,
        "NotBestEffort" => !best_effort,
        "PriorityClass" => {
            let classes: &[&str] = if class.is_empty() { &[] } else { &[class] };
            one_of(classes, operator, values)
        }
        "CrossNamespacePodAffinity" => looks_abroad(pod),
        _ => false,
    }
}

/// The containers that leave out something the quota limits, by resource; none where the pod speaks for them all.
pub fn unspecified(pod: &Pod, hard: &Amounts) -> BTreeMap<String, BTreeSet<String>> {
    let mut missing: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let Some(spec) = &pod.spec else { return missing };
    let whole = spec.resources.as_ref();
    let says = |list: Option<&BTreeMap<String, Quantity>>| list.is_some_and(|list| !list.is_empty());
    if says(whole.and_then(|all| all.requests.as_ref())) || says(whole.and_then(|all| all.limits.as_ref())) {
        return missing;
    }
    for container in spec.containers.iter().chain(spec.init_containers.iter().flatten()) {
        let resources = container.resources.as_ref();
        for name in hard.keys() {
            let (list, resource) = match name.as_str() {
                "cpu" | "requests.cpu" => (resources.and_then(|r| r.requests.as_ref()), "cpu"),
                "memory" | "requests.memory" => (resources.and_then(|r| r.requests.as_ref()), "memory"),
                "limits.cpu" => (resources.and_then(|r| r.limits.as_ref()), "cpu"),
                "limits.memory" => (resources.and_then(|r| r.limits.as_ref()), "memory"),
                _ => continue,
            };
            if !list.is_some_and(|list| list.contains_key(resource)) {
                missing.entry(name.clone()).or_default().insert(container.name.clone());
            }
        }
    }
    missing
}
