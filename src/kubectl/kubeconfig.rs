//! The client's configuration: clusters, users, contexts. Kept in the session, changed by `config`.
//!
//! Mirrors: client-go/tools/clientcmd/api. Entries are kept as the file has them; what follows from them is
//! which server a command speaks to, and in which namespace. Whose certificate it shows is not simulated.

use serde_json::{Map, Value, json};

/// The file that is never written: the session is it.
pub const FILE: &str = "/root/.kube/config";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kubeconfig {
    /// Where the simulated API server listens, whatever the clusters say.
    address: String,
    pub clusters: Map<String, Value>,
    pub users: Map<String, Value>,
    pub contexts: Map<String, Value>,
    pub current: String,
}

impl Default for Kubeconfig {
    fn default() -> Self {
        Self::at("https://10.0.0.10:6443")
    }
}

impl Kubeconfig {
    /// What kubeadm writes, and what a learner meets first, for a server at this address.
    pub fn at(address: &str) -> Self {
        let mut config = Self { address: address.into(), ..Self::empty() };
        let authority = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==";
        config
            .clusters
            .insert("kubernetes".into(), json!({"certificate-authority-data": authority, "server": address}));
        config.users.insert("kubernetes-admin".into(), json!({"token": "simulated"}));
        config.current = "kubernetes-admin@kubernetes".into();
        config.contexts.insert(config.current.clone(), json!({"cluster": "kubernetes", "user": "kubernetes-admin"}));
        config
    }

    /// No file: nothing is set.
    pub fn empty() -> Self {
        Self {
            address: String::new(),
            clusters: Map::new(),
            users: Map::new(),
            contexts: Map::new(),
            current: String::new(),
        }
    }

    /// A context by name; the current one if none is named.
    fn context(&self, name: &str) -> Option<&Value> {
        self.contexts.get(if name.is_empty() { self.current.as_str() } else { name })
    }

    /// One of a context's words: `cluster`, `user`, `namespace`.
    pub fn of_context(&self, name: &str, word: &str) -> &str {
        self.context(name).and_then(|context| context.get(word)).and_then(Value::as_str).unwrap_or_default()
    }

    /// The namespace commands use when none is named.
    pub fn namespace(&self, context: &str) -> String {
        match self.of_context(context, "namespace") {
            "" => "default".into(),
            namespace => namespace.into(),
        }
    }

    /// The address of a cluster's server; empty if there is none.
    fn server_of(&self, cluster: &str) -> &str {
        self.clusters.get(cluster).and_then(|cluster| cluster.get("server")).and_then(Value::as_str).unwrap_or_default()
    }

    /// The server of the current context.
    pub fn server(&self) -> &str {
        self.server_of(self.of_context("", "cluster"))
    }

    /// The host that a command would speak to and nobody is at, if it is not the simulated server.
    pub fn unreachable(&self, context: &str, cluster: &str) -> Option<&str> {
        let cluster = if cluster.is_empty() { self.of_context(context, "cluster") } else { cluster };
        match self.server_of(cluster) {
            server if server == self.address && !server.is_empty() => None,
            // What client-go speaks to when nothing is configured.
            "" => Some("localhost:8080"),
            server => Some(host(server)),
        }
    }
}

/// What is said when nobody is at a host.
pub fn refused(host: &str) -> String {
    format!("The connection to the server {host} was refused - did you specify the right host or port?")
}

/// `10.0.0.10:6443` of an address.
pub fn host(server: &str) -> &str {
    let host = server.split_once("://").map_or(server, |(_, host)| host);
    host.split('/').next().unwrap_or_default()
}
