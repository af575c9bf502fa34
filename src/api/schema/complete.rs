//! Completion in an editor, and where in a manifest the cursor stands. Works on broken text too.
//!
//! Goes by indentation instead of parsing: a text under the cursor is rarely whole YAML.

use super::{Field, Shape, Type, for_api_version, kinds};
use crate::order::Order;

/// Something that may be typed at the cursor.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    pub label: String,
    /// What replaces the text from `start` to `end` (UTF-16 offsets).
    pub insert: String,
    pub start: usize,
    pub end: usize,
    /// The type, as `kubectl explain` writes it.
    pub detail: String,
    pub documentation: String,
    pub kind: CompletionKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompletionKind {
    Field,
    Value,
}

/// A line of a manifest: where its dashes and its key stand.
#[derive(Debug, Clone)]
struct Line<'a> {
    /// Column of the last `-` before the key, if any.
    dash: Option<usize>,
    column: usize,
    /// The key, or what is typed of it.
    key: &'a str,
    /// What follows the colon; `None` without one.
    value: Option<&'a str>,
}

impl<'a> Line<'a> {
    /// `None` for blank lines and comments.
    fn read(text: &'a str) -> Option<Self> {
        let mut rest = text.trim_end();
        let mut column = 0;
        let mut dash = None;
        loop {
            let trimmed = rest.trim_start_matches(' ');
            column += rest.len() - trimmed.len();
            rest = trimmed;
            if rest == "-" || rest.starts_with("- ") {
                dash = Some(column);
                column += 1;
                rest = &rest[1..];
                if rest.is_empty() {
                    column += 1;
                }
            } else {
                break;
            }
        }
        if (rest.is_empty() && dash.is_none()) || rest.starts_with('#') {
            return None;
        }
        let (key, value) = match rest.split_once(':') {
            Some((key, value)) if value.is_empty() || value.starts_with(' ') => (key, Some(value.trim())),
            _ => (rest, None),
        };
        Some(Self { dash, column, key: key.trim_matches(['"', '\'']), value })
    }
}

/// Where the cursor stands.
#[derive(Debug)]
pub(super) struct Context {
    pub kind: Option<&'static Type>,
    /// The keys around the cursor's line, outermost first.
    pub path: Vec<String>,
    /// The key on the cursor's line.
    pub key: String,
    /// Whether the cursor is behind the line's colon.
    in_value: bool,
    /// Keys of the same mapping, the cursor's own left out.
    siblings: Vec<String>,
    column: usize,
    /// The word under the cursor, as UTF-16 offsets.
    pub start: usize,
    pub end: usize,
}

pub(super) fn context(text: &str, offset: usize) -> Context {
    let byte = byte_offset(text, offset);
    let document_start = text[..byte].rfind("\n---").map_or(0, |at| at + 1);
    let document_end = text[byte..].find("\n---").map_or(text.len(), |at| byte + at);
    let line_start = text[..byte].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[byte..].find('\n').map_or(text.len(), |at| byte + at);
    let document = &text[document_start..document_end];
    let whole = &text[line_start..line_end];
    let before = &text[line_start..byte];
    let current = Line::read(whole);
    let column = current.as_ref().map_or(before.chars().count(), |line| line.column);
    let in_value = Line::read(before).is_some_and(|line| line.value.is_some());
    let above: Vec<&str> = text[document_start..line_start].lines().collect();
    let dash = current.as_ref().and_then(|line| line.dash);
    let (path, mut siblings) = climb(&above, column, dash);
    let below = text[line_end..document_end].lines();
    siblings.extend(follow(below, column));
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    let start = before.trim_end_matches(word).len() + line_start;
    let end = byte + text[byte..line_end].find(|c| !word(c)).unwrap_or(line_end - byte);
    // A list's dash is no part of the word behind it.
    let start = if text[start..byte].starts_with('-') { start + 1 } else { start };
    Context {
        kind: kind_of(document),
        path,
        key: current.map_or(String::new(), |line| line.key.to_string()),
        in_value,
        siblings,
        column,
        start: utf16(text, start.min(byte)),
        end: utf16(text, end),
    }
}

fn byte_offset(text: &str, offset: usize) -> usize {
    let mut units = 0;
    for (byte, c) in text.char_indices() {
        if units >= offset {
            return byte;
        }
        units += c.len_utf16();
    }
    text.len()
}

fn utf16(text: &str, byte: usize) -> usize {
    text[..byte].encode_utf16().count()
}

fn kind_of(document: &str) -> Option<&'static Type> {
    let value = |key: &str| {
        let line = document.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
        Some(line.split('#').next().unwrap_or_default().trim().trim_matches(['"', '\'']))
    };
    for_api_version(value("apiVersion")?, value("kind")?)
}

