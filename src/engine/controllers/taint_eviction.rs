//! Taint eviction: a NoExecute taint drives pods off a node, at once or when their patience ends.
//!
//! A pod is judged when its node's NoExecute taints change, and when it is placed or its tolerations change:
//!
//! - one taint is not tolerated: the pod goes now;
//! - all are, one of them for some seconds: it goes after the least of these seconds. A time once set is not
//!   moved by later news;
//! - all are without end, or no taint is left: an eviction set for later is called off, and an event says so.
//!
//! Evicting is: say it, write the condition `DisruptionTarget`, delete. Whether the pod is going already or has
//! ended makes no difference. What was carried out is remembered, and so is not done twice while the taints stay.
//! A pod that goes by itself calls its eviction off too; a node that goes does not.
//!
//! Mirrors: pkg/controller/tainteviction. Left out: the workers by node, the five tries within 50 ms.

use api::meta::toleration::tolerates;
use std::collections::{BTreeMap, BTreeSet};

use api::k8s_openapi::api::core::v1::{Node, ObjectReference, Pod, Taint, Toleration};
use api::{Kind, Status};

use super::{Controller, Outcome, pods};
use crate::client::{
    Change, Context, DeleteOptions, EventOf, EventType, Key, Recorder, Revision, WorkQueue, mark_disrupted,
};
use crate::sim::Millis;

#[derive(Clone)]
pub struct TaintEviction {
    recorder: Recorder,
    /// Evictions by pod, as `namespace/name`.
    work: BTreeMap<String, Eviction>,
    /// Pods to be judged. One that is queued without being here is due by the clock.
    news: BTreeSet<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Eviction {
    At(Millis),
    Done,
}

impl Default for TaintEviction {
    fn default() -> Self {
        Self { recorder: Recorder::new("taint-eviction-controller", ""), work: BTreeMap::new(), news: BTreeSet::new() }
    }
}

impl Controller for TaintEviction {
    fn name(&self) -> &'static str {
        "taint-eviction-controller"
    }

    fn observe(&mut self, news: &Revision, cx: &mut Context, queue: &mut WorkQueue) {
        match news.key.kind {
            Kind::Pod => {
                let node = |object: &api::Object| object.get::<Pod>().map(|pod| pods::node(pod).to_string());
                let moved = node(&news.object) != news.previous.as_ref().and_then(node);
                let tolerates = |object: &api::Object| {
                    object.get::<Pod>().and_then(|pod| pod.spec.as_ref().and_then(|spec| spec.tolerations.clone()))
                };
                let changed = news.previous.as_ref().and_then(tolerates) != tolerates(&news.object);
                if moved || changed || news.change == Change::Deleted {
                    self.tell(format!("{}/{}", news.key.namespace, news.key.name), queue);
                }
            }
            Kind::Node if news.change != Change::Deleted => {
                let taints = |object: &api::Object| object.get::<Node>().map(|node| no_execute(node));
                if news.previous.as_ref().and_then(taints) != taints(&news.object) {
                    for pod in cx.api.pods_on(&news.key.name) {
                        self.tell(format!("{}/{}", pods::namespace(pod), pods::name(pod)), queue);
                    }
                }
            }
            // Nothing else tolerates or taints.
            _ => {}
        }
    }

    fn resync(&mut self, cx: &mut Context, queue: &mut WorkQueue) {
        self.work.clear();
        self.news.clear();
        for pod in cx.api.list::<Pod>("").filter(|pod| !pods::node(pod).is_empty()) {
            self.tell(format!("{}/{}", pods::namespace(pod), pods::name(pod)), queue);
        }
    }

    fn reconcile(&mut self, key: &str, cx: &mut Context) -> Result<Outcome, Status> {
        if self.news.remove(key) {
            self.judge(cx, key);
        }
        match self.work.get(key) {
            Some(Eviction::At(at)) if *at <= cx.now => self.evict(cx, key).map(|()| Outcome::Done),
            Some(Eviction::At(at)) => Ok(Outcome::At(*at)),
            Some(Eviction::Done) | None => Ok(Outcome::Done),
        }
    }
}

impl TaintEviction {
    fn tell(&mut self, key: String, queue: &mut WorkQueue) {
        self.news.insert(key.clone());
        queue.add(key);
    }

    fn judge(&mut self, cx: &mut Context, key: &str) {
        let Some((namespace, name)) = key.split_once('/') else { return };
        let Some(pod) = cx.api.get::<Pod>(namespace, name) else { return self.cancel(cx, key) };
        // Who waits for a node that is gone waits on.
        let Some(node) = cx.api.get::<Node>("", pods::node(&pod)) else { return };
        match patience(&pod, &no_execute(&node)) {
            Patience::Forever => self.cancel(cx, key),
            Patience::None => {
                self.cancel(cx, key);
                self.work.insert(key.into(), Eviction::At(cx.now));
            }
            // It counts from when this controller first saw pod and taint together, however old the taint is.
            Patience::Seconds(seconds) => {
                self.work.entry(key.into()).or_insert(Eviction::At(cx.now + seconds as Millis * 1000));
            }
        }
    }

    /// Forgets an eviction; of one that is still to come it says so.
    fn cancel(&mut self, cx: &mut Context, key: &str) {
        if let Some(Eviction::At(_)) = self.work.remove(key) {
            self.say(cx, key, format!("Cancelling deletion of Pod {key}"));
        }
    }

    fn evict(&mut self, cx: &mut Context, key: &str) -> Result<(), Status> {
        self.say(cx, key, format!("Marking for deletion Pod {key}"));
        self.work.insert(key.into(), Eviction::Done);
        let Some((namespace, name)) = key.split_once('/') else { return Ok(()) };
        let now = cx.time();
        let message = "Taint manager: deleting due to NoExecute taint";
        let mark = |pod: &mut Pod| mark_disrupted(pod, "DeletionByTaintManager", message, now);
        let marked = cx.api.patch::<Pod>(namespace, name, "status", mark);
        let target = Key::new(Kind::Pod, namespace, name);
        let deleted = marked.and_then(|_| cx.api.delete(&target, &DeleteOptions::default()));
        if deleted.is_err() {
            self.work.insert(key.into(), Eviction::At(cx.now));
        }
        deleted.map(|_| ())
    }

    /// Upstream names the pod alone: without its UID `kubectl describe` does not find the event.
    fn say(&mut self, cx: &mut Context, key: &str, message: String) {
        let Some((namespace, name)) = key.split_once('/') else { return };
        let pod = ObjectReference {
            api_version: Some("v1".into()),
            kind: Some("Pod".into()),
            name: Some(name.into()),
            namespace: Some(namespace.into()),
            ..ObjectReference::default()
        };
        self.recorder.event(cx, &EventOf(pod), EventType::Normal, "TaintManagerEviction", message);
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
        if let Some(seconds) = used.toleration_seconds.map(|seconds| seconds.max(0)) {
            least = Some(least.map_or(seconds, |known| known.min(seconds)));
        }
    }
    least.map_or(Patience::Forever, Patience::Seconds)
}

fn no_execute(node: &Node) -> Vec<Taint> {
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.clone()).unwrap_or_default();
    taints.into_iter().filter(|taint| taint.effect == "NoExecute").collect()
}
