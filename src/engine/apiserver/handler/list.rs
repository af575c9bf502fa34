//! Reading: one object, a list (selected, paged, at a version), and opening a watch.
//!
//! Mirrors: apiserver/pkg/endpoints/handlers/get.go, apimachinery/pkg/apis/meta/internalversion/validation.

use api::meta::selector::Selector;
use api::validation::field::{ErrorList, FieldError, Path};
use api::wire::{Json, Request, Response};
use api::{Kind, Object, Status};
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD as BASE64};
use base64::{DecodeError, Engine as _, alphabet};
use serde_json::{Value, json};

use super::negotiate::{Shape, is_storage, names_owners, partial, tree, unwritten};
use super::route::Target;
use crate::apiserver::storage::{Key, Store, Stored};
use crate::apiserver::{ApiServer, managed, registry};

/// What a list or watch selects.
#[derive(Debug, Clone)]
pub(in crate::apiserver) struct Selection {
    labels: Selector,
    /// field, value, must be equal
    fields: Vec<(String, String, bool)>,
}

impl Selection {
    /// # Errors
    /// 400 for a selector that does not parse or a field this kind cannot be selected by.
    pub fn of(request: &Request, target: &Target) -> Result<Self, Status> {
        let text = request.param("labelSelector").unwrap_or_default();
        let labels = Selector::parse(text).map_err(Status::bad_request)?;
        let fields = parse_fields(request.param("fieldSelector").unwrap_or_default())?;
        let known = registry::selectable(target.resource.kind);
        for (field, ..) in &fields {
            if !known.contains(&field.as_str()) {
                return Err(Status::bad_request(registry::not_selectable(target.resource.kind, field)));
            }
        }
        Ok(Self { labels, fields })
    }

    /// Only the object of this name, as a watch on a single object's path selects.
    #[must_use]
    pub fn and_name(mut self, name: &str) -> Self {
        self.fields.push(("metadata.name".into(), name.into(), true));
        self
    }

    pub fn is_everything(&self) -> bool {
        self.labels.is_everything() && self.fields.is_empty()
    }

    pub fn matches(&self, object: &Object) -> bool {
        self.labels.matches(object.meta().labels.as_ref())
            && self.fields.iter().all(|(field, value, equal)| (field_of(object, field) == *value) == *equal)
    }
}

fn field_of(object: &Object, field: &str) -> String {
    match field {
        "metadata.name" => object.name().into(),
        "metadata.namespace" => object.namespace().into(),
        other => {
            let fields = registry::strategy(object.kind()).fields(object);
            fields.into_iter().find(|(name, _)| *name == other).map(|(_, value)| value).unwrap_or_default()
        }
    }
}

/// `a=b,c!=d`; only `=`, `==` and `!=` exist for fields.
fn parse_fields(text: &str) -> Result<Vec<(String, String, bool)>, Status> {
    let mut fields = Vec::new();
    for term in text.split(',').filter(|term| !term.is_empty()) {
        let parsed = if let Some((field, value)) = term.split_once("!=") {
            (field, value, false)
        } else if let Some((field, value)) = term.split_once("==") {
            (field, value, true)
        } else if let Some((field, value)) = term.split_once('=') {
            (field, value, true)
        } else {
            return Err(Status::bad_request(format!("invalid selector: '{text}'; can't understand '{term}'")));
        };
        fields.push((parsed.0.to_string(), parsed.1.to_string(), parsed.2));
    }
    Ok(fields)
}

fn not_found(target: &Target) -> Status {
    let mut resource = target.resource;
    // These are computed, and their registry calls them by the singular.
    if resource.kind == Kind::ComponentStatus {
        resource.plural = resource.singular;
    }
    Status::not_found(&resource, &target.name)
}

impl ApiServer {
    pub(super) fn get(&mut self, request: &Request, target: &Target) -> Result<Response, Status> {
        let shape = Shape::of_resource(request, &target.resource, "Unstructured")?;
        shape.check_columns(request)?;
        if target.resource.kind == Kind::ComponentStatus {
            let found = self.component_statuses().find(|stored| stored.object.name() == target.name);
            return self.one(request, &target.resource, &found.ok_or_else(|| not_found(target))?, 200);
        }
        let key = Key::new(target.resource.kind, &target.namespace, &target.name);
        parse_version(request.param("resourceVersion"), 500)?;
        self.settle_ownership(&key);
        if self.store.get(&key).is_none() {
            return Err(not_found(target));
        }
        shape.check_single(request, &target.resource)?;
        if shape == Shape::Object
            && let Some(object) = self.shared(&target.resource, &key)
        {
            return Ok(Response::json(200, object));
        }
        let Some(stored) = self.store.get(&key) else {
            return Err(not_found(target));
        };
        self.one(request, &target.resource, stored, 200)
    }

