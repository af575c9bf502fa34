//! Taint eviction: a NoExecute taint drives pods off a node, at once or when their patience ends.
//!
//! Mirrors: pkg/controller/tainteviction.

use api::meta::toleration::tolerates;
use std::collections::BTreeMap;
use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{Node, Pod, Taint, Toleration};
use api::{Kind, Status, Typed};

use super::{Controller, Outcome, pods};
use crate::client::{
    Change, Context, DeleteOptions, EventOf, EventType, Key, Recorder, Revision, WorkQueue, mark_disrupted,
};
use crate::sim::Millis;

#[derive(Clone)]
pub struct TaintEviction {
    recorder: Recorder,
    /// Pods whose time is set, by `namespace/name`: the UID and the moment.
    scheduled: BTreeMap<String, (String, Millis)>,
}

impl Default for TaintEviction {
    fn default() -> Self {
        Self { recorder: Recorder::new("taint-eviction-controller", ""), scheduled: BTreeMap::new() }
    }
}

impl Controller for TaintEviction {
    fn name(&self) -> &'static str {
        "taint-eviction-controller"
    }

    fn observe(&mut self, news: &Revision, cx: &mut Context, queue: &mut WorkQueue) {
        match news.key.kind {
            Kind::Pod if news.change != Change::Deleted => {
                let node = |object: &api::Object| object.get::<Pod>().map(|pod| pods::node(pod).to_string());
                let moved = node(&news.object) != news.previous.as_ref().and_then(node);
                let tolerates = |object: &api::Object| {
                    object.get::<Pod>().and_then(|pod| pod.spec.as_ref().and_then(|spec| spec.tolerations.clone()))
                };
                let changed = news.previous.as_ref().and_then(tolerates) != tolerates(&news.object);
                if moved || changed {
                    queue.add(format!("{}/{}", news.key.namespace, news.key.name));
                }
            }
            Kind::Pod => {
                self.scheduled.remove(&format!("{}/{}", news.key.namespace, news.key.name));
            }
            Kind::Node if news.change != Change::Deleted => {
                let taints = |object: &api::Object| object.get::<Node>().map(|node| no_execute(node));
                if news.previous.as_ref().and_then(taints) != taints(&news.object) {
                    for pod in cx.api.pods_on(&news.key.name) {
                        queue.add(format!("{}/{}", pods::namespace(pod), pods::name(pod)));
                    }
                }
            }
            // Nothing else tolerates or taints.
            _ => {}
        }
    }

    fn resync(&mut self, cx: &mut Context, queue: &mut WorkQueue) {
        self.scheduled.clear();
        for pod in cx.api.list::<Pod>("").filter(|pod| !pods::node(pod).is_empty()) {
            queue.add(format!("{}/{}", pods::namespace(pod), pods::name(pod)));
        }
    }

    fn reconcile(&mut self, key: &str, cx: &mut Context) -> Result<Outcome, Status> {
        let Some((namespace, name)) = key.split_once('/') else { return Ok(Outcome::Done) };
        let pod = cx.api.get::<Pod>(namespace, name).filter(|pod| !pods::is_terminating(pod));
        let Some(pod) = pod else {
            self.scheduled.remove(key);
            return Ok(Outcome::Done);
        };
        let taints = cx.api.get::<Node>("", pods::node(&pod)).map(|node| no_execute(&node)).unwrap_or_default();
        match patience(&pod, &taints) {
            Patience::Forever => {
                self.cancel(cx, key, &pod);
                Ok(Outcome::Done)
            }
            Patience::None => {
                // What was set for later is called off first.
                self.cancel(cx, key, &pod);
                self.evict(cx, key, &pod).map(|()| Outcome::Done)
            }
            Patience::Seconds(seconds) => {
                let uid = pod.metadata.uid.clone().unwrap_or_default();
                // A time once set stays, unless it is another pod's. It counts from when this controller
                // first saw pod and taint together, however old the taint is.
                let at = match self.scheduled.get(key) {
                    Some((known, at)) if *known == uid => *at,
                    _ => cx.now + seconds as Millis * 1000,
                };
                if at <= cx.now {
                    return self.evict(cx, key, &pod).map(|()| Outcome::Done);
                }
                self.scheduled.insert(key.into(), (uid, at));
                Ok(Outcome::At(at))
            }
        }
    }
}

impl TaintEviction {
    /// Calls off a deletion that was set for later, and says so.
    fn cancel(&mut self, cx: &mut Context, key: &str, pod: &Arc<Pod>) {
        if self.scheduled.remove(key).is_some() {
            let of = EventOf::object(&pod.clone().wrap());
            let message = format!("Cancelling deletion of Pod {key}");
            self.recorder.event(cx, &of, EventType::Normal, "TaintManagerEviction", message);
        }
    }

    fn evict(&mut self, cx: &mut Context, key: &str, pod: &Arc<Pod>) -> Result<(), Status> {
        self.scheduled.remove(key);
        let of = EventOf::object(&pod.clone().wrap());
        let message = format!("Marking for deletion Pod {key}");
        self.recorder.event(cx, &of, EventType::Normal, "TaintManagerEviction", message);
        let now = cx.time();
        cx.api.patch::<Pod>(pods::namespace(pod), pods::name(pod), "status", |pod| {
            let message = "Taint manager: deleting due to NoExecute taint";
            mark_disrupted(pod, "DeletionByTaintManager", message, now);
        })?;
        let target = Key::new(Kind::Pod, pods::namespace(pod), pods::name(pod));
        cx.api.delete(&target, &DeleteOptions::default()).map(|_| ())
    }
}

enum Patience {
    Forever,
    Seconds(i64),
    None,
}

/// How long a pod stays under these taints: the least of what its tolerations say.
fn patience(pod: &Pod, taints: &[Taint]) -> Patience {
    let tolerations: Vec<&Toleration> =
        pod.spec.iter().filter_map(|spec| spec.tolerations.as_ref()).flatten().collect();
    let mut least: Option<i64> = None;
    for taint in taints {
        let Some(used) = tolerations.iter().find(|toleration| tolerates(toleration, taint)) else {
            return Patience::None;
        };
        if let Some(seconds) = used.toleration_seconds {
            if seconds <= 0 {
                return Patience::None;
            }
            least = Some(least.map_or(seconds, |known| known.min(seconds)));
        }
    }
    least.map_or(Patience::Forever, Patience::Seconds)
}

fn no_execute(node: &Node) -> Vec<Taint> {
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.clone()).unwrap_or_default();
    taints.into_iter().filter(|taint| taint.effect == "NoExecute").collect()
}
