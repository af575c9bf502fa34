//! CEL's meaning: a tree and an object to a value. `&&` and `||` forgive an error on one side, as CEL does.

use std::borrow::Cow;
use std::cell::Cell;
use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use super::super::patterns::Patterns;
use super::parse::Expr;

/// What a rule may spend: about the steps it takes, and a tenth of the letters it walks over.
///
/// Mirrors: apiserver/pkg/apis/cel `PerCallLimit`; the steps are counted much as cel-go counts them.
const LIMIT: u64 = 1_000_000;
/// How a rule ends that spends more.
pub const TOO_COSTLY: &str = "operation cancelled: actual cost limit exceeded";

/// What a rule has left to spend, and the patterns that were read.
#[derive(Debug)]
pub struct Purse<'a> {
    left: Cell<u64>,
    patterns: &'a Patterns,
}

impl<'a> Purse<'a> {
    pub fn new(patterns: &'a Patterns) -> Self {
        Self { left: Cell::new(LIMIT), patterns }
    }

    pub fn spent(&self) -> u64 {
        LIMIT - self.left.get()
    }

    fn spend(&self, cost: usize) -> Result<(), String> {
        match self.left.get().checked_sub(cost as u64) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => {
                self.left.set(0);
                Err(TOO_COSTLY.into())
            }
        }
    }
}

/// What names mean.
pub struct Scope<'a> {
    this: &'a Value,
    old: Option<&'a Value>,
    /// A variable of a macro, its value, and what names mean around it.
    bound: Option<(&'a str, &'a Value, &'a Scope<'a>)>,
    purse: &'a Purse<'a>,
}

impl<'a> Scope<'a> {
    pub fn new(this: &'a Value, old: Option<&'a Value>, purse: &'a Purse<'a>) -> Self {
        Self { this, old, bound: None, purse }
    }

    fn with(&'a self, name: &'a str, value: &'a Value) -> Self {
        Self { this: self.this, old: self.old, bound: Some((name, value, self)), purse: self.purse }
    }

    fn find(&self, name: &str) -> Option<&'a Value> {
        match self.bound {
            Some((known, value, _)) if known == name => Some(value),
            Some((.., around)) => around.find(name),
            None if name == "self" => Some(self.this),
            None if name == "oldSelf" => self.old,
            None => None,
        }
    }
}

/// A value of its own, or a part of the object.
type Outcome<'a> = Result<Cow<'a, Value>, String>;

fn own<'a>(value: impl Into<Value>) -> Outcome<'a> {
    Ok(Cow::Owned(value.into()))
}

/// A part of a value, which is borrowed where the value is.
fn part<'a>(
    of: Cow<'a, Value>,
    find: impl FnOnce(&Value) -> Option<&Value>,
    none: impl FnOnce() -> String,
) -> Outcome<'a> {
    let found = match of {
        Cow::Borrowed(value) => find(value).map(Cow::Borrowed),
        Cow::Owned(value) => find(&value).cloned().map(Cow::Owned),
    };
    found.ok_or_else(none)
}

/// # Errors
/// Why there is no value: a missing key, a type without the operator, an unknown function, or too long a way.
pub fn eval<'a>(expression: &'a Expr, scope: &'a Scope<'a>) -> Outcome<'a> {
    scope.purse.spend(1)?;
    match expression {
        Expr::Literal(value) => Ok(Cow::Borrowed(value)),
        Expr::Name(name) => match scope.find(name) {
            Some(value) => Ok(Cow::Borrowed(value)),
            None => Err(format!("undeclared reference to '{name}' (in container '')")),
        },
        Expr::Field(of, name) => field(eval(of, scope)?, name),
        Expr::Index(of, index) => {
            let (of, index) = (eval(of, scope)?, eval(index, scope)?);
            match (&*of, &*index) {
                (Value::Object(_), Value::String(key)) => {
                    part(of, |map| map.get(key), || format!("no such key: {key}"))
                }
                (Value::Array(_), Value::Number(at)) => {
                    let place = at.as_u64().and_then(|at| usize::try_from(at).ok());
                    part(of, |items| items.get(place?), || format!("index out of bounds: {at}"))
                }
                _ => Err("no such overload".into()),
            }
        }
        Expr::List(items) => {
            let items = items.iter().map(|item| Ok(eval(item, scope)?.into_owned()));
            items.collect::<Result<Vec<Value>, String>>().and_then(own)
        }
        Expr::Map(pairs) => {
            let mut map = Map::new();
            for (key, value) in pairs {
                let key = eval(key, scope)?;
                map.insert(text(&key)?.to_string(), eval(value, scope)?.into_owned());
            }
            own(map)
        }
        Expr::Not(inner) => own(!holds(inner, scope)?),
        Expr::Minus(inner) => {
            let inner = eval(inner, scope)?;
            arithmetic("-", &Value::from(0), &inner).map(Cow::Owned)
        }
        Expr::Choice(condition, yes, no) => eval(if holds(condition, scope)? { yes } else { no }, scope),
        Expr::Binary(sign @ ("&&" | "||"), left, right) => {
            let decides = *sign == "||";
            match holds(left, scope) {
                Ok(value) if value == decides => own(decides),
                left => match (left, holds(right, scope)) {
                    (_, Ok(value)) if value == decides => own(decides),
                    (Ok(_), Ok(_)) => own(!decides),
                    (Err(why), _) | (_, Err(why)) => Err(why),
                },
            }
        }
        Expr::Binary(sign, left, right) => {
            let (left, right) = (eval(left, scope)?, eval(right, scope)?);
            scope.purse.spend(match (*sign, &*right) {
                ("in", Value::Array(items)) => items.len(),
                ("+", _) => walk(&left) + walk(&right),
                _ => walk(&left).min(walk(&right)),
            })?;
            binary(sign, &left, &right).map(Cow::Owned)
        }
        Expr::Call(of, name, arguments) => call(of.as_deref(), name, arguments, scope),
    }
}

