//! What an object is written into, piece by piece: a tree, an outline, whatever somebody needs of it.
//!
//! serde's code exists once per type, for [`super::write`] alone; a new use of written objects is a
//! new sink, not another copy of that code.

use serde_json::Number;

use crate::patch::Fields;

/// Takes the pieces of one value in order. A map's members are a name each, then a value.
pub trait Sink {
    fn null(&mut self);
    fn bool(&mut self, value: bool);
    fn number(&mut self, value: Number);
    fn text(&mut self, value: &str);
    fn open_map(&mut self);
    fn name(&mut self, name: &str);
    fn close_map(&mut self);
    /// `len` items follow.
    fn open_list(&mut self, len: usize);
    fn close_list(&mut self);
    /// A set of owned fields, which many objects share.
    fn fields(&mut self, fields: &Fields);
}

/// The keys of a map, where types have them written as values: what comes is a name.
pub(super) struct Names<'a>(pub &'a mut dyn Sink);

impl Sink for Names<'_> {
    fn text(&mut self, value: &str) {
        self.0.name(value);
    }

    // Numbers and the like are text there.
    fn number(&mut self, value: Number) {
        self.0.name(&value.to_string());
    }

    fn bool(&mut self, value: bool) {
        self.0.name(&value.to_string());
    }

    fn null(&mut self) {
        self.0.name("null");
    }

    fn open_map(&mut self) {}
    fn name(&mut self, _: &str) {}
    fn close_map(&mut self) {}
    fn open_list(&mut self, _: usize) {}
    fn close_list(&mut self) {}
    fn fields(&mut self, _: &Fields) {}
}
