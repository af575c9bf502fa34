//! Warnings: what is allowed but ill-advised, for the `Warning` headers of a response.
//!
//! Mirrors: pkg/api/{pod,service,persistentvolume,…}/warnings.go, the strategies' `WarningsOnCreate`.

use k8s_openapi::api::batch::v1::JobSpec;
use k8s_openapi::api::core::v1::{PodTemplateSpec, Service};

use super::field::Path;
use super::pod;
use crate::meta::names;
use crate::meta::quantity::amount;
use crate::{Kind, Object};

/// The texts for creating `object`, or for replacing `old` by it.
///
/// Updates are judged only when they changed the spec, and pods never: too many are written.
pub fn warnings(object: &Object, old: Option<&Object>) -> Vec<String> {
    let mut out = Vec::new();
    let unchanged = old.is_some_and(|old| old.meta().generation == object.meta().generation);
    match object {
        Object::Pod(_) if old.is_some() => {}
        Object::Pod(inner) => {
            dotted_name(object, "this is used in the Pod's hostname", &mut out);
            if let Some(spec) = &inner.spec {
                pod::warnings::pod(Some(&inner.metadata), spec, &Path::ROOT, &mut out);
            }
        }
        Object::Deployment(_)
        | Object::ReplicaSet(_)
        | Object::ReplicationController(_)
        | Object::Job(_)
        | Object::CronJob(_)
        | Object::DaemonSet(_)
        | Object::StatefulSet(_) => {
            if old.is_none() && !matches!(object, Object::DaemonSet(_) | Object::StatefulSet(_)) {
                dotted_name(object, "this is used in Pod names and hostnames", &mut out);
            }
            if !unchanged {
                workload(object, &mut out);
            }
        }
        Object::Service(inner) => service(inner, &mut out),
        Object::PersistentVolumeClaim(inner) => {
            let key = "volume.beta.kubernetes.io/storage-class";
            if inner.metadata.annotations.as_ref().is_some_and(|map| map.contains_key(key)) {
                out.push(format!(
                    "metadata.annotations[{key}]: deprecated since v1.8; use \"storageClassName\" attribute instead"
                ));
            }
            let resources = inner.spec.as_ref().and_then(|spec| spec.resources.clone()).unwrap_or_default();
            for (field, list) in [("requests", resources.requests), ("limits", resources.limits)] {
                let storage = list.as_ref().and_then(|list| list.get("storage"));
                if let Some(storage) = storage.filter(|storage| !amount(storage).is_whole()) {
                    out.push(format!(
                        "spec.resources.{field}[storage]: fractional byte value {:?} is invalid, must be an integer",
                        storage.0
                    ));
                }
            }
        }
        Object::Ingress(inner) => {
            let key = "kubernetes.io/ingress.class";
            let annotated = inner.metadata.annotations.as_ref().is_some_and(|map| map.contains_key(key));
            if annotated && old.is_none() {
                out.push(format!("annotation {key:?} is deprecated, please use 'spec.ingressClassName' instead"));
            }
        }
        Object::StorageClass(inner) => {
            let expressions = inner.allowed_topologies.iter().flatten().enumerate().flat_map(|(i, term)| {
                term.match_label_expressions.iter().flatten().enumerate().map(move |(j, item)| (i, j, item))
            });
            for (i, j, expression) in expressions {
                if let Some(text) = pod::warnings::renamed_label(&expression.key) {
                    out.push(format!("allowedTopologies[{i}].matchLabelExpressions[{j}].key: {text}"));
                }
            }
        }
        // Nothing of these kinds is ill-advised.
        _ => {}
    }
    out
}

