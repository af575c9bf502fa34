//! YAML as Kubernetes reads and prints it: a tree with positions, errors in Go's words, `-o yaml`.
//!
//! Mirrors: sigs.k8s.io/yaml over go-yaml v2 (YAML 1.1 scalars: `yes`, `on` and `y` are
//! booleans, `0777` is octal) and apimachinery/pkg/util/yaml (how a file is cut into documents).
//! The scanner and parser follow libyaml's rules, so that syntax errors name the same
//! problem on the same line as `kubectl` does.
//!
//! ```text
//! parse_documents(text)   -> Vec<Document>     every document of a file, each with its tree
//! parse_document(text)    -> Document          one document: a request's body
//! document.root           -> Node              values with spans; Node::to_json() -> Value
//! parse_json(text)        -> Node              JSON only, errors in encoding/json's words
//! to_yaml(&value)         -> String            what `kubectl get -o yaml` prints
//! ```
//! Never panics on any input; time and memory are linear in the text (aliases are budgeted).

mod emit;
mod json;
mod parser;
mod resolve;
mod scanner;
#[cfg(test)]
mod tests;

use serde_json::{Map, Number, Value};

pub use emit::to_yaml;
pub use json::{JsonError, parse_json};

/// A place in the text. Lines and columns start at 0; editors count in UTF-16 units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pos {
    pub line: usize,
    /// In characters.
    pub column: usize,
    pub byte: usize,
    pub utf16: usize,
}

/// From `start` to `end`, exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    pub start: Pos,
    pub end: Pos,
}

/// A value of the document and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub value: Data,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Seq(Vec<Node>),
    /// In document order, repeated keys included.
    Map(Vec<Entry>),
}

/// One `key: value` of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: String,
    pub key_span: Span,
    pub value: Node,
}

/// One document of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub root: Node,
    /// Where the document's text begins in the file: positions in it count from here for
    /// kubectl's messages, but spans in `root` count from the start of the file.
    pub start: Pos,
    /// Keys that repeat, in document order: what a strict reader refuses.
    pub duplicates: Vec<Duplicate>,
}

/// A key that was already set in its mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Duplicate {
    pub key: String,
    pub span: Span,
    /// As Go counts: from 1, from the start of the document, where the value begins.
    pub line: usize,
}

/// Why a text is not YAML.
#[derive(Debug, Clone, PartialEq)]
pub struct YamlError {
    /// The line Go names; it leaves out the number when it is 0.
    pub line: usize,
    pub problem: String,
    /// Where the problem was noticed, in the whole text.
    pub at: Pos,
}

impl std::fmt::Display for YamlError {
    /// `yaml: line 8: did not find expected key`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.line == 0 {
            write!(f, "yaml: {}", self.problem)
        } else {
            write!(f, "yaml: line {}: {}", self.line, self.problem)
        }
    }
}

impl YamlError {
    /// As kubectl says it after the file's name: `error converting YAML to JSON: yaml: …`
    pub fn converting(&self) -> String {
        format!("error converting YAML to JSON: {self}")
    }
}

impl Document {
    /// What a strict reader says about repeated keys; `None` if there are none.
    pub fn duplicate_error(&self) -> Option<String> {
        if self.duplicates.is_empty() {
            return None;
        }
        let lines = self.duplicates.iter().map(|d| format!("\n  line {}: key {:?} already set in map", d.line, d.key));
        Some(format!("yaml: unmarshal errors:{}", lines.collect::<String>()))
    }

    pub fn to_json(&self) -> Value {
        self.root.to_json()
    }
}

impl Node {
    /// The value without positions. Of a repeated key the last value wins, as in Go.
    pub fn to_json(&self) -> Value {
        match &self.value {
            Data::Null => Value::Null,
            Data::Bool(b) => Value::Bool(*b),
            Data::Number(n) => Value::Number(n.clone()),
            Data::String(s) => Value::String(s.clone()),
            Data::Seq(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Data::Map(entries) => {
                let mut map = Map::new();
                for entry in entries {
                    map.insert(entry.key.clone(), entry.value.to_json());
                }
                Value::Object(map)
            }
        }
    }

    /// The value of a key, the last one if it repeats.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// Key and value, the last pair if the key repeats.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().rev().find(|entry| entry.key == key)
    }

    /// The pairs of a mapping; nothing for other values.
    pub fn entries(&self) -> &[Entry] {
        if let Data::Map(entries) = &self.value { entries } else { &[] }
    }

    /// The items of a sequence; nothing for other values.
    pub fn items(&self) -> &[Node] {
        if let Data::Seq(items) = &self.value { items } else { &[] }
    }

    pub fn as_str(&self) -> Option<&str> {
        if let Data::String(text) = &self.value { Some(text) } else { None }
    }

    pub fn is_null(&self) -> bool {
        self.value == Data::Null
    }
}

/// A piece of a file between `---` lines.
struct Chunk<'a> {
    text: &'a str,
    start: Pos,
}

/// Cuts a file at lines that hold only `---` (and perhaps a comment).
///
/// A leading `---` stays in its document, so it counts as a line there: kubectl's quirk.
fn split(text: &str) -> Vec<Chunk<'_>> {
    let mut chunks = Vec::new();
    let (mut at, mut start) = (Pos::default(), Pos::default());
    for line in text.split_inclusive('\n') {
        let next = Pos {
            line: at.line + 1,
            column: 0,
            byte: at.byte + line.len(),
            utf16: at.utf16 + line.encode_utf16().count(),
        };
        let separator =
            line.strip_prefix("---").map(str::trim).is_some_and(|rest| rest.is_empty() || rest.starts_with('#'));
        if separator && at.byte > start.byte {
            chunks.push(Chunk { text: &text[start.byte..at.byte], start });
            start = next;
        }
        at = next;
    }
    if at.byte > start.byte {
        chunks.push(Chunk { text: &text[start.byte..], start });
    }
    chunks
}

/// Every document of a file, as `kubectl -f` reads it. Empty documents (comments only) are left out.
///
/// # Errors
/// The first document that is no YAML, with its line counted from the document's start as kubectl does.
pub fn parse_documents(text: &str) -> Result<Vec<Document>, YamlError> {
    if text.trim_start().starts_with('{')
        && let Some(values) = json::parse_stream(text)
    {
        let document = |root| Document { root, start: Pos::default(), duplicates: Vec::new() };
        return Ok(values.into_iter().map(document).collect());
    }
    let mut documents = Vec::new();
    for chunk in split(text) {
        let document = parser::parse(chunk.text, chunk.start)?;
        if !document.root.is_null() {
            documents.push(document);
        }
    }
    Ok(documents)
}

/// Every document or the reason it is none: what an editor wants, one broken document hides no other.
pub fn parse_each(text: &str) -> Vec<Result<Document, YamlError>> {
    split(text).into_iter().map(|chunk| parser::parse(chunk.text, chunk.start)).collect()
}

/// The first document of a text: how the API server reads a body.
///
/// # Errors
/// The syntax error, in Go's words.
pub fn parse_document(text: &str) -> Result<Document, YamlError> {
    parser::parse(text, Pos::default())
}
