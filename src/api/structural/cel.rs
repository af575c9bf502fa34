//! Validation rules of custom resources: `x-kubernetes-validations`, written in CEL.
//!
//! Mirrors: apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go. Left out: the cost that is estimated
//! of a definition, types before evaluation, optional values; a rule that uses what is missing here refuses
//! every object and says why. What a rule costs when it runs is counted nearly as cel-go counts it.

mod eval;
mod parse;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;

use super::child;
use super::patterns::Patterns;
use crate::validation::field::{ErrorKind, ErrorList, FieldError};
use crate::validation::go_value::GoValue;

const RULES: &str = "x-kubernetes-validations";

/// Whether the schema has a rule anywhere.
pub fn has_rules(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => map.contains_key(RULES) || map.values().any(has_rules),
        Value::Array(items) => items.iter().any(has_rules),
        _ => false,
    }
}

/// What all rules of one object may spend.
const BUDGET: u64 = 10_000_000;

/// One look at an object: what was read already, and what may still be spent.
#[derive(Debug)]
pub struct Rules<'a> {
    patterns: &'a Patterns,
    read: RefCell<BTreeMap<String, Result<Rc<parse::Expr>, String>>>,
    left: u64,
}

impl<'a> Rules<'a> {
    pub fn new(patterns: &'a Patterns) -> Self {
        Self { patterns, read: RefCell::default(), left: BUDGET }
    }

    /// Evaluates the rules of the schema and of everything below it.
    pub fn check(&mut self, schema: &Value, value: &Value, old: Option<&Value>, path: &str, errors: &mut ErrorList) {
        if value.is_null() || self.left == 0 {
            return;
        }
        for rule in schema.get(RULES).and_then(Value::as_array).into_iter().flatten() {
            self.apply(rule, value, old, path, errors);
            if self.left == 0 {
                return;
            }
        }
        match value {
            Value::Object(map) => {
                for (name, inner) in map {
                    let Some(known) = child(schema, name) else { continue };
                    let named = schema.get("properties").is_some_and(|properties| properties.get(name).is_some());
                    let here = match (named, path.is_empty()) {
                        (true, true) => name.clone(),
                        (true, false) => format!("{path}.{name}"),
                        (false, _) => format!("{path}[{name}]"),
                    };
                    self.check(known, inner, old.and_then(|old| old.get(name)), &here, errors);
                }
            }
            Value::Array(items) => {
                if let Some(known) = schema.get("items") {
                    for (index, item) in items.iter().enumerate() {
                        // Only lists with keys say which item an item was before.
                        self.check(known, item, None, &format!("{path}[{index}]"), errors);
                    }
                }
            }
            _ => {}
        }
    }

    fn read(&self, text: &str) -> Result<Rc<parse::Expr>, String> {
        if let Some(known) = self.read.borrow().get(text) {
            return known.clone();
        }
        let read = parse::parse(text).map(Rc::new);
        self.read.borrow_mut().insert(text.to_owned(), read.clone());
        read
    }

    fn run(&mut self, text: &str, value: &Value, old: Option<&Value>) -> Result<Value, String> {
        let expression = self.read(text)?;
        let purse = eval::Purse::new(self.patterns);
        let result = eval::eval(&expression, &eval::Scope::new(value, old, &purse)).map(Cow::into_owned);
        self.left = self.left.saturating_sub(purse.spent());
        result
    }

    fn apply(&mut self, rule: &Value, value: &Value, old: Option<&Value>, path: &str, errors: &mut ErrorList) {
        let part = |key: &str| rule.get(key).and_then(Value::as_str).unwrap_or_default();
        let text = part("rule");
        let about_change = text.contains("oldSelf");
        if about_change && old.is_none() {
            return;
        }
        let old = old.filter(|_| about_change);
        let result = self.run(text, value, old);
        let message = match result {
            Ok(Value::Bool(true)) if self.left > 0 => return,
            Err(why) if why == eval::TOO_COSTLY => {
                self.left = 0;
                let rule = Some(part("message")).filter(|message| !message.is_empty()).unwrap_or(text).trim();
                format!(
                    "'{why}': no further validation rules will be run due to call cost exceeds limit for rule: {rule}"
                )
            }
            _ if self.left == 0 => {
                "validation failed due to running out of cost budget, no further validation rules will be run".into()
            }
            Ok(Value::Bool(false)) => match self.run(part("messageExpression"), value, old) {
                Ok(Value::String(message)) if !message.is_empty() => message,
                _ if !part("message").is_empty() => part("message").to_string(),
                _ => format!("failed rule: {text}"),
            },
            Ok(_) => format!("cel expression evaluated to a value that is no boolean: {text}"),
            Err(why) => format!("{why} evaluating rule: {text}"),
        };
        let field = format!("{path}{}", part("fieldPath"));
        let field = field.trim_start_matches('.').to_string();
        let (kind, value, detail) = match part("reason") {
            "FieldValueRequired" => (ErrorKind::Required, GoValue::Null, message),
            "FieldValueForbidden" => (ErrorKind::Forbidden, GoValue::Null, message),
            "FieldValueDuplicate" => (ErrorKind::Duplicate, GoValue::Printed(message), String::new()),
            // The value itself is left out.
            _ => (ErrorKind::Invalid, GoValue::Printed(message), String::new()),
        };
        errors.push(FieldError { kind, field, value, detail });
    }
}
