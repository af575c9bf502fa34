//! The resource builder: from words, files and selectors to objects, with kubectl's complaints.
//!
//! Mirrors: cli-runtime/pkg/resource/builder.go, visitor.go.

use std::rc::Rc;

use serde_json::{Value, json};

use crate::client::{Client, Query, TABLE, accepting, items_of};
use crate::discovery::Mapping;
use crate::failure::{Failure, Result};
use crate::flags::Args;
use crate::manifest::{self, Document, Validation};

/// One object the command is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Info {
    pub mapping: Rc<Mapping>,
    /// Empty for cluster-scoped objects.
    pub namespace: String,
    pub name: String,
    /// The file it came from, or empty.
    pub source: String,
    /// The manifest, the live object, a Table, or null, as [`Fetch`] and [`Selection::table`] say.
    pub object: Value,
}

impl Info {
    /// `deployment.apps/web`.
    pub fn title(&self) -> String {
        title(&self.mapping, &self.name)
    }
}

/// `deployment.apps/web`; a nameless object is `<unknown>`.
pub fn title(mapping: &Mapping, name: &str) -> String {
    let name = if name.is_empty() { "<unknown>" } else { name };
    format!("{}/{name}", mapping.kind_name())
}

/// What to ask the server about objects that are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetch {
    /// Nothing: names are enough.
    Names,
    /// Objects named by words; manifests stay as they are.
    Lazy,
    /// Everything, also what manifests name.
    Latest,
}

/// What the command line selects.
#[derive(Debug, Clone)]
pub struct Selection {
    pub files: Vec<String>,
    pub recursive: bool,
    pub words: Vec<String>,
    /// The type of words without one (`logs web` means a pod).
    pub default_type: Option<&'static str>,
    pub selector: Option<String>,
    pub field_selector: Option<String>,
    pub all: bool,
    /// `--all` counts even where names or files are given, and excludes selectors.
    pub all_of_it: bool,
    pub all_namespaces: bool,
    /// A bare type means all of its objects (`get`, `describe`).
    pub type_alone: bool,
    pub fetch: Fetch,
    pub validation: Validation,
    /// Ask for Tables instead of objects; `Some(true)` with the whole objects inside.
    pub table: Option<bool>,
    pub subresource: String,
    /// Do not ask the server for anything (`--local`).
    pub local: bool,
}

/// What was found, in order; failures stand where their objects would.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    pub infos: Vec<Result<Info>>,
    /// Exactly one object was meant.
    pub single: bool,
}

impl Found {
    /// All objects, or the first failure.
    pub fn all(self) -> Result<Vec<Info>> {
        self.infos.into_iter().collect()
    }

    /// The objects and the failures, apart.
    pub fn split(self) -> (Vec<Info>, Vec<Failure>) {
        let (mut infos, mut failures) = (Vec::new(), Vec::new());
        for info in self.infos {
            match info {
                Ok(info) => infos.push(info),
                Err(failure) => failures.push(failure),
            }
        }
        (infos, failures)
    }
}

pub const NOTHING_GIVEN: &str = "You must provide one or more resources by argument or filename.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'
   '<resource> <name>'
   '<resource>'";

impl Selection {
    /// What the usual flags of a verb select: `-f`, `-R`, `-l`, `--all`, `-A`, words.
    pub fn of(args: &Args, words: &[String]) -> Self {
        let some = |long: &str| Some(args.text(long).to_string()).filter(|text| !text.is_empty());
        Self {
            files: args.list("filename").to_vec(),
            recursive: args.flag("recursive"),
            words: words.to_vec(),
            default_type: None,
            selector: some("selector"),
            field_selector: some("field-selector"),
            all: args.flag("all"),
            all_of_it: false,
            all_namespaces: args.flag("all-namespaces"),
            type_alone: false,
            fetch: Fetch::Lazy,
            validation: Validation::Ignore,
            table: None,
            subresource: args.text("subresource").to_string(),
            local: args.flag("local"),
        }
    }

    /// Objects of a type that words without one mean.
    pub fn named(default_type: &'static str, words: &[String]) -> Self {
        Self {
            files: Vec::new(),
            recursive: false,
            words: words.to_vec(),
            default_type: Some(default_type),
            selector: None,
            field_selector: None,
            all: false,
            all_of_it: false,
            all_namespaces: false,
            type_alone: false,
            fetch: Fetch::Lazy,
            validation: Validation::Ignore,
            table: None,
            subresource: String::new(),
            local: false,
        }
    }

