//! Node selector terms: which nodes a pod, a DaemonSet or a volume may have.
//!
//! Mirrors: component-helpers/scheduling/corev1/nodeaffinity.

use k8s_openapi::api::core::v1::{NodeSelector, NodeSelectorRequirement, NodeSelectorTerm};

use super::selector::{Labels, Operator, Requirement};
use crate::order::Order;

/// Whether a node meets at least one term.
pub fn admits(selector: &NodeSelector, node_name: &str, labels: Option<&Labels>) -> bool {
    selector.node_selector_terms.iter().any(|term| NodeTerm::new(term).matches(node_name, labels))
}

/// One node selector term: conditions on labels and on the node's name, all of which must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeTerm {
    pub labels: Vec<Requirement>,
    /// On `metadata.name`, the only field that may be selected.
    pub names: Vec<Requirement>,
}

impl NodeTerm {
    pub fn new(term: &NodeSelectorTerm) -> Self {
        let read =
            |list: &Option<Vec<NodeSelectorRequirement>>| list.iter().flatten().filter_map(requirement).collect();
        Self { labels: read(&term.match_expressions), names: read(&term.match_fields) }
    }

    /// A term without any condition matches no node.
    pub fn matches(&self, node_name: &str, labels: Option<&Labels>) -> bool {
        if self.labels.is_empty() && self.names.is_empty() {
            return false;
        }
        self.labels.iter().all(|requirement| requirement.matches(labels))
            && self.names.iter().all(|requirement| {
                let listed = requirement.values.iter().any(|value| value == node_name);
                if requirement.operator == Operator::NotIn { !listed } else { listed }
            })
    }
}

fn requirement(from: &NodeSelectorRequirement) -> Option<Requirement> {
    let operator = match from.operator.as_str() {
        "In" => Operator::In,
        "NotIn" => Operator::NotIn,
        "Exists" => Operator::Exists,
        "DoesNotExist" => Operator::DoesNotExist,
        "Gt" => Operator::GreaterThan,
        "Lt" => Operator::LessThan,
        // Validation lets no other operator through.
        _ => return None,
    };
    let mut values = from.values.clone().unwrap_or_default();
    values.order();
    values.dedup();
    Some(Requirement { key: from.key.clone(), operator, values })
}
