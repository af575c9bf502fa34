//! Requests with names: get, list, create, patch, delete, watch. Adds what every request carries.
//!
//! Prints the server's warnings, turns refusals into [`Failure`]s, fetches discovery once per cluster.

use std::rc::Rc;

use api::wire::{Body, Method, Request, Response, StreamId, WITHOUT_OWNERS};
use serde_json::{Value, json};

use crate::coroutine::Cx;
use crate::discovery::{Discovery, Mapping};
use crate::failure::{Failure, Result, check};
use crate::flags::Args;
use crate::kubeconfig::{self, Kubeconfig};

const DISCOVERY: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
pub const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

/// Asks for this form. Nobody reads field owners from a table that is printed.
pub fn accepting(request: Request, accept: &str) -> Request {
    let request = request.with_header("accept", accept);
    if accept == TABLE { request.with_header(WITHOUT_OWNERS, "true") } else { request }
}

/// Whether and how a write is only tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DryRun {
    None,
    Client,
    Server,
}

impl DryRun {
    /// Behind a success message.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Client => " (dry run)",
            Self::Server => " (server dry run)",
        }
    }
}

pub struct Client<'a> {
    pub cx: &'a Cx,
    pub namespace: String,
    /// The namespace was named on the command line.
    pub explicit: bool,
    pub kubeconfig: Kubeconfig,
    impersonate: Vec<(String, String)>,
    /// Where nobody listens, if the context leads there.
    unreachable: Option<String>,
}

/// The patch formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchType {
    Json,
    Merge,
    Strategic,
    Apply,
}

impl PatchType {
    fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json-patch+json",
            Self::Merge => "application/merge-patch+json",
            Self::Strategic => "application/strategic-merge-patch+json",
            Self::Apply => "application/apply-patch+yaml",
        }
    }
}

