//! The sandbox: the workbench without a lesson, on a cluster of three machines.

use engine::{ClusterConfig, NodeConfig};
use leptos::prelude::*;

use super::{starting::starting, workbench::Workbench};
use crate::{
    app::Shell,
    components::topbar::Where,
    i18n::use_i18n,
    state::{driver, session::Session},
};

/// What the editor begins with: small, and every line of it worth changing.
const WEB: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 3
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
      - name: web
        image: nginx:1.27
        resources:
          requests:
            cpu: 250m
            memory: 64Mi
";
const POD: &str = "apiVersion: v1
kind: Pod
metadata:
  name: hello
spec:
  containers:
  - name: hello
    image: nginx:1.27
";

#[component]
pub fn SandboxPage() -> impl IntoView {
    let i18n = use_i18n();
    let shell = expect_context::<Shell>();
    let config = ClusterConfig {
        nodes: std::iter::once(NodeConfig::control_plane())
            .chain((1..=3).map(|n| NodeConfig::worker(&format!("worker-{n}"))))
            .collect(),
        ..ClusterConfig::default()
    };
    let files = [("web.yaml".to_string(), WEB.to_string()), ("pod.yaml".to_string(), POD.to_string())];
    let here = Signal::derive(move || Where { title: i18n.t().common.sandbox.into(), ..Where::default() });
    starting(driver::settled(config), move |cluster| {
        let session = Session::new(shell.store, i18n, "sandbox", "sandbox", cluster, &files);
        view! { <Workbench session here/> }.into_any()
    })
}
