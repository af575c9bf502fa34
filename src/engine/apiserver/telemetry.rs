//! What the API server says of itself: requests it answered, objects it keeps; and of the components beside it.
//!
//! Mirrors: apiserver/pkg/endpoints/metrics, apiserver/pkg/storage/etcd3/metrics, pkg/registry/core/componentstatus.
//! Left out: everything that measures a machine (durations, sizes, memory), and reads by components, which
//! in the simulation need no request.

use api::wire::{Method, Request, Response};
use api::{Kind, Object};
use imbl::OrdMap;
use serde_json::json;

use super::ApiServer;
use super::audit::{Audit, AuditVerb};
use super::handler::route::Route;
use super::storage::Stored;

/// One row of `apiserver_request_total`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    code: u16,
    dry_run: bool,
    kind: Option<Kind>,
    scope: &'static str,
    subresource: &'static str,
    verb: &'static str,
}

/// Requests answered so far. A persistent map: checkpoints share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Requests(OrdMap<Row, u64>);

/// A component beside the API server, and what its health port answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    pub name: &'static str,
    /// What went wrong; nothing when it is well.
    pub trouble: Option<String>,
}

/// What a request is about, as a metric names it.
struct Asked {
    /// `None` for health checks.
    kind: Option<Kind>,
    scope: &'static str,
    subresource: &'static str,
    verb: &'static str,
}

impl Requests {
    fn count(&mut self, row: Row) {
        *self.0.entry(row).or_default() += 1;
    }

    /// A write, whoever asked for it.
    pub fn recorded(&mut self, entry: &Audit) {
        let verb = match entry.verb {
            AuditVerb::Create => "POST",
            AuditVerb::Update => "PUT",
            AuditVerb::Patch => "PATCH",
            AuditVerb::Delete => "DELETE",
            AuditVerb::DeleteCollection => "DELETECOLLECTION",
            // Counted as they were answered, whether a log keeps them or not.
            AuditVerb::Get | AuditVerb::List | AuditVerb::Watch => return,
            AuditVerb::Connect => "CONNECT",
        };
        let (code, subresource) = (entry.code, entry.subresource);
        self.count(Row { code, dry_run: false, kind: Some(entry.kind), scope: "resource", subresource, verb });
    }

    /// Any other request, of a client outside.
    fn answered(&mut self, asked: &Asked, request: &Request, code: u16) {
        let dry_run = request.params("dryRun").any(|value| value == "All");
        let Asked { kind, scope, subresource, verb } = *asked;
        self.count(Row { code, dry_run, kind, scope, subresource, verb });
    }
}

impl ApiServer {
    /// Counts a request, unless its write has been counted as it was recorded.
    pub(super) fn count(&mut self, request: &Request, before: u64, code: u16) {
        if self.audit.last() == before
            && let Some(asked) = self.asked(request)
        {
            self.requests.answered(&asked, request, code);
        }
    }

    /// What a request is about; nothing for paths that no metric names.
    fn asked(&self, request: &Request) -> Option<Asked> {
        match self.route(&request.path) {
            Route::Resource(target) | Route::Watch(target) => {
                let named = !target.name.is_empty();
                let scope = match (named || request.method == Method::Post, target.namespace.is_empty()) {
                    (true, _) => "resource",
                    (false, false) => "namespace",
                    (false, true) => "cluster",
                };
                let verb = verb(request.method, named, request.flag("watch"));
                Some(Asked { kind: Some(target.resource.kind), scope, subresource: target.subresource, verb })
            }
            Route::NonResource => {
                let known = ["/healthz", "/livez", "/readyz"];
                let subresource = known.into_iter().find(|known| *known == request.path)?;
                Some(Asked { kind: None, scope: "", subresource, verb: request.method.as_str() })
            }
            Route::UnknownPath | Route::UnknownResource => None,
        }
    }

    /// `/metrics`, in Prometheus' text form.
    pub(super) fn telemetry(&self) -> Response {
        let mut text = String::from(
            "# HELP apiserver_request_total [STABLE] Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.\n# TYPE apiserver_request_total counter\n",
        );
        for (row, count) in &self.requests.0 {
            let resource = row.kind.map(|kind| self.resource_of(kind));
            let (group, name, version) =
                resource.map_or(("", "", ""), |found| (found.group, found.plural, found.version));
            let component = if row.kind.is_some() { "apiserver" } else { "" };
            let dry_run = if row.dry_run { "All" } else { "" };
            let Row { code, scope, subresource, verb, .. } = row;
            text.push_str(&format!(
                "apiserver_request_total{{code=\"{code}\",component=\"{component}\",dry_run=\"{dry_run}\",group=\"{group}\",resource=\"{name}\",scope=\"{scope}\",subresource=\"{subresource}\",verb=\"{verb}\",version=\"{version}\"}} {count}\n"
            ));
        }
        text.push_str(
            "# HELP apiserver_resource_objects [ALPHA] Number of stored objects at the time of last check split by kind. In case of a fetching error, the value will be -1.\n# TYPE apiserver_resource_objects gauge\n",
        );
        for kind in self.stored_kinds() {
            let (resource, count) = (self.resource_of(kind), self.read_all(kind, "").count());
            text.push_str(&format!(
                "apiserver_resource_objects{{group=\"{}\",resource=\"{}\"}} {count}\n",
                resource.group, resource.plural
            ));
        }
        let mut response = Response::text(200, text);
        response.headers = vec![("content-type".into(), "text/plain; version=0.0.4; charset=utf-8".into())];
        response
    }

    /// Takes note of how the components beside it are.
    pub fn examine(&mut self, health: Vec<Health>) {
        self.health = health;
    }

    /// The component statuses: computed, never stored.
    pub(super) fn component_statuses(&self) -> impl Iterator<Item = Stored> {
        self.health.iter().filter_map(|Health { name, trouble }| {
            let (status, message) = match trouble {
                None => ("True", "ok"),
                Some(trouble) => ("False", trouble.as_str()),
            };
            let value = json!({
                "kind": "ComponentStatus", "apiVersion": "v1", "metadata": { "name": name },
                "conditions": [{ "type": "Healthy", "status": status, "message": message }],
            });
            let object = Object::from_value(Kind::ComponentStatus, value).ok()?;
            Some(Stored::new(object, super::storage::Ownership::default()))
        })
    }

    /// `/healthz` and its like: `ok`, or each check by name.
    pub(super) fn health_checks(&self, request: &Request, path: &[&str]) -> Response {
        let known: &[&str] = &["ping", "log", "etcd"];
        match path {
            [_] if request.param("verbose").is_none() => Response::text(200, "ok"),
            [name] => {
                let checks: String = known.iter().map(|check| format!("[+]{check} ok\n")).collect();
                Response::text(200, format!("{checks}{name} check passed\n"))
            }
            [_, check] if known.contains(check) => Response::text(200, "ok"),
            _ => Response::text(404, "404 page not found\n"),
        }
    }
}

/// The verb of a request that nobody records, as a metric names it.
fn verb(method: Method, named: bool, watches: bool) -> &'static str {
    match method {
        Method::Get if watches => "WATCH",
        Method::Get if named => "GET",
        Method::Get => "LIST",
        Method::Delete if !named => "DELETECOLLECTION",
        Method::Post | Method::Put | Method::Patch | Method::Delete | Method::Head | Method::Options => method.as_str(),
    }
}
