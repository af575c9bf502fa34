//! Everything an editor can say about a manifest before it is sent, with positions. Changes nothing.

use super::walk::{Finding, What, walk};
use super::{Type, for_api_version, for_type, kinds};
use crate::order::Order;
use crate::scheme::split_api_version;
use crate::yaml::{Document, Entry, Node, Pos, Span, YamlError, parse_each};

/// One remark about a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostic {
    /// UTF-16 offsets.
    pub start: usize,
    pub end: usize,
    /// From 0.
    pub line: usize,
    pub severity: Severity,
    pub message: String,
    /// What probably was meant: a replacement for the marked text.
    pub suggestion: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The API server will refuse the manifest.
    Error,
    /// It may be refused, or is probably not what was meant.
    Warning,
}

/// All remarks about a file of manifests, in the order of the text.
pub fn lint(text: &str) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for document in parse_each(text) {
        match document {
            Err(error) => found.push(syntax(text, &error)),
            Ok(document) if document.root.is_null() => {}
            Ok(document) => lint_document(&document, &mut found),
        }
    }
    found.order_by_key(|d| (d.start, d.end));
    found
}

fn syntax(text: &str, error: &YamlError) -> Diagnostic {
    let at = error.at.byte.min(text.len());
    let rest: &str = text.get(at..).unwrap_or_default();
    let length = rest.lines().next().unwrap_or_default().encode_utf16().count();
    Diagnostic {
        start: error.at.utf16,
        end: error.at.utf16 + length,
        line: error.at.line,
        severity: Severity::Error,
        message: error.problem.clone(),
        suggestion: None,
    }
}

fn remark(span: Span, severity: Severity, message: String, suggestion: Option<String>) -> Diagnostic {
    let (start, end) = (span.start.utf16, span.end.utf16.max(span.start.utf16));
    Diagnostic { start, end, line: span.start.line, severity, message, suggestion }
}

/// Collections are marked by their beginning only: a whole block in red helps nobody.
fn beginning(span: Span) -> Span {
    if span.end.line == span.start.line {
        return span;
    }
    let one =
        Pos { utf16: span.start.utf16 + 1, byte: span.start.byte + 1, column: span.start.column + 1, ..span.start };
    Span { start: span.start, end: one }
}

fn lint_document(document: &Document, found: &mut Vec<Diagnostic>) {
    for duplicate in &document.duplicates {
        let message = format!("key {:?} already set in map", duplicate.key);
        found.push(remark(duplicate.span, Severity::Warning, message, None));
    }
    let root = &document.root;
    if root.entries().is_empty() {
        found.push(remark(beginning(root.span), Severity::Error, "invalid object to validate".into(), None));
        return;
    }
    if let Some(kind) = kind_of(root, found) {
        if root.get("kind").and_then(Node::as_str) == Some("List") {
            return;
        }
        walk(kind, root, &mut |finding| {
            found.extend(say(finding));
            true
        });
    }
}

/// The document's type; says so if its apiVersion and kind name none.
fn kind_of(root: &Node, found: &mut Vec<Diagnostic>) -> Option<&'static Type> {
    let mut text = |key: &str| -> Option<(&Entry, String)> {
        let entry = root.entry(key).filter(|entry| entry.value.as_str().is_some_and(|t| !t.is_empty()));
        if entry.is_none() {
            found.push(remark(beginning(root.span), Severity::Error, format!("{key} not set"), None));
        }
        entry.map(|entry| (entry, entry.value.as_str().unwrap_or_default().to_string()))
    };
    let (version, kind) = (text("apiVersion"), text("kind"));
    let (version, version_text) = version?;
    let (kind, kind_text) = kind?;
    if let Some(found) = for_api_version(&version_text, &kind_text) {
        return Some(found);
    }
    let (group, _) = split_api_version(&version_text);
    // A group of its own may be a custom resource, which no table here knows.
    let served = group.is_empty() || kinds().any(|(v, _)| split_api_version(v).0 == group);
    if (kind_text == "List" && version_text == "v1") || (group.contains('.') && !served) {
        return None;
    }
    let message = format!("no matches for kind {kind_text:?} in version {version_text:?}");
    let right_version = kinds().find(|(_, k)| *k == kind_text).map(|(v, _)| v.to_string());
    let (span, suggestion) = match right_version {
        Some(version_for_kind) => (version.value.span, Some(version_for_kind)),
        None => (kind.value.span, closest(&kind_text, kinds().map(|(_, k)| k)).map(str::to_string)),
    };
    found.push(remark(span, Severity::Error, message, suggestion));
    None
}

fn say(finding: Finding) -> Option<Diagnostic> {
    let at = finding.key.or(finding.value)?;
    let value = finding.value.map_or(at, beginning);
    Some(match finding.what {
        What::Unknown { field, owner } => {
            let names = for_type(owner).into_iter().flat_map(|t| &t.fields).map(|f| f.name);
            let suggestion = closest(&field, names).map(str::to_string);
            remark(at, Severity::Error, format!("unknown field {:?}", finding.path), suggestion)
        }
        What::Type(message) | What::Abort(message) => {
            let message = message.strip_prefix("json: ").unwrap_or(&message).to_string();
            remark(value, Severity::Error, message, None)
        }
        What::Missing { field } => {
            let path = if finding.path.is_empty() { field.to_string() } else { format!("{}.{field}", finding.path) };
            remark(value, Severity::Warning, format!("{path}: Required value"), None)
        }
        What::Unsupported { value: text, values } => {
            let supported: Vec<String> = values.iter().map(|v| format!("{v:?}")).collect();
            let message =
                format!("{}: Unsupported value: {text:?}: supported values: {}", finding.path, supported.join(", "));
            remark(value, Severity::Warning, message, closest(&text, values.iter().copied()).map(str::to_string))
        }
        // The parser has reported these for every mapping.
        What::Duplicate => return None,
    })
}

/// The candidate that looks most like `word`, if one looks like it at all.
pub fn closest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = (word.chars().count() / 3).max(1);
    let lower = word.to_lowercase();
    candidates
        .filter(|candidate| *candidate != word)
        .map(|candidate| (distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, candidate)| (*distance, *candidate))
        .map(|(_, candidate)| candidate)
}

/// Edits from one word to the other; two letters swapped count as one.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (rows[i][j] + usize::from(x != y)).min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
