//! The field schema of every served kind: strict decoding, explain, completion, hover, patches. Facts only.
//!
//! Mirrors: Kubernetes' OpenAPI document and the tags of its Go types, v1.36. The data files
//! beside this module are written by `cargo xtask schema`, never by hand.
//!
//! ```text
//! for_kind("apps", "v1", "Deployment")   -> Option<&'static Type>
//! for_api_version("apps/v1", "Deployment")
//! Type::field("spec")                    -> Option<&'static Field>
//! Type::walk(["spec", "replicas"])       -> Result<Place, usize>   through lists and maps
//! decode::check(type, &value)            -> Checked { error, strict }   Go's decoding errors
//! fill(type, &mut value)                 adds what Go writes even when empty: `status: {}`
//! go_json(&value)                        -> String   fields in the order the real server sends
//! lint(text) / complete(text, offset) / hover(text, offset)   for editors, UTF-16 offsets
//! ```
//! Descriptions are compiled into native builds. The page fetches them once it runs
//! ([`install_texts`]): nobody needs them at once, and they are a tenth of its size.

mod complete;
mod data;
pub mod decode;
mod go;
mod hover;
mod lint;
#[cfg(test)]
mod tests;
mod walk;
mod wire;

pub use complete::{Completion, CompletionKind, complete};
pub use data::install_texts;
pub use go::{base64_error, json_type, time_error};
pub use hover::{Hover, hover};
pub use lint::{Diagnostic, Severity, closest, lint};
pub(crate) use wire::{Known, fill_own, write_untouched};
pub use wire::{fill, go_json, go_json_patched};

/// A struct of the API.
#[derive(Debug)]
pub struct Type {
    /// `core/v1.Container`
    pub name: &'static str,
    /// Server-side apply owns a value of this type as a whole.
    pub atomic: bool,
    /// In alphabetical order.
    pub fields: Vec<Field>,
    /// How each of the fields begins: a name is found here first.
    heads: Vec<u64>,
    /// Which fields Go writes even when nobody set them.
    unset: Vec<usize>,
    /// Which fields must be there.
    required: Vec<usize>,
    line: usize,
}

/// A field of a [`Type`].
#[derive(Debug)]
pub struct Field {
    pub name: &'static str,
    pub shape: Shape,
    pub required: bool,
    pub list: ListKind,
    /// Strategic merge adds to the list instead of replacing it; the key is empty for plain values.
    pub patch_key: Option<&'static str>,
    /// Strategic merge keeps only the keys a patch names.
    pub retain_keys: bool,
    /// Server-side apply owns the value as a whole, or field by field, whatever its type says.
    pub atomic: Option<bool>,
    /// The Go type of a string that has one, `v1.PullPolicy`.
    pub go_name: Option<&'static str>,
    /// The values of an enum, sorted.
    pub values: Vec<&'static str>,
    /// A struct that Go embeds by value: written as `{}` even when nobody set it.
    pub by_value: bool,
    /// Written even when empty, with the [zero value](Shape::zero) of its shape.
    pub always: bool,
    /// Place among the fields of the Go struct, which is their order on the wire.
    place: usize,
    line: usize,
}

/// How server-side apply owns a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListKind {
    /// No list, or one owned as a whole.
    Atomic,
    /// Value by value.
    Set,
    /// Item by item, told apart by these fields.
    Map(Vec<&'static str>),
}

/// What a value looks like in JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    String,
    Int32,
    Int64,
    Bool,
    Float,
    Quantity,
    IntOrString,
    Time,
    MicroTime,
    Bytes,
    /// Anything: extensions, JSON schemas, managed fields.
    Any,
    List(Box<Shape>),
    Map(Box<Shape>),
    Object(TypeId),
}

/// Names a [`Type`]; [`Shape::object`] looks it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypeId(u16);

/// Where a path of field names leads.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The type that holds the field.
    pub owner: &'static Type,
    pub field: &'static Field,
}

/// The type of a kind; the group is empty for core.
pub fn for_kind(group: &str, version: &str, kind: &str) -> Option<&'static Type> {
    find(kind, |known| crate::scheme::split_api_version(known) == (group, version))
}

/// The type of a kind by the two fields of a manifest.
pub fn for_api_version(api_version: &str, kind: &str) -> Option<&'static Type> {
    find(kind, |known| known == api_version)
}

/// The first type of that name whose apiVersion fits.
fn find(kind: &str, fits: impl Fn(&str) -> bool) -> Option<&'static Type> {
    let data = data::get();
    let mut near = data.by_name.get(kind)?.iter().map(|at| &data.kinds[*at]);
    near.find(|(version, ..)| fits(version)).map(|(.., id)| data.get(*id))
}

/// A type by its own name, `meta/v1.ObjectMeta`.
pub fn for_type(name: &str) -> Option<&'static Type> {
    data::get().types.iter().find(|t| t.name == name)
}

/// Every apiVersion and kind with a type, in order.
pub fn kinds() -> impl Iterator<Item = (&'static str, &'static str)> {
    data::get().kinds.iter().map(|(version, kind, _)| (*version, *kind))
}

/// The first eight bytes of a name, in its order.
fn head(name: &str) -> u64 {
    let mut bytes = [0; 8];
    let len = name.len().min(8);
    bytes[..len].copy_from_slice(&name.as_bytes()[..len]);
    u64::from_be_bytes(bytes)
}

