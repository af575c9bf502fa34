//! A JSON value as `kubectl get -o yaml` prints it.
//!
//! Mirrors: sigs.k8s.io/yaml `Marshal` over go-yaml v2: keys in natural order, sequences at
//! their parent's column, quotes only where a YAML 1.1 reader would see something else,
//! long lines folded at the first blank behind column 80.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::{Data, resolve};
use crate::order::Order;

/// Behind this column a blank becomes a line break.
const WIDTH: usize = 80;

/// The whole document, ending with a line break.
pub fn to_yaml(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => mapping(map, 0, false, &mut out),
        Value::Array(items) if !items.is_empty() => sequence(items, 0, false, &mut out),
        scalar => {
            leaf(scalar, 0, &mut out);
            out.push('\n');
        }
    }
    out
}

fn indent(depth: usize, out: &mut String) {
    out.extend(std::iter::repeat_n("  ", depth));
}

/// `inline`: the first key stands behind a `- ` that is already written.
fn mapping(map: &serde_json::Map<String, Value>, depth: usize, inline: bool, out: &mut String) {
    let mut keys: Vec<&String> = map.keys().collect();
    keys.order_by(|a, b| natural(a, b));
    for (index, key) in keys.into_iter().enumerate() {
        if index > 0 || !inline {
            indent(depth, out);
        }
        if simple_key(key) {
            string(key, depth + 1, true, out);
        } else {
            // libyaml's form for a key that fits no line with its value.
            out.push_str("? ");
            string(key, depth + 1, false, out);
            out.push('\n');
            indent(depth, out);
        }
        out.push(':');
        match &map[key] {
            Value::Object(inner) if !inner.is_empty() => {
                out.push('\n');
                mapping(inner, depth + 1, false, out);
            }
            // A sequence in a mapping stands in the mapping's own column.
            Value::Array(items) if !items.is_empty() => {
                out.push('\n');
                sequence(items, depth, false, out);
            }
            scalar => {
                out.push(' ');
                leaf(scalar, depth + 1, out);
                out.push('\n');
            }
        }
    }
}

/// A key on one line and of up to 128 bytes is written before its `:`; others need `? `.
fn simple_key(key: &str) -> bool {
    key.len() <= 128 && !key.contains(is_break)
}

fn sequence(items: &[Value], depth: usize, inline: bool, out: &mut String) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 || !inline {
            indent(depth, out);
        }
        out.push_str("- ");
        match item {
            Value::Object(inner) if !inner.is_empty() => mapping(inner, depth + 1, true, out),
            Value::Array(inner) if !inner.is_empty() => sequence(inner, depth + 1, true, out),
            scalar => {
                leaf(scalar, depth + 1, out);
                out.push('\n');
            }
        }
    }
}

/// A scalar or an empty collection, without the line break.
fn leaf(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&go_number(number)),
        Value::String(text) => string(text, depth, false, out),
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
    }
}

/// As `strconv.FormatFloat(f, 'g', -1, 64)`: an exponent from 1e+21 up and below 1e-4.
fn go_number(number: &Number) -> String {
    let Some(float) = number.as_f64().filter(|_| number.is_f64()) else { return number.to_string() };
    let magnitude = float.abs();
    if magnitude != 0.0 && !(1e-4..1e21).contains(&magnitude) {
        let text = format!("{float:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
        return format!("{mantissa}e{sign}{digits:0>2}");
    }
    format!("{float}")
}

/// `key`: the string stands before a `:` and must keep to its line.
fn string(text: &str, depth: usize, key: bool, out: &mut String) {
    let shape = Shape::of(text);
    let mut pen = Pen::new(depth, key, out);
    if text.contains('\n') {
        if shape.block && !key {
            literal(text, depth, pen.out)
        } else {
            pen.double_quoted(text)
        }
        return;
    }
    let means_itself = matches!(resolve::resolve(text), Data::String(_))
        && text != "<<"
        && !resolve::is_base60(text)
        && !resolve::is_timestamp(text)
        && !is_float_word(text);
    if !means_itself {
        pen.double_quoted(text);
    } else if shape.plain {
        pen.plain(text);
    } else if shape.single_quoted {
        pen.single_quoted(text);
    } else {
        pen.double_quoted(text);
    }
}

fn is_float_word(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN")
}

/// Which ways of writing a string keep it whole.
///
/// Mirrors: libyaml `yaml_emitter_analyze_scalar`, for block context.
struct Shape {
    plain: bool,
    single_quoted: bool,
    block: bool,
}

fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..)
}

impl Shape {
    fn of(text: &str) -> Self {
        let mut indicators = text.starts_with("---") || text.starts_with("...");
        let (mut special, mut breaks) = (false, false);
        let (mut break_space, mut space_break) = (false, false);
        let mut previous = None;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let next = chars.peek().copied();
            let followed_by_white = next.is_none_or(|n| n == ' ' || n == '\t' || is_break(n));
            let preceded_by_white = previous.is_none_or(|p: char| p == ' ' || p == '\t' || is_break(p));
            if previous.is_none() {
                indicators |= match c {
                    '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => {
                        true
                    }
                    '?' | ':' | '-' => followed_by_white,
                    _ => false,
                };
            } else {
                indicators |= match c {
                    ':' => followed_by_white,
                    '#' => preceded_by_white,
                    _ => false,
                };
            }
            special |= !is_printable(c) && !is_break(c);
            breaks |= is_break(c);
            if c == ' ' && previous.is_some_and(is_break) {
                break_space = true;
            }
            if is_break(c) && previous == Some(' ') {
                space_break = true;
            }
            previous = Some(c);
        }
        let space_at = |c: Option<char>| c == Some(' ');
        let break_at = |c: Option<char>| c.is_some_and(is_break);
        let (first, last) = (text.chars().next(), text.chars().next_back());
        let edges = space_at(first) || space_at(last) || break_at(first) || break_at(last);
        let fragile = space_break || special;
        Self {
            plain: !(indicators || fragile || breaks || edges || break_space || text.is_empty()),
            single_quoted: !(fragile || break_space),
            block: !(fragile || space_at(last)),
        }
    }
}

