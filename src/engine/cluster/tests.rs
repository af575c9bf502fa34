//! The cluster as a whole.

use super::*;
use crate::client::Profile;

/// A real kubelet on one machine, `millis` after it was switched on.
fn one_machine(millis: Millis) -> Cluster {
    let config = ClusterConfig {
        nodes: vec![NodeConfig::worker("worker-1")],
        profile: Profile::kubelet(),
        ..ClusterConfig::default()
    };
    let mut cluster = Cluster::new(config);
    cluster.run_for(millis, usize::MAX);
    cluster
}

#[test]
fn time_moves_only_when_told() {
    let mut cluster = Cluster::new(ClusterConfig::default());
    let before = cluster.now();
    cluster.request(Request::get("/version"));
    assert_eq!(cluster.now(), before);
    cluster.run_for(1_000, usize::MAX);
    assert_eq!(cluster.now(), before + 1_000);
}

mod admission;
mod clients;
mod control_plane;
mod network;
mod pods;
mod pressure;
mod recovery;
mod running_pods;
mod scheduling;
mod storage;
mod traffic;
mod writes;