/// What it costs to walk over a value.
fn walk(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() / 10,
        Value::Array(items) => items.len(),
        Value::Object(map) => map.len(),
        _ => 0,
    }
}

fn field<'a>(of: Cow<'a, Value>, name: &str) -> Outcome<'a> {
    // Names that are CEL's own words are written with underscores around them.
    let plain = name.strip_prefix("__").and_then(|name| name.strip_suffix("__")).unwrap_or(name);
    part(of, |of| of.get(plain).filter(|value| !value.is_null()), || format!("no such key: {plain}"))
}

fn holds<'a>(expression: &'a Expr, scope: &'a Scope<'a>) -> Result<bool, String> {
    eval(expression, scope).and_then(|value| truth(&value))
}

fn truth(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| "no such overload".into())
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| "no such overload".into())
}

fn binary(sign: &str, left: &Value, right: &Value) -> Result<Value, String> {
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

fn arithmetic(sign: &str, left: &Value, right: &Value) -> Result<Value, String> {
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

fn call<'a>(of: Option<&'a Expr>, name: &str, arguments: &'a [Expr], scope: &'a Scope<'a>) -> Outcome<'a> {
    if let ("has", [Expr::Field(of, name)]) = (name, arguments) {
        return own(field(eval(of, scope)?, name).is_ok());
    }
    if let (Some(of), "all" | "exists" | "exists_one" | "filter" | "map") = (of, name) {
        let over = eval(of, scope)?;
        return each(&over, name, arguments, scope).map(Cow::Owned);
    }
    let mut values: Vec<Cow<Value>> = Vec::new();
    for expression in of.into_iter().chain(arguments) {
        values.push(eval(expression, scope)?);
    }
    scope.purse.spend(values.iter().map(|value| walk(value)).sum())?;
    let values: Vec<&Value> = values.iter().map(|value| &**value).collect();
    function(name, &values, scope.purse.patterns).map(Cow::Owned)
}

/// Macros: an expression for each element.
fn each(over: &Value, name: &str, arguments: &[Expr], scope: &Scope) -> Result<Value, String> {
    let [Expr::Name(variable), test, rest @ ..] = arguments else { return Err("no such overload".into()) };
    let keys: Vec<Value>;
    let items: &[Value] = match over {
        Value::Array(items) => items,
        Value::Object(map) => {
            keys = map.keys().cloned().map(Value::String).collect();
            &keys
        }
        _ => return Err("no such overload".into()),
    };
    let (mut kept, mut held, mut failed) = (Vec::new(), 0, None);
    // One element decides for all, whatever cannot be said of the others.
    let decides = name == "exists";
    for item in items {
        // The loop itself takes steps, too.
        scope.purse.spend(3)?;
        let scope = scope.with(variable, item);
        if let "all" | "exists" = name {
            match holds(test, &scope) {
                Ok(value) if value == decides => return Ok(Value::Bool(decides)),
                Ok(_) => {}
                Err(why) => drop(failed.get_or_insert(why)),
            }
            continue;
        }
        let result = eval(test, &scope)?;
        match (name, rest) {
            ("map", []) => kept.push(result.into_owned()),
            ("map", [then, ..]) if truth(&result)? => kept.push(eval(then, &scope)?.into_owned()),
            ("map", _) => {}
            _ if !truth(&result)? => {}
            ("filter", _) => kept.push(item.clone()),
            _ => held += 1,
        }
    }
    match (name, failed) {
        (_, Some(why)) => Err(why),
        ("all" | "exists", None) => Ok(Value::Bool(!decides)),
        ("exists_one", None) => Ok(Value::Bool(held == 1)),
        (_, None) => Ok(Value::Array(kept)),
    }
}

fn function(name: &str, values: &[&Value], patterns: &Patterns) -> Result<Value, String> {
    let answer = |yes: bool| Ok(Value::Bool(yes));
    match (name, values) {
        ("size", [Value::String(text)]) => Ok(Value::from(text.chars().count())),
        ("size", [Value::Array(items)]) => Ok(Value::from(items.len())),
        ("size", [Value::Object(map)]) => Ok(Value::from(map.len())),
        ("startsWith", [Value::String(text), Value::String(part)]) => answer(text.starts_with(part.as_str())),
        ("endsWith", [Value::String(text), Value::String(part)]) => answer(text.ends_with(part.as_str())),
        ("contains", [Value::String(text), Value::String(part)]) => answer(text.contains(part.as_str())),
        ("matches", [Value::String(text), Value::String(pattern)]) => answer(patterns.is_match(pattern, text)?),
        ("lowerAscii", [Value::String(text)]) => Ok(Value::String(text.to_ascii_lowercase())),
        ("upperAscii", [Value::String(text)]) => Ok(Value::String(text.to_ascii_uppercase())),
        ("trim", [Value::String(text)]) => Ok(Value::String(text.trim().into())),
        ("split", [Value::String(text), Value::String(by)]) => {
            Ok(Value::Array(text.split(by.as_str()).map(Value::from).collect()))
        }
        ("join", [Value::Array(items), rest @ ..]) => {
            let parts: Vec<&str> = items.iter().map(text).collect::<Result<_, _>>()?;
            Ok(Value::String(parts.join(rest.first().and_then(|by| by.as_str()).unwrap_or_default())))
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
