//! NetworkPolicy: which pods may speak to which, as a network plugin enforces it.
//!
//! A pod that no policy selects is open. One that some policy selects, for a direction, takes only
//! what some rule of those policies allows. Both ends have their say: the sender's egress, the
//! receiver's ingress. Pods on their node's own network are not pods to a policy: like machines, and
//! like whoever is outside, they have nothing but an address. Left out: that a Service may hide the
//! address of a client outside behind a node's (here it always keeps it).
//! Mirrors: pkg/apis/networking (the semantics in its comments), kube-network-policies.

use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{Namespace, Pod};
use api::k8s_openapi::api::networking::v1::{IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort};
use api::k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use api::meta::selector::{Labels, matches};

/// The policies and namespaces of a cluster.
pub struct Policies<'a> {
    pub policies: Vec<&'a Arc<NetworkPolicy>>,
    pub namespaces: Vec<&'a Arc<Namespace>>,
}

/// One end of a connection.
#[derive(Clone, Copy)]
pub struct End<'a> {
    pub namespace: &'a str,
    pub labels: Option<&'a Labels>,
    pub ip: &'a str,
    /// For the names of its ports.
    pub pod: Option<&'a Pod>,
}

impl<'a> End<'a> {
    /// `None` for a pod on its node's network.
    pub fn of(pod: &'a Pod) -> Option<Self> {
        let on_node = pod.spec.as_ref().and_then(|spec| spec.host_network) == Some(true);
        (!on_node).then(|| Self {
            namespace: pod.metadata.namespace.as_deref().unwrap_or_default(),
            labels: pod.metadata.labels.as_ref(),
            ip: pod.status.as_ref().and_then(|status| status.pod_ip.as_deref()).unwrap_or_default(),
            pod: Some(pod),
        })
    }

    /// A machine, of the cluster or not: no selector speaks of it.
    pub fn machine(ip: &'a str) -> Self {
        Self { namespace: "", labels: None, ip, pod: None }
    }
}

impl Policies<'_> {
    /// Whether `from` may open a connection to `port` of `to`; no port for an echo request.
    pub fn allow(&self, from: End, to: End, port: Option<(&str, u16)>) -> bool {
        let out = self.allow_one(from, "Egress", |policy| {
            let rules = policy.spec.iter().flat_map(|spec| spec.egress.iter().flatten());
            rules
                .map(|rule| (rule.to.as_deref(), rule.ports.as_deref()))
                .any(|rule| self.rule(policy, rule, to, to, port))
        });
        let into = || {
            self.allow_one(to, "Ingress", |policy| {
                let rules = policy.spec.iter().flat_map(|spec| spec.ingress.iter().flatten());
                rules
                    .map(|rule| (rule.from.as_deref(), rule.ports.as_deref()))
                    .any(|rule| self.rule(policy, rule, from, to, port))
            })
        };
        out && into()
    }

    fn allow_one(&self, end: End, direction: &str, allows: impl Fn(&NetworkPolicy) -> bool) -> bool {
        let mut selecting = self.policies.iter().filter(|policy| selects(policy, end, direction)).peekable();
        selecting.peek().is_none() || selecting.any(|policy| allows(policy))
    }

    /// A rule without peers means everybody, one without ports every port.
    fn rule(
        &self,
        policy: &NetworkPolicy,
        (peers, ports): (Option<&[NetworkPolicyPeer]>, Option<&[NetworkPolicyPort]>),
        other: End,
        to: End,
        port: Option<(&str, u16)>,
    ) -> bool {
        let (peers, ports) = (peers.unwrap_or_default(), ports.unwrap_or_default());
        let known = peers.is_empty() || peers.iter().any(|peer| self.peer(policy, peer, other));
        let open = ports.is_empty() || ports.iter().any(|rule| port.is_some_and(|port| covers(rule, port, to.pod)));
        known && open
    }

    fn peer(&self, policy: &NetworkPolicy, peer: &NetworkPolicyPeer, other: End) -> bool {
        if let Some(block) = &peer.ip_block {
            return contains(block, other.ip);
        }
        if other.namespace.is_empty() {
            return false;
        }
        let here = match &peer.namespace_selector {
            None => policy.metadata.namespace.as_deref() == Some(other.namespace),
            Some(selector) => {
                let namespace = self.namespaces.iter().find(|ns| ns.metadata.name.as_deref() == Some(other.namespace));
                namespace.is_some_and(|namespace| matches(Some(selector), namespace.metadata.labels.as_ref()))
            }
        };
        here && peer.pod_selector.as_ref().is_none_or(|selector| matches(Some(selector), other.labels))
    }
}

fn selects(policy: &NetworkPolicy, end: End, direction: &str) -> bool {
    let Some(spec) = &policy.spec else { return false };
    policy.metadata.namespace.as_deref() == Some(end.namespace)
        && spec.policy_types.iter().flatten().any(|kind| kind == direction)
        && matches(spec.pod_selector.as_ref(), end.labels)
}

