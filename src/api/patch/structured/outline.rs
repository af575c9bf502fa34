//! The outline of a new object: whatever decides which of its fields its creator owns, and little else.
//!
//! Ownership goes by names of fields and by the keys of list items. Objects that differ in nothing but
//! plain values have one outline, and their creators own the same: it is found out once for all of them.

use serde_json::Number;

use super::Grain;
use crate::codec::Sink;
use crate::patch::Fields;
use crate::schema::Type;

/// The outline of what is written into the sink, as an object of `kind`.
///
/// Equal outlines mean equal fields; the same fields may have more than one outline.
pub fn outline(kind: Option<&'static Type>, write: impl FnOnce(&mut dyn Sink)) -> Vec<u8> {
    let mut outline = Outline {
        text: Vec::with_capacity(800),
        open: Vec::with_capacity(8),
        root: Grain::of(kind),
        name: (0, 0),
        skipped: 0,
    };
    write(&mut outline);
    outline.text
}

struct Outline {
    text: Vec<u8>,
    open: Vec<Open>,
    root: Grain,
    /// Where in the text the last name stands.
    name: (usize, usize),
    /// How many lists and maps are open that nobody looks into.
    skipped: usize,
}

/// A map or list that is not closed yet.
#[derive(Clone, Copy)]
struct Open {
    grain: Grain,
    /// The values of these members tell the map from others in its list.
    keys: &'static [&'static str],
    /// Values matter here.
    literal: bool,
    list: bool,
}

impl Outline {
    /// The last name, which is that of the value that comes next in a map.
    fn last_name(&self) -> &str {
        str::from_utf8(&self.text[self.name.0..self.name.1]).unwrap_or_default()
    }

    /// Whether the content of the value that comes next matters.
    fn is_literal(&self) -> bool {
        self.open.last().is_some_and(|open| match open.list {
            true => open.literal || matches!(open.grain.item(), Grain::Leaf),
            false => open.literal || !open.keys.is_empty() && open.keys.contains(&self.last_name()),
        })
    }

    /// How the map or list that comes next is owned, and which members are its keys.
    fn next(&self) -> (Grain, &'static [&'static str]) {
        match self.open.last() {
            None => (self.root, &[]),
            Some(Open { grain, list: false, .. }) => (grain.child(self.last_name()), &[]),
            Some(Open { grain: grain @ Grain::List { keys, .. }, .. }) => (grain.item(), keys),
            Some(open) => (open.grain.item(), &[]),
        }
    }

    /// A plain value by its sort; whether its content has to follow.
    fn plain(&mut self, sort: u8) -> bool {
        if self.skipped > 0 {
            return false;
        }
        self.text.push(sort);
        self.is_literal()
    }

    /// A text up to a byte that no text has, so that nothing in it is taken for anything else.
    fn whole(&mut self, text: &str) {
        self.text.extend_from_slice(text.as_bytes());
        self.text.push(0xff);
    }

    fn close(&mut self, sign: u8) {
        if self.skipped > 0 {
            self.skipped -= 1;
            // It has its one sign already.
            return;
        }
        self.open.pop();
        self.text.push(sign);
    }
}

impl Sink for Outline {
    fn null(&mut self) {
        self.plain(b'n');
    }

    // What Go writes of its own accord is nobody's: so empty values are told from others.
    fn bool(&mut self, value: bool) {
        self.plain(if value { b't' } else { b'f' });
    }

    fn number(&mut self, value: Number) {
        let zero = value.as_u64() == Some(0);
        if self.plain(if zero { b'0' } else { b'1' }) {
            self.whole(&value.to_string());
        }
    }

    fn text(&mut self, value: &str) {
        let sort = match value {
            "" => b'e',
            "0" => b'q',
            _ => b's',
        };
        if self.plain(sort) {
            self.whole(value);
        }
    }

    fn open_map(&mut self) {
        if self.skipped > 0 {
            self.skipped += 1;
            return;
        }
        let (literal, (grain, keys)) = (self.is_literal(), self.next());
        // A map where a list belongs is owned as a whole.
        let grain = if matches!(grain, Grain::List { .. }) { Grain::Leaf } else { grain };
        self.text.push(b'{');
        self.open.push(Open { grain, keys, literal, list: false });
    }

    fn name(&mut self, name: &str) {
        if self.skipped == 0 {
            self.text.push(b':');
            let start = self.text.len();
            self.whole(name);
            self.name = (start, start + name.len());
        }
    }

    fn close_map(&mut self) {
        self.close(b'}');
    }

    fn open_list(&mut self, _: usize) {
        if self.skipped > 0 {
            self.skipped += 1;
            return;
        }
        let (literal, (grain, _)) = (self.is_literal(), self.next());
        if literal || matches!(grain, Grain::List { .. }) {
            self.text.push(b'[');
            self.open.push(Open { grain, keys: &[], literal, list: true });
        } else {
            // Owned as a whole, whatever is in it.
            self.text.push(b'L');
            self.skipped = 1;
        }
    }

    fn close_list(&mut self) {
        self.close(b']');
    }

    fn fields(&mut self, fields: &Fields) {
        fields.set().write(self);
    }
}
