//! Runs a template: nodes on a stack of their own, values by reference, and an end to both.
//!
//! Mirrors: text/template/exec.go.

use std::rc::Rc;

use serde_json::Value;

use super::super::gofmt;
use super::{Base, Node, Operand, Pipeline, Place, functions, is_true};

/// A value on its way: a part of the object or the template, or one that was made. Never copied as a whole.
#[derive(Clone)]
enum Found<'o> {
    There(&'o Value),
    Made(Rc<Value>),
}

impl std::ops::Deref for Found<'_> {
    type Target = Value;

    fn deref(&self) -> &Value {
        match self {
            Found::There(value) => value,
            Found::Made(value) => value,
        }
    }
}

impl Found<'_> {
    const NULL: Self = Found::There(&Value::Null);

    fn made(value: Value) -> Self {
        Found::Made(Rc::new(value))
    }
}

pub(super) struct Scope<'o> {
    defined: &'o [(String, Vec<Node>)],
    /// Of all templates that are being run.
    variables: Vec<(&'o str, Found<'o>)>,
    /// Where those of the innermost one begin, and its name.
    own: usize,
    name: &'o str,
    allow_missing: bool,
    pub text: String,
    /// Nodes and values that may still be gone through.
    left: usize,
    /// Templates that are being run inside each other.
    depth: usize,
}

/// A template over a thousand pods takes some ten thousand steps; one that goes over everything for each of
/// everything would hold up the page.
const MOST_STEPS: usize = 1_000_000;
const MOST_TEXT: usize = 16 << 20;
/// Templates inside each other, as Go allows: they lie on a stack of their own, so the page's does not matter.
const DEEPEST: usize = 100_000;
/// So many letters that are copied are a step.
const LETTERS: usize = 16;

impl<'o> Scope<'o> {
    pub fn new(defined: &'o [(String, Vec<Node>)], object: &'o Value, allow_missing: bool) -> Self {
        Self {
            defined,
            variables: vec![("$", Found::There(object))],
            own: 0,
            name: "output",
            allow_missing,
            text: String::new(),
            left: MOST_STEPS,
            depth: 0,
        }
    }

    fn step(&mut self, steps: usize) -> Result<(), String> {
        self.left = self.left.saturating_sub(steps);
        if self.left > 0 && self.text.len() <= MOST_TEXT {
            return Ok(());
        }
        Err(format!("stopped: it takes more than {MOST_STEPS} steps or makes more than {} MiB", MOST_TEXT >> 20))
    }

    fn variable(&mut self, name: &str) -> Option<&mut Found<'o>> {
        self.variables[self.own..].iter_mut().rev().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

/// How many values a tree holds, which are steps when it is copied.
fn weight(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(map) => map.values().map(weight).sum(),
        Value::String(text) => text.len() / LETTERS,
        _ => 0,
    }
}

/// What Go prints for a missing key.
const NO_VALUE: &str = "<no value>";

/// Nodes that are being run.
struct Frame<'o> {
    nodes: std::slice::Iter<'o, Node>,
    dot: Found<'o>,
    /// How many variables there are outside.
    variables: usize,
    then: Then<'o>,
}

/// What comes behind the last node.
enum Then<'o> {
    Leave,
    /// The next round of a range.
    Again {
        body: &'o [Node],
        names: &'o [String],
        items: std::vec::IntoIter<(Value, Found<'o>)>,
    },
    /// Back to the template that called this one.
    Return {
        own: usize,
        name: &'o str,
    },
}

impl<'o> Frame<'o> {
    /// Begins the next round of a range; whether there is one.
    fn again(&mut self, scope: &mut Scope<'o>) -> bool {
        let Then::Again { body, names, items } = &mut self.then else { return false };
        let Some((key, item)) = items.next() else { return false };
        match *names {
            [value] => scope.variables.push((value, item.clone())),
            [index, value] => {
                scope.variables.push((index, Found::made(key)));
                scope.variables.push((value, item.clone()));
            }
            _ => {}
        }
        (self.nodes, self.dot) = (body.iter(), item);
        true
    }
}

