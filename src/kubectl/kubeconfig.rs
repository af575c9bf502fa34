//! The client's configuration: clusters, users, contexts. Kept in the session, changed by `config`.
//!
//! Mirrors: client-go/tools/clientcmd/api. Only what the simulated cluster needs.

/// One way in: which cluster, as whom, in which namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    pub name: String,
    pub cluster: String,
    pub user: String,
    pub namespace: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kubeconfig {
    pub server: String,
    pub cluster: String,
    pub user: String,
    pub contexts: Vec<Context>,
    pub current: String,
}

impl Default for Kubeconfig {
    /// What kubeadm writes, and what a learner meets first.
    fn default() -> Self {
        let context = Context {
            name: "kubernetes-admin@kubernetes".into(),
            cluster: "kubernetes".into(),
            user: "kubernetes-admin".into(),
            namespace: String::new(),
        };
        Self {
            server: "https://10.0.0.10:6443".into(),
            cluster: "kubernetes".into(),
            user: "kubernetes-admin".into(),
            current: context.name.clone(),
            contexts: vec![context],
        }
    }
}

impl Kubeconfig {
    /// No file: nothing is set.
    pub fn empty() -> Self {
        Self {
            server: String::new(),
            cluster: String::new(),
            user: String::new(),
            contexts: Vec::new(),
            current: String::new(),
        }
    }

    pub fn context(&self, name: &str) -> Option<&Context> {
        self.contexts.iter().find(|context| context.name == name)
    }

    pub fn context_mut(&mut self, name: &str) -> Option<&mut Context> {
        self.contexts.iter_mut().find(|context| context.name == name)
    }

    /// The namespace commands use when none is named.
    pub fn namespace(&self, context: &str) -> String {
        let name = if context.is_empty() { &self.current } else { context };
        match self.context(name) {
            Some(context) if !context.namespace.is_empty() => context.namespace.clone(),
            _ => "default".into(),
        }
    }
}
