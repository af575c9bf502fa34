//! What can be done with a thing on the map. What kubectl can do is typed as its line; what only a
//! hand at the machine can do is marked so, and no command is invented for it.

use engine::ProcessId;
use leptos::prelude::*;

use crate::{
    components::menu::{MenuItem, MenuModel},
    i18n::Text,
    state::{
        session::Session,
        view::{MenuRequest, Part, Target},
    },
};

pub fn menu(session: Session, request: MenuRequest) -> MenuModel {
    let t = session.i18n.0.get_untracked().text();
    let (title, items) = match request.target {
        Target::Node(name) => (name.clone(), node(session, t, &name)),
        Target::Pod { namespace, name } => (name.clone(), pod(session, t, &namespace, &name)),
        Target::Component(part) => component(session, t, part),
        Target::Traffic => (t.menu.requests.into(), traffic(session, t)),
    };
    MenuModel { x: request.x, y: request.y, title, items }
}

/// An item that types a command.
fn typed(session: Session, label: &str, line: String, danger: bool) -> MenuItem {
    // Without the word every line begins with: menus are narrow.
    let hint = line.trim_start_matches("kubectl ").to_string();
    MenuItem { label: label.into(), hint, danger, action: Callback::new(move |()| session.run_from_map(line.clone())) }
}

/// An item that lays hands on a machine.
fn machine(t: &Text, label: &str, danger: bool, action: impl Fn() + Send + Sync + 'static) -> MenuItem {
    MenuItem { label: label.into(), hint: t.menu.machine.into(), danger, action: Callback::new(move |()| action()) }
}

fn node(session: Session, t: &Text, name: &str) -> Vec<MenuItem> {
    let (powered, cordoned) = session
        .cluster
        .with_untracked(|cluster| cluster.node(name).map(|node| (node.powered, node.cordoned)))
        .unwrap_or((true, false));
    let mut items = vec![typed(session, t.menu.describe, format!("kubectl describe node {name}"), false)];
    items.push(if cordoned {
        typed(session, t.menu.uncordon, format!("kubectl uncordon {name}"), false)
    } else {
        typed(session, t.menu.cordon, format!("kubectl cordon {name}"), false)
    });
    items.push(typed(session, t.menu.drain, format!("kubectl drain {name} --ignore-daemonsets"), true));
    let mine = name.to_string();
    items.push(if powered {
        machine(t, t.menu.power_off, true, move || session.power(&mine, false))
    } else {
        machine(t, t.menu.power_on, false, move || session.power(&mine, true))
    });
    items
}

fn pod(session: Session, t: &Text, namespace: &str, name: &str) -> Vec<MenuItem> {
    let place = if namespace == "default" { String::new() } else { format!(" -n {namespace}") };
    let victim = (namespace.to_string(), name.to_string());
    let asked = victim.clone();
    let placed = session
        .cluster
        .with_untracked(|cluster| !cluster.homeless.iter().any(|pod| pod.namespace == namespace && pod.name == name));
    let why = MenuItem {
        label: if placed { t.why.here } else { t.why.nowhere }.into(),
        hint: String::new(),
        danger: false,
        action: Callback::new(move |()| session.ask_why(&asked.0, &asked.1)),
    };
    vec![
        why,
        typed(session, t.menu.describe, format!("kubectl describe pod {name}{place}"), false),
        typed(session, t.menu.logs, format!("kubectl logs {name}{place}"), false),
        machine(t, t.menu.crash, true, move || session.crash(&victim.0, &victim.1)),
        typed(session, t.menu.delete_pod, format!("kubectl delete pod {name}{place}"), true),
    ]
}

fn traffic(session: Session, t: &Text) -> Vec<MenuItem> {
    let (services, running) = session.cluster.with_untracked(|cluster| {
        let running: Vec<_> = cluster.traffic.iter().map(|one| (one.namespace.clone(), one.service.clone())).collect();
        (cluster.services.clone(), running)
    });
    let known = services.iter().chain(running.iter().filter(|one| !services.contains(one)));
    known
        .map(|(namespace, service)| {
            let on = !running.contains(&(namespace.clone(), service.clone()));
            let label = format!("{service}: {}", if on { t.menu.traffic_on } else { t.menu.traffic_off });
            let (namespace, service) = (namespace.clone(), service.clone());
            machine(t, &label, !on, move || session.traffic(&namespace, &service, on))
        })
        .collect()
}

fn component(session: Session, t: &Text, part: Part) -> (String, Vec<MenuItem>) {
    let up = session.cluster.with_untracked(|cluster| cluster.component(&part).is_none_or(|found| found.up));
    let switch = |name: &'static str, id: ProcessId| {
        let (label, danger) = if up { (t.menu.stop, true) } else { (t.menu.start, false) };
        machine(t, label, danger, move || session.component(id.clone(), name, !up))
    };
    let static_pod = |name: &str| {
        typed(session, t.menu.describe, format!("kubectl describe pod {name}-control-plane -n kube-system"), false)
    };
    match part {
        Part::Scheduler => {
            (t.map.scheduler.into(), vec![static_pod("kube-scheduler"), switch("kube-scheduler", ProcessId::Scheduler)])
        }
        Part::Controllers => (
            t.map.controllers.into(),
            vec![
                static_pod("kube-controller-manager"),
                switch("kube-controller-manager", ProcessId::ControllerManager),
            ],
        ),
        Part::Etcd => ("etcd".into(), vec![static_pod("etcd")]),
        Part::ApiServer | Part::You | Part::Node(_) => (
            t.map.api_server.into(),
            vec![static_pod("kube-apiserver"), switch("kube-apiserver", ProcessId::ApiServer)],
        ),
    }
}
