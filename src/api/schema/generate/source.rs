//! Reads k8s-openapi's generated Rust: one definition of the OpenAPI document per file.

use std::collections::BTreeMap;
use std::path::Path;

#[derive(Debug, Default)]
pub struct Definition {
    /// apiVersion and kind, for types that are resources.
    pub resource: Option<(String, String)>,
    pub text: String,
    pub fields: Vec<Field>,
}

#[derive(Debug)]
pub struct Field {
    pub name: String,
    pub shape: Shape,
    pub required: bool,
    pub text: String,
    /// `Some` with the keys of a list that merges, without keys for a set.
    pub list: Option<Vec<String>>,
    pub atomic_map: bool,
}

#[derive(Debug, Clone)]
pub enum Shape {
    String,
    Int32,
    Int64,
    Bool,
    Float,
    Quantity,
    IntOrString,
    Time,
    MicroTime,
    Bytes,
    Any,
    List(Box<Shape>),
    Map(Box<Shape>),
    Reference(String),
}

impl Shape {
    pub fn reference(&self) -> Option<&str> {
        match self {
            Shape::Reference(name) => Some(name),
            Shape::List(inner) | Shape::Map(inner) => inner.reference(),
            _ => None,
        }
    }
}

/// Every definition under `folder`, by its full name.
pub fn read(folder: &Path) -> Result<BTreeMap<String, Definition>, String> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    let mut names = BTreeMap::new();
    let mut sources = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        let Some(name) = text.strip_prefix("// Generated from definition ").and_then(|t| t.lines().next()) else {
            continue;
        };
        // crate::api::core::v1::Pod is how the others name what is in api/core/v1/pod.rs.
        let module = file.parent().and_then(|p| p.strip_prefix(folder).ok()).ok_or("a file outside the folder")?;
        let module: Vec<_> = module.components().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect();
        let kind = name.rsplit('.').next().unwrap_or_default();
        names.insert(format!("crate::{}::{kind}", module.join("::")), name.to_string());
        sources.push((name.to_string(), text));
    }
    let mut definitions = BTreeMap::new();
    for (name, text) in sources {
        let definition = definition(&text, &names).map_err(|e| format!("{name}: {e}"))?;
        definitions.insert(name, definition);
    }
    Ok(definitions)
}

fn collect(folder: &Path, files: &mut Vec<std::path::PathBuf>) -> Result<(), String> {
    for entry in std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))? {
        let path = entry.map_err(|e| e.to_string())?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(())
}

fn definition(text: &str, names: &BTreeMap<String, String>) -> Result<Definition, String> {
    let mut result = Definition { resource: resource(text), ..Definition::default() };
    let types = rust_fields(text);
    let json_names = json_names(text);
    let merges = merges(text);
    let schema = text.split("fn json_schema(").nth(1).unwrap_or_default();
    let required: Vec<String> = schema
        .split("\n            \"required\": [\n")
        .nth(1)
        .and_then(|rest| rest.split(']').next())
        .map(|list| list.lines().map(|l| l.trim().trim_matches([',', '"']).to_string()).collect())
        .unwrap_or_default();
    let mut lines = schema.lines();
    while let Some(line) = lines.next() {
        if let Some(text) = line.strip_prefix("            \"description\": ") {
            result.text = unquote(text)?;
        }
        let Some((name, rest)) = line.strip_prefix("                \"").and_then(|l| l.split_once("\": ")) else {
            continue;
        };
        let rust = json_names.get(name);
        let shape = match rust.and_then(|r| types.get(r)) {
            Some(rust_type) => shape(rust_type, names)?,
            None => Shape::String,
        };
        // Without a description of its own the type stands alone on the line.
        let text = if rest == "{" || rest == "({" { description(&mut lines)? } else { String::new() };
        let (list, atomic_map) = match rust.and_then(|r| merges.get(r)) {
            Some(Merge::Keys(keys)) => {
                let keys = keys
                    .iter()
                    .map(|k| json_names.iter().find(|(_, r)| *r == k).map_or_else(|| camel(k), |(j, _)| j.clone()));
                (Some(keys.collect()), false)
            }
            Some(Merge::Set) => (Some(Vec::new()), false),
            Some(Merge::AtomicMap) => (None, true),
            None => (None, false),
        };
        result.fields.push(Field {
            name: name.into(),
            shape,
            required: name != "metadata" && required.iter().any(|r| r == name),
            text,
            list,
            atomic_map,
        });
    }
    Ok(result)
}

/// The description that follows a property's opening brace.
fn description(lines: &mut std::str::Lines<'_>) -> Result<String, String> {
    for line in lines.by_ref() {
        let line = line.trim_start();
        if let Some(text) = line.strip_prefix("\"description\": ") {
            return unquote(text);
        }
        if let Some((_, text)) = line.split_once(".insert(\"description\".into(), ") {
            return unquote(text.trim_end().trim_end_matches(");"));
        }
        if line.starts_with("},") || line.starts_with("}),") {
            break;
        }
    }
    Ok(String::new())
}

