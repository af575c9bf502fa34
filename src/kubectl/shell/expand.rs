//! Expands words: variables, command substitution, file name patterns.

use super::syntax::{Part, Word};
use crate::coroutine::Cx;
use api::order::Order;

/// A word as the words it becomes.
///
/// # Errors
/// Never at present; the code is the exit code of a failing expansion.
pub async fn word(cx: &Cx, word: &Word) -> Result<Vec<String>, i32> {
    let mut words = vec![String::new()];
    let mut exists = false;
    let mut pattern = false;
    for part in word {
        match part {
            Part::Text { text, quoted } => {
                exists = true;
                pattern |= !quoted && text.contains(['*', '?']);
                words.last_mut().expect("one word to begin with").push_str(text);
            }
            Part::Variable { name, quoted } => {
                let value = variable(cx, name);
                exists |= *quoted || !value.is_empty();
                append(&mut words, &value, *quoted);
            }
            Part::Command { line, quoted } => {
                let (inner, output) = cx.captured(None);
                super::run(inner, line.clone()).await;
                let value = output.borrow().trim_end_matches('\n').to_string();
                exists |= *quoted || !value.trim().is_empty();
                append(&mut words, &value, *quoted);
            }
        }
    }
    if !exists {
        return Ok(Vec::new());
    }
    if pattern {
        let wanted = words.concat();
        let mut files: Vec<String> = cx.env.files.names().into_iter().filter(|name| matches(&wanted, name)).collect();
        files.order();
        if !files.is_empty() {
            return Ok(files);
        }
    }
    Ok(words)
}

/// Unquoted values are split at blanks.
fn append(words: &mut Vec<String>, value: &str, quoted: bool) {
    let last = words.last_mut().expect("one word to begin with");
    if quoted {
        last.push_str(value);
        return;
    }
    let mut parts = value.split_whitespace();
    if let Some(first) = parts.next() {
        last.push_str(first);
    }
    words.extend(parts.map(String::from));
}

fn variable(cx: &Cx, name: &str) -> String {
    let (name, default) = match name.split_once(":-") {
        Some((name, default)) => (name, default),
        None => (name, ""),
    };
    let session = cx.env.session.borrow();
    match session.variables.get(name) {
        Some(value) if !value.is_empty() => value.clone(),
        _ => default.to_string(),
    }
}

/// Variables inside a here-document.
pub async fn text(cx: &Cx, text: &str) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        expanded.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if expanded.ends_with('\\') {
            expanded.pop();
            expanded.push('$');
            continue;
        }
        let (name, length) = if let Some(inner) = rest.strip_prefix('{') {
            match inner.find('}') {
                Some(end) => (&inner[..end], end + 2),
                None => ("", 0),
            }
        } else {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            (&rest[..end], end)
        };
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            expanded.push('$');
        } else {
            expanded.push_str(&variable(cx, name));
            rest = &rest[length..];
        }
    }
    expanded.push_str(rest);
    expanded
}

/// `*` and `?`, as for file names.
pub fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut letter) = (0, 0);
    // Behind the last star, and where what it stands for ends so far. Earlier stars need not grow:
    // what follows them was found as far in front as can be.
    let mut star: Option<(usize, usize)> = None;
    while letter < name.len() {
        match pattern.get(at) {
            Some('*') => {
                at += 1;
                star = Some((at, letter));
            }
            Some(expected) if *expected == name[letter] || (*expected == '?' && name[letter] != '/') => {
                at += 1;
                letter += 1;
            }
            Some(_) | None => match star {
                Some((behind, end)) if name[end] != '/' => {
                    star = Some((behind, end + 1));
                    (at, letter) = (behind, end + 1);
                }
                _ => return false,
            },
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}
