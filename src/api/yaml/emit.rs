//! A JSON value as `kubectl get -o yaml` prints it.
//!
//! Mirrors: sigs.k8s.io/yaml `Marshal` over go-yaml v2: keys in natural order, sequences at
//! their parent's column, quotes only where a YAML 1.1 reader would see something else,
//! long lines never folded.

use std::cmp::Ordering;
use std::fmt::Write as _;

use serde_json::{Number, Value};

use super::{Data, resolve};

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
    keys.sort_by(|a, b| natural(a, b));
    for (index, key) in keys.into_iter().enumerate() {
        if index > 0 || !inline {
            indent(depth, out);
        }
        if !simple_key(key) {
            // libyaml's form for a key that fits no line of its own.
            out.push_str("? ");
        }
        string(key, depth, true, out);
        if !simple_key(key) {
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

/// A key of up to 128 bytes is written before its `:`; a longer one needs `? `.
fn simple_key(key: &str) -> bool {
    key.len() <= 128
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

fn string(text: &str, depth: usize, key: bool, out: &mut String) {
    let shape = Shape::of(text);
    if text.contains('\n') {
        if shape.block && !key {
            return literal(text, depth, out);
        }
        return double_quoted(text, out);
    }
    let means_itself = matches!(resolve::resolve(text), Data::String(_))
        && text != "<<"
        && !resolve::is_base60(text)
        && !resolve::is_timestamp(text)
        && !is_float_word(text);
    if !means_itself {
        double_quoted(text, out);
    } else if shape.plain {
        out.push_str(text);
    } else if shape.single_quoted {
        out.push('\'');
        out.push_str(&text.replace('\'', "''"));
        out.push('\'');
    } else {
        double_quoted(text, out);
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

fn double_quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\0' => out.push_str("\\0"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\u{1b}' => out.push_str("\\e"),
            '\u{85}' => out.push_str("\\N"),
            '\u{a0}' => out.push_str("\\_"),
            '\u{2028}' => out.push_str("\\L"),
            '\u{2029}' => out.push_str("\\P"),
            c if is_printable(c) => out.push(c),
            c => {
                let code = c as u32;
                // Writing to a string cannot fail.
                let _ = match code {
                    0..=0xff => write!(out, "\\x{code:02X}"),
                    0x100..=0xffff => write!(out, "\\u{code:04X}"),
                    _ => write!(out, "\\U{code:08X}"),
                };
            }
        }
    }
    out.push('"');
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
