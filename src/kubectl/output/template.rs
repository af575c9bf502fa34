//! Go templates, as far as `-o go-template` needs them. Pure.
//!
//! Mirrors: text/template with kubectl's `exists` and `base64decode`.

mod functions;
mod parse;

use serde_json::Value;

use super::gofmt;

/// A parsed template.
#[derive(Debug, Clone)]
pub struct Template {
    nodes: Vec<Node>,
    /// `{{define "name"}}`.
    defined: Vec<(String, Vec<Node>)>,
}

/// Where in the source something stands, and how it is written there.
#[derive(Debug, Clone, Default)]
struct Place {
    line: usize,
    column: usize,
    text: String,
}

impl Place {
    fn failed(&self, why: impl std::fmt::Display) -> String {
        format!("template: output:{}:{}: executing \"output\" at <{}>: {why}", self.line, self.column, self.text)
    }
}

#[derive(Debug, Clone)]
enum Node {
    Text(String),
    Print(Pipeline),
    If { pipeline: Pipeline, then: Vec<Node>, otherwise: Vec<Node> },
    Range { pipeline: Pipeline, body: Vec<Node>, otherwise: Vec<Node> },
    With { pipeline: Pipeline, body: Vec<Node>, otherwise: Vec<Node> },
    Define { name: String, body: Vec<Node> },
    Call { name: String, pipeline: Option<Pipeline> },
}

/// `$a, $b := f x | g`.
#[derive(Debug, Clone, Default)]
struct Pipeline {
    variables: Vec<String>,
    assigns: bool,
    commands: Vec<Vec<Operand>>,
    /// Of each command.
    places: Vec<Place>,
}

#[derive(Debug, Clone)]
enum Operand {
    /// `.a.b` from the dot, a variable or a parenthesis.
    Field(Base, Vec<String>, Place),
    Literal(Value),
    Function(String),
}

#[derive(Debug, Clone)]
enum Base {
    Dot,
    Variable(String),
    Pipeline(Box<Pipeline>),
}

struct Scope<'a> {
    defined: &'a [(String, Vec<Node>)],
    variables: Vec<(String, Value)>,
    allow_missing: bool,
    text: String,
    /// Nodes and values that may still be gone through.
    left: usize,
    /// Templates that are being run inside each other.
    depth: usize,
}

/// A template over a thousand pods takes some ten thousand steps; one that goes over everything for each of
/// everything would hold up the page.
const MOST_STEPS: usize = 1_000_000;
const MOST_TEXT: usize = 16 << 20;
/// Go allows 100000, which is more than the stack of a page.
const DEEPEST: usize = 100;

impl Scope<'_> {
    fn step(&mut self, steps: usize) -> Result<(), String> {
        self.left = self.left.saturating_sub(steps);
        if self.left > 0 && self.text.len() <= MOST_TEXT {
            return Ok(());
        }
        Err(format!("stopped: it takes more than {MOST_STEPS} steps or makes more than {} MiB", MOST_TEXT >> 20))
    }
}

/// How many values a tree holds, which are steps when it is copied.
fn weight(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(map) => map.values().map(weight).sum(),
        _ => 0,
    }
}

/// What Go prints for a missing key.
const NO_VALUE: &str = "<no value>";

impl Template {
    /// # Errors
    /// What is wrong with the template.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut defined = Vec::new();
        let mut nodes = parse::template(text)?;
        nodes.retain(|node| match node {
            Node::Define { name, body } => {
                defined.push((name.clone(), body.clone()));
                false
            }
            _ => true,
        });
        Ok(Self { nodes, defined })
    }

    /// # Errors
    /// What was printed before, and what cannot be evaluated.
    pub fn execute(&self, object: &Value, allow_missing: bool) -> Result<String, (String, String)> {
        let mut scope = Scope {
            defined: &self.defined,
            variables: vec![("$".into(), object.clone())],
            allow_missing,
            text: String::new(),
            left: MOST_STEPS,
            depth: 0,
        };
        match run(&self.nodes, object, &mut scope) {
            Ok(()) => Ok(scope.text),
            Err(why) => Err((scope.text, why)),
        }
    }
}

fn run(nodes: &[Node], dot: &Value, scope: &mut Scope<'_>) -> Result<(), String> {
    let depth = scope.variables.len();
    for node in nodes {
        scope.step(1)?;
        match node {
            Node::Text(text) => scope.text.push_str(text),
            Node::Print(pipeline) => {
                let value = evaluate(pipeline, dot, scope)?;
                if pipeline.variables.is_empty() {
                    let text = match value {
                        Some(Value::Null) | None => NO_VALUE.into(),
                        Some(value) => gofmt::v(&value),
                    };
                    scope.text.push_str(&text);
                }
            }
            Node::If { pipeline, then, otherwise } => {
                let inner = scope.variables.len();
                let value = evaluate(pipeline, dot, scope)?.unwrap_or(Value::Null);
                run(if is_true(&value) { then } else { otherwise }, dot, scope)?;
                scope.variables.truncate(inner);
            }
            Node::With { pipeline, body, otherwise } => {
                let inner = scope.variables.len();
                let value = evaluate(pipeline, dot, scope)?.unwrap_or(Value::Null);
                if is_true(&value) {
                    run(body, &value, scope)?;
                } else {
                    run(otherwise, dot, scope)?;
                }
                scope.variables.truncate(inner);
            }
            Node::Range { pipeline, body, otherwise } => range(pipeline, body, otherwise, dot, scope)?,
            Node::Define { .. } => {}
            Node::Call { name, pipeline } => {
                let value = match pipeline {
                    Some(pipeline) => evaluate(pipeline, dot, scope)?.unwrap_or(Value::Null),
                    None => Value::Null,
                };
                let Some((_, body)) = scope.defined.iter().find(|(known, _)| known == name) else {
                    return Err(format!("template: output:1: template {name:?} not defined"));
                };
                if scope.depth >= DEEPEST {
                    return Err(format!("exceeded maximum template depth ({DEEPEST})"));
                }
                scope.depth += 1;
                let outer = std::mem::replace(&mut scope.variables, vec![("$".into(), value.clone())]);
                run(body, &value, scope)?;
                scope.variables = outer;
                scope.depth -= 1;
            }
        }
    }
    scope.variables.truncate(depth);
    Ok(())
}

