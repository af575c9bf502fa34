//! CEL's meaning: a tree and an object to a value. `&&` and `||` forgive an error on one side, as CEL does.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use super::parse::Expr;

/// What names mean.
pub struct Scope<'a> {
    this: &'a Value,
    old: Option<&'a Value>,
    bound: Vec<(String, Value)>,
}

impl<'a> Scope<'a> {
    pub fn new(this: &'a Value, old: Option<&'a Value>) -> Self {
        Self { this, old, bound: Vec::new() }
    }

    fn with(&self, name: &str, value: Value) -> Self {
        let mut bound = self.bound.clone();
        bound.push((name.into(), value));
        Self { this: self.this, old: self.old, bound }
    }
}

type Outcome = Result<Value, String>;

/// # Errors
/// Why there is no value: a missing key, a type without the operator, an unknown function.
pub fn eval(expression: &Expr, scope: &Scope) -> Outcome {
    match expression {
        Expr::Literal(value) => Ok(value.clone()),
        Expr::Name(name) => {
            if let Some((_, value)) = scope.bound.iter().rev().find(|(bound, _)| bound == name) {
                return Ok(value.clone());
            }
            match (name.as_str(), scope.old) {
                ("self", _) => Ok(scope.this.clone()),
                ("oldSelf", Some(old)) => Ok(old.clone()),
                _ => Err(format!("undeclared reference to '{name}' (in container '')")),
            }
        }
        Expr::Field(of, name) => field(&eval(of, scope)?, name),
        Expr::Index(of, index) => match (eval(of, scope)?, eval(index, scope)?) {
            (Value::Object(map), Value::String(key)) => map.get(&key).cloned().ok_or(format!("no such key: {key}")),
            (Value::Array(items), Value::Number(at)) => {
                let found = at.as_u64().and_then(|at| items.get(usize::try_from(at).ok()?).cloned());
                found.ok_or(format!("index out of bounds: {at}"))
            }
            _ => Err("no such overload".into()),
        },
        Expr::List(items) => items.iter().map(|item| eval(item, scope)).collect::<Result<_, _>>().map(Value::Array),
        Expr::Map(pairs) => {
            let mut map = Map::new();
            for (key, value) in pairs {
                map.insert(text(&eval(key, scope)?)?.to_string(), eval(value, scope)?);
            }
            Ok(Value::Object(map))
        }
        Expr::Not(inner) => Ok(Value::Bool(!truth(&eval(inner, scope)?)?)),
        Expr::Minus(inner) => arithmetic("-", &Value::from(0), &eval(inner, scope)?),
        Expr::Choice(condition, yes, no) => eval(if truth(&eval(condition, scope)?)? { yes } else { no }, scope),
        Expr::Binary(sign @ ("&&" | "||"), left, right) => {
            let decides = *sign == "||";
            let side = |expression: &Expr| eval(expression, scope).and_then(|value| truth(&value));
            match (side(left), side(right)) {
                (Ok(value), _) | (_, Ok(value)) if value == decides => Ok(Value::Bool(decides)),
                (Ok(_), Ok(_)) => Ok(Value::Bool(!decides)),
                (Err(why), _) | (_, Err(why)) => Err(why),
            }
        }
        Expr::Binary(sign, left, right) => binary(sign, &eval(left, scope)?, &eval(right, scope)?),
        Expr::Call(of, name, arguments) => call(of.as_deref(), name, arguments, scope),
    }
}

fn field(of: &Value, name: &str) -> Outcome {
    // Names that are CEL's own words are written with underscores around them.
    let plain = name.strip_prefix("__").and_then(|name| name.strip_suffix("__")).unwrap_or(name);
    of.get(plain).filter(|value| !value.is_null()).cloned().ok_or(format!("no such key: {plain}"))
}

fn truth(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| "no such overload".into())
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| "no such overload".into())
}

fn binary(sign: &str, left: &Value, right: &Value) -> Outcome {
    let ordered = |wanted: &[Ordering]| {
        let order = match (left, right) {
            (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()),
            (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
            (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
            _ => None,
        };
        order.map(|order| Value::Bool(wanted.contains(&order))).ok_or_else(|| "no such overload".to_string())
    };
    match sign {
        "==" => Ok(Value::Bool(equal(left, right))),
        "!=" => Ok(Value::Bool(!equal(left, right))),
        "<" => ordered(&[Ordering::Less]),
        "<=" => ordered(&[Ordering::Less, Ordering::Equal]),
        ">" => ordered(&[Ordering::Greater]),
        ">=" => ordered(&[Ordering::Greater, Ordering::Equal]),
        "in" => match right {
            Value::Array(items) => Ok(Value::Bool(items.iter().any(|item| equal(item, left)))),
            Value::Object(map) => Ok(Value::Bool(map.contains_key(text(left)?))),
            _ => Err("no such overload".into()),
        },
        _ => arithmetic(sign, left, right),
    }
}

fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        _ => left == right,
    }
}

fn arithmetic(sign: &str, left: &Value, right: &Value) -> Outcome {
    match (left, right) {
        (Value::String(a), Value::String(b)) if sign == "+" => Ok(Value::String(format!("{a}{b}"))),
        (Value::Array(a), Value::Array(b)) if sign == "+" => Ok(Value::Array(a.iter().chain(b).cloned().collect())),
        (Value::Number(a), Value::Number(b)) => {
            if let (Some(a), Some(b)) = (a.as_i64(), b.as_i64()) {
                let result = match sign {
                    "+" => a.checked_add(b),
                    "-" => a.checked_sub(b),
                    "*" => a.checked_mul(b),
                    "/" if b == 0 => return Err("division by zero".into()),
                    "/" => a.checked_div(b),
                    _ if b == 0 => return Err("modulus by zero".into()),
                    _ => a.checked_rem(b),
                };
                return result.map(Value::from).ok_or_else(|| "integer overflow".into());
            }
            let (a, b) = (a.as_f64().unwrap_or_default(), b.as_f64().unwrap_or_default());
            let result = match sign {
                "+" => a + b,
                "-" => a - b,
                "*" => a * b,
                _ => a / b,
            };
            Number::from_f64(result).map(Value::Number).ok_or_else(|| "not a number".into())
        }
        _ => Err("no such overload".into()),
    }
}

