//! TTL: tells each node's kubelet how long it may keep what it has read, by the size of the cluster.
//!
//! Up to a hundred nodes nothing is kept; with more of them, more seconds each.
//! Mirrors: pkg/controller/ttl. The simulated kubelets read anew; the annotation is what one sees of it. Left out: that
//! a shrinking cluster takes its step back a little later than it took it forth.

use api::k8s_openapi::api::core::v1::Node;
use api::{Kind, Status};

use super::{Controller, Outcome};
use crate::client::{Change, Context, Revision, WorkQueue};

const ANNOTATION: &str = "node.alpha.kubernetes.io/ttl";

#[derive(Clone, Default)]
pub struct Ttl;

impl Controller for Ttl {
    fn name(&self) -> &'static str {
        "ttl-controller"
    }

    fn observe(&mut self, news: &Revision, _cx: &mut Context, queue: &mut WorkQueue) {
        if news.key.kind == Kind::Node && news.change != Change::Deleted {
            queue.add(news.key.name.to_string());
        }
    }

    fn resync(&mut self, cx: &mut Context, queue: &mut WorkQueue) {
        for node in cx.api.list::<Node>("") {
            queue.add(node.metadata.name.clone().unwrap_or_default());
        }
    }

    fn reconcile(&mut self, name: &str, cx: &mut Context) -> Result<Outcome, Status> {
        let Some(node) = cx.api.get::<Node>("", name) else { return Ok(Outcome::Done) };
        let seconds = seconds(cx.api.list::<Node>("").count());
        let known = node.metadata.annotations.as_ref().and_then(|annotations| annotations.get(ANNOTATION));
        if known.map(String::as_str) != Some(seconds) {
            cx.api.patch::<Node>("", name, "", |node| {
                node.metadata.annotations.get_or_insert_default().insert(ANNOTATION.into(), seconds.into());
            })?;
        }
        Ok(Outcome::Done)
    }
}

/// The more nodes, the longer: upstream's boundaries, without its hysteresis.
fn seconds(nodes: usize) -> &'static str {
    match nodes {
        0..=100 => "0",
        101..=500 => "15",
        501..=1000 => "30",
        1001..=2000 => "60",
        _ => "300",
    }
}
