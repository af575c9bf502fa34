//! A made-up cluster for looking at components without an engine (`#/…?demo` in a debug build) and
//! for the picture tests. Nothing of it reaches a learner.

use super::view::*;

fn pod(name: &str, state: PodState, word: &str, family: u8) -> PodView {
    PodView {
        uid: name.into(),
        namespace: "default".into(),
        name: name.into(),
        state,
        word: word.into(),
        family,
        ..PodView::default()
    }
}

fn system(name: &str) -> PodView {
    PodView { namespace: "kube-system".into(), system: true, ..pod(name, PodState::Running, "Running", 0) }
}

const GI: u64 = 1 << 30;

pub fn cluster() -> ClusterView {
    let worker = |name: &str, cpu, memory, pods| NodeView {
        name: name.into(),
        ready: Readiness::Ready,
        powered: true,
        heartbeat: Some(50_000),
        cpu: Meter { requested: cpu, allocatable: 2000 },
        memory: Meter { requested: memory, allocatable: 4 * GI },
        pods,
        ..NodeView::default()
    };
    let oven = PodView {
        restarts: 2,
        wait: Some(Wait { until: 58_000, kind: WaitKind::BackOff }),
        ..pod("oven", PodState::BackOff, "Error", 0)
    };
    let evicted = PodView {
        wait: Some(Wait { until: 348_000, kind: WaitKind::Eviction }),
        ..pod("api-5c9f8-zz4wd", PodState::Running, "Running", 2)
    };
    ClusterView {
        name: "pizzeria-3".into(),
        now: 52_000,
        components: vec![
            ComponentView { part: Part::ApiServer, up: true, load: Load::Requests(18) },
            ComponentView { part: Part::Etcd, up: true, load: Load::Revision(1284) },
            ComponentView { part: Part::Scheduler, up: true, load: Load::Queue(1) },
            ComponentView { part: Part::Controllers, up: true, load: Load::Loops(0) },
        ],
        nodes: vec![
            NodeView {
                control_plane: true,
                taints: vec!["node-role.kubernetes.io/control-plane:NoSchedule".into()],
                ..worker(
                    "control-plane",
                    650,
                    GI / 10,
                    vec![system("etcd-control-plane"), system("kube-apiserver-control-plane")],
                )
            },
            worker(
                "worker-1",
                1250,
                GI * 3 / 2,
                vec![
                    oven,
                    pod("web-7d4b9-x2k8p", PodState::Running, "Running", 1),
                    pod("web-7d4b9-m9qzt", PodState::Running, "Running", 1),
                ],
            ),
            worker(
                "worker-2",
                500,
                GI / 2,
                vec![
                    pod("web-7d4b9-4htrb", PodState::Starting, "ContainerCreating", 1),
                    pod("dough-1-kx7vw", PodState::Succeeded, "Completed", 3),
                ],
            ),
            NodeView {
                ready: Readiness::Unknown,
                powered: false,
                heartbeat: Some(2_000),
                taints: vec!["node.kubernetes.io/unreachable:NoExecute".into()],
                ..worker("worker-3", 500, GI / 2, vec![evicted])
            },
        ],
        homeless: vec![PodView {
            reason: Some("0/4 nodes are available: 2 Insufficient cpu.".into()),
            ..pod("giant", PodState::Pending, "Pending", 0)
        }],
        caption: Some(CaptionView {
            seq: 7,
            at: 51_000,
            actor: Part::Node("worker-1".into()),
            actor_name: "kubelet".into(),
            object: "pod/oven".into(),
            change: Change::Set("exitCode=143".into()),
            because: Some("kubectl exec oven -- kill 1".into()),
            path: vec![Part::Node("worker-1".into()), Part::ApiServer],
        }),
        traffic: Some(TrafficView {
            service: "web".into(),
            success: 986,
            history: vec![1000, 1000, 940, 900, 986, 1000, 986],
        }),
    }
}
