//! Tables over whole requests: who may, what is warned about, what a definition serves.

use api::wire::{Body, Method, Request, Response};
use serde_json::{Value, json};

use crate::{Cluster, ClusterConfig};

fn cluster() -> Cluster {
    let config = ClusterConfig { nodes: Vec::new(), ..ClusterConfig::default() };
    let mut cluster = Cluster::new(config);
    // Until the namespace has its service account.
    cluster.run_for(1_000, 100_000);
    cluster
}

fn send(cluster: &mut Cluster, method: Method, path: &str, body: Value) -> Response {
    cluster.request(Request::new(method, path).with_json(body))
}

fn message(response: &Response) -> &str {
    response.value()["message"].as_str().unwrap_or_default()
}

#[test]
fn roles_decide_what_somebody_else_may() {
    let mut cluster = cluster();
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "reader"},
        "rules": [{"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods", "pods/log"]}]});
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": "jane"}, "subjects": [{"kind": "User", "name": "jane"}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}});
    let root = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
    assert_eq!(send(&mut cluster, Method::Post, &format!("{root}/roles"), role).status, 201);
    assert_eq!(send(&mut cluster, Method::Post, &format!("{root}/rolebindings"), binding).status, 201);
    let pods = "/api/v1/namespaces/default/pods";
    for (method, path, user, expected) in [
        (Method::Get, pods, "jane", 200),
        (Method::Get, "/api/v1/pods", "jane", 403),
        (Method::Delete, "/api/v1/namespaces/default/pods/x", "jane", 403),
        (Method::Get, "/api/v1/namespaces/default/pods/x/log", "jane", 404),
        (Method::Get, pods, "joe", 403),
        (Method::Get, "/version", "joe", 200),
        (Method::Get, "/metrics", "joe", 403),
    ] {
        let request = Request::new(method, path).with_header("impersonate-user", user);
        assert_eq!(cluster.request(request).status, expected, "{user} {method:?} {path}");
    }
    let refused = cluster.request(Request::get("/api/v1/pods").with_header("impersonate-user", "jane"));
    assert_eq!(
        message(&refused),
        "pods is forbidden: User \"jane\" cannot list resource \"pods\" in API group \"\" at the cluster scope"
    );
}

#[test]
fn nobody_grants_what_they_do_not_have() {
    let mut cluster = cluster();
    let binding = json!({"subjects": [{"kind": "User", "name": "jane"}], "metadata": {"name": "jane"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"}});
    let root = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
    assert_eq!(send(&mut cluster, Method::Post, &format!("{root}/rolebindings"), binding).status, 201);
    let mut grant = |name: &str, rules: Value| {
        let request = Request::new(Method::Post, format!("{root}/roles"))
            .with_json(json!({"metadata": {"name": name}, "rules": rules}))
            .with_header("impersonate-user", "jane");
        cluster.request(request)
    };
    let held = json!([{"verbs": ["get", "delete"], "apiGroups": [""], "resources": ["pods", "pods/log"]}]);
    assert_eq!(grant("held", held).status, 403, "nobody may delete a log");
    let held = json!([{"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods", "secrets"]}]);
    assert_eq!(grant("held", held).status, 201);
    let more = json!([{"verbs": ["get", "*"], "apiGroups": [""], "resources": ["nodes"]}]);
    assert_eq!(
        message(&grant("more", more)),
        "roles.rbac.authorization.k8s.io \"more\" is forbidden: user \"jane\" (groups=[\"system:authenticated\"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"\"], Resources:[\"nodes\"], Verbs:[\"get\" \"*\"]}"
    );
}

#[test]
fn a_token_is_its_account_as_long_as_the_account_lives() {
    let mut cluster = cluster();
    let account = "/api/v1/namespaces/default/serviceaccounts/default";
    let issued = send(&mut cluster, Method::Post, &format!("{account}/token"), json!({"spec": {}}));
    let token = issued.value()["status"]["token"].as_str().expect("a token").to_string();
    let who = |cluster: &mut Cluster, token: &str| {
        let request = Request::new(Method::Post, "/apis/authentication.k8s.io/v1/selfsubjectreviews")
            .with_json(json!({}))
            .with_header("authorization", format!("Bearer {token}"));
        cluster.request(request)
    };
    let review = who(&mut cluster, &token);
    assert_eq!(review.value()["status"]["userInfo"]["username"], "system:serviceaccount:default:default");
    assert_eq!(who(&mut cluster, &format!("{token}x")).status, 401, "another signature");
    send(&mut cluster, Method::Delete, account, Value::Null);
    assert_eq!(who(&mut cluster, &token).status, 401, "the account is gone");
}

#[test]
fn a_namespace_enforces_and_warns() {
    let mut cluster = cluster();
    let labels =
        json!({"pod-security.kubernetes.io/enforce": "baseline", "pod-security.kubernetes.io/warn": "restricted"});
    send(&mut cluster, Method::Post, "/api/v1/namespaces", json!({"metadata": {"name": "safe", "labels": labels}}));
    cluster.run_for(1_000, 100_000);
    let restricted = json!({"allowPrivilegeEscalation": false, "runAsNonRoot": true,
        "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}});
    for (context, status, said) in [
        (restricted, 201, ""),
        (
            json!({"privileged": true}),
            403,
            "pods \"p\" is forbidden: violates PodSecurity \"baseline:latest\": privileged (container \"c\" must not set securityContext.privileged=true)",
        ),
        (
            json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}, "runAsUser": 0}),
            201,
            "would violate PodSecurity \"restricted:latest\": runAsNonRoot != true (pod or container \"c\" must set securityContext.runAsNonRoot=true), runAsUser=0 (container \"c\" must not set runAsUser=0)",
        ),
        (
            json!({"capabilities": {"add": ["NET_ADMIN", "CHOWN"]}}),
            403,
            "pods \"p\" is forbidden: violates PodSecurity \"baseline:latest\": non-default capabilities (container \"c\" must not include \"NET_ADMIN\" in securityContext.capabilities.add)",
        ),
    ] {
        let pod = json!({"metadata": {"name": "p"},
            "spec": {"containers": [{"name": "c", "image": "x", "securityContext": context}]}});
        let answer = send(&mut cluster, Method::Post, "/api/v1/namespaces/safe/pods", pod.clone());
        let words = if status == 403 { message(&answer) } else { answer.warnings().next().unwrap_or_default() };
        assert_eq!((answer.status, words), (status, said), "{pod}");
        send(&mut cluster, Method::Delete, "/api/v1/namespaces/safe/pods/p", Value::Null);
    }
}

fn definition() -> Value {
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "pools.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": "pools", "kind": "Pool"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size"}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                    "spec": {"type": "object", "properties": {"size": {"type": "integer", "default": 1}}},
                    "status": {"type": "object", "properties": {"size": {"type": "integer"}}}}}}}]}})
}

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const POOLS: &str = "/apis/example.com/v1/namespaces/default/pools";

