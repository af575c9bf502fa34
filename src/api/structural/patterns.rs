//! Regular expressions of one validation: each is read once, however many texts it meets.
//!
//! Matching takes as many steps as the expression has states, for each letter. Go takes its time where both
//! are huge; here such a pair is refused, so that one request never holds up everybody.

use std::cell::RefCell;
use std::collections::BTreeMap;

use regex_lite::{Regex, RegexBuilder};

/// Bytes that a state takes, roughly.
const STATE: usize = 40;
/// How large an expression may be; the smallest size that holds it is taken for its own.
const SIZES: [usize; 5] = [4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20];
/// States times letters.
const MOST_STEPS: usize = 8_000_000;

/// The automaton and its size, or why there is none.
type Read = Result<(Regex, usize), String>;

#[derive(Debug, Default)]
pub struct Patterns(RefCell<BTreeMap<String, Read>>);

impl Patterns {
    /// Whether the pattern is found in the text.
    ///
    /// # Errors
    /// Why the pattern is none, or that it is too large for this text.
    pub fn is_match(&self, pattern: &str, text: &str) -> Result<bool, String> {
        let mut known = self.0.borrow_mut();
        if !known.contains_key(pattern) {
            known.insert(pattern.to_owned(), read(pattern));
        }
        let (regex, size) = known[pattern].as_ref().map_err(String::clone)?;
        if size / STATE * text.len() > MOST_STEPS {
            return Err(format!("too large an expression for {} bytes: it is not evaluated here", text.len()));
        }
        Ok(regex.is_match(text))
    }
}

fn read(pattern: &str) -> Read {
    let mut why = String::new();
    for size in SIZES {
        match RegexBuilder::new(pattern).size_limit(size).build() {
            Ok(regex) => return Ok((regex, size)),
            Err(error) => why = error.to_string(),
        }
    }
    Err(why)
}