/// Query pairs of a write.
pub type Query = Vec<(&'static str, String)>;

impl<'a> Client<'a> {
    pub fn new(cx: &'a Cx, args: &Args) -> Result<Self> {
        let kubeconfig = kubeconfig(cx, args);
        let context = args.text("context");
        check_globals(args, &kubeconfig)?;
        let explicit = !args.text("namespace").is_empty();
        let namespace = if explicit { args.text("namespace").to_string() } else { kubeconfig.namespace(context) };
        let mut impersonate = Vec::new();
        if !args.text("as").is_empty() {
            impersonate.push(("impersonate-user".to_string(), args.text("as").to_string()));
        }
        impersonate.extend(args.list("as-group").iter().map(|group| ("impersonate-group".to_string(), group.clone())));
        let unreachable = kubeconfig.unreachable(context, args.global("cluster")).map(str::to_owned);
        Ok(Self { cx, namespace, explicit, kubeconfig, impersonate, unreachable })
    }

    /// Sends a request; refusals become failures.
    pub async fn call(&self, request: Request) -> Result<Response> {
        if let Some(host) = &self.unreachable {
            return Err(Failure::Bare(kubeconfig::refused(host)));
        }
        let response = self.answer(request).await;
        check(&response)?;
        Ok(response)
    }

    async fn answer(&self, mut request: Request) -> Response {
        request.headers.extend(self.impersonate.iter().cloned());
        if request.header("accept").is_none() {
            request.headers.push(("accept".into(), "application/json".into()));
        }
        request.headers.push(("user-agent".into(), "kubectl/v1.36.2 (linux/amd64) kubernetes".into()));
        let response = self.cx.send(request).await;
        for warning in response.warnings() {
            self.cx.warn(warning);
        }
        response
    }

    async fn value(&self, request: Request) -> Result<Value> {
        Ok(match self.call(request).await?.body {
            Body::Json(value) => value.into_tree(),
            Body::Empty | Body::Bytes(_) | Body::Stream(_) => Value::Null,
        })
    }

    /// What the server serves; asked once per cluster.
    pub async fn discovery(&self) -> Result<Rc<Discovery>> {
        let cached = self.cx.env.session.borrow().discovery.clone();
        match cached {
            Some(discovery) => Ok(discovery),
            None => self.rediscover().await,
        }
    }

    /// Asks anew: custom resources may have come since.
    pub async fn rediscover(&self) -> Result<Rc<Discovery>> {
        let fetch = |path: &str| Request::get(path).with_header("accept", DISCOVERY);
        let core = self.value(fetch("/api")).await?;
        let groups = self.value(fetch("/apis")).await?;
        let discovery = Rc::new(Discovery::from_documents(&core, &groups));
        self.cx.env.session.borrow_mut().discovery = Some(discovery.clone());
        Ok(discovery)
    }

    /// The resource a word means.
    pub async fn mapping(&self, word: &str) -> Result<Rc<Mapping>> {
        let discovery = self.discovery().await?;
        if let Ok(found) = discovery.find(word) {
            if let Some(other) = discovery.also(word, &found) {
                self.cx.warn(&format!(
                    "short name {word:?} could also match lower priority resource {}",
                    other.group_resource()
                ));
            }
            return Ok(found);
        }
        self.rediscover()
            .await?
            .find(word)
            .map_err(|name| Failure::plain(format!("the server doesn't have a resource type {name:?}")))
    }

    /// The mapping of an object's `apiVersion` and `kind`.
    pub async fn mapping_of_kind(&self, api_version: &str, kind: &str) -> Result<Option<Rc<Mapping>>> {
        let (group, version) = api::scheme::split_api_version(api_version);
        if let Some(found) = self.discovery().await?.by_kind(group, Some(version), kind) {
            return Ok(Some(found));
        }
        Ok(self.rediscover().await?.by_kind(group, Some(version), kind))
    }

    pub async fn get(&self, mapping: &Mapping, namespace: &str, name: &str) -> Result<Value> {
        self.get_sub(mapping, namespace, name, "").await
    }

    pub async fn get_sub(&self, mapping: &Mapping, namespace: &str, name: &str, subresource: &str) -> Result<Value> {
        self.value(Request::get(object_path(mapping, namespace, name, subresource)?)).await
    }

    /// One object of a well-known resource, by its word.
    pub async fn fetch(&self, word: &str, namespace: &str, name: &str) -> Result<Value> {
        let mapping = self.mapping(word).await?;
        self.get(&mapping, namespace, name).await
    }

    /// All pages of a list. `query` holds selectors; `accept` may ask for a Table.
    pub async fn list(&self, mapping: &Mapping, namespace: &str, query: &Query, accept: &str) -> Result<Value> {
        let mut whole = Value::Null;
        let mut token = String::new();
        loop {
            let mut request = accepting(Request::get(mapping.path(namespace)), accept);
            for (key, value) in query {
                request = request.with_query(key, value.clone());
            }
            if !query.iter().any(|(key, _)| *key == "limit") {
                request = request.with_query("limit", "500");
            }
            if !token.is_empty() {
                request = request.with_query("continue", token.clone());
            }
            let mut page = self.value(request).await?;
            token = page.pointer("/metadata/continue").and_then(Value::as_str).unwrap_or_default().to_string();
            if whole.is_null() {
                whole = page;
            } else {
                for key in ["items", "rows"] {
                    if let Some(more) = page.get_mut(key).and_then(Value::as_array_mut)
                        && let Some(all) = whole.get_mut(key).and_then(Value::as_array_mut)
                    {
                        all.append(more);
                    }
                }
            }
            if token.is_empty() {
                return Ok(whole);
            }
        }
    }

    /// The items of a list, each with its `apiVersion` and `kind`.
    pub async fn items(&self, mapping: &Mapping, namespace: &str, query: &Query) -> Result<Vec<Value>> {
        let list = self.list(mapping, namespace, query, "application/json").await?;
        Ok(items_of(list))
    }

    /// The items of a well-known resource with a label selector.
    pub async fn select(&self, word: &str, namespace: &str, selector: &str) -> Result<Vec<Value>> {
        let mapping = self.mapping(word).await?;
        let query = if selector.is_empty() { vec![] } else { vec![("labelSelector", selector.to_string())] };
        self.items(&mapping, namespace, &query).await
    }

    pub async fn create(&self, mapping: &Mapping, namespace: &str, object: &Value, query: Query) -> Result<Value> {
        self.value(with(Request::new(Method::Post, mapping.path(namespace)), query).with_json(object.clone())).await
    }

    pub async fn replace(
        &self,
        mapping: &Mapping,
        namespace: &str,
        name: &str,
        subresource: &str,
        object: &Value,
        query: Query,
    ) -> Result<Value> {
        let path = object_path(mapping, namespace, name, subresource)?;
        self.value(with(Request::new(Method::Put, path), query).with_json(object.clone())).await
    }

    pub async fn patch(
        &self,
        mapping: &Mapping,
        namespace: &str,
        name: &str,
        (kind, patch): (PatchType, &Value),
        query: Query,
    ) -> Result<Value> {
        self.patch_sub(mapping, namespace, name, "", (kind, Body::Json(patch.clone().into())), query).await
    }

    pub async fn patch_sub(
        &self,
        mapping: &Mapping,
        namespace: &str,
        name: &str,
        subresource: &str,
        (kind, body): (PatchType, Body),
        query: Query,
    ) -> Result<Value> {
        let path = object_path(mapping, namespace, name, subresource)?;
        let mut request =
            with(Request::new(Method::Patch, path), query).with_header("content-type", kind.content_type());
        request.body = body;
        self.value(request).await
    }

    pub async fn delete(&self, mapping: &Mapping, namespace: &str, name: &str, options: &Value) -> Result<Value> {
        let path = object_path(mapping, namespace, name, "")?;
        self.value(Request::new(Method::Delete, path).with_json(options.clone())).await
    }

    /// Posts to any path: subresources such as eviction and token.
    pub async fn post(&self, path: String, body: Value, query: Query) -> Result<Value> {
        self.value(with(Request::new(Method::Post, path), query).with_json(body)).await
    }

    /// Opens a watch on a collection.
    pub async fn watch(&self, mapping: &Mapping, namespace: &str, query: &Query, accept: &str) -> Result<StreamId> {
        let mut request = accepting(Request::get(mapping.path(namespace)), accept).with_query("watch", "true");
        for (key, value) in query {
            request = request.with_query(key, value.clone());
        }
        self.stream(request).await
    }

    /// A request whose answer is a stream.
    pub async fn stream(&self, request: Request) -> Result<StreamId> {
        stream_of(self.call(request).await?)
    }

    /// A stream in both directions: exec, attach, port-forward.
    ///
    /// Mirrors: client-go/transport/spdy: a refusal loses its Status, except where permission is missing,
    /// and a kubelet's has none.
    ///
    /// # Errors
    /// The connection is not upgraded.
    pub async fn upgrade(&self, request: Request) -> Result<StreamId> {
        let response = self.answer(request).await;
        let text = match &response.body {
            Body::Bytes(bytes) => String::from_utf8_lossy(bytes).trim().to_owned(),
            Body::Empty | Body::Json(_) | Body::Stream(_) => String::new(),
        };
        match check(&response) {
            Ok(()) => stream_of(response),
            Err(Failure::Api(_)) if !text.is_empty() => {
                Err(Failure::plain(format!("unable to upgrade connection: {text}")))
            }
            Err(Failure::Api(status)) if matches!(status.reason.as_str(), "Forbidden" | "Unauthorized") => {
                Err(Failure::Api(status))
            }
            Err(failure @ Failure::Api(_)) => Err(failure.wrapped("unable to upgrade connection: ")),
            Err(failure) => Err(failure),
        }
    }
}

fn stream_of(response: Response) -> Result<StreamId> {
    match response.body {
        Body::Stream(stream) => Ok(stream),
        Body::Empty | Body::Json(_) | Body::Bytes(_) => Err(Failure::plain("the server did not open a stream")),
    }
}

/// The configuration a command uses; `--kubeconfig` names another one.
pub fn kubeconfig(cx: &Cx, args: &Args) -> Kubeconfig {
    match args.text("kubeconfig") {
        "" => cx.env.session.borrow().kubeconfig.clone(),
        file if file.ends_with(".kube/config") => cx.env.session.borrow().kubeconfig.clone(),
        _ => Kubeconfig::empty(),
    }
}

/// The flags that every verb takes, as the client's configuration judges them.
fn check_globals(args: &Args, kubeconfig: &Kubeconfig) -> Result {
    let fail = |why: String| Err(Failure::plain(why));
    let text = |long: &str| args.global(long).to_string();
    let (context, cluster, user) = (text("context"), text("cluster"), text("user"));
    let named = if context.is_empty() { &kubeconfig.current } else { &context };
    if !named.is_empty() && !kubeconfig.contexts.contains_key(named) {
        return Err(Failure::Bare(format!(
            "Error in configuration: context was not found for specified context: {named}"
        )));
    }
    if !cluster.is_empty() && !kubeconfig.clusters.contains_key(&cluster) {
        return fail(format!("no server found for cluster {cluster:?}"));
    }
    if !user.is_empty() && !kubeconfig.users.contains_key(&user) {
        return fail(format!("auth info {user:?} does not exist"));
    }
    if args.text("as").is_empty() && !args.list("as-group").is_empty() {
        return fail(format!(
            "requesting uid, groups or user-extra for {} without impersonating a user",
            kubeconfig.of_context(&context, "user")
        ));
    }
    let authority = text("certificate-authority");
    if !authority.is_empty() {
        return fail(format!(
            "unable to read certificate-authority {authority} for {} due to open {authority}: no such file or directory",
            kubeconfig.of_context(&context, "cluster")
        ));
    }
    if timeout(args).is_none() {
        return fail("Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a corresponding time unit (e.g. 1s | 2m | 3h)".into());
    }
    Ok(())
}

/// `--request-timeout` in milliseconds: whole seconds, or a duration; `None` for what is neither.
pub fn timeout(args: &Args) -> Option<i64> {
    let text = args.text("request-timeout");
    match text.parse::<i64>() {
        Ok(seconds) if seconds >= 0 => Some(seconds.saturating_mul(1000)),
        _ => crate::duration::parse(text).ok(),
    }
}

/// The items of a list; what the list says once (`PodList`) is put on each item.
pub fn items_of(mut list: Value) -> Vec<Value> {
    let api_version = list.get("apiVersion").cloned().unwrap_or(Value::Null);
    let kind = list.get("kind").and_then(Value::as_str).and_then(|kind| kind.strip_suffix("List")).map(String::from);
    let mut items = match list.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    for item in &mut items {
        if let Some(map) = item.as_object_mut()
            && let Some(kind) = kind.as_deref().filter(|kind| !kind.is_empty())
        {
            map.entry("apiVersion").or_insert_with(|| api_version.clone());
            map.entry("kind").or_insert_with(|| json!(kind));
        }
    }
    items
}

fn object_path(mapping: &Mapping, namespace: &str, name: &str, subresource: &str) -> Result<String> {
    if name.is_empty() {
        return Err(Failure::plain("resource name may not be empty"));
    }
    if mapping.namespaced && namespace.is_empty() {
        return Err(Failure::plain("an empty namespace may not be set when a resource name is provided"));
    }
    let path = mapping.object_path(namespace, name);
    Ok(if subresource.is_empty() { path } else { format!("{path}/{subresource}") })
}

fn with(mut request: Request, query: Query) -> Request {
    for (key, value) in query {
        request = request.with_query(key, value);
    }
    request
}
