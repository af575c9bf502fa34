//! Manifests: the documents behind `-f`, checked as kubectl checks them before any request.
//!
//! Mirrors: cli-runtime/pkg/resource (`StreamVisitor`, `mapper.infoForData`), kubectl/pkg/validation.

use serde_json::Value;

use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::yaml;

/// A document and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub source: String,
    pub object: Value,
}

/// What `--validate` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validation {
    Strict,
    Warn,
    Ignore,
}

impl Validation {
    /// # Errors
    /// An unknown word.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "strict" | "true" => Ok(Self::Strict),
            "warn" => Ok(Self::Warn),
            "ignore" | "false" => Ok(Self::Ignore),
            other => Err(Failure::plain(format!(
                "invalid - validate option {other:?}; must be one of: strict (or true), warn, ignore (or false)"
            ))),
        }
    }

    /// The value of the `fieldValidation` query.
    pub fn directive(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Warn => "Warn",
            Self::Ignore => "Ignore",
        }
    }
}

const STOP_VALIDATING: &str = "if you choose to ignore these errors, turn validation off with --validate=false";

/// The files that `-f` names, in order: their sources and texts.
///
/// # Errors
/// A path that does not exist; nothing is read then.
pub fn sources(cx: &Cx, names: &[String], recursive: bool) -> Result<Vec<(String, String)>> {
    let mut sources = Vec::new();
    let mut stdin_used = false;
    for name in names {
        if name == "-" {
            if stdin_used {
                return Err(Failure::plain("standard input cannot be used for multiple arguments"));
            }
            stdin_used = true;
            sources.push(("STDIN".to_string(), cx.env.stdin.clone().unwrap_or_default()));
        } else if name.starts_with("http://") || name.starts_with("https://") {
            return Err(Failure::plain(format!(
                "unable to read URL {name:?}, server reported no such host, status code=0"
            )));
        } else if let Some(text) = cx.env.read(name) {
            sources.push((name.clone(), text));
        } else if let Some(files) = cx.env.directory(name, recursive) {
            let manifests: Vec<String> = files
                .into_iter()
                .filter(|file| [".json", ".yaml", ".yml"].iter().any(|ending| file.ends_with(ending)))
                .collect();
            if manifests.is_empty() {
                return Err(Failure::plain(format!(
                    "error reading [{name}]: recognized file extensions are [.json .yaml .yml]"
                )));
            }
            for file in manifests {
                let text = cx.env.read(&file).unwrap_or_default();
                // Inside a directory the source keeps the directory's spelling.
                let base = file.rsplit('/').next().unwrap_or(&file).to_string();
                let source = if name == "." { base } else { format!("{}/{base}", name.trim_end_matches('/')) };
                sources.push((source, text));
            }
        } else if name.contains(['*', '?', '[']) {
            let matched: Vec<String> = cx.env.files.names().into_iter().filter(|file| globbed(name, file)).collect();
            if matched.is_empty() {
                return Err(Failure::plain(format!("the path {name:?} does not exist")));
            }
            sources.extend(matched.into_iter().map(|file| (file.clone(), cx.env.read(&file).unwrap_or_default())));
        } else if name == "/dev/null" {
            sources.push((name.clone(), String::new()));
        } else {
            return Err(Failure::plain(format!("the path {name:?} does not exist")));
        }
    }
    Ok(sources)
}

/// A name against a shell's pattern; neither sign passes a slash.
fn globbed(pattern: &str, name: &str) -> bool {
    let Some(sign) = pattern.chars().next() else { return name.is_empty() };
    let rest = &pattern[sign.len_utf8()..];
    match sign {
        '*' => {
            let ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
            ends.take_while(|at| !name[..*at].contains('/')).any(|at| globbed(rest, &name[at..]))
        }
        '?' => name.chars().next().is_some_and(|c| c != '/' && globbed(rest, &name[c.len_utf8()..])),
        '[' => {
            let Some((set, rest)) = rest.split_once(']') else { return false };
            name.chars().next().is_some_and(|c| set.contains(c) && globbed(rest, &name[c.len_utf8()..]))
        }
        plain => name.strip_prefix(plain).is_some_and(|name| globbed(rest, name)),
    }
}

