//! HTTP in, HTTP out: routes a request, negotiates content, and calls the typed operations.
//!
//! Mirrors: apiserver/pkg/endpoints (handlers, request, discovery).

mod authenticate;
mod authorize;
mod body;
mod escalate;
pub(super) mod list;
mod metrics;
pub(super) mod negotiate;
mod objects;
mod patch;
mod pods;
mod reviews;
pub(super) mod route;
mod scale;
mod special;
mod visit;

use std::collections::BTreeSet;

use api::order::Order;
use api::wire::{Body, Request, Response};
use api::{Kind, Resource, Status};

use super::audit::{AuditVerb, Level};
use super::{Answer, ApiServer, Identity};
use authorize::Attributes;
use route::{Route, Target};

pub use pods::PodProxy;
pub use visit::Visit;

impl ApiServer {
    /// Answers one request at the present instant.
    pub fn handle(&mut self, who: &Identity, mut request: Request) -> Answer {
        let recorded = self.audit.last();
        let mut answer = match self.respond(who, &mut request) {
            Ok(answer) => answer,
            Err(status) => Answer::Response(status.into()),
        };
        let code = match &answer {
            Answer::Response(response) => response.status,
            Answer::Proxy(_) | Answer::Visit(_) => 200,
        };
        self.count(&request, recorded, code);
        if let (Answer::Response(response), api::wire::Method::Head) = (&mut answer, request.method) {
            response.headers.push(("content-type".into(), "application/json".into()));
            response.body = Body::Empty;
        }
        if self.audit.level() == Level::Request {
            self.log_read(who, &request, &answer);
        }
        answer
    }

    /// Reads change nothing; only a log that keeps requests tells of them, and only of single objects.
    fn log_read(&mut self, who: &Identity, request: &Request, answer: &Answer) {
        let code = match answer {
            Answer::Response(response) => response.status,
            // A stream to a container is told where it is opened.
            Answer::Proxy(proxy) if proxy.subresource != "log" => return,
            Answer::Proxy(_) | Answer::Visit(_) => 200,
        };
        if request.method != api::wire::Method::Get || request.flag("watch") {
            return;
        }
        if let Route::Resource(target) = self.route(&request.path)
            && !target.name.is_empty()
        {
            let (namespace, name) = (&target.namespace, &target.name);
            self.record(
                who,
                AuditVerb::Get,
                target.resource.kind,
                target.subresource,
                namespace,
                name,
                code,
                String::new(),
            );
        }
    }

    fn respond(&mut self, who: &Identity, request: &mut Request) -> Result<Answer, Status> {
        let user = self.authenticate(who, request)?;
        if !user.is_master() {
            self.authorize(&user, &Attributes::of(request))?;
        }
        let target = match self.route(&request.path) {
            Route::Watch(target) => return self.open_watch(request, &target).map(Answer::Response),
            Route::Resource(target) => target,
            Route::NonResource => return Ok(Answer::Response(self.non_resource(request)?)),
            Route::UnknownPath => return Ok(Answer::Response(Response::text(404, "404 page not found\n"))),
            Route::UnknownResource => return Err(no_such_resource()),
        };
        if !is_routed(request, &target) {
            return Err(method_not_allowed());
        }
        check_accept(request)?;
        if !target.subresource.is_empty() {
            return self.subresource(who, request, &target);
        }
        use api::wire::Method::{Delete, Get, Head, Options, Patch, Post, Put};
        if special::is_review(target.resource.kind) && request.method == Post && target.name.is_empty() {
            return self.review(who, &user, request, &target).map(Answer::Response);
        }
        let named = !target.name.is_empty();
        let verb = match (request.method, named) {
            (Get, true) => "get",
            (Get, false) if request.flag("watch") => "watch",
            (Get, false) => "list",
            (Post, false) if !target.resource.namespaced || !target.namespace.is_empty() => "create",
            (Put, true) => "update",
            (Patch, true) => "patch",
            (Delete, true) => "delete",
            (Delete, false) => "deletecollection",
            (Post, _) | (Put | Patch, false) | (Head | Options, _) => "",
        };
        if !target.resource.verbs.contains(&verb) {
            return Err(method_not_allowed());
        }
        if matches!(target.resource.kind, Kind::NodeMetrics | Kind::PodMetrics) {
            return self.measured(request, &target).map(Answer::Response);
        }
        if !user.is_master() && matches!(verb, "create" | "update") {
            self.check_escalation(&user, request, &target)?;
        }
        let response = match verb {
            "get" => self.get(request, &target),
            "list" => self.list(request, &target),
            "watch" => self.open_watch(request, &target),
            "create" => self.post(who, request, &target),
            "update" => self.put(who, request, &target),
            "patch" => self.patch(who, request, &target),
            "delete" => self.delete_one(who, request, &target),
            _ => self.delete_many(who, request, &target),
        }
        // Refusals are answers, too: they carry the warnings that any use of the kind brings.
        .unwrap_or_else(Response::from);
        let warning = api::validation::deprecation(target.resource.kind).map(str::to_string);
        Ok(Answer::Response(with_warnings(response, warning.as_slice())))
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
        self.resources()
            .find(|r| r.group == group && r.version == version && r.kind_name == kind_name)
            .map(|resource| resource.kind)
    }

