//! The cluster's own pods.

use api::k8s_openapi::api::core::v1::{Event, Pod};

use super::*;

#[test]
fn the_control_plane_is_well_as_long_as_nobody_touches_it() {
    let mut cluster = Cluster::new(ClusterConfig::default());
    cluster.run_for(1_800_000, usize::MAX);
    let snapshot = cluster.snapshot();
    for name in ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
        let pod = snapshot.get::<Pod>("kube-system", &format!("{name}-control-plane")).expect(name);
        let status = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref()?.first()).expect(name);
        assert!(status.ready && status.restart_count == 0, "{name}: {status:?}");
    }
    let warnings: Vec<String> = snapshot
        .list::<Event>("kube-system")
        .filter(|event| event.type_.as_deref() == Some("Warning"))
        .filter_map(|event| event.message.clone())
        .collect();
    let before_it_listens = |text: &String| text.starts_with("Readiness probe") && text.contains("connection refused");
    assert!(warnings.iter().all(before_it_listens), "{warnings:?}");
}
