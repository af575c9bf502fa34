//! What the server serves, and how words find it: the REST mapping. Pure; the client fetches the documents.
//!
//! Mirrors: client-go/restmapper (shortcuts, priority), cli-runtime/pkg/resource `mappingFor`.

use std::rc::Rc;

use api::scheme::{api_version, group_resource};
use serde_json::Value;

/// One resource as discovery tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mapping {
    pub group: String,
    pub version: String,
    pub plural: String,
    pub singular: String,
    pub kind: String,
    pub namespaced: bool,
    pub short_names: Vec<String>,
    pub categories: Vec<String>,
    pub verbs: Vec<String>,
    pub subresources: Vec<String>,
}

impl Mapping {
    pub fn api_version(&self) -> String {
        api_version(&self.group, &self.version)
    }

    /// `deployments.apps`.
    pub fn group_resource(&self) -> String {
        group_resource(&self.plural, &self.group)
    }

    /// `deployment.apps`: the kind as success messages name it.
    pub fn kind_name(&self) -> String {
        group_resource(&self.kind.to_lowercase(), &self.group)
    }

    /// `apps/v1, Resource=deployments`, as Go prints a GroupVersionResource.
    pub fn gvr(&self) -> String {
        format!("{}/{}, Resource={}", self.group, self.version, self.plural)
    }

    /// `apps/v1, Kind=Deployment`.
    pub fn gvk(&self) -> String {
        format!("{}/{}, Kind={}", self.group, self.version, self.kind)
    }

    /// The collection's path; an empty namespace means all of them.
    pub fn path(&self, namespace: &str) -> String {
        let root = match self.group.as_str() {
            "" => format!("/api/{}", self.version),
            group => format!("/apis/{group}/{}", self.version),
        };
        if self.namespaced && !namespace.is_empty() {
            format!("{root}/namespaces/{namespace}/{}", self.plural)
        } else {
            format!("{root}/{}", self.plural)
        }
    }

    pub fn object_path(&self, namespace: &str, name: &str) -> String {
        format!("{}/{name}", self.path(namespace))
    }

    pub fn can(&self, verb: &str) -> bool {
        self.verbs.iter().any(|known| known == verb)
    }

    /// Whether the lower-case word names this resource.
    fn answers_to(&self, word: &str) -> bool {
        self.plural == word || self.singular == word || self.short_names.iter().any(|short| short == word)
    }
}

/// Everything the server serves, core group first, preferred versions first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Discovery {
    pub resources: Vec<Rc<Mapping>>,
}

impl Discovery {
    /// Reads the documents behind `/api` and `/apis`.
    pub fn from_documents(core: &Value, groups: &Value) -> Self {
        let mut resources = Vec::new();
        for document in [core, groups] {
            for item in array(document, "items") {
                let group = item.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
                for version in array(item, "versions") {
                    let name = text(version, "version");
                    resources
                        .extend(array(version, "resources").map(|resource| Rc::new(mapping(group, &name, resource))));
                }
            }
        }
        Self { resources }
    }

    /// The resource a word on the command line means: plural, singular, short name or
    /// kind, with `.group` or `.version.group` behind it.
    ///
    /// # Errors
    /// The word without its group: the server doesn't have such a type.
    pub fn find(&self, word: &str) -> Result<Rc<Mapping>, String> {
        let lower = word.to_lowercase();
        let (resource, group) = lower.split_once('.').unwrap_or((&lower, ""));
        if let Some((version, group)) = group.split_once('.')
            && let Some(found) =
                self.resources.iter().find(|m| m.version == version && m.group == group && m.answers_to(resource))
        {
            return Ok(found.clone());
        }
        // `deployments.v1.` means the core group.
        let by_group = |exact: bool| {
            self.resources.iter().find(|m| {
                m.answers_to(resource)
                    && (group.is_empty() || if exact { m.group == group } else { m.group.starts_with(group) })
            })
        };
        if let Some(found) = by_group(true).or_else(|| by_group(false)) {
            return Ok(found.clone());
        }
        if let Some(found) = self.by_kind(group, None, word.split('.').next().unwrap_or(word)) {
            return Ok(found);
        }
        Err(word.split('.').next().unwrap_or(word).to_string())
    }

    /// Another resource with the same short name, which the word means only at second sight.
    pub fn also(&self, word: &str, found: &Mapping) -> Option<Rc<Mapping>> {
        let lower = word.to_lowercase();
        let has = |mapping: &Mapping| mapping.short_names.contains(&lower);
        let other = |mapping: &&Rc<Mapping>| has(mapping) && mapping.group != found.group;
        has(found).then(|| self.resources.iter().find(other).cloned()).flatten()
    }

    /// The mapping of a kind; its lower-case spelling counts too, as upstream.
    pub fn by_kind(&self, group: &str, version: Option<&str>, kind: &str) -> Option<Rc<Mapping>> {
        self.resources
            .iter()
            .find(|m| {
                m.group == group
                    && version.is_none_or(|version| m.version == version)
                    && (m.kind == kind || m.kind.to_lowercase() == kind)
            })
            .cloned()
    }

    /// The members of a category such as `all`, in discovery order.
    pub fn category(&self, name: &str) -> Vec<Rc<Mapping>> {
        self.resources.iter().filter(|m| m.categories.iter().any(|category| category == name)).cloned().collect()
    }
}

fn mapping(group: &str, version: &str, resource: &Value) -> Mapping {
    let plural = text(resource, "resource");
    let kind = resource.pointer("/responseKind/kind").and_then(Value::as_str).unwrap_or_default().to_string();
    let singular = match text(resource, "singularResource") {
        empty if empty.is_empty() => kind.to_lowercase(),
        singular => singular,
    };
    Mapping {
        group: group.into(),
        version: version.into(),
        singular,
        namespaced: text(resource, "scope") == "Namespaced",
        short_names: texts(resource, "shortNames"),
        categories: texts(resource, "categories"),
        verbs: texts(resource, "verbs"),
        subresources: array(resource, "subresources").map(|sub| text(sub, "subresource")).collect(),
        plural,
        kind,
    }
}

fn array<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default().iter()
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_string()
}

fn texts(value: &Value, key: &str) -> Vec<String> {
    array(value, key).filter_map(Value::as_str).map(String::from).collect()
}