fn covers(rule: &NetworkPolicyPort, (protocol, port): (&str, u16), to: Option<&Pod>) -> bool {
    if rule.protocol.as_deref().unwrap_or("TCP") != protocol {
        return false;
    }
    let port = i32::from(port);
    match &rule.port {
        None => true,
        Some(IntOrString::Int(first)) => (*first..=rule.end_port.unwrap_or(*first)).contains(&port),
        Some(IntOrString::String(name)) => {
            let containers = to.iter().flat_map(|pod| pod.spec.iter()).flat_map(|spec| &spec.containers);
            let ports = containers.flat_map(|container| container.ports.iter().flatten());
            ports.into_iter().any(|known| known.name.as_ref() == Some(name) && known.container_port == port)
        }
    }
}

fn contains(block: &IPBlock, ip: &str) -> bool {
    let within = |cidr: &str| {
        let Some((network, length)) = cidr.split_once('/') else { return false };
        let (Some(network), Some(ip), Ok(length)) = (bits(network), bits(ip), length.parse::<u32>()) else {
            return false;
        };
        let mask = if length == 0 { 0 } else { u32::MAX << (32 - length.min(32)) };
        network & mask == ip & mask
    };
    within(&block.cidr) && !block.except.iter().flatten().any(|cidr| within(cidr))
}

fn bits(ip: &str) -> Option<u32> {
    ip.parse::<std::net::Ipv4Addr>().ok().map(u32::from)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(namespace: &str, app: &str, ip: &str) -> Pod {
        serde_json::from_value(json!({"metadata": {"name": app, "namespace": namespace, "labels": {"app": app}},
            "spec": {"containers": [{"name": "c", "ports": [{"name": "http", "containerPort": 80}]}]},
            "status": {"podIP": ip}}))
        .expect("test pods are well formed")
    }

    /// Whether each of web, other (same namespace), far (another one) and a machine outside reaches db's
    /// port 80, then 5432.
    fn reached(policies: &[Value]) -> String {
        let policies: Vec<Arc<NetworkPolicy>> = policies
            .iter()
            .map(|spec| {
                let whole = json!({"metadata": {"name": "p", "namespace": "shop"}, "spec": spec});
                Arc::new(serde_json::from_value(whole).expect("test policies are well formed"))
            })
            .collect();
        let namespaces = ["shop", "lab"].map(|name| {
            let whole = json!({"metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}}});
            Arc::new(serde_json::from_value::<Namespace>(whole).expect("test namespaces are well formed"))
        });
        let all = Policies { policies: policies.iter().collect(), namespaces: namespaces.iter().collect() };
        let db = pod("shop", "db", "10.244.1.9");
        let froms =
            [pod("shop", "web", "10.244.1.2"), pod("shop", "other", "10.244.1.3"), pod("lab", "far", "10.244.2.4")];
        let end = |pod| End::of(pod).expect("none is on its node's network");
        let outside = End::machine("192.0.2.1");
        let can = |port| froms.iter().map(end).chain([outside]).map(move |from| (from, port)).collect::<Vec<_>>();
        let sign = |(from, port)| if all.allow(from, end(&db), Some(("TCP", port))) { '+' } else { '-' };
        can(80).into_iter().chain(can(5432)).map(sign).collect()
    }

    #[test]
    fn who_reaches_whom() {
        let ingress = |from: Value, ports: Value| {
            json!({"podSelector": {"matchLabels": {"app": "db"}}, "policyTypes": ["Ingress"],
                "ingress": [{"from": from, "ports": ports}]})
        };
        let web = json!([{"podSelector": {"matchLabels": {"app": "web"}}}]);
        let lab = json!([{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "lab"}}}]);
        let deny = json!({"podSelector": {}, "policyTypes": ["Ingress"]});
        let rows = [
            ("nothing selects it", vec![], "++++++++"),
            ("nobody", vec![deny.clone()], "--------"),
            (
                "everybody",
                vec![deny.clone(), json!({"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]})],
                "++++++++",
            ),
            ("one app", vec![ingress(web.clone(), json!([]))], "+---+---"),
            ("one app, one port", vec![ingress(web.clone(), json!([{"port": 80}]))], "+-------"),
            ("a port by name", vec![ingress(json!([]), json!([{"port": "http"}]))], "++++----"),
            ("a range of ports", vec![ingress(json!([]), json!([{"port": 5000, "endPort": 6000}]))], "----++++"),
            ("another protocol", vec![ingress(json!([]), json!([{"protocol": "UDP", "port": 80}]))], "--------"),
            ("a namespace", vec![ingress(lab.clone(), json!([]))], "--+---+-"),
            ("both, by two policies", vec![ingress(web, json!([])), ingress(lab, json!([]))], "+-+-+-+-"),
            (
                "a block with a hole",
                vec![ingress(json!([{"ipBlock": {"cidr": "10.244.0.0/16", "except": ["10.244.2.0/24"]}}]), json!([]))],
                "++--++--",
            ),
            ("a block outside", vec![ingress(json!([{"ipBlock": {"cidr": "192.0.2.0/24"}}]), json!([]))], "---+---+"),
            (
                "the sender may not",
                vec![json!({"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Egress"]})],
                "-+++-+++",
            ),
            (
                "the sender may, to one app",
                vec![json!({"podSelector": {}, "policyTypes": ["Egress"],
                    "egress": [{"to": [{"podSelector": {"matchLabels": {"app": "db"}}}], "ports": [{"port": 5432}]}]})],
                "--++++++",
            ),
        ];
        for (case, policies, want) in rows {
            assert_eq!(reached(&policies), want, "{case}");
        }
    }
}
