//! What Kubernetes' Go types say and its OpenAPI document, as k8s-openapi carries it, does not.
//!
//! Facts from the markers and tags of staging/src/k8s.io/api (`+listMapKey`, `patchStrategy`,
//! `+structType`, `+enum`) at v1.36. A path is `group/version.Type.field`.

/// Keys of server-side apply where strategic merge uses others; `None`: the list is atomic.
pub const LIST_KEYS: &[(&str, Option<&[&str]>)] = &[
    ("core/v1.Container.ports", Some(&["containerPort", "protocol"])),
    ("core/v1.EphemeralContainer.ports", Some(&["containerPort", "protocol"])),
    ("core/v1.ServiceSpec.ports", Some(&["port", "protocol"])),
    ("core/v1.PodSpec.topologySpreadConstraints", Some(&["topologyKey", "whenUnsatisfiable"])),
    ("core/v1.PodStatus.hostIPs", None),
    ("apps/v1.StatefulSetSpec.volumeClaimTemplates", None),
];

/// The key of strategic merge where it is not the first of server-side apply's; `None`: the list is replaced.
pub const PATCH_KEYS: &[(&str, Option<&str>)] = &[
    ("apps/v1.StatefulSetSpec.volumeClaimTemplates", None),
    ("core/v1.ResourceRequirements.claims", None),
    ("resource/v1.ResourceClaimStatus.devices", None),
    ("resource/v1.AllocatedDeviceStatus.conditions", None),
];

/// Sets whose values strategic merge adds instead of replacing the list.
pub const MERGED_SETS: &[&str] = &["meta/v1.ObjectMeta.finalizers", "core/v1.NodeSpec.podCIDRs"];

/// Strategic merge keeps only the keys that the patch names: one member of a union.
pub const RETAIN_KEYS: &[&str] =
    &["apps/v1.DeploymentSpec.strategy", "core/v1.PodSpec.volumes", "core/v1.PodSpec.resourceClaims"];

/// Maps that server-side apply owns as a whole.
pub const ATOMIC_FIELDS: &[&str] = &[];

/// A field of an atomic type that is nevertheless owned field by field.
pub const GRANULAR_FIELDS: &[&str] = &["core/v1.PersistentVolumeSpec.claimRef"];

/// Structs that server-side apply owns as a whole.
pub const ATOMIC_STRUCTS: &[&str] = &[
    "admissionregistration/v1.MatchResources",
    "admissionregistration/v1.NamedRuleWithOperations",
    "admissionregistration/v1.ParamKind",
    "admissionregistration/v1.ParamRef",
    "core/v1.ConfigMapKeySelector",
    "core/v1.EndpointAddress",
    "core/v1.EndpointPort",
    "core/v1.FileKeySelector",
    "core/v1.LocalObjectReference",
    "core/v1.NodeSelector",
    "core/v1.NodeSelectorTerm",
    "core/v1.ObjectFieldSelector",
    "core/v1.ObjectReference",
    "core/v1.ResourceFieldSelector",
    "core/v1.ScopeSelector",
    "core/v1.ScopedResourceSelectorRequirement",
    "core/v1.SecretKeySelector",
    "core/v1.SecretReference",
    "core/v1.TopologySelectorTerm",
    "core/v1.TypedLocalObjectReference",
    "discovery/v1.EndpointPort",
    "meta/v1.LabelSelector",
    "meta/v1.OwnerReference",
    "networking/v1.ServiceBackendPort",
    "rbac/v1.RoleRef",
    "rbac/v1.Subject",
];

