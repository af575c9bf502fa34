//! `kubectl cluster-info`.
//!
//! Mirrors: kubectl/pkg/cmd/clusterinfo/clusterinfo.go.

use super::{list_at, text_at};
use crate::client::Client;
use crate::coroutine::Cx;
use crate::failure::Result;
use crate::flags::Args;
use crate::verb::{VERB as BASE, Verb};

pub static VERB: Verb = Verb {
    name: "cluster-info",
    short: "Display cluster information",
    long: "Display addresses of the control plane and services with label kubernetes.io/cluster-service=true. To further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.",
    examples: "# Print the address of the control plane and cluster services
kubectl cluster-info",
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let server = client.kubeconfig.server().to_owned();
    cx.out(format!("Kubernetes control plane is running at {server}\n"));
    for service in client.select("services", "kube-system", "kubernetes.io/cluster-service=true").await? {
        let labels = service.pointer("/metadata/labels");
        let name = labels
            .and_then(|labels| labels.get("kubernetes.io/name"))
            .and_then(serde_json::Value::as_str)
            .unwrap_or_else(|| text_at(&service, "/metadata/name"));
        let port =
            list_at(&service, "/spec/ports").first().map_or(String::new(), |port| match text_at(port, "/name") {
                "" => String::new(),
                name => format!(":{name}"),
            });
        cx.out(format!(
            "{name} is running at {server}/api/v1/namespaces/{}/services/{}{port}/proxy\n",
            text_at(&service, "/metadata/namespace"),
            text_at(&service, "/metadata/name")
        ));
    }
    cx.out("\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.\n");
    Ok(())
}