fn call(of: Option<&Expr>, name: &str, arguments: &[Expr], scope: &Scope) -> Outcome {
    if let ("has", [Expr::Field(of, name)]) = (name, arguments) {
        return Ok(Value::Bool(field(&eval(of, scope)?, name).is_ok()));
    }
    if let (Some(of), "all" | "exists" | "exists_one" | "filter" | "map") = (of, name) {
        return each(&eval(of, scope)?, name, arguments, scope);
    }
    let mut values: Vec<Value> = Vec::new();
    for expression in of.into_iter().chain(arguments) {
        values.push(eval(expression, scope)?);
    }
    function(name, &values)
}

/// Macros: an expression for each element.
fn each(over: &Value, name: &str, arguments: &[Expr], scope: &Scope) -> Outcome {
    let [Expr::Name(variable), test, rest @ ..] = arguments else { return Err("no such overload".into()) };
    let items: Vec<Value> = match over {
        Value::Array(items) => items.clone(),
        Value::Object(map) => map.keys().cloned().map(Value::String).collect(),
        _ => return Err("no such overload".into()),
    };
    let mut kept = Vec::new();
    for item in items.iter().cloned() {
        let scope = scope.with(variable, item.clone());
        let result = eval(test, &scope)?;
        match (name, rest) {
            ("map", []) => kept.push(result),
            ("map", [then, ..]) if truth(&result)? => kept.push(eval(then, &scope)?),
            ("map", _) => {}
            _ if truth(&result)? => kept.push(item),
            _ => {}
        }
    }
    Ok(match name {
        "all" => Value::Bool(kept.len() == items.len()),
        "exists" => Value::Bool(!kept.is_empty()),
        "exists_one" => Value::Bool(kept.len() == 1),
        _ => Value::Array(kept),
    })
}

fn function(name: &str, values: &[Value]) -> Outcome {
    let answer = |yes: bool| Ok(Value::Bool(yes));
    match (name, values) {
        ("size", [Value::String(text)]) => Ok(Value::from(text.chars().count())),
        ("size", [Value::Array(items)]) => Ok(Value::from(items.len())),
        ("size", [Value::Object(map)]) => Ok(Value::from(map.len())),
        ("startsWith", [Value::String(text), Value::String(part)]) => answer(text.starts_with(part.as_str())),
        ("endsWith", [Value::String(text), Value::String(part)]) => answer(text.ends_with(part.as_str())),
        ("contains", [Value::String(text), Value::String(part)]) => answer(text.contains(part.as_str())),
        ("matches", [Value::String(text), Value::String(pattern)]) => {
            let regex = regex_lite::Regex::new(pattern).map_err(|error| error.to_string())?;
            answer(regex.is_match(text))
        }
        ("lowerAscii", [Value::String(text)]) => Ok(Value::String(text.to_ascii_lowercase())),
        ("upperAscii", [Value::String(text)]) => Ok(Value::String(text.to_ascii_uppercase())),
        ("trim", [Value::String(text)]) => Ok(Value::String(text.trim().into())),
        ("split", [Value::String(text), Value::String(by)]) => {
            Ok(Value::Array(text.split(by.as_str()).map(Value::from).collect()))
        }
        ("join", [Value::Array(items), rest @ ..]) => {
            let parts: Vec<&str> = items.iter().map(text).collect::<Result<_, _>>()?;
            Ok(Value::String(parts.join(rest.first().and_then(Value::as_str).unwrap_or_default())))
        }
        ("string", [Value::String(text)]) => Ok(Value::String(text.clone())),
        ("string", [other]) => Ok(Value::String(other.to_string())),
        ("int", [Value::Number(number)]) => Ok(Value::from(number.as_f64().unwrap_or_default() as i64)),
        ("int", [Value::String(digits)]) => digits.parse::<i64>().map(Value::from).map_err(|error| error.to_string()),
        ("double", [Value::Number(number)]) => Ok(Value::from(number.as_f64().unwrap_or_default())),
        ("sum", [Value::Array(items)]) => {
            items.iter().try_fold(Value::from(0), |sum, item| arithmetic("+", &sum, item))
        }
        ("min" | "max", [Value::Array(items)]) => {
            let sign = if name == "min" { "<" } else { ">" };
            let (first, rest) = items.split_first().ok_or_else(|| format!("{name} called on empty list"))?;
            rest.iter().try_fold(first.clone(), |best, item| {
                Ok(if truth(&binary(sign, item, &best)?)? { item.clone() } else { best })
            })
        }
        ("isSorted", [Value::Array(items)]) => {
            let mut pairs = items.windows(2);
            answer(pairs.all(|pair| binary("<=", &pair[0], &pair[1]) == Ok(Value::Bool(true))))
        }
        ("size" | "startsWith" | "endsWith" | "contains" | "matches" | "string" | "int", _) => {
            Err("no such overload".into())
        }
        _ => Err(format!("undeclared reference to '{name}' (in container '')")),
    }
}
