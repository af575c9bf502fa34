//! Amounts and sentences of the map, shared by the picture and the list twin's caller.

use crate::{
    i18n::Text,
    state::view::{CaptionView, Change, Meter, Millis, NodeView, Part, PodView, Readiness, WaitKind},
};

/// Millicores as cores: `1.25`, `0.1`, `2`.
pub fn cores(millis: u64) -> String {
    trimmed(millis as f64 / 1000.0, 2)
}

/// Bytes as gibibytes: `1.5`, `4`.
pub fn gibibytes(bytes: u64) -> String {
    trimmed(bytes as f64 / f64::from(1 << 30), 1)
}

fn trimmed(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
}

pub fn cpu_amount(t: &Text, meter: Meter) -> String {
    (t.map.of)(&cores(meter.requested), &cores(meter.allocatable))
}

pub fn memory_amount(t: &Text, meter: Meter) -> String {
    let requested = match meter.requested {
        small @ 1..1_073_741_824 => format!("{} Mi", small >> 20),
        large => gibibytes(large),
    };
    (t.map.of)(&requested, &format!("{} Gi", gibibytes(meter.allocatable)))
}

/// `Ready`, `NotReady`, or as kubectl adds to it.
pub fn readiness(node: &NodeView) -> &'static str {
    match (node.ready, node.cordoned) {
        (Readiness::Ready, false) => "Ready",
        (Readiness::Ready, true) => "Ready,SchedulingDisabled",
        (Readiness::NotReady, false) => "NotReady",
        (Readiness::NotReady, true) => "NotReady,SchedulingDisabled",
        (Readiness::Unknown, false) if node.heartbeat.is_some() => "NotReady",
        (Readiness::Unknown, true) if node.heartbeat.is_some() => "NotReady,SchedulingDisabled",
        (Readiness::Unknown, false) => "Unknown",
        (Readiness::Unknown, true) => "Unknown,SchedulingDisabled",
    }
}

/// A heartbeat is late after this long: the kubelet renews its lease every 10 s.
pub const LATE_S: u64 = 15;

/// Seconds since the last heartbeat.
pub fn silence(node: &NodeView, now: Millis) -> Option<u64> {
    node.heartbeat.map(|at| now.saturating_sub(at) / 1000)
}

/// The second line of a pod's card: status, restarts, what it waits for.
pub fn pod_says(t: &Text, pod: &PodView, now: Millis) -> String {
    let mut parts = vec![pod.word.clone()];
    if pod.restarts > 0 {
        parts.push((t.map.restarts)(pod.restarts));
    }
    if let Some(wait) = pod.wait {
        let left = wait.until.saturating_sub(now).div_ceil(1000);
        match wait.kind {
            WaitKind::BackOff => parts.push(t.map.backoff_left.into()),
            WaitKind::Eviction => parts.push((t.map.evicted_in)(left)),
            WaitKind::Grace => parts.push((t.map.grace_left)(left)),
        }
    }
    if let Some(reason) = &pod.reason {
        parts.push(reason.clone());
    }
    parts.join(" · ")
}

/// The seconds shown at the card's right edge, where only the number matters.
pub fn pod_timer(pod: &PodView, now: Millis) -> Option<u64> {
    let wait = pod.wait.filter(|wait| wait.kind == WaitKind::BackOff)?;
    Some(wait.until.saturating_sub(now).div_ceil(1000))
}

/// Who speaks, as a learner calls them.
pub fn actor(t: &Text, caption: &CaptionView) -> String {
    match &caption.actor {
        Part::You => t.map.you.into(),
        Part::ApiServer => t.map.api_server.into(),
        Part::Etcd => "etcd".into(),
        Part::Scheduler => t.map.scheduler.into(),
        Part::Controllers if caption.actor_name.is_empty() => t.map.controllers.into(),
        Part::Controllers => caption.actor_name.clone(),
        Part::Node(name) if caption.actor_name == "machine" => name.clone(),
        Part::Node(name) => (t.map.kubelet_on)(name),
    }
}

pub fn change(t: &Text, change: &Change) -> String {
    match change {
        Change::Created => t.map.created.into(),
        Change::Deleted => t.map.deleted.into(),
        Change::Updated => t.map.updated.into(),
        Change::Set(what) | Change::Machine(what) => what.clone(),
        Change::Bound(node) => (t.map.bound)(node),
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn amounts_are_short() {
        let cases = [(0, "0"), (100, "0.1"), (250, "0.25"), (1000, "1"), (1250, "1.25"), (20_000, "20")];
        for (millis, want) in cases {
            assert_eq!(cores(millis), want);
        }
        assert_eq!(gibibytes(4 << 30), "4");
        assert_eq!(gibibytes(3 << 29), "1.5");
        assert_eq!(gibibytes(0), "0");
    }
}
