//! How Go's standard library says that a text is no time or no base64.
//!
//! Mirrors: time.Parse with RFC 3339 layouts, encoding/base64 `StdEncoding`.

use serde_json::Value;

/// What encoding/json calls the type of a value in its errors.
pub fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Why Go cannot read the text as a time; `None` if it can. `micro`: with exactly six decimals.
pub fn time_error(text: &str, micro: bool) -> Option<String> {
    let layout = if micro { "2006-01-02T15:04:05.000000Z07:00" } else { "2006-01-02T15:04:05Z07:00" };
    let why = match Clock::default().read(text, micro) {
        Ok(()) => return None,
        Err(Why::CannotParse(rest, element)) => format!(" as {layout:?}: cannot parse {rest:?} as {element:?}"),
        Err(Why::OutOfRange(what)) => format!(": {what} out of range"),
        Err(Why::Extra(rest)) => format!(": extra text: {rest:?}"),
    };
    Some(format!("parsing time {text:?}{why}"))
}

enum Why<'a> {
    CannotParse(&'a str, &'static str),
    OutOfRange(&'static str),
    Extra(&'a str),
}

#[derive(Default)]
struct Clock {
    year: u32,
    month: u32,
    day: u32,
}

/// Exactly `digits` digits.
fn number(text: &str, digits: usize) -> Option<(u32, &str)> {
    let head = text.get(..digits).filter(|head| head.bytes().all(|b| b.is_ascii_digit()))?;
    Some((head.parse().ok()?, &text[digits..]))
}

impl Clock {
    fn read<'a>(&mut self, text: &'a str, micro: bool) -> Result<(), Why<'a>> {
        let skip = |rest: &'a str, separator: &'static str| {
            rest.strip_prefix(separator).ok_or(Why::CannotParse(rest, separator))
        };
        let take = |rest: &'a str, digits, element| number(rest, digits).ok_or(Why::CannotParse(rest, element));
        let (year, rest) = take(text, 4, "2006")?;
        let rest = skip(rest, "-")?;
        let (month, rest) = take(rest, 2, "01")?;
        if !(1..=12).contains(&month) {
            return Err(Why::OutOfRange("month"));
        }
        let rest = skip(rest, "-")?;
        let (day, rest) = take(rest, 2, "02")?;
        (self.year, self.month, self.day) = (year, month, day);
        let rest = skip(rest, "T")?;
        let (hour, rest) = number(rest, 2).or_else(|| number(rest, 1)).ok_or(Why::CannotParse(rest, "15"))?;
        if hour > 23 {
            return Err(Why::OutOfRange("hour"));
        }
        let rest = skip(rest, ":")?;
        let (minute, rest) = take(rest, 2, "04")?;
        if minute > 59 {
            return Err(Why::OutOfRange("minute"));
        }
        let rest = skip(rest, ":")?;
        let (second, mut rest) = take(rest, 2, "05")?;
        if second > 59 {
            return Err(Why::OutOfRange("second"));
        }
        if micro {
            let digits = rest.strip_prefix(['.', ',']).and_then(|r| number(r, 6));
            rest = digits.ok_or(Why::CannotParse(rest, ".000000"))?.1;
        } else if let Some(fraction) = rest.strip_prefix(['.', ',']) {
            // Go accepts a fraction that the layout does not ask for.
            let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
            if digits > 0 {
                rest = &fraction[digits..];
            }
        }
        let rest = zone(rest)?;
        if !rest.is_empty() {
            return Err(Why::Extra(rest));
        }
        if day < 1 || day > self.days() {
            return Err(Why::OutOfRange("day"));
        }
        Ok(())
    }

    fn days(&self) -> u32 {
        let leap = self.year.is_multiple_of(4) && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400));
        match self.month {
            2 => 28 + u32::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }
}

/// `Z` or an offset such as `+09:00`.
fn zone(text: &str) -> Result<&str, Why<'_>> {
    if let Some(rest) = text.strip_prefix('Z') {
        return Ok(rest);
    }
    let parsed = text.strip_prefix(['+', '-']).and_then(|r| {
        let (hours, rest) = number(r, 2)?;
        let (minutes, rest) = number(rest.strip_prefix(':')?, 2)?;
        Some((hours, minutes, rest))
    });
    match parsed {
        None => Err(Why::CannotParse(text, "Z07:00")),
        Some((hours, ..)) if hours > 24 => Err(Why::OutOfRange("time zone offset hour")),
        Some((_, minutes, _)) if minutes > 60 => Err(Why::OutOfRange("time zone offset minute")),
        Some((.., rest)) => Ok(rest),
    }
}

/// Why Go cannot decode the text as padded base64; `None` if it can. Line breaks are skipped.
pub fn base64_error(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let offset = corrupt_at(bytes)?;
    Some(format!("illegal base64 data at input byte {offset}"))
}

fn corrupt_at(bytes: &[u8]) -> Option<usize> {
    let is_line_break = |at: &usize| matches!(bytes[*at], b'\r' | b'\n');
    let mut kept = (0..bytes.len()).filter(|at| !is_line_break(at)).peekable();
    loop {
        for place in 0..4 {
            let Some(at) = kept.next() else {
                // Go points back at the start of the unfinished group.
                return (place > 0).then(|| bytes.len() - place);
            };
            match bytes[at] {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => {}
                b'=' if place == 2 => {
                    match kept.next() {
                        None => return Some(bytes.len()),
                        Some(second) if bytes[second] != b'=' => return Some(second),
                        Some(_) => {}
                    }
                    return kept.next();
                }
                b'=' if place == 3 => return kept.next(),
                _ => return Some(at),
            }
        }
    }
}