/// A Rust string literal with a comma behind it; line breaks become `\n` again in the data file.
fn unquote(literal: &str) -> Result<String, String> {
    let literal = literal.trim_end().trim_end_matches(',').trim_end_matches(".into()");
    serde_json::from_str::<String>(literal)
        .map(|text| text.replace('\\', "\\\\").replace('\n', "\\n"))
        .map_err(|e| format!("{literal}: {e}"))
}

fn resource(text: &str) -> Option<(String, String)> {
    let constant = |name: &str| {
        let (_, rest) = text.split_once(&format!("const {name}: &'static str = \""))?;
        rest.split('"').next().map(str::to_string)
    };
    Some((constant("API_VERSION")?, constant("KIND")?))
}

fn rust_fields(text: &str) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    let body = text.split("pub struct ").nth(1).and_then(|t| t.split("\n}").next()).unwrap_or_default();
    for line in body.lines() {
        if let Some((name, rust_type)) = line.strip_prefix("    pub ").and_then(|l| l.split_once(": ")) {
            fields.insert(name.trim_start_matches("r#").into(), rust_type.trim_end_matches(',').into());
        }
    }
    fields
}

/// JSON name to Rust name.
fn json_names(text: &str) -> BTreeMap<String, String> {
    let pairs = text.lines().filter_map(|line| line.trim().strip_prefix('"')?.split_once("\" => Field::Key_"));
    pairs.map(|(json, rust)| (json.to_string(), rust.trim_end_matches(',').to_string())).collect()
}

enum Merge {
    Keys(Vec<String>),
    Set,
    AtomicMap,
}

fn merges(text: &str) -> BTreeMap<String, Merge> {
    let mut merges = BTreeMap::new();
    for part in text.split("crate::merge_strategies::").skip(1) {
        let Some((strategy, rest)) = part.split_once('(') else { continue };
        let Some(name) = rest.split("&mut self.").nth(1).and_then(|r| r.split(',').next()) else { continue };
        let merge = match strategy {
            "list::map" => {
                let list = rest.split("&[").nth(1).and_then(|r| r.split("],").next()).unwrap_or_default();
                let keys = list.split("lhs.").skip(1).filter_map(|k| k.split(" ==").next());
                Merge::Keys(keys.map(|k| k.rsplit('.').next().unwrap_or(k).to_string()).collect())
            }
            "list::set" => Merge::Set,
            "map::atomic" => Merge::AtomicMap,
            _ => continue,
        };
        merges.insert(name.trim_start_matches("r#").to_string(), merge);
    }
    merges
}

/// A key's name in JSON, when it belongs to another definition.
fn camel(rust: &str) -> String {
    let mut out = String::new();
    let mut upper = false;
    for c in rust.trim_end_matches('_').chars() {
        match c {
            '_' => upper = true,
            c if upper => {
                out.extend(c.to_uppercase());
                upper = false;
            }
            c => out.push(c),
        }
    }
    out.replace("resourceId", "resourceID").replace("apiServerId", "apiServerID").replace("shareId", "shareID")
}

fn shape(rust_type: &str, names: &BTreeMap<String, String>) -> Result<Shape, String> {
    let inside = |prefix: &str| rust_type.strip_prefix(prefix).and_then(|t| t.strip_suffix('>'));
    if let Some(inner) = inside("Option<").or_else(|| inside("std::boxed::Box<")) {
        return shape(inner, names);
    }
    if let Some(inner) = inside("std::vec::Vec<") {
        return Ok(Shape::List(Box::new(shape(inner, names)?)));
    }
    if let Some(inner) = inside("std::collections::BTreeMap<std::string::String, ") {
        return Ok(Shape::Map(Box::new(shape(inner, names)?)));
    }
    Ok(match rust_type {
        "std::string::String" => Shape::String,
        "i32" => Shape::Int32,
        "i64" => Shape::Int64,
        "bool" => Shape::Bool,
        "f64" => Shape::Float,
        "crate::ByteString" => Shape::Bytes,
        "crate::serde_json::Value" => Shape::Any,
        reference => match reference.rsplit("::").next().unwrap_or_default() {
            "Quantity" => Shape::Quantity,
            "IntOrString" => Shape::IntOrString,
            "Time" => Shape::Time,
            "MicroTime" => Shape::MicroTime,
            "RawExtension"
            | "JSON"
            | "FieldsV1"
            | "Patch"
            | "JSONSchemaPropsOrArray"
            | "JSONSchemaPropsOrBool"
            | "JSONSchemaPropsOrStringArray" => Shape::Any,
            _ => match names.get(reference) {
                Some(name) => Shape::Reference(name.clone()),
                None => return Err(format!("an unknown type: {reference}")),
            },
        },
    })
}
