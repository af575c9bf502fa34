//! A sink that writes JSON text of a known type: with the empty fields that Go writes, in the order of its structs.

use std::fmt::Write;

use serde_json::{Number, Value};

use super::sink::Sink;
use crate::patch::{Fields, Managers};
use crate::schema::{Field, Known, Type, write_untouched};

/// Longer than most objects; what is left over is given back.
const LIKELY: usize = 4 * 1024;

/// Text in the making.
pub(super) struct Text<'a> {
    out: String,
    root: Known,
    /// Written into the object's metadata: whose its fields are.
    owners: Option<&'a Managers>,
    open: Vec<Open>,
    /// The members of all structs that are open, one after another.
    members: Vec<Member>,
    /// Where members change places.
    spare: String,
}

/// What is not closed yet.
enum Open {
    /// With how many members there were before its own.
    Struct(&'static Type, usize),
    /// A map with free keys, or a list: what is known of a value in it, and whether there is one.
    Map(Known, bool),
    List(Known, bool),
}

/// A member of a struct, name and value.
#[derive(Clone, Copy)]
struct Member {
    field: Option<&'static Field>,
    start: usize,
    end: usize,
}

impl Member {
    fn place(&self) -> usize {
        self.field.map_or(usize::MAX, Field::place)
    }
}

impl<'a> Text<'a> {
    pub fn new(root: Option<&'static Type>, owners: Option<&'a Managers>) -> Self {
        Self {
            out: String::with_capacity(LIKELY),
            root: Known::of(root),
            owners: owners.filter(|owners| !owners.is_empty()),
            open: Vec::with_capacity(12),
            members: Vec::with_capacity(64),
            spare: String::with_capacity(LIKELY),
        }
    }

    pub fn finish(mut self) -> String {
        self.out.shrink_to_fit();
        self.out
    }

    /// What is known about the value that comes next.
    fn next(&self) -> Known {
        match self.open.last() {
            None => self.root,
            Some(Open::Struct(..)) => self.field().map_or(Known::Nothing, Field::known),
            Some(Open::Map(inner, _) | Open::List(inner, _)) => *inner,
        }
    }

    /// The field of a struct whose value comes next.
    fn field(&self) -> Option<&'static Field> {
        match self.open.last()? {
            Open::Struct(..) => self.members.last()?.field,
            Open::Map(..) | Open::List(..) => None,
        }
    }

    /// Before any value: what separates it from the one before it in a list.
    fn lead(&mut self) {
        if let Some(Open::List(_, begun)) = self.open.last_mut()
            && std::mem::replace(begun, true)
        {
            self.out.push(',');
        }
    }

    fn quote(&mut self, text: &str) {
        // All bytes are looked at, which is quicker than to stop at the first.
        if !text.bytes().fold(false, |odd, byte| odd | (byte < b' ') | (byte == b'"') | (byte == b'\\')) {
            self.out.push('"');
            self.out.push_str(text);
            self.out.push('"');
        } else {
            self.out.push_str(&Value::from(text).to_string());
        }
    }

    /// What stands in a struct though nobody wrote it.
    fn complete(&mut self, kind: &'static Type, before: usize) {
        let metadata = before.checked_sub(1).and_then(|at| self.members[at].field);
        if let Some(owners) = self.owners
            && self.open.len() == 2
            && metadata.is_some_and(|field| field.name == "metadata")
        {
            self.name("managedFields");
            owners.write_into(self);
        }
        for field in kind.unset() {
            if !self.members[before..].iter().any(|member| member.field.is_some_and(|known| std::ptr::eq(known, field)))
            {
                self.name(field.name);
                write_untouched(field, &mut self.out);
            }
        }
    }

    /// Puts the members of a struct in the order of Go's fields; serde has them by their names.
    fn arrange(&mut self, before: usize) {
        let members = &mut self.members[before..];
        let Some(start) = members.first().map(|member| member.start) else { return };
        if let Some(last) = members.last_mut() {
            last.end = self.out.len();
        }
        if members.is_sorted_by_key(Member::place) {
            return;
        }
        // There are few, and a sort of their own would weigh more than it saves.
        for at in 1..members.len() {
            let place = members[at].place();
            let to = members[..at].iter().rposition(|member| member.place() <= place).map_or(0, |last| last + 1);
            members[to..=at].rotate_right(1);
        }
        self.spare.clear();
        for member in members {
            self.spare.push_str(&self.out[member.start..member.end]);
            self.spare.push(',');
        }
        self.spare.pop();
        self.out.truncate(start);
        self.out.push_str(&self.spare);
    }
}

impl Sink for Text<'_> {
    fn null(&mut self) {
        match self.field().filter(|field| field.by_value) {
            Some(field) => write_untouched(field, &mut self.out),
            None => {
                self.lead();
                self.out.push_str("null");
            }
        }
    }

    fn bool(&mut self, value: bool) {
        self.lead();
        self.out.push_str(if value { "true" } else { "false" });
    }

    fn number(&mut self, value: Number) {
        self.lead();
        // Writing to a string cannot fail.
        let _ = write!(self.out, "{value}");
    }

    fn text(&mut self, value: &str) {
        self.lead();
        self.quote(value);
    }

    fn open_map(&mut self) {
        let known = self.next().map();
        self.lead();
        self.out.push('{');
        self.open.push(match known {
            Known::Struct(kind) => Open::Struct(kind, self.members.len()),
            other => Open::Map(other.child(""), false),
        });
    }

    fn name(&mut self, name: &str) {
        match self.open.last_mut() {
            Some(Open::Struct(kind, before)) => {
                if self.members.len() > *before
                    && let Some(last) = self.members.last_mut()
                {
                    last.end = self.out.len();
                    self.out.push(',');
                }
                let start = self.out.len();
                self.members.push(Member { field: kind.field(name), start, end: start });
            }
            Some(Open::Map(_, begun)) => {
                if std::mem::replace(begun, true) {
                    self.out.push(',');
                }
            }
            Some(Open::List(..)) | None => {}
        }
        self.quote(name);
        self.out.push(':');
    }

    fn close_map(&mut self) {
        if let Some(Open::Struct(kind, before)) = self.open.last() {
            let (kind, before) = (*kind, *before);
            self.complete(kind, before);
            self.arrange(before);
            self.members.truncate(before);
        }
        self.open.pop();
        self.out.push('}');
    }

    fn open_list(&mut self, _: usize) {
        let inner = self.next().item();
        self.lead();
        self.out.push('[');
        self.open.push(Open::List(inner, false));
    }

    fn close_list(&mut self) {
        self.open.pop();
        self.out.push(']');
    }

    fn fields(&mut self, fields: &Fields) {
        self.lead();
        self.out.push_str(fields.text());
    }
}
