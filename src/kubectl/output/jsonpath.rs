//! kubectl's JSONPath dialect: templates with `{…}` actions, `range`/`end`, filters, slices. Pure.
//!
//! Mirrors: client-go/util/jsonpath. Its quirks are its own: text outside braces is
//! printed as it is, missing fields vanish, an index out of bounds is an error.

mod parse;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::cmp::Ordering;

use serde_json::Value;

use super::{gofmt, json};

/// A parsed template.
#[derive(Debug, Clone)]
pub struct Path {
    nodes: Vec<Node>,
}

#[derive(Debug, Clone)]
enum Node {
    Text(String),
    /// One `{…}`.
    List(Vec<Node>),
    Field(String),
    /// Start, end, step; an end that was derived from a lone index counts from behind when 0.
    Slice {
        start: Option<i64>,
        end: Option<i64>,
        derived: bool,
        step: Option<i64>,
    },
    Filter {
        left: Vec<Node>,
        operator: String,
        right: Vec<Node>,
    },
    Union(Vec<Vec<Node>>),
    Literal(Value),
    Wildcard,
    Recursive,
    Identifier(String),
}

type Results<'a> = Vec<Found<'a>>;

/// A value in the object, or one the template made.
#[derive(Debug, Clone)]
enum Found<'a> {
    Borrowed(&'a Value),
    Owned(Value),
}

impl Found<'_> {
    fn into_value(self) -> Value {
        match self {
            Found::Borrowed(value) => value.clone(),
            Found::Owned(value) => value,
        }
    }

    fn value(&self) -> &Value {
        match self {
            Found::Borrowed(value) => value,
            Found::Owned(value) => value,
        }
    }
}

impl Path {
    /// Parses a template.
    ///
    /// # Errors
    /// What is wrong with it, in upstream's words.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(Self { nodes: parse::template(text)? })
    }

    /// Parses a field specification as `--sort-by` and custom columns take it: braces and
    /// the leading dot may be missing.
    ///
    /// # Errors
    /// Braces in the wrong places, or a bad path.
    pub fn relaxed(text: &str) -> Result<(Self, String), String> {
        let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
        let inner = inner.strip_prefix('.').unwrap_or(inner);
        if inner.is_empty() || inner.contains(['{', '}']) {
            return Err(
                "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'"
                    .into(),
            );
        }
        let full = format!("{{.{inner}}}");
        Ok((Self::parse(&full)?, full))
    }

    /// The text the template makes of an object.
    ///
    /// # Errors
    /// What cannot be evaluated, in upstream's words.
    pub fn print(&self, object: &Value, allow_missing: bool, as_json: bool) -> Result<String, String> {
        let sets = self.found(object, allow_missing)?;
        if as_json {
            let set = |set: Results| format!("{}\n", json::pretty(&set.into_iter().map(Found::into_value).collect()));
            return Ok(sets.into_iter().map(set).collect());
        }
        let mut text = String::new();
        for set in &sets {
            for (at, found) in set.iter().enumerate() {
                if at > 0 {
                    text.push(' ');
                }
                text.push_str(&print(found.value()));
                if text.len() > MOST_TEXT {
                    return Err(format!("stopped: it makes more than {} MiB of text", MOST_TEXT >> 20));
                }
            }
        }
        Ok(text)
    }

    /// The values of each action.
    ///
    /// # Errors
    /// As [`Path::print`].
    pub fn find(&self, object: &Value, allow_missing: bool) -> Result<Vec<Vec<Value>>, String> {
        let sets = self.found(object, allow_missing)?;
        Ok(sets.into_iter().map(|set| set.into_iter().map(Found::into_value).collect()).collect())
    }

    fn found<'a>(&self, object: &'a Value, allow_missing: bool) -> Result<Vec<Results<'a>>, String> {
        let mut sets = Vec::new();
        let eval = Eval { allow_missing, left: Cell::new(MOST_VALUES) };
        let used = eval.block(&self.nodes, Some(object), false, &mut sets)?;
        if used < self.nodes.len() {
            return Err("not in range, nothing to end".into());
        }
        Ok(sets)
    }

    /// The values of a path with one action.
    pub fn values(&self, object: &Value) -> Vec<Value> {
        self.find(object, true).map(|sets| sets.into_iter().flatten().collect()).unwrap_or_default()
    }
}