#[test]
fn a_definition_is_served_until_its_last_object_goes() {
    let mut cluster = cluster();
    assert_eq!(cluster.request(Request::get(POOLS)).status, 404);
    send(&mut cluster, Method::Post, DEFINITIONS, definition());
    let pool = |finalizers: Value| {
        json!({"apiVersion": "example.com/v1", "kind": "Pool", "metadata": {"name": "a", "finalizers": finalizers},
            "spec": {"strange": 1}, "status": {"size": 9}})
    };
    let made = send(&mut cluster, Method::Post, POOLS, pool(json!(["example.com/hold"])));
    assert_eq!(made.status, 201);
    assert_eq!(made.value()["spec"], json!({"size": 1}), "pruned and defaulted");
    assert_eq!(made.value()["status"], Value::Null, "nobody brings a status along");
    assert_eq!(made.warnings().collect::<Vec<_>>(), ["unknown field \"spec.strange\""]);

    let scale = send(&mut cluster, Method::Put, &format!("{POOLS}/a/scale"), json!({"spec": {"replicas": 4}}));
    assert_eq!(scale.value()["spec"]["replicas"], 4);
    let stored = cluster.request(Request::get(format!("{POOLS}/a")));
    assert_eq!((&stored.value()["spec"]["size"], &stored.value()["metadata"]["generation"]), (&json!(4), &json!(2)));

    let in_protobuf = Request::get(POOLS).with_header("accept", "application/vnd.kubernetes.protobuf");
    let refused = cluster.request(in_protobuf);
    assert_eq!(refused.status, 406);
    assert_eq!(
        message(&refused),
        "object *unstructured.UnstructuredList does not implement the protobuf marshalling interface and cannot be encoded to a protobuf message"
    );

    let marked = send(&mut cluster, Method::Delete, &format!("{DEFINITIONS}/pools.example.com"), Value::Null);
    assert!(marked.value()["metadata"]["deletionTimestamp"].is_string());
    assert_eq!(cluster.request(Request::get(format!("{POOLS}/a"))).status, 200, "its finalizer holds it");
    let freed = Request::new(Method::Patch, format!("{POOLS}/a"))
        .with_header("content-type", "application/merge-patch+json")
        .with_json(json!({"metadata": {"finalizers": null}}));
    assert_eq!(cluster.request(freed).status, 200);
    assert_eq!(cluster.request(Request::get(format!("{DEFINITIONS}/pools.example.com"))).status, 404);
    assert_eq!(cluster.request(Request::get(POOLS)).status, 404, "nothing serves it any more");
}

#[test]
fn bodies_that_are_none_are_named_by_what_they_are() {
    let mut cluster = cluster();
    let path = "/api/v1/namespaces/default/configmaps";
    for (media, text, expected) in [
        (
            "application/json",
            "",
            "(must be of type ConfigMap): couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)",
        ),
        ("application/json", "7", "json: cannot unmarshal number into Go value of type struct"),
        (
            "application/yaml",
            "a: b: c",
            "(must be of type ConfigMap): yaml: mapping values are not allowed in this context (613a20623a2063)",
        ),
        (
            "application/json",
            r#"{"kind":"Secret","apiVersion":"v1"}"#,
            "converting (v1.Secret) to (core.ConfigMap): unknown conversion",
        ),
        ("text/plain", "{}", "the body of the request was in an unknown format"),
    ] {
        let mut request = Request::new(Method::Post, path).with_header("content-type", media);
        request.body = Body::Bytes(text.into());
        let answer = cluster.request(request);
        assert!(message(&answer).contains(expected), "{text}: {}", message(&answer));
    }
}
