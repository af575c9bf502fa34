//! What decoding says about bodies, and what the editor says about manifests, as tables.

use serde_json::json;

use super::decode::{check, check_node, prune};
use super::*;
use crate::yaml::parse_document;

fn errors(yaml: &str) -> String {
    let value = parse_document(yaml).expect("the case is YAML").to_json();
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_string();
    let kind = for_api_version(&text("apiVersion"), &text("kind")).expect("the case names a kind");
    check(kind, &value).any_error().unwrap_or_default()
}

#[test]
fn decoding_errors_are_gos() {
    let cases = [
        (
            "kind: Pod\nspec: {containers: {name: c}}",
            "json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container",
        ),
        (
            "kind: ConfigMap\ndata: {debug: true}",
            "json: cannot unmarshal bool into Go struct field ConfigMap.data of type string",
        ),
        (
            "kind: ConfigMap\nmetadata: {name: 7}",
            "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.name of type string",
        ),
        (
            "kind: ConfigMap\nmetadata: {labels: {a: 1}}",
            "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string",
        ),
        ("kind: Pod\nspec: []", "json: cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec"),
        (
            "kind: Pod\nspec: {containers: [{image: 5}]}",
            "json: cannot unmarshal number into Go struct field Container.spec.containers.image of type string",
        ),
        (
            "kind: Pod\nspec: {restartPolicy: 5}",
            "json: cannot unmarshal number into Go struct field PodSpec.spec.restartPolicy of type v1.RestartPolicy",
        ),
        (
            "kind: Pod\nspec: {containers: [{resources: {limits: {cpu: lots}}}]}",
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
        ("kind: Pod\nspec: {containers: [{resources: {limits: {cpu: 0.5, memory: 1Gi}}}]}", ""),
        ("kind: Secret\ndata: {k: '%%%'}", "illegal base64 data at input byte 0"),
        (
            "kind: Pod\nspec: {zzz: 1, activeDeadlineSeconds: 1.5}",
            "json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.activeDeadlineSeconds of type int64",
        ),
        (
            "kind: Service\nspec: {ports: [{port: 80, targetPort: true}]}",
            "json: cannot unmarshal bool into Go value of type int32",
        ),
        (
            "kind: Pod\nmetadata: {creationTimestamp: x}",
            "parsing time \"x\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"x\" as \"2006\"",
        ),
        (
            "kind: Pod\nmetadata: {lables: {}}\nspec: {contianers: [], containers: [{env: [{vlue: x}]}]}",
            "strict decoding error: unknown field \"metadata.lables\", unknown field \"spec.containers[0].env[0].vlue\", unknown field \"spec.contianers\"",
        ),
        ("kind: ConfigMap\ndta: {}\nData: {}", "strict decoding error: unknown field \"Data\", unknown field \"dta\""),
        ("kind: Pod\nspec: null\nmetadata:", ""),
    ];
    for (body, want) in cases {
        assert_eq!(errors(&format!("apiVersion: v1\n{body}")), want, "{body}");
    }
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nspec: {replicas: '3'}";
    let want = "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32";
    assert_eq!(errors(deployment), want);
}

#[test]
fn text_bodies_keep_their_order_and_repeated_keys() {
    let body = crate::yaml::parse_json(r#"{"metadata":{"label":1},"dta":1,"immutable":true,"immutable":false}"#);
    let kind = for_kind("", "v1", "ConfigMap").expect("it is served");
    let checked = check_node(kind, &body.expect("it is JSON"));
    assert_eq!(
        checked.strict,
        ["unknown field \"metadata.label\"", "unknown field \"dta\"", "duplicate field \"immutable\""]
    );
}

#[test]
fn times_and_base64_fail_as_in_go() {
    let cases = [
        ("2026-01-02T03:04:05Z", false, None),
        ("2026-01-02T03:04:05.123+09:00", false, None),
        ("2026-13-02T03:04:05Z", false, Some("parsing time \"2026-13-02T03:04:05Z\": month out of range")),
        ("2026-02-30T03:04:05Z", false, Some("parsing time \"2026-02-30T03:04:05Z\": day out of range")),
        (
            "2026-01-02",
            false,
            Some("parsing time \"2026-01-02\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"\" as \"T\""),
        ),
        (
            "2026-01-02T03:04:05Z",
            true,
            Some(
                "parsing time \"2026-01-02T03:04:05Z\" as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse \"Z\" as \".000000\"",
            ),
        ),
    ];
    for (text, micro, want) in cases {
        assert_eq!(time_error(text, micro).as_deref(), want, "{text}");
    }
    let cases = [
        ("YQ==", None),
        ("YWI=", None),
        ("YWJj", None),
        ("", None),
        ("Y", Some(0)),
        ("YQ", Some(0)),
        ("YQ=", Some(3)),
        ("YQ==x", Some(4)),
        ("Y!", Some(1)),
    ];
    for (text, want) in cases {
        let want = want.map(|at: usize| format!("illegal base64 data at input byte {at}"));
        assert_eq!(base64_error(text), want, "{text:?}");
    }
}

#[test]
fn the_schema_knows_its_fields() {
    let pod = for_kind("", "v1", "Pod").expect("pods are served");
    let place = pod.walk(["spec", "containers", "ports", "protocol"]).expect("it exists").expect("it is a field");
    assert_eq!((place.owner.name, place.field.go_type().as_str()), ("core/v1.ContainerPort", "v1.Protocol"));
    assert_eq!(pod.walk(["spec", "nope", "x"]).map(|_| ()), Err(1));
    let containers = pod.walk(["spec", "containers"]).expect("it exists").expect("it is a field").field;
    assert_eq!((containers.patch_key, &containers.list), (Some("name"), &ListKind::Map(vec!["name"])));
    assert!(containers.required && containers.summary().starts_with("List of containers"));
    assert!(containers.text().ends_with("Cannot be updated."), "{}", containers.text());
    for resource in crate::scheme::RESOURCES {
        assert!(for_api_version(&resource.api_version(), resource.kind_name).is_some(), "{}", resource.kind_name);
    }
}

#[test]
fn lenient_decoding_drops_unknown_fields() {
    let mut value = json!({"kind": "Pod", "zz": 1, "metadata": {"labels": {"any": "x"}}, "spec": {"containers": [{"name": "c", "prt": 1}]}});
    prune(for_kind("", "v1", "Pod").expect("pods are served"), &mut value);
    assert_eq!(
        value,
        json!({"kind": "Pod", "metadata": {"labels": {"any": "x"}}, "spec": {"containers": [{"name": "c"}]}})
    );
}

#[test]
fn lint_finds_every_mistake_with_its_place() {
    let text = "apiVersion: v1\nkind: Pod\nmetadata:\n  lables: {}\nspec:\n  restartPolicy: always\n  containers:\n  - name: c\n    imagePullPolicy: 3\n    image: a\n    image: b\n---\napiVersion: v1\nkind: Deployment\n---\napiVersion: v1\nkind: Podd\n---\na: b: c\n";
    let found: Vec<(usize, String, Option<String>)> =
        lint(text).into_iter().map(|d| (d.line, d.message, d.suggestion)).collect();
    let want = [
        (3, "unknown field \"metadata.lables\"", Some("labels")),
        (
            5,
            "spec.restartPolicy: Unsupported value: \"always\": supported values: \"Always\", \"Never\", \"OnFailure\"",
            Some("Always"),
        ),
        (
            8,
            "cannot unmarshal number into Go struct field Container.spec.containers.imagePullPolicy of type v1.PullPolicy",
            None,
        ),
        (10, "key \"image\" already set in map", None),
        (12, "no matches for kind \"Deployment\" in version \"v1\"", Some("apps/v1")),
        (16, "no matches for kind \"Podd\" in version \"v1\"", Some("Pod")),
        (18, "mapping values are not allowed in this context", None),
    ];
    let want: Vec<_> = want.map(|(l, m, s)| (l, m.to_string(), s.map(str::to_string))).into();
    assert_eq!(found, want);
}

#[test]
fn completion_knows_where_the_cursor_is() {
    let head = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: 값\nspec:\n  template:\n    spec:\n      containers:\n      - name: c\n";
    let cases = [
        ("        ima", "image", true),
        ("        ima", "name", false),
        ("        imagePullPolicy: Al", "Always", true),
        ("        tty: ", "true", true),
        ("      dns", "dnsPolicy", true),
        ("      - na", "name", true),
        ("        ports:\n        - con", "containerPort", true),
        ("        ports:\n          - con", "containerPort", true),
        ("  rep", "replicas", true),
        ("  rep", "template", false),
        ("me", "metadata", false),
    ];
    for (typed, label, want) in cases {
        let text = format!("{head}{typed}");
        let found = complete(&text, text.encode_utf16().count());
        assert_eq!(found.iter().any(|c| c.label == label), want, "{typed:?} {label}");
    }
    let offset = head.find("containers").map(|at| head[..at].encode_utf16().count() + 2).expect("it is there");
    let found = hover(head, offset).expect("containers is a field");
    assert_eq!((found.path.as_str(), found.type_name.as_str()), ("spec.template.spec.containers", "[]Container"));
    for (text, at) in [("", 0), ("apiVersion: v1\nkind: ", 21), ("-", 1), ("---\n", 4), ("a:\n-", 99)] {
        complete(text, at);
        hover(text, at);
    }
}

#[test]
fn enums_are_described_as_in_openapi() {
    let service = for_kind("", "v1", "Service").expect("it is served");
    let field = service.walk(["spec", "sessionAffinity"]).expect("it exists").expect("it is a field").field;
    assert_eq!(field.values, ["ClientIP", "None"]);
    let (_, values) = field
        .text()
        .split_once("\n\nPossible enum values:\n")
        .map(|(a, b)| (a.to_string(), b.to_string()))
        .expect("it is an enum");
    // Values are facts and are listed; what upstream's comments say of them is not carried over.
    assert_eq!(values, " - `\"ClientIP\"`\n - `\"None\"`");
    let pod = for_kind("", "v1", "Pod").expect("it is served");
    let policy = pod.walk(["spec", "restartPolicy"]).expect("it exists").expect("it is a field").field;
    assert!(policy.text().ends_with("\n\nPossible enum values:\n - `\"Always\"`\n - `\"Never\"`\n - `\"OnFailure\"`"));
}

#[test]
fn objects_are_written_as_go_writes_them() {
    let mut value = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "labels": {"b": "1", "a": "2"}},
        "spec": {"restartPolicy": "Always", "containers": [{"image": "x", "name": "c"}]},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]}});
    fill(for_kind("", "v1", "Pod").expect("it is served"), &mut value);
    let want = concat!(
        r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","labels":{"a":"2","b":"1"}},"#,
        r#""spec":{"containers":[{"name":"c","image":"x","resources":{}}],"restartPolicy":"Always"},"#,
        r#""status":{"conditions":[{"type":"Ready","status":"True","lastProbeTime":null,"lastTransitionTime":null}]}}"#
    );
    assert_eq!(go_json(&value), want);
    let list = json!({"apiVersion": "v1", "kind": "PodList", "items": [value], "metadata": {"resourceVersion": "1"}});
    let want =
        format!(r#"{{"kind":"PodList","apiVersion":"v1","metadata":{{"resourceVersion":"1"}},"items":[{want}]}}"#);
    assert_eq!(go_json(&list), want);
}
