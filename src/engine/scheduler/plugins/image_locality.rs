//! ImageLocality: prefers nodes that already have the pod's images, the more so the larger they are.
//!
//! Each image present counts its size, scaled by the share of nodes that have it, so that one node
//! with an image does not draw every pod. Init containers and image volumes count like containers.
//! The sum is worth 0 up to 23 MiB and 100 from 1000 MiB per container on; image volumes do not raise
//! that bound (in v1.37 they do). An image's size is what the first node that has it says.
//! Mirrors: pkg/scheduler/framework/plugins/imagelocality. Nothing is left out.

use std::sync::Arc;

use crate::scheduler::cache::{Cache, ImageState, NodeInfo};
use crate::scheduler::framework::{MAX_NODE_SCORE, Plugin, Score};
use crate::scheduler::pod_info::PodInfo;

const MIB: i64 = 1024 * 1024;
const LEAST: i64 = 23 * MIB;
const MOST_PER_CONTAINER: i64 = 1000 * MIB;

pub struct ImageLocality;

struct Ready<'a> {
    /// Per container and image volume: where the image is, and what that counts, in bytes.
    images: Vec<(&'a ImageState, i64)>,
    /// Bytes.
    most: i64,
}

impl Plugin for ImageLocality {
    fn name(&self) -> &'static str {
        "ImageLocality"
    }

    fn weight(&self) -> i64 {
        1
    }

    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // upstream computes in float64 and truncates
    fn pre_score<'a>(
        &self,
        cache: &'a Cache,
        pod: &'a PodInfo,
        _feasible: &[&Arc<NodeInfo>],
    ) -> Option<Box<dyn Score + 'a>> {
        let total = cache.node_count() as f64;
        let images = pod.images.iter().filter_map(|name| cache.image(name)).map(|state| {
            let spread = state.nodes.len() as f64 / total;
            (state, (state.size as f64 * spread) as i64)
        });
        let most = MOST_PER_CONTAINER * i64::try_from(pod.container_count()).unwrap_or(1);
        Some(Box::new(Ready { images: images.collect(), most }))
    }
}

impl Score for Ready<'_> {
    fn score(&self, node: &NodeInfo) -> i64 {
        let present = self.images.iter().filter(|(state, _)| state.nodes.contains(&node.id));
        let sum: i64 = present.map(|(_, counts)| counts).sum();
        MAX_NODE_SCORE * (sum.clamp(LEAST, self.most.max(LEAST)) - LEAST) / (self.most - LEAST).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::testing::{node, pod, scores};

    #[test]
    fn size_and_spread_of_images_count() {
        let node = |name: &str, image: &str, mib: i64| {
            let bytes = mib * MIB;
            node(&format!(
                r#"{{"metadata": {{"name": "{name}"}}, "status": {{"images": [{{"names": ["{image}"], "sizeBytes": {bytes}}}]}}}}"#
            ))
        };
        let nodes = [
            node("a", "big:latest", 1000),
            node("b", "big:latest", 1000),
            node("c", "other:1", 900),
            node("d", "tiny:1", 5),
        ];
        let wants = |image: &str| pod(&format!(r#"{{"containers": [{{"name": "c", "image": "{image}"}}]}}"#));
        // Half of the nodes have it: 500 of 1000 MiB count.
        assert_eq!(scores(&ImageLocality, &nodes, &[], wants("big")), [48, 48, 0, 0]);
        assert_eq!(scores(&ImageLocality, &nodes, &[], wants("tiny:1")), [0, 0, 0, 0]);
        // An image volume counts, against the bound of one container.
        let mounts = pod(
            r#"{"containers": [{"name": "c", "image": "big"}], "volumes": [{"name": "v", "image": {"reference": "other:1"}}]}"#,
        );
        assert_eq!(scores(&ImageLocality, &nodes, &[], mounts), [48, 48, 20, 0]);
    }
}
