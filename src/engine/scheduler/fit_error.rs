//! The text of FailedScheduling: how many nodes, and how many of them for which reason.
//!
//! A node counts for every reason that its first refusing plugin gives, so the counts may exceed the
//! nodes. `N reason` are sorted as strings, joined by commas; what a plugin said of the pod as a whole
//! stands instead of them. After them comes what the plugins say that try to help: DynamicResources
//! first, then preemption, which counts its own reasons per node in the same form.
//! Mirrors: pkg/scheduler/framework/types.go `FitError.Error`.

use api::order::Order;
use std::collections::BTreeMap;

/// Said when there is no node at all.
pub const NO_NODES: &str = "no nodes available to schedule pods";

/// Why no node fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FitError {
    pub node_count: usize,
    /// Said by a plugin about the pod as a whole; nodes were not looked at then.
    pub pre_filter: Option<String>,
    /// How many nodes were refused for each reason.
    pub reasons: BTreeMap<String, usize>,
    /// What preemption and the like had to add.
    pub post_filter: String,
}

impl FitError {
    pub fn count<'a>(&mut self, reasons: impl IntoIterator<Item = &'a super::framework::Reason>, nodes: usize) {
        for reason in reasons {
            // Mostly seen before: no allocation for the five thousandth node.
            match self.reasons.get_mut(&**reason) {
                Some(count) => *count += nodes,
                None => {
                    self.reasons.insert(reason.to_string(), nodes);
                }
            }
        }
    }
}

impl std::fmt::Display for FitError {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "0/{} nodes are available:", self.node_count)?;
        match &self.pre_filter {
            Some(message) => write!(f, " {message}.")?,
            None => {
                let mut counted: Vec<String> =
                    self.reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
                // As strings, so that ten sorts before two.
                counted.order();
                if !counted.is_empty() {
                    write!(f, " {}.", counted.join(", "))?;
                }
            }
        }
        if !self.post_filter.is_empty() {
            write!(f, " {}", self.post_filter)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_counted_and_sorted_as_text() {
        let mut error =
            FitError { node_count: 13, pre_filter: None, reasons: BTreeMap::new(), post_filter: String::new() };
        error.count(&["Insufficient cpu".into()], 2);
        error.count(&["Too many pods".into()], 10);
        error.count(&["Insufficient memory".into()], 1);
        assert_eq!(
            error.to_string(),
            "0/13 nodes are available: 1 Insufficient memory, 10 Too many pods, 2 Insufficient cpu."
        );
        error.post_filter = "no new claims to deallocate".into();
        assert!(error.to_string().ends_with("2 Insufficient cpu. no new claims to deallocate"));
    }

    #[test]
    fn a_message_about_the_pod_hides_the_nodes() {
        let error = FitError {
            node_count: 2,
            pre_filter: Some("persistentvolumeclaim \"nope\" not found".into()),
            reasons: BTreeMap::from([("Insufficient cpu".into(), 2)]),
            post_filter: "not found".into(),
        };
        assert_eq!(error.to_string(), "0/2 nodes are available: persistentvolumeclaim \"nope\" not found. not found");
    }
}