    /// Finds the objects.
    ///
    /// # Errors
    /// What makes the whole selection meaningless; failures of single objects are inside [`Found`].
    pub async fn resolve(&self, client: &Client<'_>) -> Result<Found> {
        let words = join_commas(&self.words);
        let mut tuples: Vec<(String, String)> = Vec::new();
        let mut types: Vec<String> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        let mut selector = self.selector.clone();
        let slashes = words.iter().filter(|word| word.contains('/')).count();
        if let Some(default) = self.default_type {
            for word in &words {
                tuples.push(if word.contains('/') { split_tuple(word)? } else { (default.into(), word.clone()) });
            }
        } else if slashes > 0 {
            if slashes != words.len() {
                return Err(Failure::plain(
                    "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'",
                ));
            }
            for word in &words {
                tuples.push(split_tuple(word)?);
            }
        } else if let Some((first, rest)) = words.split_first() {
            types = self.types(client, first).await?;
            names = rest.to_vec();
            // `--all` lists where a type stands alone; beside names it says nothing.
            if names.is_empty() && (self.type_alone || self.all) && selector.is_none() {
                selector = Some(String::new());
            }
        }
        if self.all_of_it {
            if self.selector.is_some() || self.field_selector.is_some() {
                return Err(Failure::plain("setting 'all' parameter but found a non empty selector. "));
            }
            selector = Some(String::new());
        }
        if !self.files.is_empty() {
            if !types.is_empty() {
                return Err(Failure::plain(
                    "when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well",
                ));
            }
            if !tuples.is_empty() {
                return Err(Failure::plain("resource/name arguments cannot be provided when a path is specified"));
            }
            return self.by_files(client).await;
        }
        if selector.is_some() || self.field_selector.is_some() {
            if !names.is_empty() {
                return Err(Failure::plain("name cannot be provided when a selector is specified"));
            }
            if !tuples.is_empty() {
                return Err(Failure::plain(
                    "selectors and the all flag cannot be used when passing resource/name arguments",
                ));
            }
            if types.is_empty() {
                return Err(Failure::plain("at least one resource must be specified to use a selector"));
            }
            if !self.subresource.is_empty() {
                return Err(Failure::plain("subresource cannot be used when bulk resources are specified"));
            }
            return self.by_selector(client, &types, selector.as_deref().unwrap_or_default()).await;
        }
        if !tuples.is_empty() {
            return self.by_tuples(client, &tuples).await;
        }
        if !names.is_empty() {
            if words.first().is_some_and(|word| !word.contains(',')) && types.len() > 1 {
                return Err(Failure::plain("you must specify only one resource"));
            }
            // `pod,service web`: every name of every type.
            let each = types.iter().flat_map(|kind| names.iter().map(|name| (kind.clone(), name.clone())));
            let tuples: Vec<_> = each.collect();
            return self.by_tuples(client, &tuples).await;
        }
        if !types.is_empty() {
            for word in &types {
                client.mapping(word).await?;
            }
            return Err(Failure::plain("resource(s) were provided, but no name was specified"));
        }
        Err(Failure::plain(NOTHING_GIVEN))
    }

    /// The types a word lists; categories such as `all` are opened.
    async fn types(&self, client: &Client<'_>, word: &str) -> Result<Vec<String>> {
        let mut types: Vec<String> = Vec::new();
        for part in word.split(',') {
            if part.is_empty() {
                return Err(Failure::plain("the server doesn't have a resource type \"\""));
            }
            let discovery = client.discovery().await?;
            let members = discovery.category(part);
            if members.is_empty() {
                types.push(part.into());
            } else {
                types.extend(members.iter().map(|mapping| mapping.group_resource()));
            }
        }
        let mut seen = Vec::new();
        types.retain(|kind| {
            let new = !seen.contains(kind);
            seen.push(kind.clone());
            new
        });
        Ok(types)
    }

    fn namespace(&self, client: &Client<'_>, mapping: &Mapping) -> String {
        if !mapping.namespaced || self.all_namespaces { String::new() } else { client.namespace.clone() }
    }