    pub(super) fn list(&mut self, request: &Request, target: &Target) -> Result<Response, Status> {
        check_list_options(request, false)?;
        let selection = Selection::of(request, target)?;
        let shape = Shape::of_resource(request, &target.resource, "UnstructuredList")?;
        shape.check_columns(request)?;
        let mut page = self.page(request, target, &selection)?;
        if names_owners(request) {
            page.items.iter_mut().for_each(|stored| self.settle_ownership_of(stored));
        }
        let mut meta = json!({ "resourceVersion": page.version.to_string() });
        if let Some(token) = &page.next {
            meta["continue"] = json!(token);
            if selection.is_everything() {
                meta["remainingItemCount"] = json!(page.remaining);
            }
        }
        if shape == Shape::Object && is_storage(&target.resource) {
            let item = |stored: &Stored| match &stored.wire {
                Some(wire) => wire.clone(),
                None => unwritten(
                    &target.resource,
                    &stored.object,
                    managed::fold(self, &stored.ownership, stored.object.kind()),
                ),
            };
            let items = page.items.iter().map(item).collect();
            let (kind, api_version) = (target.resource.kind_name, target.resource.api_version());
            return Ok(Response::json(200, Json::list(kind, api_version, meta, items)));
        }
        let body = match shape {
            Shape::Table => self.table(request, &target.resource, page.items.iter(), meta, true),
            Shape::Object | Shape::Partial => {
                let items: Vec<Value> = page
                    .items
                    .iter()
                    .map(|stored| {
                        let mut value = self.to_client(&target.resource, stored);
                        if shape == Shape::Partial {
                            return partial(value);
                        }
                        // Items of a typed list leave out what the list says already.
                        if let (Value::Object(map), false) =
                            (&mut value, matches!(target.resource.kind, api::Kind::Custom(_)))
                        {
                            map.remove("kind");
                            map.remove("apiVersion");
                        }
                        value
                    })
                    .collect();
                let (kind, api_version) = if shape == Shape::Partial {
                    ("PartialObjectMetadataList".to_string(), "meta.k8s.io/v1".to_string())
                } else {
                    (format!("{}List", target.resource.kind_name), target.resource.api_version())
                };
                let items = Value::Array(items);
                tree([("kind", kind.into()), ("apiVersion", api_version.into()), ("metadata", meta), ("items", items)])
            }
        };
        Ok(Response::json(200, body))
    }

    fn page(&self, request: &Request, target: &Target, selection: &Selection) -> Result<Page, Status> {
        let asked = parse_version(request.param("resourceVersion"), 400)?;
        let rule = request.param("resourceVersionMatch").unwrap_or_default();
        let token = request.param("continue").filter(|token| !token.is_empty());
        // A list at any version comes out of the watch cache, which knows no pages.
        let pages = token.is_some() || asked != Some(0);
        let limit = request.param("limit").filter(|_| pages);
        let limit = limit.and_then(|limit| limit.parse::<usize>().ok()).unwrap_or(0);
        if token.is_some() && asked.is_some_and(|version| version > 0) {
            return Err(Status::bad_request("specifying resource version is not allowed when using continue"));
        }
        let (store, start) = match token {
            Some(token) => {
                let token = Token::decode(token)?;
                let store = self.store.at(token.version).ok_or_else(expired_continue)?;
                (store, Some(token.start))
            }
            None => (self.store_for(asked, rule)?, None),
        };
        let mut items: Vec<Stored> = Vec::new();
        let mut remaining = 0;
        let mut next = None;
        if target.resource.kind == Kind::ComponentStatus {
            items.extend(self.component_statuses().filter(|stored| selection.matches(&stored.object)));
        }
        for (key, stored) in store.list(target.resource.kind, &target.namespace) {
            let position = format!("{}/{}", key.namespace, key.name);
            if start.as_ref().is_some_and(|start| position <= *start) || !selection.matches(&stored.object) {
                continue;
            }
            if limit > 0 && items.len() == limit {
                remaining += 1;
                continue;
            }
            items.push(stored.clone());
            next = Some(position);
        }
        let version = store.version();
        let next = next.filter(|_| remaining > 0).map(|start| Token { version, start }.encode());
        Ok(Page { items, version, next, remaining })
    }

    fn store_for(&self, asked: Option<u64>, rule: &str) -> Result<Store, Status> {
        let current = self.store.version();
        match asked {
            None | Some(0) => Ok(self.store.clone()),
            Some(version) if version > current => Err(too_large(version, current)),
            Some(version) if rule == "Exact" => self
                .store
                .at(version)
                .ok_or_else(|| Status::expired("The resourceVersion for the provided list is too old.")),
            Some(_) => Ok(self.store.clone()),
        }
    }
}

