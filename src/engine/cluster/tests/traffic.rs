//! What a client outside sees of a node's death.

use serde_json::json;

use super::*;

/// A cluster where two pods on two workers answer behind the Service `web`.
fn served() -> Cluster {
    let mut cluster = Cluster::new(ClusterConfig::default());
    cluster.run_for(60_000, usize::MAX);
    let spread = json!([{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "web"}}}]);
    let objects = [
        (
            "/apis/apps/v1/namespaces/default/deployments",
            json!({
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
                "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {"topologySpreadConstraints": spread, "containers": [{"name": "web", "image": "nginx:1.27"}]},
                }},
            }),
        ),
        (
            "/api/v1/namespaces/default/services",
            json!({
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
                "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
            }),
        ),
    ];
    for (path, object) in objects {
        let response = cluster.request(Request::new(api::wire::Method::Post, path).with_json(object));
        assert_eq!(response.status, 201, "{:?}", response.body);
    }
    cluster.run_for(30_000, usize::MAX);
    cluster
}

fn success(cluster: &Cluster) -> u16 {
    cluster.snapshot().traffic[0].success(5).expect("requests were sent")
}

fn traffic(per_second: u32) -> Fault {
    Fault::Traffic { namespace: "default".into(), service: "web".into(), per_second }
}

#[test]
fn half_the_requests_fail_until_the_silence_is_noticed() {
    let mut cluster = served();
    cluster.inject(traffic(10)).expect("traffic needs nothing");
    cluster.run_for(10_000, usize::MAX);
    assert_eq!(success(&cluster), 1_000);
    cluster.inject(Fault::PowerOff { node: "worker-2".into() }).expect("there is a worker-2");
    cluster.run_for(20_000, usize::MAX);
    assert!((480..=520).contains(&success(&cluster)), "{}", success(&cluster));
    cluster.run_for(40_000, usize::MAX);
    assert_eq!(success(&cluster), 1_000);
}

#[test]
fn traffic_keeps_its_rhythm_and_ends_when_told() {
    let mut cluster = served();
    for per_second in [4, 20, 10] {
        cluster.inject(traffic(per_second)).expect("traffic needs nothing");
    }
    cluster.run_for(3_000, usize::MAX);
    let sent: u32 = cluster.snapshot().traffic[0].seconds.iter().map(|second| second.sent).sum();
    assert!((30..=31).contains(&sent), "{sent}");
    cluster.inject(traffic(0)).expect("traffic needs nothing");
    assert!(cluster.snapshot().traffic.is_empty());
    cluster.run_for(3_000, usize::MAX);
    assert!(cluster.snapshot().traffic.is_empty());
}

#[test]
fn a_policy_keeps_out_who_is_outside_unless_it_names_an_address() {
    let mut cluster = served();
    cluster.inject(traffic(10)).expect("traffic needs nothing");
    let policies = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies";
    let anybody = json!([{"ipBlock": {"cidr": "192.0.2.0/24"}}]);
    for (name, ingress, want) in [("deny", json!([]), 0), ("known", json!([{"from": anybody}]), 1_000)] {
        let policy = json!({"metadata": {"name": name}, "spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": ingress}});
        let response = cluster.request(Request::new(api::wire::Method::Post, policies).with_json(policy));
        assert_eq!(response.status, 201, "{:?}", response.body);
        cluster.run_for(10_000, usize::MAX);
        assert_eq!(success(&cluster), want, "{name}");
    }
}
