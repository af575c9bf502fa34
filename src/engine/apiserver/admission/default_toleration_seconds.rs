//! DefaultTolerationSeconds: a pod stays five minutes on a node that fell silent, unless it says otherwise.
//!
//! Mirrors: plugin/pkg/admission/defaulttolerationseconds.

use std::sync::Arc;

use api::Object;
use api::k8s_openapi::api::core::v1::Toleration;

use super::{Attributes, Operation};

const SECONDS: i64 = 300;

pub fn admit(object: &mut Object, attributes: &Attributes) {
    let Object::Pod(pod) = object else { return };
    if attributes.operation == Operation::Delete || !attributes.subresource.is_empty() {
        return;
    }
    let missing: Vec<&str> = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]
        .into_iter()
        .filter(|key| {
            let tolerations = pod.spec.iter().filter_map(|spec| spec.tolerations.as_ref()).flatten();
            !tolerations.into_iter().any(|toleration| tolerates(toleration, key))
        })
        .collect();
    if missing.is_empty() {
        return;
    }
    let Some(spec) = &mut Arc::make_mut(pod).spec else { return };
    spec.tolerations.get_or_insert_default().extend(missing.into_iter().map(|key| Toleration {
        key: Some(key.into()),
        operator: Some("Exists".into()),
        effect: Some("NoExecute".into()),
        toleration_seconds: Some(SECONDS),
        value: None,
    }));
}

fn tolerates(toleration: &Toleration, key: &str) -> bool {
    let its_key = toleration.key.as_deref().unwrap_or_default();
    let its_effect = toleration.effect.as_deref().unwrap_or_default();
    (its_key == key || its_key.is_empty()) && matches!(its_effect, "NoExecute" | "")
}
