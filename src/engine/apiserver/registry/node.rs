//! Nodes: the status comes with the registration, and stays when only the spec is written.

use api::Object;

use super::{Strategy, standard};

pub struct NodeStrategy;

impl Strategy for NodeStrategy {
    // A kubelet registers itself with its status, so a creation keeps it.
    fn prepare_for_create(&self, object: &mut Object) {
        object.meta_mut().generation = None;
    }

    fn prepare_for_update(&self, new: &mut Object, old: &Object) {
        standard::update(new, old);
    }

    fn fields(&self, object: &Object) -> Vec<(&'static str, String)> {
        let Object::Node(node) = object else { return Vec::new() };
        let unschedulable = node.spec.as_ref().and_then(|spec| spec.unschedulable).unwrap_or(false);
        vec![("spec.unschedulable", unschedulable.to_string())]
    }
}
