//! Warnings: what is allowed but ill-advised, for the `Warning` headers of a response.
//!
//! Mirrors: pkg/api/{pod,service,persistentvolume,…}/warnings.go, the strategies' `WarningsOnCreate`.

use k8s_openapi::api::core::v1::{PodTemplateSpec, Service};

use super::field::Path;
use super::pod;
use crate::meta::names;
use crate::meta::quantity::amount;
use crate::{Kind, Object};

/// The texts for creating `object`, or for replacing `old` by it.
pub fn warnings(object: &Object, old: Option<&Object>) -> Vec<String> {
    let mut out = Vec::new();
    match object {
        Object::Pod(inner) => {
            if old.is_none() {
                dotted_name(object, "this is used in the Pod's hostname", &mut out);
            }
            let spec = inner.spec.clone().unwrap_or_default();
            pod::warnings::pod(Some(&inner.metadata), &spec, &Path::ROOT, &mut out);
        }
        Object::Deployment(inner) => {
            template_warnings(object, old, inner.spec.as_ref().map(|spec| &spec.template), &mut out);
        }
        Object::ReplicaSet(inner) => {
            template_warnings(object, old, inner.spec.as_ref().and_then(|spec| spec.template.as_ref()), &mut out);
        }
        Object::ReplicationController(inner) => {
            template_warnings(object, old, inner.spec.as_ref().and_then(|spec| spec.template.as_ref()), &mut out);
        }
        Object::Job(inner) => {
            template_warnings(object, old, inner.spec.as_ref().map(|spec| &spec.template), &mut out);
        }
        Object::DaemonSet(inner) => {
            template(inner.spec.as_ref().map(|spec| &spec.template), &["spec", "template"], &mut out);
        }
        Object::StatefulSet(inner) => {
            template(inner.spec.as_ref().map(|spec| &spec.template), &["spec", "template"], &mut out);
            if inner.spec.as_ref().and_then(|spec| spec.revision_history_limit).is_some_and(|limit| limit < 0) {
                out.push("spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended".into());
            }
        }
        Object::CronJob(inner) => {
            if old.is_none() {
                dotted_name(object, "this is used in Pod names and hostnames", &mut out);
            }
            let job = inner.spec.job_template.spec.as_ref();
            template(job.map(|job| &job.template), &["spec", "jobTemplate", "spec", "template"], &mut out);
            if inner.spec.schedule.contains("TZ") {
                out.push("cannot use TZ or CRON_TZ in schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#time-zones for more details".into());
            }
        }
        Object::Service(inner) => service(inner, &mut out),
        Object::PersistentVolumeClaim(inner) => {
            let requests = inner.spec.as_ref().and_then(|spec| spec.resources.as_ref()?.requests.as_ref());
            if let Some(storage) = requests.and_then(|requests| requests.get("storage"))
                && !amount(storage).is_whole()
            {
                out.push(format!(
                    "spec.resources.requests[storage]: fractional byte value {:?} is invalid, must be an integer",
                    storage.0
                ));
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

/// The warning that any use of a deprecated kind brings.
pub fn deprecation(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Endpoints => Some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"),
        Kind::ComponentStatus => Some("v1 ComponentStatus is deprecated in v1.19+"),
        _ => None,
    }
}

fn template_warnings(
    object: &Object,
    old: Option<&Object>,
    pod_template: Option<&PodTemplateSpec>,
    out: &mut Vec<String>,
) {
    if old.is_none() {
        dotted_name(object, "this is used in Pod names and hostnames", out);
    }
    template(pod_template, &["spec", "template"], out);
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
    let set = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|list| !list.is_empty());
    let headless = spec.cluster_ip.as_deref() == Some("None");
    if headless {
        if spec.load_balancer_ip.is_some() {
            out.push("spec.loadBalancerIP is ignored for headless services".into());
        }
        if set(&spec.external_ips) {
            out.push("spec.externalIPs is ignored for headless services".into());
        }
        if spec.session_affinity.as_deref().is_some_and(|affinity| affinity != "None") {
            out.push("spec.SessionAffinity is ignored for headless services".into());
        }
    }
    if spec.type_.as_deref() == Some("ExternalName") {
        if set(&spec.external_ips) {
            out.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".into());
        }
    } else if spec.external_name.is_some() {
        out.push("spec.externalName is ignored when spec.type is not \"ExternalName\"".into());
    }
}
