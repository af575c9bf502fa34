//! Fetches what a page shows besides its object, with the requests kubectl makes.

use serde_json::Value;

use super::common::plain_selector;
use super::value::Fields as _;
use super::{Related, ingress, render};
use crate::client::Client;
use crate::discovery::Mapping;
use crate::failure::{Failure, Result};

/// The page of an object.
///
/// # Errors
/// A refusal of something without which there is no page.
pub async fn page(client: &Client<'_>, mapping: &Mapping, object: &Value, show_events: bool) -> Result<String> {
    // Autoscalers are described by the version that knows all metrics.
    let newest;
    let object = match (mapping.group.as_str(), mapping.kind.as_str(), mapping.version.as_str()) {
        ("autoscaling", "HorizontalPodAutoscaler", "v1") => {
            newest = client.fetch("horizontalpodautoscalers.v2.autoscaling", object.namespace(), object.name()).await?;
            &newest
        }
        _ => object,
    };
    let mut related = gather(client, mapping, object).await?;
    if show_events {
        related.events = Some(events(client, mapping, object).await);
    }
    Ok(render(&mapping.group, &mapping.kind, object, &related, client.cx.now()))
}

async fn gather(client: &Client<'_>, mapping: &Mapping, object: &Value) -> Result<Related> {
    let mut related = Related::default();
    let namespace = object.namespace();
    match (mapping.group.as_str(), mapping.kind.as_str()) {
        ("apps", "ReplicaSet" | "DaemonSet" | "StatefulSet") => {
            let selector = plain_selector(object.at("/spec/selector"));
            related.pods = Some(client.select("pods", namespace, &selector).await?);
        }
        ("", "ReplicationController") => {
            let labels: Vec<_> = object
                .entries("/spec/selector")
                .iter()
                .map(|(key, value)| format!("{key}={}", value.text("")))
                .collect();
            related.pods = Some(client.select("pods", namespace, &labels.join(",")).await?);
        }
        ("apps", "Deployment") => {
            let selector = plain_selector(object.at("/spec/selector"));
            // Without them the page leaves two lines out.
            related.replica_sets = client.select("replicasets.apps", namespace, &selector).await.unwrap_or_default();
        }
        ("", "Service") => related.endpoint_slices = endpoint_slices(client, namespace, object.name()).await?,
        ("networking.k8s.io", "Ingress") => {
            for name in ingress::services(object) {
                let backend = backend(client, namespace, &name).await.map_err(|failure| failure.text());
                related.backends.insert(name, backend);
            }
        }
        ("", "PersistentVolumeClaim") => related.pods = Some(client.select("pods", namespace, "").await?),
        ("", "Namespace") => {
            related.quotas = client.select("resourcequotas", object.name(), "").await?;
            related.limit_ranges = client.select("limitranges", object.name(), "").await?;
        }
        ("", "Node") => node(client, object, &mut related).await?,
        // The object is all there is to say.
        _ => {}
    }
    Ok(related)
}

async fn endpoint_slices(client: &Client<'_>, namespace: &str, service: &str) -> Result<Vec<Value>> {
    client.select("endpointslices.discovery.k8s.io", namespace, &format!("kubernetes.io/service-name={service}")).await
}

async fn backend(client: &Client<'_>, namespace: &str, name: &str) -> Result<(Value, Vec<Value>)> {
    let slices = endpoint_slices(client, namespace, name).await?;
    Ok((client.fetch("services", namespace, name).await?, slices))
}

async fn node(client: &Client<'_>, node: &Value, related: &mut Related) -> Result {
    let name = node.name();
    let on_node = format!("spec.nodeName={name},status.phase!=Failed,status.phase!=Succeeded");
    related.pods = match list(client, "pods", "", on_node).await {
        Ok(pods) => Some(pods),
        Err(failure) if failure.is_reason("Forbidden") => None,
        Err(failure) => return Err(failure),
    };
    let slices = list(client, "resourceslices.resource.k8s.io", "", format!("spec.nodeName={name}")).await;
    related.resource_slices = slices.unwrap_or_default();
    let lease = client.fetch("leases.coordination.k8s.io", "kube-node-lease", name).await;
    related.lease = Some(lease.map_err(|failure| failure.text()));
    Ok(())
}

async fn list(client: &Client<'_>, word: &str, namespace: &str, field_selector: String) -> Result<Vec<Value>> {
    let mapping = client.mapping(word).await?;
    client.items(&mapping, namespace, &vec![("fieldSelector", field_selector)]).await
}

/// The events about the object. When they cannot be had, the page says there are none.
async fn events(client: &Client<'_>, mapping: &Mapping, object: &Value) -> Vec<Value> {
    let uid = match object.text("/metadata/annotations/kubernetes.io~1config.mirror") {
        // The kubelet speaks of a static pod by the hash of its manifest.
        mirror if !mirror.is_empty() && mapping.kind == "Pod" => mirror,
        _ => object.uid(),
    };
    let mut events = about(client, mapping, object, uid).await.unwrap_or_default();
    if (mapping.group.as_str(), mapping.kind.as_str()) == ("", "Node") {
        // Controllers speak of a node by its UID, its kubelet by its name.
        events.extend(about(client, mapping, object, object.name()).await.unwrap_or_default());
    }
    events
}

async fn about(client: &Client<'_>, mapping: &Mapping, object: &Value, uid: &str) -> Result<Vec<Value>, Failure> {
    let mut terms = vec![
        format!("involvedObject.name={}", object.name()),
        format!("involvedObject.namespace={}", object.namespace()),
    ];
    // A pod's events may be told under an older name of its kind.
    if mapping.kind != "Pod" {
        terms.insert(0, format!("involvedObject.kind={}", mapping.kind));
    }
    if !uid.is_empty() {
        terms.push(format!("involvedObject.uid={uid}"));
    }
    list(client, "events", object.namespace(), terms.join(",")).await
}
