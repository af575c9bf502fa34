//! The data files of the field schema, read once. Written by `cargo xtask schema`.
//!
//! `v1_36.fields`: lines `apiVersion Kind type`, then per type `=name [A]` and per field
//! `name code traits…`. A code is a letter, `[` list of, `{` map of, `@` type. Traits:
//! `!` required, `S` set, `K` keys of a list map, `P` key of strategic merge, `R` retainKeys,
//! `A` atomic, `N` not atomic, `G` Go name, `V` struct by value, `Z` written even when empty,
//! `E` enum values. Fields stand in the order of their Go structs. `v1_36.texts.txt` and
//! `v1_36.more.txt`: a line per type and field, first sentence and the rest.

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use super::{Field, ListKind, Shape, Type, TypeId};
use crate::order::Order;

const FIELDS: &str = include_str!("v1_36.fields");
/// First sentences and the rest of the descriptions.
#[cfg(not(target_arch = "wasm32"))]
const COMPILED: Option<[&str; 2]> = Some([include_str!("v1_36.texts.txt"), include_str!("v1_36.more.txt")]);
#[cfg(target_arch = "wasm32")]
const COMPILED: Option<[&str; 2]> = None;

static DATA: LazyLock<Data> = LazyLock::new(read);
static TEXTS: OnceLock<[Vec<&'static str>; 2]> = OnceLock::new();

pub(super) struct Data {
    pub kinds: Vec<(&'static str, &'static str, TypeId)>,
    /// Places in `kinds` by the kind's name.
    pub by_name: BTreeMap<&'static str, Vec<usize>>,
    pub types: Vec<Type>,
}

impl Data {
    pub fn get(&self, id: TypeId) -> &Type {
        &self.types[usize::from(id.0)]
    }
}

pub(super) fn get() -> &'static Data {
    &DATA
}

/// Gives the descriptions to a build that was compiled without them: the texts of `v1_36.texts.txt`
/// and `v1_36.more.txt`.
///
/// Only the first call counts.
pub fn install_texts(first: String, more: String) {
    TEXTS.get_or_init(|| split([first.leak(), more.leak()]));
}

fn split(texts: [&'static str; 2]) -> [Vec<&'static str>; 2] {
    texts.map(|text| text.lines().collect())
}

fn line_of(part: usize, line: usize) -> &'static str {
    let texts = match COMPILED {
        Some(compiled) => Some(TEXTS.get_or_init(|| split(compiled))),
        None => TEXTS.get(),
    };
    texts.and_then(|texts| texts[part].get(line)).copied().unwrap_or_default()
}

pub(super) fn summary(line: usize) -> &'static str {
    line_of(0, line)
}

pub(super) fn text(line: usize) -> String {
    let escaped = format!("{}{}", line_of(0, line), line_of(1, line));
    escaped.replace("\\n", "\n").replace("\\\\", "\\")
}

fn read() -> Data {
    let mut ids: BTreeMap<&'static str, TypeId> = BTreeMap::new();
    for (index, name) in FIELDS.lines().filter_map(|l| l.strip_prefix('=')).enumerate() {
        let name = name.split(' ').next().unwrap_or(name);
        ids.insert(name, TypeId(u16::try_from(index).expect("there are some hundred types")));
    }
    let (mut kinds, mut types): (Vec<_>, Vec<Type>) = (Vec::new(), Vec::new());
    // Texts count types and fields alike.
    let mut line = 0;
    for row in FIELDS.lines() {
        let mut words = row.split(' ');
        let first = words.next().unwrap_or_default();
        if let Some(name) = first.strip_prefix('=') {
            let atomic = words.next() == Some("A");
            let (heads, unset, required) = (Vec::new(), Vec::new(), Vec::new());
            types.push(Type { name, atomic, fields: Vec::new(), heads, unset, required, line });
            line += 1;
        } else if let Some(current) = types.last_mut() {
            // Enum values come last, and may hold blanks.
            let (row, values) = row.split_once(" E").map_or((row, None), |(row, values)| (row, Some(values)));
            let place = current.fields.len();
            let mut field = field(row, &ids, line, place);
            field.values = values.map(|values| values.split(',').collect()).unwrap_or_default();
            current.fields.push(field);
            line += 1;
        } else if let (Some(kind), Some(name)) = (words.next(), words.next()) {
            let id = *ids.get(name).expect("the generator writes every type it names");
            kinds.push((first, kind, id));
        }
    }
    for current in &mut types {
        current.fields.order_by_key(|f| f.name);
        current.heads = current.fields.iter().map(|field| super::head(field.name)).collect();
        for (at, field) in current.fields.iter().enumerate() {
            if field.by_value || field.always {
                current.unset.push(at);
            }
            if field.required {
                current.required.push(at);
            }
        }
    }
    let mut by_name: BTreeMap<&'static str, Vec<usize>> = BTreeMap::new();
    for (at, (_, name, _)) in kinds.iter().enumerate() {
        by_name.entry(name).or_default().push(at);
    }
    Data { kinds, by_name, types }
}

fn field(row: &'static str, ids: &BTreeMap<&'static str, TypeId>, line: usize, place: usize) -> Field {
    let mut words = row.split(' ');
    let mut field = Field {
        name: words.next().unwrap_or_default(),
        shape: shape(words.next().unwrap_or_default(), ids),
        required: false,
        list: ListKind::Atomic,
        patch_key: None,
        retain_keys: false,
        atomic: None,
        go_name: None,
        values: Vec::new(),
        by_value: false,
        always: false,
        place,
        line,
    };
    for word in words {
        let (trait_, rest) = word.split_at(1);
        match trait_ {
            "!" => field.required = true,
            "S" => field.list = ListKind::Set,
            "K" => field.list = ListKind::Map(rest.split(',').collect()),
            "P" => field.patch_key = Some(rest),
            "R" => field.retain_keys = true,
            "A" => field.atomic = Some(true),
            "N" => field.atomic = Some(false),
            "G" => field.go_name = Some(rest),
            "V" => field.by_value = true,
            "Z" => field.always = true,
            other => unreachable!("the generator writes no trait {other}"),
        }
    }
    field
}

fn shape(code: &str, ids: &BTreeMap<&'static str, TypeId>) -> Shape {
    let (letter, rest) = code.split_at(1);
    match letter {
        "s" => Shape::String,
        "i" => Shape::Int32,
        "l" => Shape::Int64,
        "b" => Shape::Bool,
        "f" => Shape::Float,
        "q" => Shape::Quantity,
        "o" => Shape::IntOrString,
        "t" => Shape::Time,
        "u" => Shape::MicroTime,
        "y" => Shape::Bytes,
        "[" => Shape::List(Box::new(shape(rest, ids))),
        "{" => Shape::Map(Box::new(shape(rest, ids))),
        "@" => Shape::Object(*ids.get(rest).expect("the generator writes every type it names")),
        _ => Shape::Any,
    }
}
