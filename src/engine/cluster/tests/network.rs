//! What a pod reaches: through Services, node ports and host ports, and past policies.

use api::wire::{Body, Method};
use serde_json::{Value, json};

use super::*;
use crate::client::Profile;

const CORE: &str = "/api/v1/namespaces/default";

fn post(cluster: &mut Cluster, path: &str, body: Value) {
    let response = cluster.request(Request::new(Method::Post, path).with_json(body));
    assert_eq!(response.status, 201, "{path}: {:?}", response.body);
}

/// Two nodes, a web server on the first, and a Service with a node port in front of it.
fn cluster() -> Cluster {
    let config = ClusterConfig {
        nodes: vec![NodeConfig::worker("n1"), NodeConfig::worker("n2")],
        profile: Profile::kubelet(),
        ..ClusterConfig::default()
    };
    let mut cluster = Cluster::new(config);
    cluster.run_for(5_000, usize::MAX);
    let port = json!({"name": "http", "containerPort": 80, "hostPort": 8088});
    let container = json!({"name": "c", "image": "nginx:1.27", "ports": [port]});
    let pod = json!({"metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {"nodeName": "n1", "containers": [container]}});
    post(&mut cluster, &format!("{CORE}/pods"), pod);
    let service = json!({"metadata": {"name": "web"}, "spec": {"type": "NodePort", "selector": {"app": "web"},
        "ports": [{"port": 8080, "targetPort": "http", "nodePort": 30080}]}});
    post(&mut cluster, &format!("{CORE}/services"), service);
    cluster.run_for(10_000, usize::MAX);
    cluster
}

/// What a client pod on the second node says of each address.
fn tries(cluster: &mut Cluster, urls: &[&str]) -> Vec<String> {
    let one = |url: &&str| format!("wget -q -T 2 -O /dev/null {url} && echo fine || echo none");
    let script = urls.iter().map(one).collect::<Vec<_>>().join("; ");
    let container = json!({"name": "c", "image": "busybox:1.36", "command": ["sh", "-c", script]});
    let pod = json!({"metadata": {"name": "client", "labels": {"app": "client"}},
        "spec": {"nodeName": "n2", "restartPolicy": "Never", "containers": [container]}});
    post(cluster, &format!("{CORE}/pods"), pod);
    cluster.run_for(30_000, usize::MAX);
    let log = cluster.request(Request::get(format!("{CORE}/pods/client/log")));
    let Body::Bytes(text) = log.body else { panic!("{log:?}") };
    String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()
}

#[test]
fn a_service_is_reached_by_name_by_node_port_and_a_pod_by_host_port() {
    let mut cluster = cluster();
    let urls = [
        "http://web:8080",
        "http://web.default.svc.cluster.local:8080",
        "http://10.0.0.11:30080",
        "http://10.0.0.12:30080",
        "http://10.0.0.11:8088",
        "http://10.0.0.12:8088",
        "http://web:80",
    ];
    let refused = |address: &str| format!("wget: can't connect to remote host ({address}): Connection refused");
    let said = tries(&mut cluster, &urls);
    let mut want: Vec<String> = vec!["fine".into(); 5];
    want.extend([refused("10.0.0.12"), "none".into()]);
    assert_eq!(said[..7], want, "{said:?}");
    assert_eq!(said[8..], ["none"], "{said:?}");
}

#[test]
fn a_policy_drops_what_it_does_not_allow() {
    let deny = json!({"metadata": {"name": "deny"}, "spec": {"podSelector": {}, "policyTypes": ["Ingress"]}});
    let allow = json!({"metadata": {"name": "allow"}, "spec": {"podSelector": {"matchLabels": {"app": "web"}},
        "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "client"}}}], "ports": [{"port": "http"}]}]}});
    let silent = json!({"metadata": {"name": "silent"}, "spec": {"podSelector": {"matchLabels": {"app": "client"}},
        "policyTypes": ["Egress"]}});
    let rows = [
        ("none", vec![], vec!["fine"]),
        ("deny", vec![&deny], vec!["wget: download timed out", "none"]),
        ("deny and allow", vec![&deny, &allow], vec!["fine"]),
        // Not even a name can be asked for.
        ("no way out", vec![&allow, &silent], vec!["wget: bad address 'web:8080'", "none"]),
    ];
    for (case, policies, want) in rows {
        let mut cluster = cluster();
        for policy in policies {
            post(&mut cluster, "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies", policy.clone());
        }
        assert_eq!(tries(&mut cluster, &["http://web:8080"]), want, "{case}");
    }
}

#[test]
fn endpoints_written_by_hand_stand_behind_a_service_that_selects_nothing() {
    let mut cluster = cluster();
    let service = json!({"metadata": {"name": "byhand"}, "spec": {"ports": [{"port": 9000}]}});
    post(&mut cluster, &format!("{CORE}/services"), service);
    let endpoints = |ip: &str| json!({"metadata": {"name": "byhand"}, "subsets": [{"addresses": [{"ip": ip}], "ports": [{"port": 80}]}]});
    post(&mut cluster, &format!("{CORE}/endpoints"), endpoints("10.244.1.2"));
    cluster.run_for(1_000, usize::MAX);
    let slices = |cluster: &Cluster| -> Vec<(String, String)> {
        let snapshot = cluster.snapshot();
        let all = snapshot.list::<api::k8s_openapi::api::discovery::v1::EndpointSlice>("default");
        let mirrored = all.filter(|slice| {
            let labels = slice.metadata.labels.clone().unwrap_or_default();
            labels.get("kubernetes.io/service-name").is_some_and(|name| name == "byhand")
        });
        let row = |slice: &std::sync::Arc<api::k8s_openapi::api::discovery::v1::EndpointSlice>| {
            let labels = slice.metadata.labels.clone().unwrap_or_default();
            let addresses = slice.endpoints.iter().flatten().flat_map(|endpoint| endpoint.addresses.clone());
            (labels["endpointslice.kubernetes.io/managed-by"].clone(), addresses.collect::<Vec<_>>().join(","))
        };
        mirrored.map(row).collect()
    };
    let mirror = |ip: &str| vec![("endpointslicemirroring-controller.k8s.io".to_owned(), ip.to_owned())];
    assert_eq!(slices(&cluster), mirror("10.244.1.2"));
    assert_eq!(tries(&mut cluster, &["http://byhand:9000"]), ["fine"]);
    let path = format!("{CORE}/endpoints/byhand");
    let replaced = cluster.request(Request::new(Method::Put, &path).with_json(endpoints("10.244.1.9")));
    assert_eq!(replaced.status, 200, "{:?}", replaced.body);
    cluster.run_for(1_000, usize::MAX);
    assert_eq!(slices(&cluster), mirror("10.244.1.9"));
    cluster.request(Request::new(Method::Delete, path));
    cluster.run_for(5_000, usize::MAX);
    assert_eq!(slices(&cluster), []);
}

/// What a Service gives up, another may have; and nothing else is given out.
#[test]
fn addresses_and_ports_come_back() {
    let mut cluster = one_machine(1_000);
    let services = "/api/v1/namespaces/default/services";
    let spec = json!({"type": "NodePort", "selector": {"app": "web"}, "ports": [{"port": 80}]});
    let create = Request::new(Method::Post, services).with_json(json!({"metadata": {"name": "web"}, "spec": spec}));
    let created = cluster.request(create);
    let ip = created.value()["spec"]["clusterIP"].clone();
    for change in [
        json!({"spec": {"type": "LoadBalancer", "externalTrafficPolicy": "Local"}}),
        json!({"spec": {"type": "ExternalName", "externalName": "example.com", "clusterIP": null, "clusterIPs": null}}),
    ] {
        let request = Request::new(Method::Patch, format!("{services}/web"));
        let request = request.with_header("content-type", "application/merge-patch+json");
        let response = cluster.request(request.with_json(change));
        assert_eq!(response.status, 200, "{:?}", response.body);
        assert_eq!(cluster.snapshot().contradictions(), Vec::<String>::new());
    }
    let spec = json!({"clusterIP": ip, "ports": [{"port": 80}]});
    let request = Request::new(Method::Post, services).with_json(json!({"metadata": {"name": "api"}, "spec": spec}));
    let second = cluster.request(request);
    assert_eq!(second.status, 201, "{:?}", second.body);
}
