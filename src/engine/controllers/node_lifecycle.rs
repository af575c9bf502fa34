//! Node lifecycle: notices silent kubelets, taints their nodes, and tells their pods.
//!
//! Every five seconds each node's lease is looked at; 50 s without a renewal make it Unknown. The taint that keeps
//! new pods away follows at once; the one that drives pods off is given to one node of a zone at a time.
//! Mirrors: pkg/controller/nodelifecycle, pkg/controller/nodeipam (pod CIDRs). Left out: cloud providers.

mod conditions;
mod taints;
mod zones;

use std::collections::BTreeMap;

use api::k8s_openapi::api::coordination::v1::Lease;
use api::k8s_openapi::api::core::v1::{Node, Pod};
use api::meta::time::{micro_millis, millis};
use api::{Kind, Status, Typed};

use super::{Controller, Outcome, pods};
use crate::client::{Change, Context, EventOf, EventType, Recorder, Revision, WorkQueue};
use crate::sim::{Millis, SECOND};
use zones::{Count, Zones};

/// How often nodes are looked at.
const MONITOR: Millis = 5 * SECOND;
/// Silence before a node is Unknown.
const GRACE: Millis = 50 * SECOND;
/// Silence a node may begin with.
const STARTUP_GRACE: Millis = 60 * SECOND;

/// How long a collision over a node's taints holds up the next try.
const COLLISION: Millis = 200;

/// The key of the periodic look at all nodes; no node can be called that.
const ALL: &str = "*";

#[derive(Clone)]
pub struct NodeLifecycle {
    recorder: Recorder,
    /// What was last seen of each node, and when it last showed life.
    seen: BTreeMap<String, Seen>,
    zones: Zones,
    /// Next index of a pod CIDR.
    next_cidr: u32,
}

#[derive(Clone, Default)]
struct Seen {
    renewed: i64,
    alive_at: Millis,
    grace: Millis,
    /// When it was first seen.
    since: Millis,
    registered: bool,
}

impl Default for NodeLifecycle {
    fn default() -> Self {
        let recorder = Recorder::new("node-controller", "");
        Self { recorder, seen: BTreeMap::new(), zones: Zones::default(), next_cidr: 1 }
    }
}

impl Controller for NodeLifecycle {
    fn name(&self) -> &'static str {
        "node-lifecycle-controller"
    }

    fn observe(&mut self, news: &Revision, cx: &mut Context, queue: &mut WorkQueue) {
        match (news.key.kind, news.change) {
            (Kind::Node, Change::Deleted) if self.seen.remove(&*news.key.name).is_some() => {
                let message = format!("Node {0} event: Removing Node {0} from Controller", news.key.name);
                let of = EventOf::object(&news.object);
                self.recorder.event(cx, &of, EventType::Normal, "RemovingNode", message);
            }
            (Kind::Node, Change::Added | Change::Modified) => queue.add(news.key.name.to_string()),
            // Leases are read when it is time to look.
            _ => {}
        }
    }

    fn resync(&mut self, cx: &mut Context, queue: &mut WorkQueue) {
        self.seen.clear();
        self.zones = Zones::default();
        for node in cx.api.list::<Node>("") {
            queue.add(node.metadata.name.clone().unwrap_or_default());
        }
        queue.add(ALL.into());
    }

    fn reconcile(&mut self, key: &str, cx: &mut Context) -> Result<Outcome, Status> {
        if key != ALL {
            if let Some(node) = cx.api.get::<Node>("", key) {
                self.assign_cidr(cx, &node)?;
                self.register(cx, &node);
                // The first pass over a node that is only an object collides with those who are
                // writing to it, and comes again.
                let again = self.seen.get(key).map_or(0, |seen| seen.since + COLLISION);
                if again > cx.now && conditions::of(&node, "Ready").is_none() {
                    return Ok(Outcome::At(again));
                }
                taints::sync(cx, key, taints::NO_SCHEDULE)?;
            }
            return Ok(Outcome::Done);
        }
        self.look_at_all(cx)?;
        Ok(Outcome::At(cx.now + MONITOR))
    }
}

/// What a look at one node came to.
struct Look {
    zone: String,
    ready: bool,
    /// It is to be emptied, and nobody has begun to.
    to_empty: bool,
    /// Pods of it were told just now.
    told_pods: bool,
}

impl NodeLifecycle {
    fn register(&mut self, cx: &mut Context, node: &Node) {
        let name = node.metadata.name.clone().unwrap_or_default();
        let seen = self.seen.entry(name.clone()).or_default();
        if seen.registered {
            return;
        }
        *seen = Seen { alive_at: cx.now, grace: STARTUP_GRACE, since: cx.now, registered: true, renewed: 0 };
        let of = EventOf::object(&node.clone().into_object());
        let message = format!("Node {name} event: Registered Node {name} in Controller");
        self.recorder.event(cx, &of, EventType::Normal, "RegisteredNode", message);
    }

    /// Gives a new node the next free /24 of 10.244.0.0/16.
    fn assign_cidr(&mut self, cx: &mut Context, node: &Node) -> Result<(), Status> {
        let has = node.spec.as_ref().and_then(|spec| spec.pod_cidr.as_deref()).is_some_and(|cidr| !cidr.is_empty());
        if has {
            return Ok(());
        }
        let taken: Vec<String> = cx
            .api
            .list::<Node>("")
            .filter_map(|node| node.spec.as_ref().and_then(|spec| spec.pod_cidr.clone()))
            .collect();
        let name = node.metadata.name.clone().unwrap_or_default();
        let cidr = loop {
            let (high, low) = (244 + self.next_cidr / 256, self.next_cidr % 256);
            self.next_cidr += 1;
            let cidr = format!("10.{high}.{low}.0/24");
            if !taken.contains(&cidr) {
                break cidr;
            }
        };
        cx.api.patch::<Node>("", &name, "", |node| {
            let spec = node.spec.get_or_insert_default();
            spec.pod_cidr = Some(cidr.clone());
            spec.pod_cidrs = Some(vec![cidr]);
        })?;
        Ok(())
    }