struct Page {
    items: Vec<Stored>,
    version: u64,
    next: Option<String>,
    remaining: usize,
}

/// A continue token: the version the list is frozen at, and the last name given out.
struct Token {
    version: u64,
    start: String,
}

impl Token {
    fn encode(&self) -> String {
        BASE64.encode(json!({ "v": "meta.k8s.io/v1", "rv": self.version, "start": self.start }).to_string())
    }

    fn decode(text: &str) -> Result<Self, Status> {
        let bad = |why: &str| Status::bad_request(format!("invalid continue token: continue key is not valid: {why}"));
        // As Go does, bits that are left over at the end of the text are ignored.
        let lenient = GeneralPurpose::new(
            &alphabet::URL_SAFE,
            GeneralPurposeConfig::new()
                .with_decode_allow_trailing_bits(true)
                .with_decode_padding_mode(DecodePaddingMode::Indifferent),
        );
        let bytes = lenient.decode(text).map_err(|error| match error {
            DecodeError::InvalidByte(at, _) | DecodeError::InvalidLastSymbol(at, _) => {
                bad(&format!("illegal base64 data at input byte {at}"))
            }
            _ => bad(&format!("illegal base64 data at input byte {}", text.len().saturating_sub(1))),
        })?;
        // Read as Latin-1: the complaint names the byte.
        let letters: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        let value: Value = serde_json::from_slice(&bytes).map_err(|_| match api::yaml::parse_json(&letters) {
            Err(error) => bad(&error.to_string()),
            Ok(_) => bad("invalid character in string literal"),
        })?;
        match (value["rv"].as_u64(), value["start"].as_str()) {
            (Some(version), Some(start)) => Ok(Self { version, start: start.into() }),
            _ => Err(bad("incorrect encoded start resourceVersion (version meta.k8s.io/v1)")),
        }
    }
}

fn expired_continue() -> Status {
    Status::expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
    )
}

fn too_large(asked: u64, current: u64) -> Status {
    let mut status =
        Status::failure(504, "Timeout", format!("Timeout: Too large resource version: {asked}, current: {current}"));
    status.details = Some(api::status::Details { retry_after_seconds: 1, ..Default::default() });
    status.with_cause("ResourceVersionTooLarge", "Too large resource version", "")
}

/// `None` when absent or empty. Lists answer 400 to what is no number, reads and watches 500.
pub(in crate::apiserver) fn parse_version(text: Option<&str>, code: u16) -> Result<Option<u64>, Status> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        let why =
            format!("resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax");
        if code == 400 {
            Status::bad_request(format!("invalid resource version: {why}"))
        } else {
            Status::failure(code, "", why)
        }
    })
}

/// # Errors
/// 400 for numbers that are none, 422 for options that contradict each other.
pub(in crate::apiserver) fn check_list_options(request: &Request, watch: bool) -> Result<(), Status> {
    for key in ["limit", "timeoutSeconds"] {
        if let Some(text) = request.param(key).filter(|text| !text.is_empty()) {
            super::objects::parse_int(text)?;
        }
    }
    let mut errors = ErrorList::new();
    let rule = request.param("resourceVersionMatch").unwrap_or_default();
    let version = request.param("resourceVersion").unwrap_or_default();
    let initial = request.param("sendInitialEvents").is_some();
    let path = Path::ROOT.child("resourceVersionMatch");
    let mut forbid = |path: &Path, text: &str| errors.push(FieldError::forbidden(path, text));
    if watch {
        if initial && rule != "NotOlderThan" {
            forbid(&path, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
        }
        if !rule.is_empty() && !initial {
            forbid(&path, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
        }
        if !matches!(rule, "" | "NotOlderThan") {
            errors.push(FieldError::not_supported(&path, rule, &["NotOlderThan"]));
        }
    } else {
        if !rule.is_empty() && version.is_empty() {
            forbid(&path, "resourceVersionMatch is forbidden unless resourceVersion is provided");
        }
        if !rule.is_empty() && request.param("continue").is_some_and(|token| !token.is_empty()) {
            forbid(&path, "resourceVersionMatch is forbidden when continue is provided");
        }
        if !matches!(rule, "" | "Exact" | "NotOlderThan") {
            errors.push(FieldError::not_supported(&path, rule, &["Exact", "NotOlderThan", ""]));
        }
        if rule == "Exact" && version == "0" {
            errors.push(FieldError::forbidden(
                &path,
                "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
            ));
        }
        if initial {
            let here = Path::ROOT.child("sendInitialEvents");
            errors.push(FieldError::forbidden(&here, "sendInitialEvents is forbidden for list"));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Status::invalid("ListOptions", "meta.k8s.io", "", &errors)) }
}
