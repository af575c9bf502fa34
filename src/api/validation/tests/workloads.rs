//! What is invalid in Deployments and their kin.

use super::*;

fn deployment(spec: Value) -> Value {
    let mut base = json!({"selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "x:1"}]}}});
    base.as_object_mut().expect("an object").extend(spec.as_object().expect("an object").clone());
    json!({"metadata": {"name": "web"}, "spec": base})
}

#[test]
fn deployments_are_judged_in_order() {
    expect(
        Kind::Deployment,
        deployment(
            json!({"replicas": -1, "minReadySeconds": -2, "revisionHistoryLimit": -3, "progressDeadlineSeconds": 0,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}}),
        ),
        &[
            "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
            "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0",
            "spec.minReadySeconds: Invalid value: -2: must be greater than or equal to 0",
            "spec.revisionHistoryLimit: Invalid value: -3: must be greater than or equal to 0",
        ],
    );
    expect(
        Kind::Deployment,
        json!({"metadata": {"name": "e"}, "spec": {"replicas": -1, "selector": {"matchLabels": {"app": "e"}},
            "template": {"metadata": {"labels": {"app": "x"}}, "spec": {"restartPolicy": "Never", "containers": []}}}}),
        &[
            "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
            "spec.template.metadata.labels: Invalid value: {\"app\":\"x\"}: `selector` does not match template `labels`",
            "spec.template.spec.containers: Required value",
            "spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\"",
        ],
    );
    expect(
        Kind::Deployment,
        json!({"metadata": {}}),
        &[
            "metadata.name: Required value: name or generateName is required",
            "spec.selector: Required value",
            "spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`",
            "spec.template.spec.containers: Required value",
        ],
    );
}

#[test]
fn selectors_and_templates_agree() {
    let template =
        json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "x:1"}]}});
    expect(
        Kind::Deployment,
        json!({"metadata": {"name": "web"}, "spec": {"template": template}}),
        &[
            "spec.selector: Required value",
            "spec.template.metadata.labels: Invalid value: {\"app\":\"web\"}: `selector` does not match template `labels`",
        ],
    );
    expect(
        Kind::ReplicaSet,
        json!({"metadata": {"name": "web"}, "spec": {"selector": {}, "template": template}}),
        &["spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
    );
}

#[test]
fn strategies_are_whole() {
    for (strategy, text) in [
        (
            json!({"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}),
            "rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
        ),
        (
            json!({"rollingUpdate": {"maxUnavailable": "150%"}}),
            "rollingUpdate.maxUnavailable: Invalid value: \"150%\": must not be greater than 100%",
        ),
        (
            json!({"rollingUpdate": {"maxSurge": "lots"}}),
            "rollingUpdate.maxSurge: Invalid value: \"lots\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
        ),
    ] {
        expect(Kind::Deployment, deployment(json!({"strategy": strategy})), &[&format!("spec.strategy.{text}")]);
    }
}

#[test]
fn selectors_may_not_change() {
    let changed = deployment(json!({"selector": {"matchLabels": {"app": "web", "v": "one"}},
        "template": {"metadata": {"labels": {"app": "web", "v": "one"}}, "spec": {"containers": [{"name": "c", "image": "x:1"}]}}}));
    assert_eq!(
        update(Kind::Deployment, changed, deployment(json!({}))),
        ["spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"web\",\"v\":\"one\"}}: field is immutable"]
    );
}

#[test]
fn dotted_names_of_workloads_are_warned_of() {
    let mut value = deployment(json!({}));
    value["metadata"]["name"] = json!("a.b");
    assert_eq!(
        validation::warnings(&prepared(Kind::Deployment, value), None),
        [
            "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]"
        ]
    );
}
