//! The controller manager: one process, many loops, one queue each. Every loop is a file.
//!
//! A controller hears of writes ([`Controller::observe`]), queues keys, and moves the world one
//! step per key ([`Controller::reconcile`]). It reads the present, never the news that woke it.
//! Mirrors: cmd/kube-controller-manager, pkg/controller.

use std::sync::Arc;

use api::Status;

use crate::client::{Component, Context, Next, Revision, WorkQueue};
use crate::sim::Millis;

/// What a reconcile came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing more until something changes.
    Done,
    /// Look again at this time.
    At(Millis),
    /// There is more to write: next slice right away, after the others.
    Again,
}

/// One control loop.
pub trait Controller {
    /// As upstream names it in events and flags: `deployment-controller`.
    fn name(&self) -> &'static str;

    /// Which keys a write concerns. Keys are the controller's own: `namespace/name`, usually.
    fn observe(&mut self, news: &Revision, cx: &mut Context, queue: &mut WorkQueue);

    /// Queues everything there is, after a (re)start.
    fn resync(&mut self, cx: &mut Context, queue: &mut WorkQueue);

    /// Moves the world one step towards what the object behind `key` asks.
    ///
    /// # Errors
    /// Passes on the API server's [`Status`]; the key comes back with back-off.
    fn reconcile(&mut self, key: &str, cx: &mut Context) -> Result<Outcome, Status>;

    /// How long a worker of the real controller would have been busy with the key just reconciled.
    /// What concerns the key meanwhile is looked at once, afterwards: it is this, there as here, that
    /// keeps a set of a thousand pods from being counted anew for each of them.
    fn took(&self) -> Millis {
        0
    }
}

/// So many writes of one reconcile are counted; long lists are written by several workers at once.
const SLOWLY: u64 = 8;

/// A loop and its queue.
#[derive(Clone)]
struct Loop<C> {
    controller: C,
    queue: WorkQueue,
}

impl<C: Controller> Loop<C> {
    // Not inlined, here and below: a browser compiles a function when it is first called, and all loops
    // in one function would be compiled in one breath.
    #[inline(never)]
    fn start(&mut self, cx: &mut Context) {
        self.queue.clear();
        self.controller.resync(cx, &mut self.queue);
    }

    #[inline(never)]
    fn observe(&mut self, news: &[Arc<Revision>], cx: &mut Context) {
        for revision in news {
            self.controller.observe(revision, cx, &mut self.queue);
        }
    }

    /// Takes one key off the queue and reconciles it; `false` when none is due.
    #[inline(never)]
    fn work(&mut self, cx: &mut Context) -> bool {
        let Some(key) = self.queue.pop(cx.now) else { return false };
        let before = cx.api.last_request();
        let result = self.controller.reconcile(&key, cx);
        // What it wrote takes its time; while its worker waits for that, the key is not looked at again.
        let writes = cx.api.requests_since(before);
        let took = self.controller.took().max(cx.writing(writes.min(SLOWLY)));
        if took > 0 {
            self.queue.hold(key.clone(), cx.now + took);
        }
        match result {
            Ok(outcome) => {
                self.queue.forget(&key);
                match outcome {
                    Outcome::Done => {}
                    Outcome::At(at) => self.queue.add_at(at, key),
                    Outcome::Again => self.queue.add(key),
                }
            }
            Err(_) => self.queue.add_rate_limited(cx.now, key),
        }
        true
    }
}

/// Declares the manager's loops: one line per controller file.
macro_rules! manager {
    ($($field:ident: $controller:ty),* $(,)?) => {
        /// kube-controller-manager: every loop of the cluster.
        #[derive(Clone, Default)]
        pub struct ControllerManager {
            $($field: Loop<$controller>,)*
        }

        impl Component for ControllerManager {
            fn start(&mut self, cx: &mut Context) -> Next {
                $(self.$field.start(cx);)*
                self.next(cx.now)
            }

            fn wake(&mut self, news: &[Arc<Revision>], cx: &mut Context) -> Next {
                $(self.$field.observe(news, cx);)*
                // One key of each loop per step: loops run side by side, as upstream's goroutines do.
                $(self.$field.work(cx);)*
                self.next(cx.now)
            }
        }

        impl ControllerManager {
            fn next(&self, now: Millis) -> Next {
                let due: Option<Millis> = [$(self.$field.queue.next_due(now)),*].into_iter().flatten().min();
                match due {
                    None => Next::Idle,
                    Some(at) if at <= now => Next::Again,
                    Some(at) => Next::At(at),
                }
            }
        }
    };
}

impl<C: Default> Default for Loop<C> {
    fn default() -> Self {
        Self { controller: C::default(), queue: WorkQueue::default() }
    }
}

mod autoscaler;
mod claim;
mod cron_job;
mod daemonset;
mod deployment;
mod disruption;
mod endpoints;
mod endpointslice_mirroring;
mod ephemeral_volume;
mod garbage_collector;
mod history;
mod job;
mod namespace;
mod node_lifecycle;
mod persistent_volume;
mod pod_control;
mod pod_gc;
mod pods;
mod provisioner;
mod replicaset;
mod replication_controller;
mod resource_claim;
mod resource_quota;
mod service_account;
mod statefulset;
mod storage_protection;
mod taint_eviction;
mod ttl;
mod ttl_after_finished;
mod volume_expand;

// Who only counts what others make comes first: what is made in a step it hears of in the next.
manager! {
    disruption: disruption::Disruption,
    endpoints: endpoints::Endpoints,
    service_account: service_account::ServiceAccounts,
    deployment: deployment::Deployments,
    replicaset: replicaset::ReplicaSets,
    replication_controller: replication_controller::ReplicationControllers,
    statefulset: statefulset::StatefulSets,
    daemonset: daemonset::DaemonSets,
    garbage_collector: garbage_collector::GarbageCollector,
    job: job::Jobs,
    autoscaler: autoscaler::Autoscalers,
    pod_gc: pod_gc::PodGc,
    cron_job: cron_job::CronJobs,
    namespace: namespace::Namespaces,
    node_lifecycle: node_lifecycle::NodeLifecycle,
    taint_eviction: taint_eviction::TaintEviction,
    resource_quota: resource_quota::ResourceQuotas,
    ttl: ttl::Ttl,
    persistent_volume: persistent_volume::PersistentVolumes,
    claim_protection: storage_protection::ClaimProtection,
    volume_protection: storage_protection::VolumeProtection,
    ephemeral_volume: ephemeral_volume::EphemeralVolumes,
    resource_claim: resource_claim::ResourceClaims,
    provisioner: provisioner::Provisioner,
    volume_expand: volume_expand::VolumeExpand,
    endpointslice_mirroring: endpointslice_mirroring::EndpointSliceMirroring,
    ttl_after_finished: ttl_after_finished::TtlAfterFinished,
}