fn range(
    pipeline: &Pipeline,
    body: &[Node],
    otherwise: &[Node],
    dot: &Value,
    scope: &mut Scope<'_>,
) -> Result<(), String> {
    let bare = Pipeline { variables: Vec::new(), ..pipeline.clone() };
    let items: Vec<(Value, Value)> = match evaluate(&bare, dot, scope)?.unwrap_or(Value::Null) {
        Value::Array(list) => list.into_iter().enumerate().map(|(at, item)| (at.into(), item)).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key.into(), value)).collect(),
        Value::Null => Vec::new(),
        other => {
            let why = format!("range can't iterate over {}", gofmt::v(&other));
            return Err(pipeline.places.first().map_or_else(|| why.clone(), |place| place.failed(&why)));
        }
    };
    if items.is_empty() {
        return run(otherwise, dot, scope);
    }
    scope.step(items.len())?;
    for (key, item) in items {
        let depth = scope.variables.len();
        match pipeline.variables.as_slice() {
            [value] => scope.variables.push((value.clone(), item.clone())),
            [index, value] => {
                scope.variables.push((index.clone(), key));
                scope.variables.push((value.clone(), item.clone()));
            }
            _ => {}
        }
        run(body, &item, scope)?;
        scope.variables.truncate(depth);
    }
    Ok(())
}

fn evaluate(pipeline: &Pipeline, dot: &Value, scope: &mut Scope<'_>) -> Result<Option<Value>, String> {
    let mut last: Option<Option<Value>> = None;
    for (command, place) in pipeline.commands.iter().zip(&pipeline.places) {
        last = Some(call(command, place, last, dot, scope)?);
    }
    let value = last.flatten();
    for name in &pipeline.variables {
        let new = value.clone().unwrap_or(Value::Null);
        match scope.variables.iter_mut().rev().find(|(known, _)| known == name) {
            Some((_, slot)) if pipeline.assigns => *slot = new,
            _ => scope.variables.push((name.clone(), new)),
        }
    }
    Ok(value)
}

fn call(
    command: &[Operand],
    place: &Place,
    piped: Option<Option<Value>>,
    dot: &Value,
    scope: &mut Scope<'_>,
) -> Result<Option<Value>, String> {
    let Some((first, rest)) = command.split_first() else { return Ok(piped.flatten()) };
    let Operand::Function(name) = first else {
        if !rest.is_empty() || piped.is_some() {
            return Err(place.failed(format!("can't give argument to non-function {}", place.text)));
        }
        return operand(first, dot, scope);
    };
    let mut arguments = Vec::new();
    for argument in rest {
        arguments.push(operand(argument, dot, scope)?.unwrap_or(Value::Null));
    }
    arguments.extend(piped.map(|value| value.unwrap_or(Value::Null)));
    functions::call(name, &arguments).map(Some).map_err(|why| place.failed(why))
}

fn operand(operand: &Operand, dot: &Value, scope: &mut Scope<'_>) -> Result<Option<Value>, String> {
    let (base, fields, place) = match operand {
        Operand::Literal(value) => return Ok(Some(value.clone())),
        Operand::Function(name) => return functions::call(name, &[]).map(Some),
        Operand::Field(base, fields, place) => (base, fields, place),
    };
    let made;
    let mut value = match base {
        Base::Dot => Some(dot),
        Base::Variable(name) => scope.variables.iter().rev().find(|(known, _)| known == name).map(|(_, v)| v),
        Base::Pipeline(pipeline) => {
            made = evaluate(pipeline, dot, scope)?;
            made.as_ref()
        }
    };
    for field in fields {
        value = match value {
            Some(Value::Object(map)) => match map.get(field) {
                Some(inner) => Some(inner),
                None if scope.allow_missing => None,
                None => return Err(place.failed(format!("map has no entry for key {field:?}"))),
            },
            Some(Value::Null) | None if scope.allow_missing => None,
            Some(Value::Null) | None => {
                return Err(place.failed(format!("nil data; no entry for key {field:?}")));
            }
            Some(other) => {
                let kind = match other {
                    Value::Array(_) => "[]interface {}",
                    Value::String(_) => "string",
                    Value::Bool(_) => "bool",
                    Value::Number(_) | Value::Null | Value::Object(_) => "float64",
                };
                return Err(place.failed(format!("can't evaluate field {field} in type {kind}")));
            }
        };
    }
    let value = value.cloned();
    scope.step(value.as_ref().map_or(0, weight))?;
    Ok(value)
}

/// Go's truth: empty things are false.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}