/// `|` with a hint when the text begins with a blank, and `-` or `+` for its last line breaks.
fn literal(text: &str, depth: usize, out: &mut String) {
    out.push('|');
    if text.starts_with([' ', '\n']) {
        out.push('2');
    }
    if !text.ends_with('\n') {
        out.push('-');
    } else if text == "\n" || text.ends_with("\n\n") {
        out.push('+');
    }
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        out.push('\n');
        if !line.is_empty() {
            indent(depth.max(1), out);
            out.push_str(line);
        }
    }
}

/// Writes one scalar and knows in which column it is.
struct Pen<'a> {
    out: &'a mut String,
    column: usize,
    depth: usize,
    folds: bool,
    /// The last character was a blank: there is no fold at a second one.
    after_blank: bool,
}

impl<'a> Pen<'a> {
    fn new(depth: usize, key: bool, out: &'a mut String) -> Self {
        let line = &out[out.rfind('\n').map_or(0, |at| at + 1)..];
        Self { column: line.chars().count(), depth: depth.max(1), folds: !key, after_blank: false, out }
    }

    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
        self.after_blank = c == ' ';
    }

    fn write(&mut self, text: &str) {
        text.chars().for_each(|c| self.put(c));
    }

    fn may_fold(&self) -> bool {
        self.folds && !self.after_blank && self.column > WIDTH
    }

    /// A line break and indentation in place of a blank.
    fn fold(&mut self) {
        self.out.push('\n');
        indent(self.depth, self.out);
        self.column = self.depth * 2;
        self.after_blank = true;
    }

    fn plain(&mut self, text: &str) {
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            if c == ' ' && self.may_fold() && chars.peek() != Some(&' ') { self.fold() } else { self.put(c) }
        }
    }

    fn single_quoted(&mut self, text: &str) {
        self.put('\'');
        let mut chars = text.chars().peekable();
        let mut first = true;
        while let Some(c) = chars.next() {
            let inside = !first && chars.peek().is_some_and(|next| *next != ' ');
            match c {
                ' ' if inside && self.may_fold() => self.fold(),
                '\'' => self.write("''"),
                other => self.put(other),
            }
            first = false;
        }
        self.put('\'');
    }

    fn double_quoted(&mut self, text: &str) {
        self.put('"');
        let mut chars = text.chars().peekable();
        let mut first = true;
        while let Some(c) = chars.next() {
            match chars.peek() {
                Some(next) if c == ' ' && !first && self.may_fold() => {
                    let blank_follows = *next == ' ';
                    self.fold();
                    if blank_follows {
                        // The reader drops blanks at the start of a line unless one is escaped.
                        self.put('\\');
                    }
                }
                _ => self.escaped(c),
            }
            first = false;
        }
        self.put('"');
    }

    fn escaped(&mut self, c: char) {
        let short = match c {
            '"' => '"',
            '\\' => '\\',
            '\0' => '0',
            '\u{7}' => 'a',
            '\u{8}' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\u{b}' => 'v',
            '\u{c}' => 'f',
            '\r' => 'r',
            '\u{1b}' => 'e',
            '\u{85}' => 'N',
            '\u{a0}' => '_',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            c if is_printable(c) => return self.put(c),
            c => {
                let code = c as u32;
                return match code {
                    0..=0xff => self.write(&format!("\\x{code:02X}")),
                    0x100..=0xffff => self.write(&format!("\\u{code:04X}")),
                    _ => self.write(&format!("\\U{code:08X}")),
                };
            }
        };
        self.put('\\');
        self.put(short);
    }
}

/// The order of keys: letters after everything else, numbers by value.
///
/// Mirrors: go-yaml v2 `keyList.Less`.
fn natural(a: &str, b: &str) -> Ordering {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let Some(at) = a.iter().zip(&b).position(|(x, y)| x != y) else { return a.len().cmp(&b.len()) };
    let (x, y) = (a[at], b[at]);
    match (x.is_alphabetic(), y.is_alphabetic()) {
        (true, true) => return x.cmp(&y),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // Zeros weigh only behind other digits: `10` and `1`, but not `01` and `1`.
    let behind_digits =
        (x == '0' || y == '0') && a[..at].iter().rev().take_while(|c| c.is_ascii_digit()).any(|c| *c != '0');
    let value = |digits: &[char]| {
        let digits: Vec<char> = digits.iter().copied().take_while(char::is_ascii_digit).collect();
        let start = i64::from(behind_digits);
        (
            digits.iter().fold(start, |n, d| n.wrapping_mul(10).wrapping_add(i64::from(*d as u32 - '0' as u32))),
            digits.len(),
        )
    };
    value(&a[at..]).cmp(&value(&b[at..])).then(x.cmp(&y))
}
