//! What a component is to the cluster: something that is woken, takes one bounded step, and says when next.

use std::sync::Arc;

use super::Client;
use crate::apiserver::Revision;
use crate::sim::{Millis, Rng};

/// When a component wants to run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// There is more to do right away. Long work is cut into steps, so that no event is long.
    Again,
    /// Something is due at this time, unless a write wakes the component before.
    At(Millis),
    /// Only a write can bring new work.
    Idle,
}

/// One turn of a component: the present instant and its connection to the API.
pub struct Context<'a> {
    pub now: Millis,
    pub api: Client<'a>,
    /// The component's own stream of randomness.
    pub rng: &'a mut Rng,
    /// Another stream, for how long things take: it shifts no draw of the component's own.
    pub pace: &'a mut Rng,
    pub profile: &'a Profile,
}

/// A write takes this long, or up to [`WRITE_SPREAD`] longer.
const WRITE: Millis = 4;
const WRITE_SPREAD: Millis = 5;

impl Context<'_> {
    /// How long so many writes keep a worker busy that does them one after the other.
    pub fn writing(&mut self, writes: u64) -> Millis {
        let spread = if self.profile.jitter { WRITE_SPREAD } else { 0 };
        (0..writes).map(|_| WRITE + self.pace.below(spread + 1)).sum()
    }

    /// The present as a timestamp of whole seconds.
    pub fn time(&self) -> ::api::k8s_openapi::apimachinery::pkg::apis::meta::v1::Time {
        ::api::k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(crate::apiserver::seconds(self.api.unix_millis()))
    }

    /// The present with microseconds, as leases and new events carry it.
    pub fn micro_time(&self) -> ::api::k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime {
        let millis = self.api.unix_millis() as i64;
        let stamp = ::api::k8s_openapi::jiff::Timestamp::from_millisecond(millis).unwrap_or_default();
        ::api::k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime(stamp)
    }
}

/// A process beside the API server: scheduler, controller manager, one kubelet, …
pub trait Component {
    /// Begins, or begins anew after a stop: reads the world, since what was seen before is forgotten.
    fn start(&mut self, cx: &mut Context) -> Next;

    /// One bounded step. `news` are the writes since the last step, oldest first;
    /// a component must be right even if it had missed all of them.
    fn wake(&mut self, news: &[Arc<Revision>], cx: &mut Context) -> Next;
}

/// The kubelets' environment as data: the only difference between a recorded start state and the page's clusters.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    pub images: ImagePolicy,
    /// Whether kubelets write events (Pulled, Created, Started, …).
    pub kubelet_events: bool,
    /// Containers of a Job's pods succeed at once, whatever their command.
    pub jobs_succeed: bool,
    /// Containers start and stop in no time, and never exit by themselves.
    pub instant: bool,
    /// Random spread of delays; off makes every delay its least value.
    pub jitter: bool,
    /// The external provisioner that runs in the cluster, by the name classes give it.
    pub provisioner: Option<String>,
}

/// Which images a node can run.
#[derive(Debug, Clone, PartialEq)]
pub enum ImagePolicy {
    /// Whatever the catalogue holds can be pulled; anything else is not found.
    Catalogue,
    /// Exactly these are present; nothing can be pulled.
    Present(Vec<String>),
    /// Every image is present everywhere and runs.
    Everything,
}

impl Default for Profile {
    /// The page's clusters.
    fn default() -> Self {
        Self {
            images: ImagePolicy::Catalogue,
            kubelet_events: true,
            jobs_succeed: false,
            instant: false,
            jitter: true,
            provisioner: Some("rancher.io/local-path".into()),
        }
    }
}

impl Profile {
    /// `profile=kwok` of recorded transcripts: nodes without containers.
    pub fn kwok() -> Self {
        Self {
            images: ImagePolicy::Everything,
            kubelet_events: false,
            jobs_succeed: true,
            instant: true,
            jitter: true,
            provisioner: None,
        }
    }

    /// `profile=kubelet` of recorded transcripts: one real kubelet without a registry.
    pub fn kubelet() -> Self {
        let present = ["busybox:1.36", "nginx:1.27", "registry.k8s.io/pause:3.10"];
        Self {
            images: ImagePolicy::Present(present.map(String::from).to_vec()),
            kubelet_events: true,
            jobs_succeed: false,
            instant: false,
            jitter: true,
            provisioner: None,
        }
    }
}