    async fn by_selector(&self, client: &Client<'_>, types: &[String], selector: &str) -> Result<Found> {
        let mut found = Found::default();
        let mut mappings = Vec::new();
        for word in types {
            mappings.push(client.mapping(word).await?);
        }
        for mapping in mappings {
            let namespace = self.namespace(client, &mapping);
            let query = self.query(selector);
            let listed = match self.table {
                Some(_) => client.list(&mapping, &namespace, &query, TABLE).await.map(|table| vec![table]),
                None => client.list(&mapping, &namespace, &query, "application/json").await.map(items_of),
            };
            match listed {
                Ok(objects) => found.infos.extend(objects.into_iter().map(|object| {
                    let (namespace, name) = (text(&object, "namespace"), text(&object, "name"));
                    Ok(Info { mapping: mapping.clone(), namespace, name, source: String::new(), object })
                })),
                Err(failure) => {
                    let field = self.field_selector.as_deref().unwrap_or_default();
                    found.infos.push(Err(explain_list(failure, &mapping, selector, field)));
                }
            }
        }
        Ok(found)
    }

    /// The query of a list.
    pub fn query(&self, selector: &str) -> Query {
        let mut query = Query::new();
        if !selector.is_empty() {
            query.push(("labelSelector", selector.into()));
        }
        if let Some(field) = self.field_selector.as_ref().filter(|field| !field.is_empty()) {
            query.push(("fieldSelector", field.clone()));
        }
        if self.table == Some(true) {
            query.push(("includeObject", "Object".into()));
        }
        query
    }

    async fn by_tuples(&self, client: &Client<'_>, tuples: &[(String, String)]) -> Result<Found> {
        let mut found = Found { infos: Vec::new(), single: tuples.len() == 1 };
        let mut targets = Vec::new();
        for (word, name) in tuples {
            let mapping = client.mapping(word).await?;
            if mapping.namespaced && self.all_namespaces {
                return Err(Failure::plain("a resource cannot be retrieved by name across all namespaces"));
            }
            targets.push((mapping, name.clone()));
        }
        for (mapping, name) in targets {
            let namespace = self.namespace(client, &mapping);
            let info = Info { mapping, namespace, name, source: String::new(), object: Value::Null };
            found.infos.push(if self.fetch == Fetch::Names { Ok(info) } else { self.fetch(client, info).await });
        }
        Ok(found)
    }

    /// Replaces the info's object by the live one. When it is missing because its namespace
    /// is, that is said instead.
    async fn fetch(&self, client: &Client<'_>, info: Info) -> Result<Info> {
        let namespace = info.namespace.clone();
        let failure = match self.fetch_object(client, info).await {
            Err(failure) if failure.is_not_found() && !matches!(namespace.as_str(), "" | "default") => failure,
            other => return other,
        };
        match client.call(api::wire::Request::get(format!("/api/v1/namespaces/{namespace}"))).await {
            Err(missing) if missing.is_not_found() => Err(missing),
            _ => Err(failure),
        }
    }

    async fn fetch_object(&self, client: &Client<'_>, mut info: Info) -> Result<Info> {
        info.object = match self.table {
            Some(include) => {
                let path = info.mapping.object_path(&info.namespace, &info.name);
                let path = if self.subresource.is_empty() { path } else { format!("{path}/{}", self.subresource) };
                if info.name.is_empty() {
                    return Err(Failure::plain("resource name may not be empty"));
                }
                let mut request = accepting(api::wire::Request::get(path), TABLE);
                if include {
                    request = request.with_query("includeObject", "Object");
                }
                client.call(request).await?.value().clone()
            }
            None => client.get_sub(&info.mapping, &info.namespace, &info.name, &self.subresource).await?,
        };
        Ok(info)
    }

    async fn by_files(&self, client: &Client<'_>) -> Result<Found> {
        let sources = manifest::sources(client.cx, &self.files, self.recursive)?;
        let single = sources.len() == 1 && self.files.len() == 1 && self.files[0] != "-";
        let mut found = Found { infos: Vec::new(), single };
        for (source, text) in sources {
            for document in manifest::documents(&source, &text, self.validation) {
                match document {
                    Ok(document) => self.flatten(client, document, &mut found.infos).await?,
                    Err(failure) => found.infos.push(Err(failure)),
                }
            }
        }
        if self.fetch == Fetch::Latest {
            let mut live = Vec::new();
            for info in found.infos {
                live.push(match info {
                    Ok(info) => self.fetch(client, info).await,
                    Err(failure) => Err(failure),
                });
            }
            found.infos = live;
        }
        Ok(found)
    }

