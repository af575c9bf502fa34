//! The default plugins of kube-scheduler v1.36, one file each, in the order in which they are asked.
//!
//! Mirrors: pkg/scheduler/apis/config/v1/default_plugins.go. SchedulingGates and PrioritySort work in
//! the queue, DefaultPreemption in `preemption`, DefaultBinder in the component.

pub mod default_binder;
pub mod dynamic_resources;
pub mod image_locality;
pub mod inter_pod_affinity;
pub mod node_affinity;
pub mod node_declared_features;
pub mod node_name;
pub mod node_ports;
pub mod node_resources_balanced_allocation;
pub mod node_resources_fit;
pub mod node_unschedulable;
pub mod node_volume_limits;
pub mod pod_topology_spread;
pub mod priority_sort;
pub mod scheduling_gates;
pub mod taint_toleration;
pub mod volume_binding;
pub mod volume_restrictions;
pub mod volume_zone;

use super::framework::Plugin;

/// Every plugin that filters or scores. The first to refuse a node gives the reason,
/// so the order is part of what users read.
pub const PLUGINS: &[&dyn Plugin] = &[
    &node_unschedulable::NodeUnschedulable,
    &node_name::NodeName,
    &taint_toleration::TaintToleration,
    &node_affinity::NodeAffinity,
    &node_ports::NodePorts,
    &node_resources_fit::NodeResourcesFit,
    &volume_restrictions::VolumeRestrictions,
    &node_volume_limits::NodeVolumeLimits,
    &volume_binding::VolumeBinding,
    &volume_zone::VolumeZone,
    &pod_topology_spread::PodTopologySpread,
    &inter_pod_affinity::InterPodAffinity,
    &dynamic_resources::DynamicResources,
    &node_resources_balanced_allocation::NodeResourcesBalancedAllocation,
    &image_locality::ImageLocality,
    &node_declared_features::NodeDeclaredFeatures,
];

/// The plugin of that name, if it is one of [`PLUGINS`].
pub fn by_name(name: &str) -> Option<&'static dyn Plugin> {
    PLUGINS.iter().copied().find(|plugin| plugin.name() == name)
}

#[cfg(test)]
mod tests;