/// The keys above that enclose a key at `column`, and those beside it.
fn climb(above: &[&str], mut column: usize, mut dash: Option<usize>) -> (Vec<String>, Vec<String>) {
    let (mut path, mut siblings) = (Vec::new(), Vec::new());
    for text in above.iter().rev() {
        let Some(line) = Line::read(text) else { continue };
        let encloses = match dash {
            // A list may stand in its key's own column.
            Some(dash) => line.column < dash || (line.column == dash && line.dash.is_none()),
            None => line.column < column,
        };
        if encloses && line.value.is_some() {
            path.push(line.key.to_string());
            (column, dash) = (line.column, line.dash);
        } else if line.column == column && dash.is_none() {
            if path.is_empty() {
                siblings.push(line.key.to_string());
            }
            dash = line.dash;
        }
    }
    path.reverse();
    (path, siblings)
}

/// The keys below that belong to the same mapping.
fn follow<'a>(below: impl Iterator<Item = &'a str>, column: usize) -> Vec<String> {
    let mut siblings = Vec::new();
    for text in below {
        let Some(line) = Line::read(text) else { continue };
        if line.column < column || line.dash.is_some_and(|dash| dash < column) {
            break;
        }
        if line.column == column {
            siblings.push(line.key.to_string());
        }
    }
    siblings
}

/// What may be typed at a UTF-16 offset of the text.
pub fn complete(text: &str, offset: usize) -> Vec<Completion> {
    let context = context(text, offset);
    if context.in_value { values(&context) } else { fields(&context) }
}

fn fields(context: &Context) -> Vec<Completion> {
    let top = ["apiVersion", "kind", "metadata", "spec"];
    let Some(kind) = context.kind else {
        let names = top.iter().filter(|name| context.path.is_empty() && !context.siblings.iter().any(|s| s == *name));
        return names
            .map(|name| Completion {
                label: (*name).into(),
                insert: format!("{name}: "),
                start: context.start,
                end: context.end,
                detail: String::new(),
                documentation: String::new(),
                kind: CompletionKind::Field,
            })
            .collect();
    };
    let owner = match kind.walk(context.path.iter().map(String::as_str)) {
        Ok(None) => Some(kind),
        Ok(Some(place)) => place.field.shape.leaf().object(),
        Err(_) => None,
    };
    let Some(owner) = owner else { return Vec::new() };
    let mut fields: Vec<&Field> =
        owner.fields.iter().filter(|f| !context.siblings.iter().any(|s| s == f.name)).collect();
    // What must be there comes first; status is the cluster's to write.
    fields.retain(|f| !(context.path.is_empty() && f.name == "status"));
    fields.order_by_key(|f| !f.required);
    fields.into_iter().map(|field| field_completion(field, context)).collect()
}

fn field_completion(field: &Field, context: &Context) -> Completion {
    let indent = " ".repeat(context.column + 2);
    let insert = match &field.shape {
        Shape::List(_) => format!("{}:\n{indent}- ", field.name),
        Shape::Map(_) | Shape::Object(_) => format!("{}:\n{indent}", field.name),
        _ => format!("{}: ", field.name),
    };
    Completion {
        label: field.name.into(),
        insert,
        start: context.start,
        end: context.end,
        detail: field.shape.explain_type(),
        documentation: field.summary().into(),
        kind: CompletionKind::Field,
    }
}

fn values(context: &Context) -> Vec<Completion> {
    let value = |label: &str, documentation: &str| Completion {
        label: label.into(),
        insert: label.into(),
        start: context.start,
        end: context.end,
        detail: String::new(),
        documentation: documentation.into(),
        kind: CompletionKind::Value,
    };
    if context.path.is_empty() && context.key == "kind" {
        let mut names: Vec<&str> = kinds().map(|(_, kind)| kind).collect();
        names.order();
        names.dedup();
        return names.into_iter().map(|name| value(name, "")).collect();
    }
    if context.path.is_empty() && context.key == "apiVersion" {
        let mut versions: Vec<&str> = kinds().map(|(version, _)| version).collect();
        versions.dedup();
        return versions.into_iter().map(|version| value(version, "")).collect();
    }
    let Some(kind) = context.kind else { return Vec::new() };
    let path = context.path.iter().map(String::as_str).chain([context.key.as_str()]);
    let Ok(Some(place)) = kind.walk(path) else { return Vec::new() };
    match place.field.shape.leaf() {
        Shape::Bool => vec![value("true", place.field.summary()), value("false", place.field.summary())],
        _ => place.field.values.iter().filter(|v| !v.is_empty()).map(|v| value(v, place.field.summary())).collect(),
    }
}
