//! PodSecurity: what a namespace's labels demand of its pods: refused, or only warned about.
//!
//! Mirrors: k8s.io/pod-security-admission (admission, policy). Every version of a standard is
//! judged as the latest. Left out: audit annotations, exemptions, Windows' host processes, AppArmor.

mod checks;

use api::k8s_openapi::api::core::v1::PodSpec;
use api::{Kind, Object, Status};

use super::{Attributes, Operation};
use crate::apiserver::{ApiServer, WriteOptions};

/// How strict a standard is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Privileged,
    Baseline,
    Restricted,
}

/// A standard as the namespace's labels name it.
struct Standard {
    level: Level,
    /// `baseline:latest`
    name: String,
}

fn standard(server: &ApiServer, namespace: &str, mode: &str) -> Option<Standard> {
    let labels = server.read(Kind::Namespace, "", namespace)?.meta().labels.as_ref()?;
    let word = labels.get(&format!("pod-security.kubernetes.io/{mode}"))?;
    let level = match word.as_str() {
        "baseline" => Level::Baseline,
        "restricted" => Level::Restricted,
        // Nothing is demanded.
        "privileged" => Level::Privileged,
        // A word that means nothing is taken for the strictest.
        _ => Level::Restricted,
    };
    let version = labels.get(&format!("pod-security.kubernetes.io/{mode}-version")).map_or("latest", String::as_str);
    let name = if level == Level::Baseline { "baseline" } else { "restricted" };
    Some(Standard { level, name: format!("{name}:{version}") })
}

/// # Errors
/// 403 for a pod that breaks the enforced standard; other standards and other kinds only warn.
pub fn validate(
    server: &ApiServer,
    object: &Object,
    attributes: &Attributes,
    options: &mut WriteOptions,
) -> Result<(), Status> {
    let Some(spec) = pod_spec(object) else { return Ok(()) };
    if !demands_anything(server, object.namespace()) || !concerns(object, attributes) {
        return Ok(());
    }
    if let Object::Pod(pod) = object
        && let Some(enforced) = standard(server, object.namespace(), "enforce")
    {
        let found = checks::violations(spec, pod.metadata.annotations.as_ref(), enforced.level);
        if !found.is_empty() {
            let why = format!("violates PodSecurity {:?}: {}", enforced.name, found.join(", "));
            return Err(Status::forbidden(&server.resource_of(Kind::Pod), object.name(), &why));
        }
    }
    if let Some(warned) = standard(server, object.namespace(), "warn") {
        let found = checks::violations(spec, None, warned.level);
        if !found.is_empty() {
            options.warnings.push(format!("would violate PodSecurity {:?}: {}", warned.name, found.join(", ")));
        }
    }
    Ok(())
}

/// Most namespaces say nothing about their pods.
fn demands_anything(server: &ApiServer, namespace: &str) -> bool {
    let labels = server.read(Kind::Namespace, "", namespace).and_then(|object| object.meta().labels.as_ref());
    labels.is_some_and(|labels| labels.keys().any(|key| key.starts_with("pod-security.kubernetes.io/")))
}

/// Updates count only where they touch what is judged.
fn concerns(object: &Object, attributes: &Attributes) -> bool {
    match (attributes.operation, attributes.old) {
        (Operation::Create, _) => attributes.subresource.is_empty(),
        (Operation::Update, Some(old)) => {
            matches!(attributes.subresource, "" | "ephemeralcontainers") && pod_spec(object) != pod_spec(old)
        }
        _ => false,
    }
}

/// The pod's spec, or that of the pods that the object makes.
fn pod_spec(object: &Object) -> Option<&PodSpec> {
    match object {
        Object::Pod(it) => it.spec.as_ref(),
        Object::PodTemplate(it) => it.template.as_ref()?.spec.as_ref(),
        Object::Deployment(it) => it.spec.as_ref()?.template.spec.as_ref(),
        Object::ReplicaSet(it) => it.spec.as_ref()?.template.as_ref()?.spec.as_ref(),
        Object::StatefulSet(it) => it.spec.as_ref()?.template.spec.as_ref(),
        Object::DaemonSet(it) => it.spec.as_ref()?.template.spec.as_ref(),
        Object::ReplicationController(it) => it.spec.as_ref()?.template.as_ref()?.spec.as_ref(),
        Object::Job(it) => it.spec.as_ref()?.template.spec.as_ref(),
        Object::CronJob(it) => it.spec.job_template.spec.as_ref()?.template.spec.as_ref(),
        _ => None,
    }
}
