//! PrioritySort: which waiting pod is tried next: the higher priority, then whoever waits longer.
//!
//! Mirrors: pkg/scheduler/framework/plugins/queuesort. Nothing is left out.

use std::cmp::Reverse;

/// A pod's place in the queue; smaller is earlier.
///
/// `sequence` tells apart pods that were queued at the same instant.
pub fn place(priority: i32, queued_at_ms: i64, sequence: u64) -> (Reverse<i32>, i64, u64) {
    (Reverse(priority), queued_at_ms, sequence)
}
