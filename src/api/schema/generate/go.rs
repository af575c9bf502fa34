//! What Kubernetes' Go types say and k8s-openapi does not carry: facts, as data.
//!
//! Read from the tags and markers (`patchStrategy`, `+listMapKey`, `+structType`, `+enum`) of
//! k8s.io/api and k8s.io/apimachinery v0.36.2. `go.fields` lists types and, in the order of their
//! Go fields, names with the traits of `schema/data.rs`; `go.enums` the values of enums and
//! what they are documented to mean.

use std::collections::BTreeMap;

const FIELDS: &str = include_str!("go.fields");
const ENUMS: &str = include_str!("go.enums");

pub struct Facts {
    atomic: Vec<&'static str>,
    /// Type to its fields in order, each with its traits.
    fields: BTreeMap<&'static str, Vec<(&'static str, &'static str)>>,
    /// `group/version.Type` to values and meanings.
    enums: BTreeMap<&'static str, Vec<(&'static str, &'static str)>>,
}

impl Facts {
    pub fn read() -> Self {
        let mut facts = Self { atomic: Vec::new(), fields: BTreeMap::new(), enums: BTreeMap::new() };
        let mut owner = "";
        for line in FIELDS.lines() {
            let (first, traits) = line.split_once(' ').unwrap_or((line, ""));
            if let Some(name) = first.strip_prefix('=') {
                owner = name;
                if traits == "A" {
                    facts.atomic.push(name);
                }
            } else {
                facts.fields.entry(owner).or_default().push((first, traits));
            }
        }
        for line in ENUMS.lines() {
            if let Some(name) = line.strip_prefix('#') {
                owner = name;
            } else {
                facts.enums.entry(owner).or_default().push(line.split_once('\t').unwrap_or((line, "")));
            }
        }
        facts
    }

    /// Whether server-side apply owns values of this type as a whole.
    pub fn is_atomic(&self, owner: &str) -> bool {
        self.atomic.contains(&owner)
    }

    /// The field's place in its Go struct; unknown ones keep their order behind the others.
    pub fn place(&self, owner: &str, name: &str) -> usize {
        self.fields.get(owner).and_then(|f| f.iter().position(|(n, _)| *n == name)).unwrap_or(usize::MAX)
    }

    pub fn traits(&self, owner: &str, name: &str) -> Option<&'static str> {
        let fields = self.fields.get(owner)?;
        Some(fields.iter().find(|(n, _)| *n == name)?.1)
    }

    /// The paragraph that OpenAPI adds to the description of an enum; line breaks escaped.
    pub fn enum_text(&self, traits: &str) -> String {
        let Some((traits, values)) = traits.split_once(" E") else { return String::new() };
        let Some(go) = traits.split(' ').find_map(|t| t.strip_prefix('G')) else { return String::new() };
        let values: Vec<&str> = values.split(',').collect();
        let meanings = self.enums.iter().find(|(name, meanings)| {
            let same_name = name.split_once('/').is_some_and(|(_, rest)| rest == go);
            same_name && meanings.iter().map(|(value, _)| *value).eq(values.iter().copied())
        });
        let Some((_, meanings)) = meanings else { return String::new() };
        let lines = meanings.iter().map(|(value, meaning)| {
            let space = if meaning.is_empty() { "" } else { " " };
            format!("\\n - `\"{value}\"`{space}{meaning}")
        });
        format!("\\n\\nPossible enum values:{}", lines.collect::<String>())
    }
}
