//! Tables: who owns a claim under each retention policy, and which pods are members.

use api::k8s_openapi::api::apps::v1::StatefulSet;
use api::k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use serde_json::{Value, json};

use super::{identity, volumes};

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("test objects are well formed")
}

fn set(when_deleted: &str, when_scaled: &str) -> StatefulSet {
    read(json!({
        "metadata": {"name": "db", "namespace": "default", "uid": "set"},
        "spec": {
            "replicas": 2, "ordinals": {"start": 1}, "selector": {"matchLabels": {"app": "db"}}, "template": {},
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": when_deleted, "whenScaled": when_scaled},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}}],
        },
    }))
}

fn pod(name: &str) -> Pod {
    read(json!({"metadata": {"name": name, "namespace": "default", "uid": "pod"}}))
}

fn claim(owners: &[(&str, &str, &str)]) -> PersistentVolumeClaim {
    let owners: Vec<Value> = owners
        .iter()
        .map(|(kind, name, uid)| {
            let version = if *kind == "StatefulSet" { "apps/v1" } else { "v1" };
            json!({"apiVersion": version, "kind": kind, "name": name, "uid": uid, "controller": true})
        })
        .collect();
    read(json!({"metadata": {"name": "data-db-2", "ownerReferences": owners}}))
}

#[test]
fn the_retention_policy_says_who_takes_a_claim_along() {
    // whenDeleted, whenScaled, the pod, the owners' UIDs.
    for (when_deleted, when_scaled, name, expected) in [
        ("Retain", "Retain", "db-2", vec![]),
        ("Retain", "Retain", "db-3", vec![]),
        ("Delete", "Retain", "db-2", vec!["set"]),
        ("Delete", "Retain", "db-0", vec!["set"]),
        ("Retain", "Delete", "db-2", vec![]),
        ("Retain", "Delete", "db-3", vec!["pod"]),
        ("Delete", "Delete", "db-1", vec!["set"]),
        ("Delete", "Delete", "db-0", vec!["pod"]),
    ] {
        let (set, pod) = (set(when_deleted, when_scaled), pod(name));
        let mut fresh = claim(&[]);
        let owners = volumes::owners(&fresh, &set, &pod);
        let uids: Vec<&str> = owners.iter().flatten().map(|owner| owner.uid.as_str()).collect();
        assert_eq!(uids, expected, "{when_deleted}, {when_scaled}, {name}");
        assert_eq!(volumes::is_owned_rightly(&fresh, &set, &pod), expected.is_empty());
        fresh.metadata.owner_references = owners;
        assert!(volumes::is_owned_rightly(&fresh, &set, &pod), "{when_deleted}, {when_scaled}, {name}");
    }
}

#[test]
fn strange_owners_of_a_claim_are_left_alone() {
    let (keeps, deletes, pod) = (set("Retain", "Retain"), set("Delete", "Delete"), pod("db-2"));
    let foreign = claim(&[("Keeper", "k", "k")]);
    assert!(volumes::has_other_controller(&foreign, &deletes, &pod));
    assert!(!volumes::has_other_controller(&foreign, &keeps, &pod));
    assert!(volumes::is_owned_rightly(&foreign, &deletes, &pod));
    // A set of the same name that is gone: its reference is removed, none is put in its place.
    let stale = claim(&[("StatefulSet", "db", "old")]);
    assert!(!volumes::is_owned_rightly(&stale, &deletes, &pod));
    assert_eq!(volumes::owners(&stale, &deletes, &pod), None);
}

#[test]
fn members_bear_the_name_of_the_set_and_a_number() {
    let set = set("Retain", "Retain");
    for (name, member, ordinal) in [
        ("db-0", true, Some(0)),
        ("db-12", true, Some(12)),
        ("db-01", true, Some(1)),
        ("db-99999999999", true, None),
        ("db-x", false, None),
        ("db-", false, None),
        ("web-1", false, Some(1)),
        ("my-db-1", false, Some(1)),
    ] {
        assert_eq!((identity::is_member(&set, &pod(name)), identity::ordinal(&pod(name))), (member, ordinal), "{name}");
    }
}
