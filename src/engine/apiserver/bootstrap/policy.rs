//! The roles and bindings that every cluster begins with: what everybody may, and the roles people are given.
//!
//! Mirrors: plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go. Left out: the roles of the
//! control plane's own components, which speak to the API without asking, and the
//! `system:aggregate-to-*` roles, whose rules stand in `admin`, `edit` and `view` themselves.

use api::k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule, RoleRef, Subject};
use api::k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use api::{Object, Typed};

const GROUP: &str = "rbac.authorization.k8s.io";
const READ: &[&str] = &["get", "list", "watch"];
const WRITE: &[&str] = &["create", "delete", "deletecollection", "patch", "update"];

/// Group and resources, space-separated.
type Resources = (&'static str, &'static str);

/// What `view` may see.
const VISIBLE: &[Resources] = &[
    (
        "",
        "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status",
    ),
    (
        "",
        "bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status",
    ),
    ("", "namespaces"),
    ("discovery.k8s.io", "endpointslices"),
    (
        "apps",
        "controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status",
    ),
    ("autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status"),
    ("batch", "cronjobs cronjobs/status jobs jobs/status"),
    ("policy", "poddisruptionbudgets poddisruptionbudgets/status"),
    ("networking.k8s.io", "ingresses ingresses/status networkpolicies"),
];

/// What `edit` may see beyond that, as it leads to other people's rights.
const SENSITIVE: &[Resources] = &[("", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy")];

/// What `edit` may change.
const EDITABLE: &[Resources] = &[
    ("", "pods pods/attach pods/exec pods/portforward pods/proxy"),
    (
        "",
        "configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy",
    ),
    (
        "apps",
        "daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale",
    ),
    ("autoscaling", "horizontalpodautoscalers"),
    ("batch", "cronjobs jobs"),
    ("policy", "poddisruptionbudgets"),
    ("networking.k8s.io", "ingresses networkpolicies"),
    ("coordination.k8s.io", "leases"),
];

pub(super) fn objects() -> Vec<Object> {
    let view = || rules(READ, VISIBLE);
    let edit = || {
        let mut list = rules(READ, SENSITIVE);
        list.push(rule(&["impersonate"], "", "serviceaccounts"));
        list.extend(rules(WRITE, EDITABLE));
        list.push(rule(&["create"], "", "pods/eviction"));
        list.push(rule(&["create"], "", "serviceaccounts/token"));
        list.push(rule(READ, "coordination.k8s.io", "leases"));
        list.extend(view());
        list
    };
    let everything = [READ, WRITE].concat();
    let mut admin = edit();
    admin.push(rule(&["create"], "authorization.k8s.io", "localsubjectaccessreviews"));
    admin.push(rule(&everything, GROUP, "rolebindings roles"));
    vec![
        role("cluster-admin", vec![rule(&["*"], "*", "*"), urls(&["*"], &["*"])]),
        role(
            "system:discovery",
            vec![
                urls(&["get"], &["/.well-known", "/.well-known/*"]),
                urls(
                    &["get"],
                    &[
                        "/api",
                        "/api/*",
                        "/apis",
                        "/apis/*",
                        "/healthz",
                        "/livez",
                        "/openapi",
                        "/openapi/*",
                        "/readyz",
                        "/version",
                        "/version/",
                    ],
                ),
            ],
        ),
        role(
            "system:basic-user",
            vec![
                rule(&["create"], "authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews"),
                rule(&["create"], "authentication.k8s.io", "selfsubjectreviews"),
            ],
        ),
        role(
            "system:public-info-viewer",
            vec![urls(&["get"], &["/healthz", "/livez", "/readyz", "/version", "/version/"])],
        ),
        role("admin", admin),
        role("edit", edit()),
        role("view", view()),
        binding("cluster-admin", &["system:masters"]),
        binding("system:discovery", &["system:authenticated"]),
        binding("system:basic-user", &["system:authenticated"]),
        binding("system:public-info-viewer", &["system:authenticated", "system:unauthenticated"]),
    ]
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

fn rules(verbs: &[&str], resources: &[Resources]) -> Vec<PolicyRule> {
    resources.iter().map(|(group, names)| rule(verbs, group, names)).collect()
}

fn rule(verbs: &[&str], group: &str, resources: &str) -> PolicyRule {
    PolicyRule {
        verbs: words(verbs),
        api_groups: Some(vec![group.into()]),
        resources: Some(resources.split(' ').map(str::to_string).collect()),
        ..PolicyRule::default()
    }
}

fn urls(verbs: &[&str], paths: &[&str]) -> PolicyRule {
    PolicyRule { verbs: words(verbs), non_resource_urls: Some(words(paths)), ..PolicyRule::default() }
}

fn meta(name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.into()),
        labels: Some([("kubernetes.io/bootstrapping".into(), "rbac-defaults".into())].into()),
        annotations: Some([("rbac.authorization.kubernetes.io/autoupdate".into(), "true".into())].into()),
        ..ObjectMeta::default()
    }
}

fn role(name: &str, rules: Vec<PolicyRule>) -> Object {
    ClusterRole { metadata: meta(name), rules: Some(rules), ..ClusterRole::default() }.into_object()
}

fn binding(name: &str, groups: &[&str]) -> Object {
    let subject = |group: &&str| Subject {
        kind: "Group".into(),
        name: (*group).into(),
        api_group: Some(GROUP.into()),
        ..Subject::default()
    };
    ClusterRoleBinding {
        metadata: meta(name),
        role_ref: RoleRef { api_group: Some(GROUP.into()), kind: "ClusterRole".into(), name: name.into() },
        subjects: Some(groups.iter().map(subject).collect()),
    }
    .into_object()
}
