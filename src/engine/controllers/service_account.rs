//! ServiceAccounts and the root CA: every namespace gets its `default` account and `kube-root-ca.crt`.
//!
//! Pods need both before the first of them can run, and whoever deletes or changes one finds it made anew.
//! Mirrors: pkg/controller/serviceaccount/serviceaccounts_controller.go,
//! pkg/controller/certificates/rootcacertpublisher. Left out: token Secrets of long ago and their cleaner.

use std::collections::BTreeMap;

use api::k8s_openapi::api::core::v1::{ConfigMap, Namespace, ServiceAccount};
use api::{Kind, Status};

use super::{Controller, Outcome};
use crate::client::{Change, Context, Revision, WorkQueue};

#[derive(Clone, Default)]
pub struct ServiceAccounts;

const ROOT_CA: &str = "kube-root-ca.crt";

impl Controller for ServiceAccounts {
    fn name(&self) -> &'static str {
        "serviceaccount-controller"
    }

    fn observe(&mut self, news: &Revision, cx: &mut Context, queue: &mut WorkQueue) {
        let stays = |name: &str| {
            cx.api.get::<Namespace>("", name).is_some_and(|home| home.metadata.deletion_timestamp.is_none())
        };
        match news.key.kind {
            Kind::Namespace if news.change != Change::Deleted && stays(&news.key.name) => {
                queue.add(news.key.name.to_string());
            }
            Kind::ServiceAccount if &*news.key.name == "default" && stays(&news.key.namespace) => {
                queue.add(news.key.namespace.to_string());
            }
            Kind::ConfigMap if &*news.key.name == ROOT_CA => queue.add(news.key.namespace.to_string()),
            // Nothing else brings the two objects into being or away.
            _ => {}
        }
    }

    fn resync(&mut self, cx: &mut Context, queue: &mut WorkQueue) {
        for namespace in cx.api.list::<Namespace>("") {
            queue.add(namespace.metadata.name.clone().unwrap_or_default());
        }
    }

    fn reconcile(&mut self, namespace: &str, cx: &mut Context) -> Result<Outcome, Status> {
        let Some(home) = cx.api.get::<Namespace>("", namespace) else { return Ok(Outcome::Done) };
        let leaving = home.metadata.deletion_timestamp.is_some();
        if !leaving && cx.api.get::<ServiceAccount>(namespace, "default").is_none() {
            let mut account = ServiceAccount::default();
            account.metadata.name = Some("default".into());
            account.metadata.namespace = Some(namespace.into());
            cx.api.create(account)?;
        }
        let bundle: BTreeMap<String, String> = [("ca.crt".to_string(), ca_bundle())].into();
        match cx.api.get::<ConfigMap>(namespace, ROOT_CA) {
            None => {
                let mut map = ConfigMap { data: Some(bundle), ..ConfigMap::default() };
                map.metadata.name = Some(ROOT_CA.into());
                map.metadata.namespace = Some(namespace.into());
                let about = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";
                map.metadata.annotations = Some([("kubernetes.io/description".to_string(), about.to_string())].into());
                match cx.api.create(map) {
                    // The publisher only learns by the refusal that the namespace is leaving.
                    Err(status) if !leaving => return Err(status),
                    Ok(_) | Err(_) => {}
                }
            }
            Some(map) if map.data.as_ref() != Some(&bundle) => {
                cx.api.change::<ConfigMap>(namespace, ROOT_CA, "", |map| map.data = Some(bundle))?;
            }
            Some(_) => {}
        }
        Ok(Outcome::Done)
    }
}

/// A certificate in shape only: nothing in the simulation verifies it.
fn ca_bundle() -> String {
    "-----BEGIN CERTIFICATE-----\nUGlsb3Rob3VzZSBzaW11bGF0ZXMgdGhpcyBjZXJ0aWZpY2F0ZSBhdXRob3JpdHku\n-----END CERTIFICATE-----\n".into()
}
