//! The scheme: which kinds exist, what they are called and how they are reached. Facts only, no behaviour.
//!
//! Mirrors: the discovery documents of kube-apiserver v1.36 with default flags.

mod table;

pub use table::{METRICS, RESOURCES};

/// One served resource: a row of discovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resource {
    /// What is stored under this resource. Two rows may share it (events in two groups).
    pub kind: Kind,
    /// API group, empty for core.
    pub group: &'static str,
    pub version: &'static str,
    /// The path segment, `pods`.
    pub plural: &'static str,
    pub singular: &'static str,
    /// The `kind` in manifests, `Pod`.
    pub kind_name: &'static str,
    pub namespaced: bool,
    pub short_names: &'static [&'static str],
    pub categories: &'static [&'static str],
    pub verbs: &'static [&'static str],
    pub subresources: &'static [Subresource],
}

/// A subresource of a [`Resource`], `pods/log`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subresource {
    pub name: &'static str,
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
    pub verbs: &'static [&'static str],
}

impl Resource {
    /// `apps/v1`, or `v1` for core.
    pub fn api_version(&self) -> String {
        api_version(self.group, self.version)
    }

    /// `deployments.apps`, or `pods` for core: how Status texts name it.
    pub fn group_resource(&self) -> String {
        group_resource(self.plural, self.group)
    }

    /// The collection's URL path: `/api/v1/namespaces/default/pods`.
    /// An empty `namespace` gives the cluster-wide collection.
    pub fn path(&self, namespace: &str) -> String {
        let root = if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        };
        if self.namespaced && !namespace.is_empty() {
            format!("{root}/namespaces/{namespace}/{}", self.plural)
        } else {
            format!("{root}/{}", self.plural)
        }
    }
}

/// `group/version`, or just the version for the core group.
pub fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.into() } else { format!("{group}/{version}") }
}

/// `plural.group`, or just the plural for the core group.
pub fn group_resource(plural: &str, group: &str) -> String {
    if group.is_empty() { plural.into() } else { format!("{plural}.{group}") }
}

/// Splits `apps/v1` into its group and version.
pub fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// The row served under this group, version and plural.
pub fn by_path(group: &str, version: &str, plural: &str) -> Option<&'static Resource> {
    RESOURCES.iter().find(|r| r.plural == plural && r.group == group && r.version == version)
}

/// The row for an object's `apiVersion` and `kind`.
pub fn by_gvk(group: &str, version: &str, kind: &str) -> Option<&'static Resource> {
    RESOURCES.iter().find(|r| r.kind_name == kind && r.group == group && r.version == version)
}

macro_rules! kinds {
    ($($kind:ident),* $(,)?) => {
        /// Every built-in kind, and the ones that learners define.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($kind,)*
            /// A kind from a CustomResourceDefinition, numbered by the API server that holds it.
            Custom(u16),
        }

        impl Kind {
            /// `Pod`; the word `Custom` for kinds that only the API server can name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Kind::$kind => stringify!($kind),)*
                    Kind::Custom(_) => "Custom",
                }
            }
        }
    };
}

kinds! {
    APIService, Binding, CSIDriver, CSINode, CSIStorageCapacity, CertificateSigningRequest,
    ClusterRole, ClusterRoleBinding, ComponentStatus, ConfigMap, ControllerRevision, CronJob,
    CustomResourceDefinition, DaemonSet, Deployment, DeviceClass, EndpointSlice, Endpoints, Event,
    FlowSchema, HorizontalPodAutoscaler, IPAddress, Ingress, IngressClass, Job, Lease, LimitRange,
    LocalSubjectAccessReview, MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding,
    MutatingWebhookConfiguration, Namespace, NetworkPolicy, Node, NodeMetrics, PersistentVolume,
    PersistentVolumeClaim, Pod, PodDisruptionBudget, PodMetrics, PodTemplate, PriorityClass,
    PriorityLevelConfiguration, ReplicaSet, ReplicationController, ResourceClaim,
    ResourceClaimTemplate, ResourceQuota, ResourceSlice, Role, RoleBinding, RuntimeClass, Secret,
    SelfSubjectAccessReview, SelfSubjectReview, SelfSubjectRulesReview, Service, ServiceAccount,
    ServiceCIDR, StatefulSet, StorageClass, SubjectAccessReview, TokenReview,
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, ValidatingWebhookConfiguration,
    VolumeAttachment, VolumeAttributesClass,
}

impl Kind {
    /// The row under which this kind is stored: its newest version, its home group.
    ///
    /// # Panics
    /// Never for built-in kinds: the table has a row for each. `None` for custom kinds.
    pub fn resource(self) -> Option<&'static Resource> {
        RESOURCES.iter().chain(METRICS).find(|r| r.kind == self)
    }
}
