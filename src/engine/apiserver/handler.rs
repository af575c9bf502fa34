//! HTTP in, HTTP out: routes a request, negotiates content, and calls the typed operations.

use api::wire::{Request, Response};
use api::{Kind, Resource};

use super::{Answer, ApiServer, Identity};

/// A checked request that a kubelet must answer.
#[derive(Debug, Clone, PartialEq)]
pub struct PodProxy {
    /// `log`, `exec`, `attach` or `portforward`.
    pub subresource: &'static str,
    pub namespace: String,
    pub pod: String,
    pub node: String,
    /// Empty for portforward.
    pub container: String,
    pub request: Request,
}

impl ApiServer {
    /// Answers one request at the present instant.
    pub fn handle(&mut self, _who: &Identity, _request: Request) -> Answer {
        Answer::Response(Response::text(404, "404 page not found"))
    }

    /// The row of any kind this server serves, custom ones included.
    pub fn resource_of(&self, kind: Kind) -> Resource {
        match kind {
            Kind::Custom(number) => self.custom[usize::from(number)].resource,
            built_in => *built_in.resource().expect("the scheme has a row for each built-in kind"),
        }
    }

    /// The kind behind an apiVersion and a kind, as owner references name it.
    pub fn kind_of(&self, api_version: &str, kind_name: &str) -> Option<Kind> {
        let (group, version) = api::scheme::split_api_version(api_version);
        api::scheme::by_gvk(group, version, kind_name).map(|resource| resource.kind).or_else(|| {
            self.custom
                .iter()
                .map(|custom| &custom.resource)
                .find(|r| r.group == group && r.version == version && r.kind_name == kind_name)
                .map(|resource| resource.kind)
        })
    }

    /// Every kind that can be stored, built-in and custom.
    pub fn stored_kinds(&self) -> Vec<Kind> {
        let mut kinds: Vec<Kind> =
            api::scheme::RESOURCES.iter().filter(|r| r.verbs.contains(&"list")).map(|r| r.kind).collect();
        kinds.extend(self.custom.iter().map(|custom| custom.resource.kind));
        kinds.sort();
        kinds.dedup();
        kinds
    }
}
