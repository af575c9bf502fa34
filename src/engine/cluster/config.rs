//! What a cluster is made of when it is switched on.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::client::Profile;
use crate::kubelet::runtime::Catalogue;

/// One machine.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeConfig {
    pub name: String,
    /// Quantities as a manifest writes them.
    pub cpu: String,
    pub memory: String,
    pub pods: String,
    pub ephemeral_storage: String,
    pub labels: BTreeMap<String, String>,
    /// key, value, effect.
    pub taints: Vec<(String, String, String)>,
    pub unschedulable: bool,
    pub pod_cidr: Option<String>,
    /// Extra resources in capacity and allocatable, `example.com/gpu` → `2`.
    pub extended: BTreeMap<String, String>,
    /// Images present from the start: name and size in MiB.
    pub images: Vec<(String, u64)>,
    /// Runs the static pods of the control plane.
    pub control_plane: bool,
}

impl NodeConfig {
    /// The size of the transcripts' nodes: 2 CPU, 4Gi, 110 pods.
    pub fn worker(name: &str) -> Self {
        Self {
            name: name.into(),
            cpu: "2".into(),
            memory: "4Gi".into(),
            pods: "110".into(),
            ephemeral_storage: "20Gi".into(),
            labels: BTreeMap::new(),
            taints: Vec::new(),
            unschedulable: false,
            pod_cidr: None,
            extended: BTreeMap::new(),
            images: Vec::new(),
            control_plane: false,
        }
    }

    /// A tainted node with the control plane's static pods.
    pub fn control_plane() -> Self {
        let role = "node-role.kubernetes.io/control-plane".to_string();
        Self {
            labels: [(role.clone(), String::new())].into(),
            taints: vec![(role, String::new(), "NoSchedule".into())],
            control_plane: true,
            ..Self::worker("control-plane")
        }
    }
}

/// Everything a run depends on besides its inputs.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterConfig {
    pub seed: u64,
    /// Wall-clock time at virtual time 0, in milliseconds since the Unix epoch.
    pub epoch_unix_millis: u64,
    pub nodes: Vec<NodeConfig>,
    pub profile: Profile,
    /// Images beyond the built-in catalogue, as YAML in its format.
    pub images: String,
    /// metrics-server is installed: `kubectl top` and autoscalers know what pods use.
    pub metrics_server: bool,
    /// The administrator's bearer token, for clients that come over a network; empty for none.
    pub admin_token: String,
}

impl ClusterConfig {
    /// Whether [`ClusterConfig::images`] can be read.
    ///
    /// # Errors
    /// What is wrong with it, for its author.
    pub fn check_images(&self) -> Result<(), String> {
        Catalogue::default().extend(&self.images)
    }

    /// The images there are. What cannot be read is left out.
    pub(super) fn catalogue(&self) -> Arc<Catalogue> {
        let builtin = Catalogue::shared();
        if self.images.is_empty() {
            return builtin;
        }
        let mut catalogue = (*builtin).clone();
        match catalogue.extend(&self.images) {
            Ok(()) => Arc::new(catalogue),
            Err(_) => builtin,
        }
    }
}

impl Default for ClusterConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            // 2026-01-01T00:00:00Z: a date, so that ages and certificates look right.
            epoch_unix_millis: 1_767_225_600_000,
            nodes: vec![NodeConfig::control_plane(), NodeConfig::worker("worker-1"), NodeConfig::worker("worker-2")],
            profile: Profile::default(),
            images: String::new(),
            metrics_server: true,
            admin_token: String::new(),
        }
    }
}
