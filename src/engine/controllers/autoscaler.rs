//! HorizontalPodAutoscaler: measures what pods use, and asks for as many as that takes.
//!
//! Every fifteen seconds each autoscaler looks: each metric proposes a number, the greatest counts, and its behaviour
//! says how much of the way is gone now. It writes to the target's `scale` only; what the target is, it need not know.
//! Mirrors: pkg/controller/podautoscaler. Pods, Object and External metrics are asked of adapters that
//! no cluster here has; they fail in upstream's words.

mod behavior;
mod metrics;
mod replicas;
mod sync;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use api::k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use api::{Kind, Status};

use self::behavior::Memory;
use self::sync::Sync;
use super::claim::{self, key_of};
use super::{Controller, Outcome};
use crate::client::{Change, Context, Recorder, Revision, WorkQueue};
use crate::sim::{Millis, SECOND};

/// From one look to the next; the first comes after as long.
const PERIOD: Millis = 15 * SECOND;

#[derive(Clone)]
pub struct Autoscalers {
    recorder: Recorder,
    memory: BTreeMap<String, Memory>,
    /// When the next look at each is due.
    due: BTreeMap<String, Millis>,
}

impl Default for Autoscalers {
    fn default() -> Self {
        let recorder = Recorder::new("horizontal-pod-autoscaler", "");
        Self { recorder, memory: BTreeMap::new(), due: BTreeMap::new() }
    }
}

impl Controller for Autoscalers {
    fn name(&self) -> &'static str {
        "horizontal-pod-autoscaler-controller"
    }

    fn observe(&mut self, news: &Revision, cx: &mut Context, queue: &mut WorkQueue) {
        if news.key.kind != Kind::HorizontalPodAutoscaler {
            return;
        }
        let key = format!("{}/{}", news.key.namespace, news.key.name);
        if news.change == Change::Deleted {
            self.memory.remove(&key);
            self.due.remove(&key);
        } else {
            self.wait(key, cx.now, queue);
        }
    }

    fn resync(&mut self, cx: &mut Context, queue: &mut WorkQueue) {
        *self = Self::default();
        let keys: Vec<String> =
            cx.api.list::<HorizontalPodAutoscaler>("").map(|autoscaler| key_of(&autoscaler.metadata)).collect();
        for key in keys {
            self.wait(key, cx.now, queue);
        }
    }

    fn reconcile(&mut self, key: &str, cx: &mut Context) -> Result<Outcome, Status> {
        // A wish from before the autoscaler was made anew.
        if self.due.get(key).is_none_or(|due| *due > cx.now) {
            return Ok(Outcome::Done);
        }
        let Some(autoscaler) = claim::find::<HorizontalPodAutoscaler>(cx, key) else { return Ok(Outcome::Done) };
        let memory = self.memory.entry(key.into()).or_default();
        let mut sync = Sync::new(cx, &mut self.recorder, memory, &autoscaler);
        // Whatever went wrong is told in the status; the next look is the next try.
        let _ = sync.run();
        let next = cx.now + PERIOD;
        self.due.insert(key.into(), next);
        Ok(Outcome::At(next))
    }
}

impl Autoscalers {
    /// A change waits for its turn like everything else.
    fn wait(&mut self, key: String, now: Millis, queue: &mut WorkQueue) {
        if !self.due.contains_key(&key) {
            self.due.insert(key.clone(), now + PERIOD);
            queue.add_at(now + PERIOD, key);
        }
    }
}
