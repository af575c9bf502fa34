//! Discovery: what this server serves, legacy and aggregated.
//!
//! Mirrors: apiserver/pkg/endpoints/discovery.

use api::order::Order;
use api::wire::{Request, Response};
use api::{Resource, Status};
use base64::Engine as _;
use serde_json::{Value, json};

use super::ApiServer;

impl ApiServer {
    pub(super) fn discovery(&self, request: &Request, segments: &[&str]) -> Result<Response, Status> {
        let aggregated = request
            .header("accept")
            .is_some_and(|accept| accept.contains("as=APIGroupDiscoveryList") && accept.contains("v=v2"));
        let response = match segments {
            ["api"] if aggregated => aggregated_list(&[("", self.group_versions(""))], self),
            ["apis"] if aggregated => {
                let groups: Vec<(&str, Vec<&str>)> =
                    self.groups().into_iter().map(|group| (group, self.group_versions(group))).collect();
                aggregated_list(&groups, self)
            }
            ["api"] => Response::json(
                200,
                json!({
                    "kind": "APIVersions",
                    "versions": ["v1"],
                    "serverAddressByClientCIDRs": [{ "clientCIDR": "0.0.0.0/0", "serverAddress": "10.0.0.2:6443" }],
                }),
            ),
            ["apis"] => {
                let groups: Vec<Value> = self.groups().into_iter().map(|group| self.api_group(group)).collect();
                Response::json(200, json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups }))
            }
            ["api", version] => Response::json(200, self.resource_list("", version)),
            ["apis", group] => {
                let mut value = self.api_group(group);
                value["kind"] = "APIGroup".into();
                value["apiVersion"] = "v1".into();
                Response::json(200, value)
            }
            ["apis", group, version] => Response::json(200, self.resource_list(group, version)),
            _ => Response::text(404, "404 page not found\n"),
        };
        Ok(response)
    }

    /// Named groups in discovery order.
    fn groups(&self) -> Vec<&str> {
        let mut groups: Vec<&str> = Vec::new();
        for resource in self.resources().filter(|r| !r.group.is_empty()) {
            if !groups.contains(&resource.group) {
                groups.push(resource.group);
            }
        }
        groups
    }

    fn group_versions(&self, group: &str) -> Vec<&str> {
        let mut versions: Vec<&str> = Vec::new();
        for resource in self.resources().filter(|r| r.group == group) {
            if !versions.contains(&resource.version) {
                versions.push(resource.version);
            }
        }
        versions
    }

    fn rows<'a>(&'a self, group: &'a str, version: &'a str) -> impl Iterator<Item = &'a Resource> {
        self.resources().filter(move |r| r.group == group && r.version == version)
    }

    fn api_group(&self, group: &str) -> Value {
        let versions: Vec<Value> = self
            .group_versions(group)
            .into_iter()
            .map(|version| json!({ "groupVersion": format!("{group}/{version}"), "version": version }))
            .collect();
        json!({ "name": group, "preferredVersion": versions.first(), "versions": versions })
    }

    fn resource_list(&self, group: &str, version: &str) -> Value {
        let mut list: Vec<Value> = Vec::new();
        for row in self.rows(group, version) {
            let mut entry = json!({
                "name": row.plural,
                "singularName": row.singular,
                "namespaced": row.namespaced,
                "kind": row.kind_name,
                "verbs": row.verbs,
            });
            if !row.short_names.is_empty() {
                entry["shortNames"] = json!(row.short_names);
            }
            if !row.categories.is_empty() {
                entry["categories"] = json!(row.categories);
            }
            if row.verbs.contains(&"list") && row.kind != api::Kind::ComponentStatus {
                entry["storageVersionHash"] = json!(self.storage_version_hash(row));
            }
            list.push(entry);
            for sub in row.subresources {
                let mut entry = json!({
                    "name": format!("{}/{}", row.plural, sub.name),
                    "singularName": "",
                    "namespaced": row.namespaced,
                    "kind": sub.kind,
                    "verbs": sub.verbs,
                });
                if !sub.group.is_empty() || !sub.version.is_empty() {
                    entry["group"] = sub.group.into();
                    entry["version"] = sub.version.into();
                }
                list.push(entry);
            }
        }
        list.order_by(|a, b| a["name"].as_str().cmp(&b["name"].as_str()));
        json!({
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": api::scheme::api_version(group, version),
            "resources": list,
        })
    }

    /// Tells clients when the version in which a kind is stored changes.
    fn storage_version_hash(&self, row: &Resource) -> String {
        let stored = self.resource_of(row.kind);
        let text = format!("{}/{}/{}", stored.group, stored.version, stored.kind_name);
        base64::engine::general_purpose::STANDARD.encode(&api::meta::hash::sha256(text.as_bytes())[..8])
    }

    pub(super) fn root_paths(&self) -> Value {
        let mut paths = vec!["/api".to_string(), "/api/v1".into(), "/apis".into(), "/apis/".into()];
        for group in self.groups() {
            paths.push(format!("/apis/{group}"));
            for version in self.group_versions(group) {
                paths.push(format!("/apis/{group}/{version}"));
            }
        }
        paths.extend(["/healthz", "/livez", "/metrics", "/openapi/v3", "/readyz", "/version"].map(String::from));
        paths.order();
        json!({ "paths": paths })
    }
}

fn aggregated_list(groups: &[(&str, Vec<&str>)], server: &ApiServer) -> Response {
    let items: Vec<Value> = groups
        .iter()
        .map(|(group, versions)| {
            let versions: Vec<Value> = versions
                .iter()
                .map(|version| {
                    let resources: Vec<Value> = server.rows(group, version).map(aggregated).collect();
                    json!({ "version": version, "resources": resources, "freshness": "Current" })
                })
                .collect();
            let metadata = if group.is_empty() { json!({}) } else { json!({ "name": group }) };
            json!({ "metadata": metadata, "versions": versions })
        })
        .collect();
    let body = json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    });
    let digest = api::meta::hash::sha256(body.to_string().as_bytes());
    let etag: String = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    let mut response = Response::json(200, body);
    response.headers.push(("etag".into(), format!("{etag:?}")));
    response
        .headers
        .push(("content-type".into(), "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList".into()));
    response
}

fn aggregated(row: &Resource) -> Value {
    let response_kind =
        |group: &str, version: &str, kind: &str| json!({ "group": group, "version": version, "kind": kind });
    let mut entry = json!({
        "resource": row.plural,
        "responseKind": response_kind("", "", row.kind_name),
        "scope": if row.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": row.singular,
        "verbs": row.verbs,
    });
    if !row.short_names.is_empty() {
        entry["shortNames"] = json!(row.short_names);
    }
    if !row.categories.is_empty() {
        entry["categories"] = json!(row.categories);
    }
    if !row.subresources.is_empty() {
        let subs: Vec<Value> = row
            .subresources
            .iter()
            .map(|sub| {
                json!({
                    "subresource": sub.name,
                    "responseKind": response_kind(sub.group, sub.version, sub.kind),
                    "verbs": sub.verbs,
                })
            })
            .collect();
        entry["subresources"] = json!(subs);
    }
    entry
}
