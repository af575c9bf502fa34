//! Scheduling attempts of long ago, found again: a checkpoint from before is run once more. The engine
//! is a function of what was done to it, so it decides again as it did. No signals, no browser.

use std::collections::VecDeque;
use std::sync::Arc;

use course::slices::{Slices, breathe};
use engine::Cluster;
use engine::scheduler::SchedulingTrace;

use super::view::Millis;

/// A checkpoint at least every so many attempts: fewer than the scheduler keeps whole.
const ATTEMPTS: u64 = 200;
/// Checkpoints kept; each costs what has changed since the one before.
const KEPT: usize = 60;
/// A binding is dated to the second.
const SECOND: Millis = 1_000;

#[derive(Default)]
pub struct LookBack(VecDeque<Kept>);

struct Kept {
    cluster: Cluster,
    attempts: u64,
    /// When the learner did something next: from there on, running it again says nothing.
    until: Option<Millis>,
}

/// What is known of an attempt.
pub enum Found {
    Trace(Arc<SchedulingTrace>),
    /// It must be played again.
    Again(Slices<Option<Arc<SchedulingTrace>>>),
    Nothing,
}

impl LookBack {
    /// To be called whenever time has passed. `touched`: somebody is at work on the cluster.
    pub fn follow(&mut self, cluster: &Cluster, touched: bool) {
        let open = self.0.back_mut().filter(|last| last.until.is_none());
        if touched {
            if let Some(last) = open {
                last.until = Some(cluster.now());
            }
            return;
        }
        let attempts = cluster.attempts();
        if open.is_none_or(|last| attempts >= last.attempts + ATTEMPTS) {
            self.0.push_back(Kept { cluster: cluster.clone(), attempts, until: None });
            if self.0.len() > KEPT {
                self.0.pop_front();
            }
        }
    }

    /// The attempt that bound a pod at `at`, which the scheduler itself no longer knows.
    pub fn find(&self, uid: &str, at: Millis) -> Found {
        for kept in self.0.iter().rev() {
            if let Some(trace) = kept.cluster.snapshot().traces.latest(uid) {
                return Found::Trace(trace.clone());
            }
            if kept.cluster.now() < at + SECOND {
                if kept.until.is_some_and(|until| until < at) {
                    break;
                }
                return Found::Again(Slices::of(again(kept.cluster.clone(), uid.into(), at + 2 * SECOND)));
            }
        }
        Found::Nothing
    }
}

async fn again(mut cluster: Cluster, uid: String, until: Millis) -> Option<Arc<SchedulingTrace>> {
    /// Events between two looks.
    const STEP: usize = 20;
    while cluster.now() < until {
        cluster.run_until(until, STEP);
        if let Some(trace) = cluster.snapshot().traces.latest(&uid) {
            return Some(trace.clone());
        }
        breathe().await;
    }
    None
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use api::k8s_openapi::api::core::v1::Pod;
    use engine::ClusterConfig;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::super::driver::{Driver, Frame, Typed, settled};
    use super::super::view::TermKind;
    use super::super::why;
    use super::*;

    fn pass(driver: &mut Driver, line: &str, frames: usize) {
        let mut frame = Frame::default();
        driver.enter(Typed { line: line.into(), kind: TermKind::Command }, &mut frame);
        for _ in 0..frames {
            driver.frame(16.0, 60.0, &|| 0.0, &mut frame);
        }
    }

    #[wasm_bindgen_test]
    fn an_attempt_that_hundreds_followed_is_decided_again_as_it_was() {
        let cluster = settled(ClusterConfig::default()).advance(|| true).expect("there is time enough");
        let mut driver = Driver::on(cluster, Rc::new(kubectl::MemoryFiles::new([])));
        pass(&mut driver, "kubectl create deployment first --image=nginx --replicas=2", 60);
        pass(&mut driver, "kubectl create deployment many --image=nginx --replicas=380", 240);
        let snapshot = driver.snapshot();
        assert!(snapshot.traces.taken() > 380, "{} attempts", snapshot.traces.taken());
        for pod in
            snapshot.list::<Pod>("default").filter(|pod| pod.metadata.name.as_ref().unwrap().starts_with("first"))
        {
            let uid = pod.metadata.uid.clone().unwrap();
            assert!(snapshot.traces.latest(&uid).is_none(), "it is still known, so this tests nothing");
            let at = why::scheduled_at(pod).unwrap() - (snapshot.unix_millis - snapshot.now);
            let trace = match driver.look_back.find(&uid, at) {
                Found::Trace(trace) => trace,
                Found::Again(mut search) => search.advance(|| true).expect("it ends").expect("it is decided again"),
                Found::Nothing => panic!("no checkpoint is old enough"),
            };
            let node = pod.spec.as_ref().unwrap().node_name.clone();
            assert_eq!(why::attempt(&trace).node, node);
        }
    }
}