/// The documents of one source. A failure ends the source; what came before it stands.
pub fn documents(source: &str, text: &str, validation: Validation) -> Vec<Result<Document>> {
    let mut documents = Vec::new();
    for document in yaml::documents(text) {
        let object = match document {
            Ok(Value::Null) => continue,
            Ok(object) => object,
            Err(why) => {
                // What begins as JSON is read as JSON.
                let json =
                    text.trim_start().starts_with('{').then(|| serde_json::from_str::<Value>(text).err()).flatten();
                let why = match json {
                    Some(error) if error.is_eof() => "unexpected EOF".to_string(),
                    _ => why,
                };
                documents.push(Err(Failure::plain(format!("error parsing {source}: {why}"))));
                break;
            }
        };
        if validation != Validation::Ignore
            && let Err(why) = check_kind(&object)
        {
            documents.push(Err(Failure::plain(format!(
                "error validating {source:?}: error validating data: {why}; {STOP_VALIDATING}"
            ))));
            break;
        }
        match decodable(&object) {
            Ok(()) => documents.push(Ok(Document { source: source.into(), object })),
            Err(why) => documents.push(Err(Failure::plain(format!("unable to decode {source:?}: {why}")))),
        }
    }
    documents
}

/// Whether the document says what it is.
fn check_kind(object: &Value) -> Result<(), String> {
    let Some(fields) = object.as_object() else { return Err("invalid object to validate".into()) };
    let mut errors = Vec::new();
    for key in ["apiVersion", "kind"] {
        match fields.get(key) {
            None | Some(Value::Null) => errors.push(format!("{key} not set")),
            Some(Value::String(text)) if key == "apiVersion" && text.matches('/').count() > 1 => {
                errors.push(format!("unexpected GroupVersion string: {text}"));
            }
            Some(Value::String(_)) => {}
            Some(_) => errors.push(format!("{key} isn't string type")),
        }
    }
    match errors.as_slice() {
        [] => Ok(()),
        [one] => Err(one.clone()),
        many => Err(format!("[{}]", many.join(", "))),
    }
}

/// Whether kubectl itself can read the object's metadata.
fn decodable(object: &Value) -> Result<(), String> {
    let json = || serde_json::to_string(object).unwrap_or_default();
    let Some(fields) = object.as_object() else {
        return Err(format!(
            "json: cannot unmarshal {} into Go value of type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}",
            api::schema::json_type(object)
        ));
    };
    let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
    if text("kind").is_empty() {
        return Err(format!("Object 'Kind' is missing in '{}'", json()));
    }
    if text("apiVersion").is_empty() {
        return Err(format!("Object 'apiVersion' is missing in '{}'", json()));
    }
    let Some(metadata) = fields.get("metadata") else { return Ok(()) };
    if !(metadata.is_object() || metadata.is_null()) {
        return Err(format!(
            "json: cannot unmarshal {} into Go struct field .metadata of type v1.ObjectMeta",
            api::schema::json_type(metadata)
        ));
    }
    for key in ["annotations", "labels"] {
        match metadata.get(key) {
            None | Some(Value::Null) => {}
            Some(Value::Object(map)) => {
                if let Some(wrong) = map.values().find(|value| !(value.is_string() || value.is_null())) {
                    return Err(format!(
                        "json: cannot unmarshal {} into Go struct field ObjectMeta.metadata.{key} of type string",
                        api::schema::json_type(wrong)
                    ));
                }
            }
            Some(other) => {
                return Err(format!(
                    "json: cannot unmarshal {} into Go struct field ObjectMeta.metadata.{key} of type map[string]string",
                    api::schema::json_type(other)
                ));
            }
        }
    }
    for key in ["name", "namespace", "generateName"] {
        if let Some(wrong) = metadata.get(key).filter(|value| !(value.is_string() || value.is_null())) {
            return Err(format!(
                "json: cannot unmarshal {} into Go struct field ObjectMeta.metadata.{key} of type string",
                api::schema::json_type(wrong)
            ));
        }
    }
    Ok(())
}