fn print(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Object(_) | Value::Array(_) => json::compact(value),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => gofmt::v(value),
    }
}

/// A path that finds everything below everything, again and again, would hold up the page.
const MOST_VALUES: usize = 1_000_000;
const MOST_TEXT: usize = 16 << 20;

struct Eval {
    allow_missing: bool,
    /// Values that may still be gone through.
    left: Cell<usize>,
}

impl Eval {
    /// Evaluates nodes up to `{end}` or the last; tells how many were used.
    fn block<'a>(
        &self,
        nodes: &[Node],
        object: Option<&'a Value>,
        in_range: bool,
        sets: &mut Vec<Results<'a>>,
    ) -> Result<usize, String> {
        let mut at = 0;
        while at < nodes.len() {
            let node = &nodes[at];
            at += 1;
            if is_identifier(node, "end") {
                return if in_range { Ok(at) } else { Err("not in range, nothing to end".into()) };
            }
            let start: Results<'a> = object.into_iter().map(Found::Borrowed).collect();
            let results = self.walk(start, node)?;
            if !is_identifier(node, "range") {
                sets.push(results);
                continue;
            }
            let mut used = 0;
            if results.is_empty() {
                // Only to find where the range ends.
                used = self.block(&nodes[at..], None, true, &mut Vec::new())?;
            }
            for result in results {
                match result {
                    Found::Borrowed(value) => used = self.block(&nodes[at..], Some(value), true, sets)?,
                    Found::Owned(value) => {
                        let mut inner = Vec::new();
                        used = self.block(&nodes[at..], Some(&value), true, &mut inner)?;
                        sets.extend(
                            inner
                                .into_iter()
                                .map(|set| set.into_iter().map(|found| Found::Owned(found.value().clone())).collect()),
                        );
                    }
                }
            }
            at += used;
        }
        Ok(at)
    }

    fn list<'a>(&self, mut values: Results<'a>, nodes: &[Node]) -> Result<Results<'a>, String> {
        for node in nodes {
            values = self.walk(values, node)?;
        }
        Ok(values)
    }

    fn walk<'a>(&self, input: Results<'a>, node: &Node) -> Result<Results<'a>, String> {
        let Some(left) = self.left.get().checked_sub(input.len() + 1) else {
            return Err(format!("stopped: it goes through more than {MOST_VALUES} values"));
        };
        self.left.set(left);
        match node {
            Node::Text(text) => Ok(vec![Found::Owned(Value::String(text.clone()))]),
            Node::List(nodes) => self.list(input, nodes),
            Node::Literal(value) => Ok(input.iter().map(|_| Found::Owned(value.clone())).collect()),
            Node::Identifier(name) if name == "range" || name == "end" => Ok(input),
            Node::Identifier(name) => Err(format!("unrecognized identifier {name}")),
            Node::Field(name) => {
                let results: Results = input.into_iter().filter_map(|found| child(found, name)).collect();
                if results.is_empty() && !self.allow_missing {
                    return Err(format!("{name} is not found"));
                }
                Ok(results)
            }
            Node::Slice { .. } => {
                let mut results = Vec::new();
                for found in input {
                    slice(found, node, &mut results)?;
                }
                Ok(results)
            }
            Node::Wildcard => Ok(input.into_iter().flat_map(children).collect()),
            Node::Recursive => {
                let mut results = Vec::new();
                for found in input {
                    recurse(found, &mut results);
                    if results.len() > left {
                        return Err(format!("stopped: it goes through more than {MOST_VALUES} values"));
                    }
                }
                Ok(results)
            }
            Node::Union(lists) => {
                let mut results = Vec::new();
                for nodes in lists {
                    results.extend(self.list(input.clone(), nodes)?);
                }
                Ok(results)
            }
            Node::Filter { left, operator, right } => {
                let mut results = Vec::new();
                for found in input {
                    if !found.value().is_array() {
                        return Err(format!(
                            "{} is not array or slice and cannot be filtered",
                            gofmt::v(found.value())
                        ));
                    }
                    for item in children(found) {
                        if self.passes(&item, left, operator, right)? {
                            results.push(item);
                        }
                    }
                }
                Ok(results)
            }
        }
    }

    fn passes(&self, item: &Found<'_>, left: &[Node], operator: &str, right: &[Node]) -> Result<bool, String> {
        let lefts = self.list(vec![item.clone()], left);
        if operator == "exists" {
            return Ok(lefts.is_ok_and(|values| !values.is_empty()));
        }
        let (lefts, rights) = (lefts?, self.list(vec![item.clone()], right)?);
        if lefts.len() > 1 || rights.len() > 1 {
            return Err("can only compare one element at a time".into());
        }
        let (Some(left), Some(right)) = (lefts.first(), rights.first()) else { return Ok(false) };
        let order = compare(left.value(), right.value());
        let equal = || order.map(|order| order == Ordering::Equal);
        let is = |test: fn(Ordering) -> bool| order.map(test).ok_or_else(|| "incompatible types for comparison".into());
        match operator {
            "==" => equal().ok_or_else(|| "incompatible types for comparison".into()),
            "!=" => is(Ordering::is_ne),
            "<" => is(Ordering::is_lt),
            "<=" => is(Ordering::is_le),
            ">" => is(Ordering::is_gt),
            ">=" => is(Ordering::is_ge),
            other => Err(format!("unrecognized filter operator {other}")),
        }
    }
}