    /// A document's objects: one, or the items of a List.
    async fn flatten(&self, client: &Client<'_>, document: Document, infos: &mut Vec<Result<Info>>) -> Result {
        let Document { source, object } = document;
        let is_list = object.get("items").is_some_and(Value::is_array)
            && object.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
        if !is_list {
            infos.push(self.info(client, source, object).await);
            return Ok(());
        }
        for item in items_of(object) {
            infos.push(self.info(client, source.clone(), item).await);
        }
        Ok(())
    }

    async fn info(&self, client: &Client<'_>, source: String, mut object: Value) -> Result<Info> {
        let field = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default().to_string();
        let (api_version, kind) = (field("apiVersion"), field("kind"));
        let (name, mut namespace) = (text(&object, "name"), text(&object, "namespace"));
        let mapping = if self.local {
            local_mapping(&api_version, &kind)
        } else {
            client.mapping_of_kind(&api_version, &kind).await?
        };
        let Some(mapping) = mapping else {
            return Err(Failure::plain(format!(
                "resource mapping not found for name: {name:?} namespace: {namespace:?} from {source:?}: no matches for kind {kind:?} in version {api_version:?}\nensure CRDs are installed first"
            )));
        };
        if mapping.namespaced && !self.local {
            if namespace.is_empty() {
                namespace.clone_from(&client.namespace);
                set_namespace(&mut object, &namespace);
            } else if client.explicit && namespace != client.namespace {
                return Err(Failure::plain(format!(
                    "the namespace from the provided object {namespace:?} does not match the namespace {:?}. You must pass '--namespace={namespace}' to perform this operation.",
                    client.namespace
                )));
            }
        } else if !mapping.namespaced {
            namespace.clear();
        }
        Ok(Info { mapping, namespace, name, source, object })
    }
}

/// Without a server, the scheme knows the built-in kinds.
pub fn local_mapping(api_version: &str, kind: &str) -> Option<Rc<Mapping>> {
    let (group, version) = api::scheme::split_api_version(api_version);
    api::scheme::by_gvk(group, version, kind).map(|resource| {
        Rc::new(Mapping {
            group: group.into(),
            version: version.into(),
            plural: resource.plural.into(),
            singular: resource.singular.into(),
            kind: kind.into(),
            namespaced: resource.namespaced,
            ..Mapping::default()
        })
    })
}

/// Says which list was refused, when the refusal does not.
fn explain_list(failure: Failure, mapping: &Mapping, selector: &str, field: &str) -> Failure {
    if !(failure.is_reason("BadRequest") || failure.is_reason("NotFound")) {
        return failure;
    }
    failure.prefixed(&if selector.is_empty() && field.is_empty() {
        format!("Unable to list {:?}: ", mapping.gvr())
    } else {
        format!("Unable to find {:?} that match label selector {selector:?}, field selector {field:?}: ", mapping.gvr())
    })
}

fn set_namespace(object: &mut Value, namespace: &str) {
    if let Some(map) = object.as_object_mut() {
        let metadata = map.entry("metadata").or_insert_with(|| json!({}));
        if metadata.is_null() {
            *metadata = json!({});
        }
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.insert("namespace".into(), json!(namespace));
        }
    }
}

fn text(object: &Value, key: &str) -> String {
    object.get("metadata").and_then(|metadata| metadata.get(key)).and_then(Value::as_str).unwrap_or_default().into()
}

/// `pods, services` typed with a blank is one word.
fn join_commas(words: &[String]) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    for word in words {
        match joined.last_mut() {
            Some(last) if last.ends_with(',') => last.push_str(word),
            _ => joined.push(word.clone()),
        }
    }
    joined
}

/// `pod/web` → its type and name.
fn split_tuple(word: &str) -> Result<(String, String)> {
    let parts: Vec<&str> = word.split('/').collect();
    match parts.as_slice() {
        [kind, name] if !kind.is_empty() && !name.is_empty() && !kind.contains(',') => {
            Ok(((*kind).into(), (*name).into()))
        }
        [_, _] => Err(Failure::plain("arguments in resource/name form must have a single resource and name")),
        _ => Err(Failure::plain("arguments in resource/name form may not have more than one slash")),
    }
}
