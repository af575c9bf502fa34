//! Priority: a class name becomes a number.
//!
//! Mirrors: plugin/pkg/admission/priority.

use std::sync::Arc;

use api::k8s_openapi::api::scheduling::v1::PriorityClass;
use api::{Kind, Object, Status};

use super::{Attributes, Operation};
use crate::apiserver::ApiServer;

pub fn admit(server: &ApiServer, object: &mut Object, attributes: &Attributes) -> Result<(), Status> {
    match object {
        Object::Pod(pod) if attributes.operation == Operation::Update && attributes.subresource.is_empty() => {
            // What was computed at creation stays, whatever the client leaves out.
            if let (Some(spec), Some(Object::Pod(old))) = (&pod.spec, attributes.old)
                && let Some(old) = &old.spec
                && (spec.priority.is_none() || spec.preemption_policy.is_none())
                && let Some(spec) = &mut Arc::make_mut(pod).spec
            {
                spec.priority = spec.priority.or(old.priority);
                spec.preemption_policy = spec.preemption_policy.take().or_else(|| old.preemption_policy.clone());
            }
            Ok(())
        }
        Object::Pod(pod) if attributes.operation == Operation::Create => {
            let subject =
                pod.metadata.name.clone().filter(|name| !name.is_empty()).or(pod.metadata.generate_name.clone());
            let refuse = |why: String| {
                Err(Status::forbidden(&server.resource_of(Kind::Pod), subject.as_deref().unwrap_or_default(), &why))
            };
            let Some(spec) = &mut Arc::make_mut(pod).spec else { return Ok(()) };
            let class_name = spec.priority_class_name.clone().unwrap_or_default();
            let class = if class_name.is_empty() {
                default_class(server)
            } else {
                match server.read(Kind::PriorityClass, "", &class_name) {
                    Some(Object::PriorityClass(class)) => Some(class.clone()),
                    _ => return refuse(format!("no PriorityClass with name {class_name} was found")),
                }
            };
            let priority = class.as_ref().and_then(|class| class.value).unwrap_or(0);
            if let Some(asked) = spec.priority.filter(|asked| *asked != priority) {
                return refuse(format!(
                    "the integer value of priority ({asked}) must not be provided in pod spec; priority admission controller computed {priority} from the given PriorityClass name"
                ));
            }
            let policy = class
                .as_ref()
                .and_then(|class| class.preemption_policy.clone())
                .unwrap_or_else(|| "PreemptLowerPriority".into());
            if let Some(class) = &class {
                spec.priority_class_name.clone_from(&class.metadata.name);
            }
            if let Some(asked) = spec.preemption_policy.as_ref().filter(|asked| **asked != policy) {
                return refuse(format!(
                    "the string value of PreemptionPolicy ({asked}) must not be provided in pod spec; priority admission controller computed {policy} from the given PriorityClass name"
                ));
            }
            spec.priority = Some(priority);
            spec.preemption_policy = Some(policy);
            Ok(())
        }
        Object::PriorityClass(class) if class.global_default == Some(true) => match default_class(server) {
            Some(other) if other.metadata.name != class.metadata.name => Err(Status::forbidden(
                &server.resource_of(Kind::PriorityClass),
                class.metadata.name.as_deref().unwrap_or_default(),
                &format!(
                    "PriorityClass {} is already marked as default. Only one default can exist",
                    other.metadata.name.as_deref().unwrap_or_default()
                ),
            )),
            _ => Ok(()),
        },
        // Other kinds have no priority.
        _ => Ok(()),
    }
}

/// The class of pods that name none: the global default of the lowest value, if there is one.
fn default_class(server: &ApiServer) -> Option<Arc<PriorityClass>> {
    server
        .read_all(Kind::PriorityClass, "")
        .filter_map(|object| object.get::<PriorityClass>())
        .filter(|class| class.global_default == Some(true))
        .min_by_key(|class| class.value)
        .cloned()
}
