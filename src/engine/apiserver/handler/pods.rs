//! pods/log, exec, attach and portforward: checked here, answered by the pod's kubelet.
//!
//! Mirrors: pkg/registry/core/pod/rest, pkg/registry/core/pod/strategy.go `LogLocation`, `streamLocation`.

use api::k8s_openapi::api::core::v1::Pod;
use api::validation::field::{ErrorList, FieldError, Path};
use api::wire::Request;
use api::{Kind, Status};

use super::route::Target;
use crate::apiserver::audit::AuditVerb;
use crate::apiserver::storage::Key;
use crate::apiserver::{Answer, ApiServer, Identity};

/// A checked request that a kubelet must answer.
#[derive(Debug, Clone, PartialEq)]
pub struct PodProxy {
    /// `log`, `exec`, `attach` or `portforward`.
    pub subresource: &'static str,
    pub namespace: String,
    pub pod: String,
    pub node: String,
    /// Empty for portforward.
    pub container: String,
    pub request: Request,
}

impl ApiServer {
    pub(super) fn pod_proxy(&mut self, who: &Identity, request: &Request, target: &Target) -> Result<Answer, Status> {
        let key = Key::new(Kind::Pod, &target.namespace, &target.name);
        let pod = self.require(&key)?.get::<Pod>().expect("the key names a pod").clone();
        if target.subresource == "log" {
            check_log_options(request, &target.name)?;
        }
        let container = match target.subresource {
            "portforward" => String::new(),
            _ => choose_container(&pod, request.param("container"))?,
        };
        let node = pod.spec.as_ref().and_then(|spec| spec.node_name.clone()).unwrap_or_default();
        if node.is_empty() {
            let why = match target.subresource {
                // Nothing has run yet, so there is nothing to read: an empty log, says upstream.
                "log" => {
                    let (headers, body) = (Vec::new(), api::wire::Body::Empty);
                    return Ok(Answer::Response(api::wire::Response { status: 204, headers, body }));
                }
                _ => format!("pod {} does not have a host assigned", target.name),
            };
            return Err(Status::bad_request(why));
        }
        self.require(&Key::new(Kind::Node, "", &node)).map_err(|_| {
            // Upstream looks the node up with the pod's resource at hand.
            Status::not_found(&self.resource_of(Kind::Pod), &node)
        })?;
        if target.subresource != "log" {
            self.record(
                who,
                AuditVerb::Connect,
                Kind::Pod,
                target.subresource,
                &target.namespace,
                &target.name,
                101,
                String::new(),
            );
        }
        Ok(Answer::Proxy(PodProxy {
            subresource: target.subresource,
            namespace: target.namespace.clone(),
            pod: target.name.clone(),
            node,
            container,
            request: request.clone(),
        }))
    }
}

/// # Errors
/// 422 for numbers that a log cannot be cut by.
fn check_log_options(request: &Request, pod: &str) -> Result<(), Status> {
    let number = |key: &str| request.param(key).and_then(|text| text.parse::<i64>().ok());
    let mut errors = ErrorList::new();
    let mut least = |key: &'static str, bound: i64, text: &str| {
        if let Some(value) = number(key).filter(|value| *value < bound) {
            errors.push(FieldError::invalid(&Path::ROOT.child(key), value, text));
        }
    };
    least("tailLines", 0, "must be greater than or equal to 0");
    least("limitBytes", 1, "must be greater than 0");
    least("sinceSeconds", 1, "must be greater than 0");
    if request.param("sinceSeconds").is_some() && request.param("sinceTime").is_some() {
        let text = "at most one of `sinceTime` or `sinceSeconds` may be specified";
        errors.push(FieldError::forbidden(&Path::ROOT, text));
    }
    if errors.is_empty() { Ok(()) } else { Err(Status::invalid("PodLogOptions", "", pod, &errors)) }
}

/// The asked container, or the only one, or the one an annotation names.
fn choose_container(pod: &Pod, asked: Option<&str>) -> Result<String, Status> {
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let Some(spec) = &pod.spec else { return Err(Status::bad_request(format!("pod {name} has no spec"))) };
    let ephemeral: Vec<&str> = spec.ephemeral_containers.iter().flatten().map(|c| c.name.as_str()).collect();
    let init: Vec<&str> = spec.init_containers.iter().flatten().map(|c| c.name.as_str()).collect();
    let main: Vec<&str> = spec.containers.iter().map(|c| c.name.as_str()).collect();
    let list = |names: &[&str]| format!("[{}]", names.join(" "));
    match asked.filter(|asked| !asked.is_empty()) {
        Some(asked) => {
            if main.contains(&asked) || init.contains(&asked) || ephemeral.contains(&asked) {
                return Ok(asked.into());
            }
            Err(Status::bad_request(format!("container {asked} is not valid for pod {name}")))
        }
        None => {
            let annotations = pod.metadata.annotations.as_ref();
            let annotated = annotations.and_then(|map| map.get("kubectl.kubernetes.io/default-container"));
            if let Some(default) = annotated.filter(|default| main.contains(&default.as_str())) {
                return Ok(default.clone());
            }
            match main.as_slice() {
                [only] => Ok((*only).into()),
                [] => Err(Status::bad_request(format!("a container name must be specified for pod {name}"))),
                many => {
                    let mut why =
                        format!("a container name must be specified for pod {name}, choose one of: {}", list(many));
                    if !init.is_empty() {
                        why.push_str(&format!(" or one of the init containers: {}", list(&init)));
                    }
                    Err(Status::bad_request(why))
                }
            }
        }
    }
}