/// What is ill-advised in a workload's spec: mostly its template.
fn workload(object: &Object, out: &mut Vec<String>) {
    const TEMPLATE: &[&str] = &["spec", "template"];
    match object {
        Object::Deployment(inner) => template(inner.spec.as_ref().map(|spec| &spec.template), TEMPLATE, out),
        Object::ReplicaSet(inner) => {
            template(inner.spec.as_ref().and_then(|spec| spec.template.as_ref()), TEMPLATE, out);
        }
        Object::ReplicationController(inner) => {
            template(inner.spec.as_ref().and_then(|spec| spec.template.as_ref()), TEMPLATE, out);
        }
        Object::DaemonSet(inner) => template(inner.spec.as_ref().map(|spec| &spec.template), TEMPLATE, out),
        Object::StatefulSet(inner) => {
            template(inner.spec.as_ref().map(|spec| &spec.template), TEMPLATE, out);
            if inner.spec.as_ref().and_then(|spec| spec.revision_history_limit).is_some_and(|limit| limit < 0) {
                out.push("spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended".into());
            }
        }
        Object::Job(inner) => job(inner.spec.as_ref(), &["spec"], out),
        Object::CronJob(inner) => job(inner.spec.job_template.spec.as_ref(), &["spec", "jobTemplate", "spec"], out),
        // Only workloads come here.
        _ => {}
    }
}

fn job(spec: Option<&JobSpec>, steps: &[&str], out: &mut Vec<String>) {
    let Some(spec) = spec else { return };
    let many = spec.completions.unwrap_or_default() > 100_000 && spec.parallelism.unwrap_or_default() > 10_000;
    if spec.completion_mode.as_deref() == Some("Indexed") && many {
        out.push(format!(
            "{}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail",
            steps.join(".")
        ));
    }
    let steps: Vec<&str> = steps.iter().copied().chain(["template"]).collect();
    template(Some(&spec.template), &steps, out);
}

/// The warning that any use of a deprecated kind brings.
pub fn deprecation(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Endpoints => Some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"),
        Kind::ComponentStatus => Some("v1 ComponentStatus is deprecated in v1.19+"),
        _ => None,
    }
}

/// A name that is no DNS label cannot serve as a host name.
fn dotted_name(object: &Object, use_: &str, out: &mut Vec<String>) {
    let breaches = names::dns1123_label(object.name());
    if !breaches.is_empty() {
        out.push(format!(
            "metadata.name: {use_}, which can result in surprising behavior; a DNS label is recommended: [{}]",
            breaches.join(" ")
        ));
    }
}

fn template(pod_template: Option<&PodTemplateSpec>, steps: &[&str], out: &mut Vec<String>) {
    let Some(pod_template) = pod_template else { return };
    let spec = pod_template.spec.clone().unwrap_or_default();
    let meta = pod_template.metadata.as_ref();
    at(&Path::ROOT, steps, &mut |path| pod::warnings::pod(meta, &spec, path, out));
}

/// Calls with the path that the steps lead to.
fn at(path: &Path, steps: &[&str], then: &mut dyn FnMut(&Path)) {
    match steps {
        [] => then(path),
        [first, rest @ ..] => at(&path.child(first), rest, then),
    }
}

fn service(service: &Service, out: &mut Vec<String>) {
    let spec = service.spec.clone().unwrap_or_default();
    let hints = "service.kubernetes.io/topology-aware-hints";
    if service.metadata.annotations.as_ref().is_some_and(|map| map.contains_key(hints)) {
        out.push(format!("annotation {hints} is deprecated, please use service.kubernetes.io/topology-mode instead"));
    }
    let external_ips = spec.external_ips.as_ref().is_some_and(|list| !list.is_empty());
    let type_ = spec.type_.as_deref().unwrap_or_default();
    let headless = type_ == "ClusterIP" && spec.cluster_ip.as_deref() == Some("None");
    if headless {
        if spec.load_balancer_ip.is_some() {
            out.push("spec.loadBalancerIP is ignored for headless services".into());
        }
        if external_ips {
            out.push("spec.externalIPs is ignored for headless services".into());
        }
        if spec.session_affinity.as_deref().is_some_and(|affinity| affinity != "None") {
            out.push("spec.SessionAffinity is ignored for headless services".into());
        }
    }
    if external_ips && !headless && type_ != "ExternalName" {
        out.push("spec.externalIPs is deprecated and may no longer be implemented in some clusters".into());
    }
    if type_ == "ExternalName" && external_ips {
        out.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".into());
    }
    if type_ != "ExternalName" && spec.external_name.is_some() {
        out.push("spec.externalName is ignored when spec.type is not \"ExternalName\"".into());
    }
    if spec.traffic_distribution.as_deref() == Some("PreferClose") {
        out.push("spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"".into());
    }
}