    fn look_at_all(&mut self, cx: &mut Context) -> Result<(), Status> {
        let names: Vec<String> = cx.api.list::<Node>("").filter_map(|node| node.metadata.name.clone()).collect();
        let (mut counts, mut waiting) = (BTreeMap::<String, Count>::new(), Vec::new());
        for name in &names {
            let Some(look) = self.monitor(cx, name)? else { continue };
            let count = counts.entry(look.zone.clone()).or_default();
            *(if look.ready { &mut count.ready } else { &mut count.silent }) += 1;
            if !look.to_empty {
                continue;
            }
            // Telling pods takes time enough for the other loop to begin with the node.
            if look.told_pods && self.zones.grant(&look.zone, cx.now) {
                taints::sync(cx, name, taints::NO_EXECUTE)?;
            } else {
                waiting.push((name, look.zone));
            }
        }
        match self.zones.settle(&counts, cx.now) {
            zones::Change::None => {}
            zones::Change::AllSilent => {
                for name in names.iter().filter(|name| !waiting.iter().any(|(waits, _)| waits == name)) {
                    taints::lift(cx, name, cx.time())?;
                }
            }
            // Who is still silent has his time once more.
            zones::Change::Heard => self.seen.values_mut().for_each(|seen| seen.alive_at = cx.now),
        }
        for (name, zone) in waiting {
            if self.zones.grant(&zone, cx.now) {
                taints::sync(cx, name, taints::NO_EXECUTE)?;
            }
        }
        Ok(())
    }

    fn monitor(&mut self, cx: &mut Context, name: &str) -> Result<Option<Look>, Status> {
        let Some(node) = cx.api.get::<Node>("", name) else { return Ok(None) };
        self.register(cx, &node);
        let renewed = sign_of_life(cx, &node);
        let now = cx.now;
        let seen = self.seen.entry(name.into()).or_default();
        if renewed > seen.renewed {
            seen.renewed = renewed;
            seen.alive_at = now;
            // Once it has shown life, the usual patience applies.
            if conditions::of(&node, "Ready").is_some() {
                seen.grace = GRACE;
            }
        }
        let silent = now.saturating_sub(seen.alive_at) > seen.grace;
        let before = conditions::of(&node, "Ready").map(|ready| ready.status.clone());
        if silent && before.as_deref() != Some("Unknown") {
            conditions::mark_unknown(cx, &node)?;
        }
        let Some(node) = cx.api.get::<Node>("", name) else { return Ok(None) };
        let after = conditions::of(&node, "Ready").map(|ready| ready.status.clone());
        let mut told_pods = false;
        if after.as_deref() != Some("True") {
            if before.as_deref() == Some("True") {
                let of = EventOf::object(&node.clone().wrap());
                let message = format!("Node {name} status is now: NodeNotReady");
                self.recorder.event(cx, &of, EventType::Normal, "NodeNotReady", message);
            }
            told_pods = self.mark_pods(cx, name)?;
        }
        taints::sync(cx, name, taints::NO_SCHEDULE)?;
        // One taint in the place of the other, or none any more: that needs no turn.
        let to_empty = taints::is_to_be_emptied(&node);
        if !to_empty {
            taints::sync(cx, name, taints::NO_EXECUTE)?;
        }
        Ok(Some(Look { zone: zones::of(&node), ready: after.as_deref() == Some("True"), to_empty, told_pods }))
    }

    /// Pods on a node that is not ready cannot be told to be ready. Whether there were any.
    fn mark_pods(&mut self, cx: &mut Context, node: &str) -> Result<bool, Status> {
        let ready: Vec<std::sync::Arc<Pod>> = cx.api.pods_on(node).filter(|pod| pods::is_ready(pod)).cloned().collect();
        let any = !ready.is_empty();
        for pod in ready {
            let now = cx.time();
            cx.api.change::<Pod>(pods::namespace(&pod), pods::name(&pod), "status", |pod| {
                for condition in pod.status.iter_mut().filter_map(|status| status.conditions.as_mut()).flatten() {
                    if condition.type_ == "Ready" {
                        condition.status = "False".into();
                        condition.last_transition_time = Some(now.clone());
                    }
                }
            })?;
            let of = EventOf::object(&pod.wrap());
            self.recorder.event(cx, &of, EventType::Warning, "NodeNotReady", "Node is not ready");
        }
        Ok(any)
    }
}

/// The newest heartbeat: of the lease, or of the Ready condition. Unix milliseconds.
fn sign_of_life(cx: &Context, node: &Node) -> i64 {
    let name = node.metadata.name.as_deref().unwrap_or_default();
    let lease = cx
        .api
        .get::<Lease>("kube-node-lease", name)
        .and_then(|lease| lease.spec.as_ref()?.renew_time.as_ref().map(micro_millis));
    let heartbeat = conditions::of(node, "Ready")
        .filter(|ready| ready.status != "Unknown")
        .and_then(|ready| ready.last_heartbeat_time.as_ref().map(millis));
    lease.max(heartbeat).unwrap_or(0)
}