    /// Every served row, built-in ones first.
    pub(super) fn resources(&self) -> impl Iterator<Item = &Resource> {
        let metrics: &[Resource] = if self.metrics.is_some() { api::scheme::METRICS } else { &[] };
        let custom = self.custom.iter().flat_map(|custom| &custom.versions).map(|version| &version.resource);
        api::scheme::RESOURCES.iter().chain(metrics).chain(custom)
    }

    /// Every kind that can be stored, built-in and custom.
    pub fn stored_kinds(&self) -> Vec<Kind> {
        let mut kinds: Vec<Kind> = self.resources().filter(|r| r.verbs.contains(&"watch")).map(|r| r.kind).collect();
        kinds.order();
        kinds.dedup();
        kinds
    }

    fn subresource(&mut self, who: &Identity, request: &mut Request, target: &Target) -> Result<Answer, Status> {
        if target.resource.kind == Kind::Pod && matches!(target.subresource, "log" | "exec" | "attach" | "portforward")
        {
            return self.pod_proxy(who, request, target);
        }
        if target.subresource == "proxy" && matches!(target.resource.kind, Kind::Pod | Kind::Service) {
            return self.visit(request, target);
        }
        self.special(who, request, target).map(Answer::Response)
    }
}

/// 404 for a resource this server has never heard of.
fn no_such_resource() -> Status {
    let mut status = Status::failure(404, "NotFound", "the server could not find the requested resource");
    status.details = Some(Default::default());
    status
}

/// 405 for a verb the resource does not have.
fn method_not_allowed() -> Status {
    let mut status =
        Status::failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
    status.details = Some(Default::default());
    status
}

/// Whether the path has this method at all, whatever the media types.
fn is_routed(request: &Request, target: &Target) -> bool {
    use api::wire::Method::{Delete, Get, Head, Options, Patch, Post, Put};
    match request.method {
        Head | Options => false,
        Get | Post | Delete => true,
        Put | Patch => !target.name.is_empty(),
    }
}

/// 406 for a client that takes nothing the routes produce.
///
/// # Errors
/// The router's own words, before any handler sees the request.
fn check_accept(request: &Request) -> Result<(), Status> {
    let accept = request.header("accept").unwrap_or("*/*");
    let takes = |offer: &str| {
        let media = offer.split(';').next().unwrap_or_default().trim();
        matches!(media, "" | "*/*" | "application/*" | "application/json" | "application/yaml")
            || media == "application/vnd.kubernetes.protobuf"
    };
    if accept.split(',').any(takes) {
        return Ok(());
    }
    let text = "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf";
    let mut status = Status::failure(406, "NotAcceptable", text);
    status.details = Some(Default::default());
    Err(status)
}

/// How many letters of warnings are sent, and how many of each where they would be more.
const MOST_LETTERS: usize = 4 * 1024;
const LETTERS_OF_EACH: usize = 256;

/// The response with `Warning` headers, each text once; they are cut short where they are too much.
///
/// Mirrors: apiserver/pkg/endpoints/filters/warning.go.
fn with_warnings(mut response: Response, warnings: &[String]) -> Response {
    let (mut seen, mut texts, mut letters, mut short) = (BTreeSet::new(), Vec::new(), 0, 0);
    for warning in warnings.iter().filter(|text| !text.is_empty()) {
        // When all that fits was found, what is left is not even looked at.
        if letters > MOST_LETTERS && short >= MOST_LETTERS {
            break;
        }
        if seen.insert(warning.as_str()) {
            let count = warning.chars().count();
            (letters, short) = (letters + count, short + count.min(LETTERS_OF_EACH));
            texts.push(warning);
        }
    }
    let cut = letters > MOST_LETTERS;
    let mut written = 0;
    for text in texts {
        if cut && written >= MOST_LETTERS {
            break;
        }
        let text: String = if cut { text.chars().take(LETTERS_OF_EACH).collect() } else { text.clone() };
        written += text.chars().count();
        response.headers.push(("warning".into(), text));
    }
    response
}

/// The request's body as text, for bodies that are not JSON trees yet.
fn body_text(body: &Body) -> String {
    match body {
        Body::Empty | Body::Stream(_) => String::new(),
        Body::Json(value) => value.to_string(),
        Body::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

#[cfg(test)]
mod tests;
