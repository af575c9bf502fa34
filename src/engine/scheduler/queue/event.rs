//! What happens in the cluster, as plugins are asked whether it may help a waiting pod.
//!
//! Mirrors: kube-scheduler/framework `ClusterEvent`, pkg/scheduler/eventhandlers.go.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{Node, PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::api::storage::v1::{CSIDriver, StorageClass};

use crate::scheduler::cache::DeviceClaim;
use crate::scheduler::pod_info::PodInfo;

#[derive(Debug, Clone)]
pub enum ClusterEvent<'a> {
    /// A node came (`old` is none) or changed.
    Node {
        old: Option<&'a Node>,
        new: &'a Node,
    },
    NodeDeleted(&'a Node),
    /// A pod runs on a node now.
    AssignedPodAdded(&'a PodInfo),
    AssignedPodUpdated {
        old: &'a PodInfo,
        new: &'a PodInfo,
    },
    /// A pod is gone from its node, or has ended there.
    AssignedPodDeleted(&'a PodInfo),
    /// The waiting pod itself changed.
    PodUpdated {
        old: &'a PodInfo,
        new: &'a PodInfo,
    },
    Storage(StorageEvent),
    /// A DeviceClass or a ResourceSlice came or changed.
    Devices,
    /// A ResourceClaim came (`old` is none) or changed.
    DeviceClaim {
        old: Option<DeviceClaim>,
        new: DeviceClaim,
    },
}

/// Something about volumes came (`old` is none) or changed.
#[derive(Debug, Clone)]
pub enum StorageEvent {
    Claim {
        old: Option<Arc<PersistentVolumeClaim>>,
        new: Arc<PersistentVolumeClaim>,
    },
    Volume {
        old: Option<Arc<PersistentVolume>>,
        new: Arc<PersistentVolume>,
    },
    Class {
        old: Option<Arc<StorageClass>>,
        new: Arc<StorageClass>,
    },
    Driver {
        old: Option<Arc<CSIDriver>>,
        new: Arc<CSIDriver>,
    },
    /// A node has said which drivers it has.
    DriversOfNode {
        first: bool,
    },
    /// A CSIStorageCapacity came, or has room for larger volumes now.
    MoreCapacity,
}
