//! What is to become of the daemons of one node.
//!
//! A node that suits and has none gets one; one whose daemons may not stay loses them; of several on a node the
//! oldest stays. A failed daemon is removed, after a while that doubles with each failure, and only when it is gone
//! comes the next. While a surge runs, two may be there: one new, and one old until the new one serves.
//! Mirrors: pkg/controller/daemon/daemon_controller.go `podsShouldBeOnNode`.

use std::sync::Arc;

use api::k8s_openapi::api::core::v1::Pod;
use api::order::Order;

use super::revision::is_current;
use crate::controllers::pods;

/// What the set asks of every node.
pub struct Rules<'a> {
    /// The revision that is due.
    pub hash: &'a str,
    /// Two daemons may share a node while a rollout runs.
    pub surges: bool,
    pub min_ready: i32,
    pub unix: i64,
}

#[derive(Default)]
pub struct Verdict {
    /// A daemon is to be made.
    pub needed: bool,
    /// To be removed.
    pub surplus: Vec<Arc<Pod>>,
    /// Failed or done: to be removed and told of, with patience.
    pub finished: Vec<Arc<Pod>>,
}

/// `suits` is whether a daemon should run there, and whether one that runs there may stay.
pub fn judge(rules: &Rules, suits: (bool, bool), here: &[Arc<Pod>]) -> Verdict {
    let (should_run, may_stay) = suits;
    let staying = || here.iter().filter(|pod| !pods::is_terminating(pod));
    if should_run && here.is_empty() {
        return Verdict { needed: true, ..Verdict::default() };
    }
    if !may_stay {
        return Verdict { surplus: staying().cloned().collect(), ..Verdict::default() };
    }
    let (finished, mut running): (Vec<Arc<Pod>>, Vec<Arc<Pod>>) =
        staying().cloned().partition(|pod| pods::is_terminal(pod));
    running.order_by_key(|pod| {
        (pods::node(pod).is_empty(), pod.metadata.creation_timestamp.clone(), pods::name(pod).to_string())
    });
    if !rules.surges {
        // The oldest stays. One that is on its way out must be gone before the next is made.
        return Verdict { needed: false, surplus: running.into_iter().skip(1).collect(), finished };
    }
    if running.len() <= 1 {
        // Upstream makes another daemon beside failed ones at once, held back only by how long requests take.
        // Here the next one waits as long as the failed one lies.
        let needed = running.is_empty() && finished.is_empty() && should_run;
        return Verdict { needed, surplus: Vec::new(), finished };
    }
    Verdict { needed: false, surplus: surplus_of_surge(rules, running), finished }
}

/// Two may stay: the oldest of the new revision, and the oldest of an old one until the other can take its place.
fn surplus_of_surge(rules: &Rules, running: Vec<Arc<Pod>>) -> Vec<Arc<Pod>> {
    let (new, old): (Vec<Arc<Pod>>, Vec<Arc<Pod>>) = running.into_iter().partition(|pod| is_current(pod, rules.hash));
    let mut surplus: Vec<Arc<Pod>> = new.iter().skip(1).chain(old.iter().skip(1)).cloned().collect();
    if let (Some(new), Some(old)) = (new.first(), old.first()) {
        let relieved = pods::available(new, rules.min_ready, rules.unix).is_ok();
        if !pods::is_ready(old) || relieved {
            surplus.push(old.clone());
        }
    }
    surplus
}