pub(super) fn run<'o>(nodes: &'o [Node], object: &'o Value, scope: &mut Scope<'o>) -> Result<(), String> {
    let (dot, variables) = (Found::There(object), scope.variables.len());
    let mut frames = vec![Frame { nodes: nodes.iter(), dot, variables, then: Then::Leave }];
    while let Some(frame) = frames.last_mut() {
        if let Some(node) = frame.nodes.next() {
            scope.step(1)?;
            let inner = enter(node, &frame.dot, scope)?;
            frames.extend(inner);
            continue;
        }
        scope.variables.truncate(frame.variables);
        if frame.again(scope) {
            continue;
        }
        if let Then::Return { own, name } = frame.then {
            (scope.own, scope.name) = (own, name);
            scope.depth -= 1;
        }
        frames.pop();
    }
    Ok(())
}

/// Does what a node says; nodes that it leads to are for its caller to run.
fn enter<'o>(node: &'o Node, dot: &Found<'o>, scope: &mut Scope<'o>) -> Result<Option<Frame<'o>>, String> {
    let variables = scope.variables.len();
    let frame = |nodes: &'o [Node], dot| Frame { nodes: nodes.iter(), dot, variables, then: Then::Leave };
    Ok(match node {
        Node::Text(text) => {
            scope.text.push_str(text);
            None
        }
        Node::Print(pipeline) => {
            let value = evaluate(pipeline, dot, scope)?;
            if pipeline.variables.is_empty() {
                let text = match value.as_deref() {
                    Some(Value::Null) | None => NO_VALUE.into(),
                    Some(value) => gofmt::v(value),
                };
                scope.text.push_str(&text);
            }
            None
        }
        Node::If { pipeline, then, otherwise } => {
            let holds = evaluate(pipeline, dot, scope)?.is_some_and(|value| is_true(&value));
            Some(frame(if holds { then } else { otherwise }, dot.clone()))
        }
        Node::With { pipeline, body, otherwise } => {
            let value = evaluate(pipeline, dot, scope)?.filter(|value| is_true(value));
            Some(match value {
                Some(value) => frame(body, value),
                None => frame(otherwise, dot.clone()),
            })
        }
        Node::Range { pipeline, body, otherwise } => {
            let items = items(pipeline, dot, scope)?;
            if items.is_empty() {
                return Ok(Some(frame(otherwise, dot.clone())));
            }
            scope.step(items.len())?;
            let then = Then::Again { body, names: &pipeline.variables, items: items.into_iter() };
            Some(Frame { then, ..frame(&[], dot.clone()) })
        }
        Node::Define { .. } => None,
        Node::Call { name, pipeline, place } => {
            let Some((name, body)) = scope.defined.iter().find(|(known, _)| known == name) else {
                return Err(place.failed(scope.name, format!("template {name:?} not defined")));
            };
            if scope.depth >= DEEPEST {
                return Err(place.failed(scope.name, format!("exceeded maximum template depth ({DEEPEST})")));
            }
            let dot = match pipeline {
                Some(pipeline) => evaluate(pipeline, dot, scope)?.unwrap_or(Found::NULL),
                None => Found::NULL,
            };
            let then = Then::Return { own: scope.own, name: scope.name };
            (scope.own, scope.name) = (scope.variables.len(), name);
            scope.depth += 1;
            scope.variables.push(("$", dot.clone()));
            Some(Frame { then, ..frame(body, dot) })
        }
    })
}

/// What a range goes over: keys or places, and values.
fn items<'o>(
    pipeline: &'o Pipeline,
    dot: &Found<'o>,
    scope: &mut Scope<'o>,
) -> Result<Vec<(Value, Found<'o>)>, String> {
    let value = value_of(pipeline, dot, scope)?.unwrap_or(Found::NULL);
    if let Found::Made(value) = &value {
        scope.step(weight(value))?;
    }
    Ok(match &value {
        Found::There(Value::Array(list)) => {
            list.iter().enumerate().map(|(at, item)| (at.into(), Found::There(item))).collect()
        }
        Found::There(Value::Object(map)) => {
            map.iter().map(|(key, item)| (key.clone().into(), Found::There(item))).collect()
        }
        found => match &**found {
            Value::Array(list) => {
                list.iter().enumerate().map(|(at, item)| (at.into(), Found::made(item.clone()))).collect()
            }
            Value::Object(map) => {
                map.iter().map(|(key, item)| (key.clone().into(), Found::made(item.clone()))).collect()
            }
            Value::Null => Vec::new(),
            other => {
                let why = format!("range can't iterate over {}", gofmt::v(other));
                return Err(match pipeline.places.first() {
                    Some(place) => place.failed(scope.name, why),
                    None => why,
                });
            }
        },
    })
}

