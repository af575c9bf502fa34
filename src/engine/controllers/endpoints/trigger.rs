//! When the change happened that an endpoint object tells of, for those who measure how fast it spread.
//!
//! Mirrors: endpointslice/util/trigger_time_tracker.go.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{Pod, Service};
use api::meta::time::{millis, rfc3339};

use crate::controllers::pods;

/// What was seen at the last sync of each service.
#[derive(Clone, Default)]
pub struct Triggers(BTreeMap<String, Seen>);

/// Instants in Unix milliseconds.
#[derive(Clone, Default)]
struct Seen {
    service: i64,
    pods: BTreeMap<String, i64>,
}

impl Triggers {
    /// The earliest change since the last sync; of a service never seen before, its creation.
    pub fn next<'a>(
        &mut self,
        key: &str,
        service: &Service,
        selected: impl Iterator<Item = &'a Arc<Pod>>,
    ) -> Option<String> {
        let made = service.metadata.creation_timestamp.as_ref().map_or(0, millis);
        let turned = selected.filter_map(|pod| {
            let at = pods::condition(pod, "Ready")?.last_transition_time.as_ref().map(millis)?;
            Some((pods::name(pod).to_owned(), at))
        });
        let now = Seen { service: made, pods: turned.collect() };
        let Some(before) = self.0.insert(key.to_owned(), now.clone()) else { return Some(rfc3339(made)) };
        let later = |name: &String, at: i64| before.pods.get(name).is_none_or(|known| at > *known);
        let pods = now.pods.iter().filter(|(name, at)| later(name, **at)).map(|(_, at)| *at);
        let service = Some(made).filter(|made| *made > before.service);
        pods.chain(service).min().map(rfc3339)
    }

    pub fn forget(&mut self, key: &str) {
        self.0.remove(key);
    }
}
