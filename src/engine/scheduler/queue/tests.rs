//! Active, back-off, unschedulable: which move wakes which pod, and when.

use super::*;
use crate::scheduler::testing::{cache_of, node, pod};

fn named(uid: &str, priority: i32) -> Arc<PodInfo> {
    let mut info = pod("{}");
    let mut object = (*info.pod).clone();
    object.metadata.uid = Some(uid.into());
    info.pod = Arc::new(object);
    info.priority = priority;
    Arc::new(info)
}

fn pop(queue: &mut Queue, now_ms: i64) -> Option<String> {
    queue.pop(now_ms).map(|pod| pod.info.uid().to_owned())
}

#[test]
fn higher_priority_goes_first_then_the_longer_wait() {
    let mut queue = Queue::default();
    for (uid, priority, at) in [("late", 0, 2), ("early", 0, 1), ("high", 5, 3)] {
        queue.add(&Cache::default(), named(uid, priority), at);
    }
    let order: Vec<_> = std::iter::from_fn(|| pop(&mut queue, 10)).collect();
    assert_eq!(order, ["high", "early", "late"]);
}

#[test]
fn back_off_doubles_up_to_ten_seconds() {
    let waits: Vec<i64> = (1..=6).map(backoff_ms).collect();
    assert_eq!(waits, [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
}

#[test]
fn an_error_is_retried_after_its_back_off_and_not_before() {
    let mut queue = Queue::default();
    queue.add(&Cache::default(), named("a", 0), 300);
    let failed = queue.pop(300).expect("it was just added");
    queue.fail(failed, BTreeSet::new(), 300);
    assert_eq!(pop(&mut queue, 900), None);
    assert_eq!(queue.next_wake_ms(), Some(1_000));
    assert_eq!(pop(&mut queue, 1_000), Some("a".into()));
}

#[test]
fn a_refused_pod_waits_for_an_event_that_may_help() {
    let mut queue = Queue::default();
    let cache = cache_of(&[], &[]);
    queue.add(&Cache::default(), named("a", 0), 0);
    let failed = queue.pop(0).expect("it was just added");
    queue.fail(failed, BTreeSet::from(["NodeUnschedulable"]), 0);
    assert_eq!(pop(&mut queue, 60_000), None);

    let cordoned = node(r#"{"metadata": {"name": "n"}, "spec": {"unschedulable": true}}"#);
    let open = node(r#"{"metadata": {"name": "n"}}"#);
    queue.on_event(&cache, &ClusterEvent::Node { old: Some(&cordoned), new: &cordoned }, 60_000);
    assert_eq!(pop(&mut queue, 60_000), None);
    queue.on_event(&cache, &ClusterEvent::Node { old: Some(&cordoned), new: &open }, 60_000);
    assert_eq!(pop(&mut queue, 60_000), Some("a".into()));
}

#[test]
fn any_change_of_taints_wakes_those_who_asked_for_new_nodes_only() {
    let cache = cache_of(&[], &[]);
    let open = node(r#"{"metadata": {"name": "n"}}"#);
    let tainted = node(r#"{"metadata": {"name": "n"}, "spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]}}"#);
    for (plugin, woken) in [("NodeResourcesFit", true), ("NodeAffinity", true), ("TaintToleration", false)] {
        let mut queue = Queue::default();
        queue.add(&Cache::default(), named("a", 0), 0);
        let failed = queue.pop(0).expect("it was just added");
        queue.fail(failed, BTreeSet::from([plugin]), 0);
        queue.on_event(&cache, &ClusterEvent::Node { old: Some(&open), new: &tainted }, 60_000);
        assert_eq!(pop(&mut queue, 60_000).is_some(), woken, "{plugin}");
    }
}

#[test]
fn five_minutes_wake_a_pod_without_any_event() {
    let mut queue = Queue::default();
    queue.add(&Cache::default(), named("a", 0), 0);
    let failed = queue.pop(0).expect("it was just added");
    queue.fail(failed, BTreeSet::from(["NodeAffinity"]), 0);
    assert_eq!(queue.next_wake_ms(), Some(330_000));
    assert_eq!(pop(&mut queue, 300_000), None);
    assert_eq!(pop(&mut queue, 330_000), Some("a".into()));
}