/// Strings with a Go type of their own, and their values where OpenAPI calls the type an enum.
pub const NAMED: &[(&str, &str, &[&str])] = &[
    ("apps/v1.DaemonSetUpdateStrategy.type", "v1.DaemonSetUpdateStrategyType", &["OnDelete", "RollingUpdate"]),
    ("apps/v1.DeploymentCondition.status", "v1.ConditionStatus", &[]),
    ("apps/v1.DeploymentCondition.type", "v1.DeploymentConditionType", &[]),
    ("apps/v1.DeploymentStrategy.type", "v1.DeploymentStrategyType", &["Recreate", "RollingUpdate"]),
    (
        "apps/v1.StatefulSetPersistentVolumeClaimRetentionPolicy.whenDeleted",
        "v1.PersistentVolumeClaimRetentionPolicyType",
        &[],
    ),
    (
        "apps/v1.StatefulSetPersistentVolumeClaimRetentionPolicy.whenScaled",
        "v1.PersistentVolumeClaimRetentionPolicyType",
        &[],
    ),
    ("apps/v1.StatefulSetSpec.podManagementPolicy", "v1.PodManagementPolicyType", &["OrderedReady", "Parallel"]),
    ("apps/v1.StatefulSetUpdateStrategy.type", "v1.StatefulSetUpdateStrategyType", &["OnDelete", "RollingUpdate"]),
    ("autoscaling/v2.HPAScalingPolicy.type", "v2.HPAScalingPolicyType", &[]),
    ("autoscaling/v2.HPAScalingRules.selectPolicy", "v2.ScalingPolicySelect", &[]),
    ("autoscaling/v2.MetricSpec.type", "v2.MetricSourceType", &[]),
    ("autoscaling/v2.MetricTarget.type", "v2.MetricTargetType", &[]),
    ("batch/v1.CronJobSpec.concurrencyPolicy", "v1.ConcurrencyPolicy", &["Allow", "Forbid", "Replace"]),
    ("batch/v1.JobSpec.completionMode", "v1.CompletionMode", &["Indexed", "NonIndexed"]),
    ("batch/v1.JobSpec.podReplacementPolicy", "v1.PodReplacementPolicy", &["Failed", "TerminatingOrFailed"]),
    (
        "batch/v1.PodFailurePolicyOnExitCodesRequirement.operator",
        "v1.PodFailurePolicyOnExitCodesOperator",
        &["In", "NotIn"],
    ),
    ("batch/v1.PodFailurePolicyRule.action", "v1.PodFailurePolicyAction", &["Count", "FailIndex", "FailJob", "Ignore"]),
    ("core/v1.AppArmorProfile.type", "v1.AppArmorProfileType", &["Localhost", "RuntimeDefault", "Unconfined"]),
    ("core/v1.Container.imagePullPolicy", "v1.PullPolicy", &["Always", "IfNotPresent", "Never"]),
    ("core/v1.Container.restartPolicy", "v1.ContainerRestartPolicy", &[]),
    ("core/v1.Container.terminationMessagePolicy", "v1.TerminationMessagePolicy", &["FallbackToLogsOnError", "File"]),
    ("core/v1.ContainerPort.protocol", "v1.Protocol", &["SCTP", "TCP", "UDP"]),
    ("core/v1.EmptyDirVolumeSource.medium", "v1.StorageMedium", &[]),
    ("core/v1.EndpointPort.protocol", "v1.Protocol", &["SCTP", "TCP", "UDP"]),
    ("core/v1.EphemeralContainer.imagePullPolicy", "v1.PullPolicy", &["Always", "IfNotPresent", "Never"]),
    (
        "core/v1.EphemeralContainer.terminationMessagePolicy",
        "v1.TerminationMessagePolicy",
        &["FallbackToLogsOnError", "File"],
    ),
    ("core/v1.HTTPGetAction.scheme", "v1.URIScheme", &["HTTP", "HTTPS"]),
    (
        "core/v1.HostPathVolumeSource.type",
        "v1.HostPathType",
        &["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"],
    ),
    ("core/v1.LimitRangeItem.type", "v1.LimitType", &[]),
    ("core/v1.NamespaceStatus.phase", "v1.NamespacePhase", &["Active", "Terminating"]),
    (
        "core/v1.NodeSelectorRequirement.operator",
        "v1.NodeSelectorOperator",
        &["DoesNotExist", "Exists", "Gt", "In", "Lt", "NotIn"],
    ),
    ("core/v1.NodeCondition.status", "v1.ConditionStatus", &[]),
    ("core/v1.NodeCondition.type", "v1.NodeConditionType", &[]),
    ("core/v1.NodeStatus.phase", "v1.NodePhase", &["Pending", "Running", "Terminated"]),
    (
        "core/v1.PersistentVolumeClaimSpec.accessModes",
        "v1.PersistentVolumeAccessMode",
        &["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"],
    ),
    ("core/v1.PersistentVolumeClaimSpec.volumeMode", "v1.PersistentVolumeMode", &["Block", "Filesystem"]),
    ("core/v1.PersistentVolumeClaimStatus.phase", "v1.PersistentVolumeClaimPhase", &["Bound", "Lost", "Pending"]),
    (
        "core/v1.PersistentVolumeSpec.accessModes",
        "v1.PersistentVolumeAccessMode",
        &["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"],
    ),
    (
        "core/v1.PersistentVolumeSpec.persistentVolumeReclaimPolicy",
        "v1.PersistentVolumeReclaimPolicy",
        &["Delete", "Recycle", "Retain"],
    ),
    ("core/v1.PersistentVolumeSpec.volumeMode", "v1.PersistentVolumeMode", &["Block", "Filesystem"]),
    (
        "core/v1.PersistentVolumeStatus.phase",
        "v1.PersistentVolumePhase",
        &["Available", "Bound", "Failed", "Pending", "Released"],
    ),
    ("core/v1.PodCondition.status", "v1.ConditionStatus", &[]),
    ("core/v1.PodCondition.type", "v1.PodConditionType", &[]),
    ("core/v1.PodReadinessGate.conditionType", "v1.PodConditionType", &[]),
    ("core/v1.PodSecurityContext.fsGroupChangePolicy", "v1.PodFSGroupChangePolicy", &["Always", "OnRootMismatch"]),
    ("core/v1.PodSecurityContext.supplementalGroupsPolicy", "v1.SupplementalGroupsPolicy", &["Merge", "Strict"]),
    ("core/v1.PodSpec.dnsPolicy", "v1.DNSPolicy", &["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"]),
    ("core/v1.PodSpec.preemptionPolicy", "v1.PreemptionPolicy", &["Never", "PreemptLowerPriority"]),
    ("core/v1.PodSpec.restartPolicy", "v1.RestartPolicy", &["Always", "Never", "OnFailure"]),
    ("core/v1.PodStatus.phase", "v1.PodPhase", &["Failed", "Pending", "Running", "Succeeded", "Unknown"]),
    ("core/v1.PodStatus.qosClass", "v1.PodQOSClass", &["BestEffort", "Burstable", "Guaranteed"]),
    (
        "core/v1.ResourceQuotaSpec.scopes",
        "v1.ResourceQuotaScope",
        &["BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "PriorityClass", "Terminating"],
    ),
    (
        "core/v1.ScopedResourceSelectorRequirement.operator",
        "v1.ScopeSelectorOperator",
        &["DoesNotExist", "Exists", "In", "NotIn"],
    ),
    (
        "core/v1.ScopedResourceSelectorRequirement.scopeName",
        "v1.ResourceQuotaScope",
        &["BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "PriorityClass", "Terminating"],
    ),
    ("core/v1.SeccompProfile.type", "v1.SeccompProfileType", &["Localhost", "RuntimeDefault", "Unconfined"]),
    ("core/v1.Secret.type", "v1.SecretType", &[]),
    ("core/v1.SecurityContext.procMount", "v1.ProcMountType", &["Default", "Unmasked"]),
    ("core/v1.ServicePort.protocol", "v1.Protocol", &["SCTP", "TCP", "UDP"]),
    ("core/v1.ServiceSpec.externalTrafficPolicy", "v1.ServiceExternalTrafficPolicy", &["Cluster", "Local"]),
    ("core/v1.ServiceSpec.internalTrafficPolicy", "v1.ServiceInternalTrafficPolicy", &["Cluster", "Local"]),
    ("core/v1.ServiceSpec.ipFamilies", "v1.IPFamily", &["", "IPv4", "IPv6"]),
    (
        "core/v1.ServiceSpec.ipFamilyPolicy",
        "v1.IPFamilyPolicy",
        &["PreferDualStack", "RequireDualStack", "SingleStack"],
    ),
    ("core/v1.ServiceSpec.sessionAffinity", "v1.ServiceAffinity", &["ClientIP", "None"]),
    ("core/v1.ServiceSpec.type", "v1.ServiceType", &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]),
    ("core/v1.Taint.effect", "v1.TaintEffect", &["NoExecute", "NoSchedule", "PreferNoSchedule"]),
    ("core/v1.Toleration.effect", "v1.TaintEffect", &["NoExecute", "NoSchedule", "PreferNoSchedule"]),
    ("core/v1.Toleration.operator", "v1.TolerationOperator", &["Equal", "Exists", "Gt", "Lt"]),
    ("core/v1.TopologySpreadConstraint.nodeAffinityPolicy", "v1.NodeInclusionPolicy", &["Honor", "Ignore"]),
    ("core/v1.TopologySpreadConstraint.nodeTaintsPolicy", "v1.NodeInclusionPolicy", &["Honor", "Ignore"]),
    (
        "core/v1.TopologySpreadConstraint.whenUnsatisfiable",
        "v1.UnsatisfiableConstraintAction",
        &["DoNotSchedule", "ScheduleAnyway"],
    ),
    ("core/v1.VolumeMount.mountPropagation", "v1.MountPropagationMode", &["Bidirectional", "HostToContainer", "None"]),
    ("discovery/v1.EndpointSlice.addressType", "v1.AddressType", &["FQDN", "IPv4", "IPv6"]),
    ("meta/v1.DeleteOptions.propagationPolicy", "v1.DeletionPropagation", &[]),
    ("meta/v1.LabelSelectorRequirement.operator", "v1.LabelSelectorOperator", &[]),
    ("meta/v1.ObjectMeta.uid", "types.UID", &[]),
    ("meta/v1.OwnerReference.uid", "types.UID", &[]),
    ("networking/v1.HTTPIngressPath.pathType", "v1.PathType", &["Exact", "ImplementationSpecific", "Prefix"]),
    ("networking/v1.NetworkPolicyPort.protocol", "v1.Protocol", &["SCTP", "TCP", "UDP"]),
    ("networking/v1.NetworkPolicySpec.policyTypes", "v1.PolicyType", &["Egress", "Ingress"]),
    (
        "policy/v1.PodDisruptionBudgetSpec.unhealthyPodEvictionPolicy",
        "v1.UnhealthyPodEvictionPolicyType",
        &["AlwaysAllow", "IfHealthyBudget"],
    ),
    ("scheduling/v1.PriorityClass.preemptionPolicy", "v1.PreemptionPolicy", &["Never", "PreemptLowerPriority"]),
    ("storage/v1.StorageClass.reclaimPolicy", "v1.PersistentVolumeReclaimPolicy", &["Delete", "Recycle", "Retain"]),
    ("storage/v1.StorageClass.volumeBindingMode", "v1.VolumeBindingMode", &["Immediate", "WaitForFirstConsumer"]),
];