impl Type {
    pub fn field(&'static self, name: &str) -> Option<&'static Field> {
        let head = head(name);
        let first = self.heads.partition_point(|known| *known < head);
        let near = self.heads[first..].iter().take_while(|known| **known == head).count();
        let same = |known: &str| known.len() == name.len() && known.as_bytes().get(8..) == name.as_bytes().get(8..);
        self.fields[first..first + near].iter().find(|field| same(field.name))
    }

    /// The fields that Go writes even when nobody set them.
    pub(crate) fn unset(&'static self) -> impl Iterator<Item = &'static Field> {
        self.unset.iter().map(|at| &self.fields[*at])
    }

    /// `Container`
    pub fn kind_name(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }

    /// `v1.Container`
    pub fn go_name(&self) -> &'static str {
        self.name.split_once('/').map_or(self.name, |(_, rest)| rest)
    }

    /// The first sentence of its description.
    pub fn summary(&self) -> &'static str {
        data::summary(self.line)
    }

    /// The whole description, if it is loaded.
    pub fn text(&self) -> String {
        data::text(self.line)
    }

    /// Follows field names; lists and maps are passed through, as `kubectl explain` does.
    ///
    /// # Errors
    /// The index of the first name that does not exist.
    pub fn walk<'a>(&'static self, path: impl IntoIterator<Item = &'a str>) -> Result<Option<Place>, usize> {
        let mut owner = Some(self);
        let mut place = None;
        for (index, name) in path.into_iter().enumerate() {
            let at = owner.ok_or(index)?;
            let field = at.field(name).ok_or(index)?;
            place = Some(Place { owner: at, field });
            owner = field.shape.leaf().object();
        }
        Ok(place)
    }
}

impl Field {
    /// Place among the fields of the Go struct, which is their order on the wire.
    pub(crate) fn place(&self) -> usize {
        self.place
    }

    /// What is known about its value.
    pub(crate) fn known(&'static self) -> Known {
        Known::Shape(&self.shape)
    }

    /// The first sentence of its description.
    pub fn summary(&self) -> &'static str {
        data::summary(self.line)
    }

    /// The whole description, if it is loaded.
    pub fn text(&self) -> String {
        data::text(self.line)
    }

    /// The Go type as decoding errors name it: `[]v1.Container`, `int32`.
    pub fn go_type(&self) -> String {
        self.shape.go_type(self.go_name)
    }

    /// Whether server-side apply owns the value as a whole.
    pub fn is_atomic(&self) -> bool {
        match &self.shape {
            Shape::List(_) => self.list == ListKind::Atomic,
            Shape::Map(_) => self.atomic == Some(true),
            Shape::Object(_) => self.atomic.unwrap_or_else(|| self.shape.object().is_some_and(|t| t.atomic)),
            Shape::Any => true,
            _ => false,
        }
    }
}

impl Shape {
    /// The struct, if it is one.
    pub fn object(&self) -> Option<&'static Type> {
        if let Shape::Object(id) = self { Some(data::get().get(*id)) } else { None }
    }

    /// What a list or map holds, however deep; the shape itself otherwise.
    pub fn leaf(&self) -> &Shape {
        match self {
            Shape::List(inner) | Shape::Map(inner) => inner.leaf(),
            _ => self,
        }
    }

    /// What Go writes for a value that nobody set.
    pub fn zero(&self) -> serde_json::Value {
        use serde_json::Value;
        match self {
            Shape::String => Value::from(""),
            Shape::Int32 | Shape::Int64 | Shape::Float | Shape::IntOrString => Value::from(0),
            Shape::Bool => Value::from(false),
            Shape::Quantity => Value::from("0"),
            Shape::Object(_) => Value::Object(serde_json::Map::new()),
            Shape::Time | Shape::MicroTime | Shape::Bytes | Shape::Any | Shape::List(_) | Shape::Map(_) => Value::Null,
        }
    }

    /// `named` is the Go name of the string inside, if it has one.
    pub fn go_type(&self, named: Option<&str>) -> String {
        match self {
            Shape::String => named.unwrap_or("string").into(),
            Shape::Int32 => "int32".into(),
            Shape::Int64 => "int64".into(),
            Shape::Bool => "bool".into(),
            Shape::Float => "float64".into(),
            Shape::Quantity => "resource.Quantity".into(),
            Shape::IntOrString => "intstr.IntOrString".into(),
            Shape::Time => "v1.Time".into(),
            Shape::MicroTime => "v1.MicroTime".into(),
            Shape::Bytes => "[]uint8".into(),
            Shape::Any => "runtime.RawExtension".into(),
            Shape::List(item) => format!("[]{}", item.go_type(named)),
            Shape::Map(value) if **value == Shape::Quantity => "v1.ResourceList".into(),
            Shape::Map(value) => format!("map[string]{}", value.go_type(named)),
            Shape::Object(_) => self.object().map_or("object", Type::go_name).into(),
        }
    }

    /// As `kubectl explain` writes it: `[]Container`, `map[string]string`, `integer`.
    pub fn explain_type(&self) -> String {
        match self {
            Shape::String | Shape::Bytes | Shape::Time | Shape::MicroTime => "string".into(),
            Shape::Int32 | Shape::Int64 => "integer".into(),
            Shape::Bool => "boolean".into(),
            Shape::Float => "number".into(),
            Shape::Quantity => "Quantity".into(),
            Shape::IntOrString => "IntOrString".into(),
            Shape::Any => "Object".into(),
            Shape::List(item) => format!("[]{}", item.explain_type()),
            Shape::Map(value) => format!("map[string]{}", value.explain_type()),
            Shape::Object(_) => self.object().map_or("Object", Type::kind_name).into(),
        }
    }
}