/// `{range …}` and `{end}` are actions whose first node is that word.
fn is_identifier(node: &Node, name: &str) -> bool {
    matches!(node, Node::List(nodes) if matches!(nodes.first(), Some(Node::Identifier(word)) if word == name))
}

fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

fn child<'a>(found: Found<'a>, name: &str) -> Option<Found<'a>> {
    match found {
        Found::Borrowed(value) => value.get(name).map(Found::Borrowed),
        Found::Owned(value) => value.get(name).cloned().map(Found::Owned),
    }
}

fn children(found: Found<'_>) -> Results<'_> {
    match found {
        Found::Borrowed(Value::Array(list)) => list.iter().map(Found::Borrowed).collect(),
        Found::Borrowed(Value::Object(map)) => map.values().map(Found::Borrowed).collect(),
        Found::Owned(Value::Array(list)) => list.into_iter().map(Found::Owned).collect(),
        Found::Owned(Value::Object(map)) => map.into_iter().map(|(_, value)| Found::Owned(value)).collect(),
        Found::Borrowed(_) | Found::Owned(_) => Vec::new(),
    }
}

fn recurse<'a>(found: Found<'a>, results: &mut Results<'a>) {
    let inner = children(found.clone());
    if !inner.is_empty() {
        results.push(found);
        for value in inner {
            recurse(value, results);
        }
    }
}

fn slice<'a>(found: Found<'a>, node: &Node, results: &mut Results<'a>) -> Result<(), String> {
    let Node::Slice { start, end, derived, step } = node else { return Ok(()) };
    let length = match found.value() {
        Value::Null => return Ok(()),
        Value::Array(list) => list.len() as i64,
        Value::Object(_) => return Err("map[string]interface {} is not array or slice".into()),
        Value::String(_) => return Err("string is not array or slice".into()),
        Value::Bool(_) => return Err("bool is not array or slice".into()),
        Value::Number(number) if number.is_f64() => return Err("float64 is not array or slice".into()),
        Value::Number(_) => return Err("int64 is not array or slice".into()),
    };
    let mut from = start.unwrap_or(0);
    if from < 0 {
        from += length;
    }
    let mut to = end.unwrap_or(length);
    if to < 0 || (to == 0 && *derived) {
        to += length;
    }
    if from == to {
        return Ok(());
    }
    if from >= length || from < 0 {
        return Err(format!("array index out of bounds: index {from}, length {length}"));
    }
    if to > length || to < 0 {
        return Err(format!("array index out of bounds: index {}, length {length}", to - 1));
    }
    if from > to {
        return Err(format!("starting index {from} is greater than ending index {to}"));
    }
    let step = match step {
        Some(step) if *step <= 0 => return Err("step must be > 0".into()),
        Some(step) => *step as usize,
        None => 1,
    };
    let all = children(found);
    results.extend(all.into_iter().skip(from as usize).take((to - from) as usize).step_by(step));
    Ok(())
}
