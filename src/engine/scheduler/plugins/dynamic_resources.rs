//! DynamicResources: devices that pods claim. Not simulated; what remains is its voice.
//!
//! In v1.36 the plugin is on by default. For pods without claims it filters nothing and scores
//! every node 0, and when no node fits it is asked first whether freeing claims would help,
//! which is why messages say `no new claims to deallocate`. A plugin that refuses the pod as a
//! whole keeps it from being prepared; then that question ends in `not found`.
//! Mirrors: pkg/scheduler/framework/plugins/dynamicresources. Left out: claims.

use std::sync::Arc;

use crate::scheduler::cache::{Cache, NodeInfo};
use crate::scheduler::framework::{Plugin, Score};
use crate::scheduler::pod_info::PodInfo;

/// What the plugin adds to FailedScheduling for a pod without claims.
pub const NOTHING_TO_FREE: &str = "no new claims to deallocate";
/// What it adds when the attempt ended before it was prepared.
pub const NOT_PREPARED: &str = "not found";

pub struct DynamicResources;

struct Zero;

impl Plugin for DynamicResources {
    fn name(&self) -> &'static str {
        "DynamicResources"
    }

    fn weight(&self) -> i64 {
        2
    }

    fn pre_score<'a>(
        &self,
        _cache: &'a Cache,
        _pod: &'a PodInfo,
        _feasible: &[&Arc<NodeInfo>],
    ) -> Option<Box<dyn Score + 'a>> {
        Some(Box::new(Zero))
    }
}

impl Score for Zero {
    fn score(&self, _node: &NodeInfo) -> i64 {
        0
    }
}
