//! What a pod knows of names: its own, `/etc/hosts`, and whom it asks for others (`/etc/resolv.conf`).
//!
//! Its hostname is the spec's, else its name, cut to 63 characters; a subdomain makes a full name of it,
//! which DNS knows if a headless Service of that name exists. `/etc/hosts` has that name and the aliases,
//! unless the pod is on its machine's network. `ClusterFirst` asks the cluster's DNS with the namespace's
//! search path, but on the machine's network only as `ClusterFirstWithHostNet`; `Default` asks whom the
//! machine asks, `None` nobody. Then `dnsConfig` adds: servers and domains behind, options of the same
//! name instead.
//! Mirrors: pkg/kubelet/kubelet_pods.go `GeneratePodHostNameAndDomain`, `managedHostsFileContent`,
//! pkg/kubelet/network/dns/dns.go. Left out: limits on how many servers and domains there may be.

use api::k8s_openapi::api::core::v1::{Pod, PodSpec};

use super::runtime::SandboxWorld;

/// The cluster's DNS service.
const CLUSTER_DNS: &str = "10.96.0.10";
/// Who answers the machines themselves.
const MACHINE_DNS: &str = "10.255.255.53";
const DOMAIN: &str = "cluster.local";

/// Fills in what depends on names; the address is known already.
pub fn settle(world: &mut SandboxWorld, pod: &Pod, machine: &str) {
    let spec = pod.spec.clone().unwrap_or_default();
    let namespace = pod.metadata.namespace.as_deref().unwrap_or("default");
    let host_network = spec.host_network == Some(true);
    let own = spec.hostname.clone().unwrap_or_else(|| pod.metadata.name.clone().unwrap_or_default());
    let hostname = if host_network { machine.to_owned() } else { own };
    world.hostname = hostname.chars().take(63).collect();
    world.hosts = hosts(&spec, namespace, &world.hostname, &world.ip);
    let resolver = Resolver::of(&spec, namespace);
    world.nameserver = resolver.servers.first().cloned().unwrap_or_default();
    world.resolver = resolver.text();
}

fn hosts(spec: &PodSpec, namespace: &str, hostname: &str, ip: &str) -> String {
    let mut text = if spec.host_network == Some(true) {
        "# Kubernetes-managed hosts file (host network).\n127.0.0.1\tlocalhost\n".to_owned()
    } else {
        let domain = spec.subdomain.as_deref().filter(|subdomain| !subdomain.is_empty());
        let names = domain.map_or_else(
            || hostname.to_owned(),
            |subdomain| format!("{hostname}.{subdomain}.{namespace}.svc.{DOMAIN}\t{hostname}"),
        );
        format!(
            "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n{ip}\t{names}\n"
        )
    };
    let aliases = spec.host_aliases.as_deref().unwrap_or_default();
    if !aliases.is_empty() {
        text.push_str("\n# Entries added by HostAliases.\n");
        for alias in aliases {
            text.push_str(&format!("{}\t{}\n", alias.ip, alias.hostnames.clone().unwrap_or_default().join("\t")));
        }
    }
    text
}

/// The lines of `/etc/resolv.conf`.
struct Resolver {
    servers: Vec<String>,
    searches: Vec<String>,
    options: Vec<String>,
}

impl Resolver {
    fn of(spec: &PodSpec, namespace: &str) -> Resolver {
        let policy = spec.dns_policy.as_deref().unwrap_or("ClusterFirst");
        let host_network = spec.host_network == Some(true);
        let mut resolver = match policy {
            "None" => Resolver { servers: Vec::new(), searches: Vec::new(), options: Vec::new() },
            // On the machine's own network the machine's servers are asked, unless the policy insists.
            "ClusterFirst" if !host_network => Resolver::cluster(namespace),
            "ClusterFirstWithHostNet" => Resolver::cluster(namespace),
            _ => Resolver { servers: vec![MACHINE_DNS.into()], searches: Vec::new(), options: Vec::new() },
        };
        if let Some(config) = &spec.dns_config {
            let add = |list: &mut Vec<String>, more: Vec<String>| {
                for item in more {
                    if !list.contains(&item) {
                        list.push(item);
                    }
                }
            };
            add(&mut resolver.servers, config.nameservers.clone().unwrap_or_default());
            add(&mut resolver.searches, config.searches.clone().unwrap_or_default());
            for option in config.options.iter().flatten() {
                let name = option.name.clone().unwrap_or_default();
                // One named again takes the new value.
                resolver.options.retain(|known| known.split(':').next() != Some(&*name));
                resolver.options.push(match &option.value {
                    Some(value) => format!("{name}:{value}"),
                    None => name,
                });
            }
        }
        resolver
    }

    fn cluster(namespace: &str) -> Resolver {
        Resolver {
            servers: vec![CLUSTER_DNS.into()],
            searches: vec![format!("{namespace}.svc.{DOMAIN}"), format!("svc.{DOMAIN}"), DOMAIN.into()],
            options: vec!["ndots:5".into()],
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        if !self.searches.is_empty() {
            text.push_str(&format!("search {}\n", self.searches.join(" ")));
        }
        for server in &self.servers {
            text.push_str(&format!("nameserver {server}\n"));
        }
        if !self.options.is_empty() {
            text.push_str(&format!("options {}\n", self.options.join(" ")));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn world(spec: Value) -> SandboxWorld {
        let pod = json!({"metadata": {"name": "web", "namespace": "shop"}, "spec": spec});
        let mut world = SandboxWorld { ip: "10.244.1.9".into(), ..SandboxWorld::default() };
        settle(&mut world, &serde_json::from_value(pod).expect("a pod"), "worker-1");
        world
    }

    #[test]
    fn names_follow_namespace_policy_and_aliases() {
        let plain = world(json!({"containers": []}));
        assert_eq!(
            plain.resolver,
            "search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n"
        );
        assert!(plain.hosts.ends_with("10.244.1.9\tweb\n"), "{}", plain.hosts);

        let own = world(json!({
            "containers": [], "hostname": "a", "subdomain": "db", "dnsPolicy": "None",
            "hostAliases": [{"ip": "10.1.1.1", "hostnames": ["x", "y"]}],
            "dnsConfig": {"nameservers": ["1.2.3.4"], "searches": ["q.local"], "options": [{"name": "ndots", "value": "2"}]},
        }));
        assert_eq!(own.resolver, "search q.local\nnameserver 1.2.3.4\noptions ndots:2\n");
        assert_eq!(own.nameserver, "1.2.3.4");
        let tail = "10.244.1.9\ta.db.shop.svc.cluster.local\ta\n\n# Entries added by HostAliases.\n10.1.1.1\tx\ty\n";
        assert!(own.hosts.ends_with(tail), "{}", own.hosts);

        let host = world(json!({"containers": [], "hostNetwork": true}));
        assert_eq!((&*host.hostname, &*host.resolver), ("worker-1", "nameserver 10.255.255.53\n"));
    }
}
