//! Node and Namespace.
//!
//! Mirrors: pkg/apis/core/validation `ValidateNode`, `ValidateNodeUpdate`, `ValidateNamespace`.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Namespace, Node, Taint};

use super::common::{cidr, invalid_each, label_name};
use super::field::{ErrorList, FieldError, Path};
use super::go_value::GoValue;
use super::internal::go_struct;
use super::object_meta::kube_finalizer;
use super::{pod, resources};
use crate::meta::{names, time};

pub(super) fn namespace(namespace: &Namespace, errors: &mut ErrorList) {
    let path = Path::ROOT.child("spec");
    let path = path.child("finalizers");
    let finalizers = namespace.spec.as_ref().and_then(|spec| spec.finalizers.as_deref()).unwrap_or_default();
    for name in finalizers {
        invalid_each(&path, name, names::qualified_name(name), errors);
        kube_finalizer(name, &path, errors);
    }
}

pub(super) fn namespace_status_update(new: &Namespace, errors: &mut ErrorList) {
    let path = Path::ROOT.child("status");
    let path = path.child("Phase");
    let phase = new.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default();
    if new.metadata.deletion_timestamp.is_none() {
        if phase != "Active" {
            let text = "may only be 'Active' if `deletionTimestamp` is empty";
            errors.push(FieldError::invalid(&path, phase, text));
        }
    } else if phase != "Terminating" {
        let text = "may only be 'Terminating' if `deletionTimestamp` is not empty";
        errors.push(FieldError::invalid(&path, phase, text));
    }
}

pub(super) fn node(node: &Node, errors: &mut ErrorList) {
    let path = Path::ROOT.child("spec");
    let spec = node.spec.clone().unwrap_or_default();
    taints(spec.taints.as_deref().unwrap_or_default(), &path.child("taints"), errors);
    let status = Path::ROOT.child("status");
    let list = |list, field, errors: &mut ErrorList| resources::resource_list(list, &status.child(field), errors);
    list(node.status.as_ref().and_then(|status| status.capacity.as_ref()), "capacity", errors);
    list(node.status.as_ref().and_then(|status| status.allocatable.as_ref()), "allocatable", errors);
    let ranges = spec.pod_cidrs.as_deref().unwrap_or_default();
    let here = path.child("podCIDRs");
    for (i, range) in ranges.iter().enumerate() {
        cidr(range, &here.index(i), errors);
    }
    if ranges.len() > 2 {
        let text = "may specify no more than one CIDR for each IP family";
        errors.push(FieldError::invalid(&here, &ranges.to_vec(), text));
    }
    if let Some(range) = spec.pod_cidr.as_ref().filter(|_| ranges.is_empty()) {
        cidr(range, &here.index(0), errors);
    }
}

fn taints(taints: &[Taint], path: &Path, errors: &mut ErrorList) {
    let mut seen = BTreeSet::new();
    for (i, taint) in taints.iter().enumerate() {
        let here = path.index(i);
        label_name(&taint.key, &here.child("key"), errors);
        let value = taint.value.as_deref().unwrap_or_default();
        let breaches = names::label_value(value);
        if !breaches.is_empty() {
            errors.push(FieldError::invalid(&here.child("value"), value, breaches.join(";")));
        }
        match taint.effect.as_str() {
            "" => errors.push(FieldError::required(&here.child("effect"), "")),
            effect => pod::taint_effect(effect, &here.child("effect"), errors),
        }
        if !seen.insert((taint.key.as_str(), taint.effect.as_str())) {
            let printed = go_struct! {
                "Key": &taint.key,
                "Value": value,
                "Effect": &taint.effect,
                "TimeAdded": taint.time_added.as_ref().map(|added| time::rfc3339(time::millis(added))),
            };
            let mut error = FieldError::duplicate(&here, printed);
            error.detail = "taints must be unique by key and effect pair".into();
            errors.push(error);
        }
    }
}

pub(super) fn node_update(new_node: &Node, old_node: &Node, errors: &mut ErrorList) {
    let (new, old) = (new_node.spec.clone().unwrap_or_default(), old_node.spec.clone().unwrap_or_default());
    node(new_node, errors);
    let path = Path::ROOT.child("spec");
    let ranges = |spec: &k8s_openapi::api::core::v1::NodeSpec| {
        spec.pod_cidrs.clone().unwrap_or_else(|| spec.pod_cidr.clone().into_iter().collect())
    };
    if !ranges(&old).is_empty() && ranges(&new) != ranges(&old) {
        let text = "node updates may not change podCIDR except from \"\" to valid";
        errors.push(FieldError::forbidden(&path.child("podCIDRs"), text));
    }
    if old.provider_id.is_some() && new.provider_id != old.provider_id {
        let text = "node updates may not change providerID except from \"\" to valid";
        errors.push(FieldError::forbidden(&path.child("providerID"), text));
    }
    let mut seen = BTreeSet::new();
    for (i, address) in new_node.status.iter().flat_map(|status| status.addresses.iter().flatten()).enumerate() {
        if !seen.insert((address.type_.as_str(), address.address.as_str())) {
            let here = Path::ROOT.child("status");
            let here = here.child("addresses");
            let printed: GoValue = go_struct! { "Type": &address.type_, "Address": &address.address };
            errors.push(FieldError::duplicate(&here.index(i), printed));
        }
    }
}
