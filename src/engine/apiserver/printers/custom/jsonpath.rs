//! The simple JSON paths of printer columns: fields, indices, `[*]` and equality filters. Only the first match counts.
//!
//! Mirrors: client-go util/jsonpath, as far as apiextensions lets a column use it.

use serde_json::Value;

/// A parsed path. One that cannot be parsed matches nothing.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Path(Option<Vec<Step>>);

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Field(String),
    Index(i64),
    Every,
    /// `[?(@.type=="Ready")]`: elements where the field has the text.
    Where {
        fields: Vec<Step>,
        equals: bool,
        text: String,
    },
}

impl Path {
    pub fn parse(text: &str) -> Self {
        Path(steps(text))
    }

    /// The first value that the path leads to.
    pub fn first<'a>(&self, root: &'a Value) -> Option<&'a Value> {
        follow(root, self.0.as_ref()?)
    }
}

fn follow<'a>(value: &'a Value, steps: &[Step]) -> Option<&'a Value> {
    let Some((step, rest)) = steps.split_first() else { return Some(value) };
    match step {
        Step::Field(name) => follow(value.get(name)?, rest),
        Step::Index(index) => {
            let list = value.as_array()?;
            // Negative indices count from the end.
            let index = if *index < 0 { *index + i64::try_from(list.len()).ok()? } else { *index };
            follow(list.get(usize::try_from(index).ok()?)?, rest)
        }
        Step::Every => match value {
            Value::Array(list) => list.iter().find_map(|element| follow(element, rest)),
            Value::Object(map) => map.values().find_map(|element| follow(element, rest)),
            _ => None,
        },
        Step::Where { fields, equals, text } => value.as_array()?.iter().find_map(|element| {
            let found = follow(element, fields)?;
            let same = match found {
                Value::String(found) => found == text,
                // Numbers and booleans are compared by how they are written.
                other => other.to_string().as_str() == text.as_str(),
            };
            if same == *equals { follow(element, rest) } else { None }
        }),
    }
}

fn steps(text: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('[') {
            let end = closing(after)?;
            steps.push(bracket(after[..end].trim())?);
            rest = &after[end + 1..];
        } else {
            let after = rest.strip_prefix('.').unwrap_or(rest);
            let (name, after) = field(after);
            match name.as_str() {
                "" => {}
                "*" => steps.push(Step::Every),
                _ => steps.push(Step::Field(name)),
            }
            // Nothing eaten: a character that has no meaning here.
            if after.len() == rest.len() {
                return None;
            }
            rest = after;
        }
    }
    Some(steps)
}

/// A field name up to the next `.` or `[`; a backslash takes the next character literally.
fn field(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => {
                name.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '.' | '[' => return (name, &text[at..]),
            _ => name.push(c),
        }
    }
    (name, "")
}

/// Where the bracket just opened is closed, quotes and inner brackets skipped.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut quote) = (0, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '[') => depth += 1,
            (None, ']') if depth == 0 => return Some(at),
            (None, ']') => depth -= 1,
            _ => {}
        }
    }
    None
}

fn bracket(inside: &str) -> Option<Step> {
    if inside == "*" {
        return Some(Step::Every);
    }
    if let Some(name) = unquote(inside) {
        return Some(Step::Field(name.into()));
    }
    let Some(condition) = inside.strip_prefix("?(").and_then(|rest| rest.strip_suffix(')')) else {
        return inside.parse().ok().map(Step::Index);
    };
    let (left, equals, right) = match (condition.split_once("=="), condition.split_once("!=")) {
        (Some((left, right)), _) => (left, true, right),
        (None, Some((left, right))) => (left, false, right),
        (None, None) => return None,
    };
    let fields = steps(left.trim().strip_prefix('@')?)?;
    let right = right.trim();
    Some(Step::Where { fields, equals, text: unquote(right).unwrap_or(right).into() })
}

fn unquote(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text.strip_prefix(quote)?.strip_suffix(quote)
}