/// The pipeline's value, which its variables get.
fn evaluate<'o>(pipeline: &'o Pipeline, dot: &Found<'o>, scope: &mut Scope<'o>) -> Result<Option<Found<'o>>, String> {
    let value = value_of(pipeline, dot, scope)?;
    for name in &pipeline.variables {
        let new = value.clone().unwrap_or(Found::NULL);
        match scope.variable(name).filter(|_| pipeline.assigns) {
            Some(slot) => *slot = new,
            None => scope.variables.push((name, new)),
        }
    }
    Ok(value)
}

fn value_of<'o>(pipeline: &'o Pipeline, dot: &Found<'o>, scope: &mut Scope<'o>) -> Result<Option<Found<'o>>, String> {
    let mut last: Option<Option<Found<'o>>> = None;
    for (command, place) in pipeline.commands.iter().zip(&pipeline.places) {
        last = Some(call(command, place, last, dot, scope)?);
    }
    Ok(last.flatten())
}

fn call<'o>(
    command: &'o [Operand],
    place: &Place,
    piped: Option<Option<Found<'o>>>,
    dot: &Found<'o>,
    scope: &mut Scope<'o>,
) -> Result<Option<Found<'o>>, String> {
    let Some((first, rest)) = command.split_first() else { return Ok(piped.flatten()) };
    let Operand::Function(name) = first else {
        if !rest.is_empty() || piped.is_some() {
            return Err(place.failed(scope.name, format!("can't give argument to non-function {}", place.text)));
        }
        return operand(first, dot, scope);
    };
    let mut arguments = Vec::new();
    for argument in rest {
        arguments.push(operand(argument, dot, scope)?.unwrap_or(Found::NULL));
    }
    arguments.extend(piped.map(|value| value.unwrap_or(Found::NULL)));
    let arguments: Vec<&Value> = arguments.iter().map(|value| &**value).collect();
    // These only look; the others read or copy all of it.
    let looks = matches!(name.as_str(), "len" | "index" | "exists" | "not");
    scope.step(if looks { 0 } else { arguments.iter().map(|value| weight(value)).sum() })?;
    let value = functions::call(name, &arguments).map_err(|why| place.failed(scope.name, why))?;
    scope.step(if looks { weight(&value) } else { 0 })?;
    Ok(Some(Found::made(value)))
}

fn operand<'o>(operand: &'o Operand, dot: &Found<'o>, scope: &mut Scope<'o>) -> Result<Option<Found<'o>>, String> {
    let (base, fields, place) = match operand {
        Operand::Literal(value) => return Ok(Some(Found::There(value))),
        Operand::Function(name) => return functions::call(name, &[]).map(|value| Some(Found::made(value))),
        Operand::Field(base, fields, place) => (base, fields, place),
    };
    let start = match base {
        Base::Dot => Some(dot.clone()),
        Base::Variable(name) => scope.variable(name).cloned(),
        Base::Pipeline(pipeline) => evaluate(pipeline, dot, scope)?,
    };
    if fields.is_empty() {
        return Ok(start);
    }
    match &start {
        Some(Found::There(value)) => Ok(walk(Some(value), fields, place, scope)?.map(Found::There)),
        other => {
            let value = walk(other.as_deref(), fields, place, scope)?.cloned();
            scope.step(value.as_ref().map_or(0, weight))?;
            Ok(value.map(Found::made))
        }
    }
}

fn walk<'v>(
    mut value: Option<&'v Value>,
    fields: &[String],
    place: &Place,
    scope: &Scope<'_>,
) -> Result<Option<&'v Value>, String> {
    for field in fields {
        value = match value {
            Some(Value::Object(map)) => match map.get(field) {
                Some(inner) => Some(inner),
                None if scope.allow_missing => None,
                None => return Err(place.failed(scope.name, format!("map has no entry for key {field:?}"))),
            },
            Some(Value::Null) | None if scope.allow_missing => None,
            Some(Value::Null) | None => {
                return Err(place.failed(scope.name, format!("nil data; no entry for key {field:?}")));
            }
            Some(other) => {
                let kind = match other {
                    Value::Array(_) => "[]interface {}",
                    Value::String(_) => "string",
                    Value::Bool(_) => "bool",
                    Value::Number(_) | Value::Null | Value::Object(_) => "float64",
                };
                return Err(place.failed(scope.name, format!("can't evaluate field {field} in type {kind}")));
            }
        };
    }
    Ok(value)
}
