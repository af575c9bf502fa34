//! Strict decoding: what the API server says about a body before anything else looks at it.
//!
//! Mirrors: sigs.k8s.io/json `UnmarshalStrict` as apimachinery's JSON serializer uses it. Errors
//! come in the order of the fields in the body; a [`Value`] has its keys sorted, which is
//! how kubectl sends them. For a body as text, parse it with [`crate::yaml`] and check the tree.

use serde_json::Value;

use super::walk::{Finding, Tree, What, walk};
use super::{Field, Shape, Type};
use crate::order::Order;
use crate::yaml::Node;

/// Go stops collecting strict errors there.
const MOST_STRICT_ERRORS: usize = 100;

/// What decoding a body found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Checked {
    /// A wrong type or an unreadable value: the request fails, however lenient it is.
    pub error: Option<String>,
    /// `unknown field "spec.foo"`, `duplicate field "data.a"`: errors when strict, warnings otherwise.
    pub strict: Vec<String>,
}

impl Checked {
    /// `strict decoding error: unknown field "spec.foo", unknown field "spec.bar"`
    pub fn strict_error(&self) -> Option<String> {
        (!self.strict.is_empty()).then(|| format!("strict decoding error: {}", self.strict.join(", ")))
    }

    /// The error of a request with `fieldValidation=Strict`: a wrong type wins over an unknown field.
    pub fn any_error(&self) -> Option<String> {
        self.error.clone().or_else(|| self.strict_error())
    }
}

/// Checks a JSON value against the type of its kind.
pub fn check(kind: &'static Type, value: &Value) -> Checked {
    check_tree(kind, value)
}

/// Checks a parsed body, in the order of its text; repeated keys are seen.
pub fn check_node(kind: &'static Type, node: &Node) -> Checked {
    check_tree(kind, node)
}

fn check_tree<T: Tree>(kind: &'static Type, tree: &T) -> Checked {
    let mut checked = Checked::default();
    walk(kind, tree, &mut |finding: Finding| {
        let text = match finding.what {
            What::Unknown { .. } => format!("unknown field {:?}", finding.path),
            What::Duplicate => format!("duplicate field {:?}", finding.path),
            What::Type(error) => {
                checked.error.get_or_insert(error);
                return true;
            }
            // The value's own parser failed: Go gives up here, and says this, not what it saved.
            What::Abort(error) => {
                checked.error = Some(error);
                return false;
            }
            // Validation says so later, in other words.
            What::Missing { .. } | What::Unsupported { .. } => return true,
        };
        if checked.strict.len() < MOST_STRICT_ERRORS && !checked.strict.contains(&text) {
            checked.strict.push(text);
        }
        true
    });
    checked
}

/// Why Go's converter cannot put an untyped tree into the kind's struct; `None` if it can.
///
/// Mirrors: apimachinery/pkg/runtime/converter.go `FromUnstructured`, which strategic patches
/// go through: it goes by the struct's fields and names the Go kind, not the field.
pub fn unstructured_error(kind: &'static Type, value: &Value) -> Option<String> {
    let Value::Object(map) = value else {
        return (!value.is_null()).then(|| format!("cannot restore struct from: {}", go_kind(value)));
    };
    let mut fields: Vec<&'static Field> = kind.fields.iter().collect();
    fields.order_by_key(|field| field.place);
    fields.into_iter().find_map(|field| misfit(&field.shape, map.get(field.name)?))
}

fn misfit(shape: &'static Shape, value: &Value) -> Option<String> {
    let unrecognized = |go: &str| Some(format!("unrecognized type: {go}"));
    match (shape, value) {
        (_, Value::Null) | (Shape::Any, _) => None,
        (Shape::Object(_), value) => shape.object().and_then(|kind| unstructured_error(kind, value)),
        (Shape::List(inner), Value::Array(items)) => items.iter().find_map(|item| misfit(inner, item)),
        (Shape::List(_), other) => Some(format!("cannot restore slice from {}", go_kind(other))),
        (Shape::Map(inner), Value::Object(map)) => map.values().find_map(|value| misfit(inner, value)),
        (Shape::Map(_), other) => Some(format!("cannot restore map from {}", go_kind(other))),
        (Shape::String, Value::String(_))
        | (Shape::Bool, Value::Bool(_))
        | (Shape::Int32 | Shape::Int64 | Shape::Float, Value::Number(_)) => None,
        (Shape::String, _) => unrecognized("string"),
        (Shape::Bool, _) => unrecognized("bool"),
        (Shape::Int32, _) => unrecognized("int32"),
        (Shape::Int64, _) => unrecognized("int64"),
        (Shape::Float, _) => unrecognized("float64"),
        // These read their own JSON, and say what they always say.
        (Shape::Quantity | Shape::IntOrString | Shape::Time | Shape::MicroTime | Shape::Bytes, _) => None,
    }
}

/// A value's kind as Go's reflection names it.
fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "invalid",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
    }
}

/// Removes what the type does not have, at every depth: what lenient decoding stores.
pub fn prune(kind: &'static Type, value: &mut Value) {
    let Value::Object(map) = value else { return };
    map.retain(|key, _| kind.field(key).is_some());
    for (key, value) in map {
        if let Some(field) = kind.field(key) {
            prune_inside(&field.shape, value);
        }
    }
}

fn prune_inside(shape: &'static Shape, value: &mut Value) {
    match (shape, value) {
        (Shape::List(inner), Value::Array(items)) => items.iter_mut().for_each(|item| prune_inside(inner, item)),
        (Shape::Map(inner), Value::Object(map)) => map.values_mut().for_each(|value| prune_inside(inner, value)),
        (Shape::Object(_), value) => {
            if let Some(kind) = shape.object() {
                prune(kind, value);
            }
        }
        _ => {}
    }
}
