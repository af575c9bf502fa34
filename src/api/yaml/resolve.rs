//! What a plain scalar means: the YAML 1.1 words and numbers that go-yaml v2 knows.
//!
//! Mirrors: go-yaml v2 `resolve` and Go's `strconv`. Only the parser and the emitter use it.

use serde_json::Number;

use super::Data;

/// The value of an unquoted scalar. Times stay strings, as for Kubernetes.
pub(super) fn resolve(text: &str) -> Data {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Data::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Data::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Data::Bool(false);
        }
        _ => {}
    }
    let number = match text.as_bytes()[0] {
        b'0'..=b'9' | b'+' | b'-' | b'.' => number(text),
        _ => None,
    };
    number.map_or_else(|| Data::String(text.into()), Data::Number)
}

fn number(text: &str) -> Option<Number> {
    if text.starts_with('.') {
        return decimal(text).and_then(from_f64);
    }
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    integer(&plain).or_else(|| decimal(&plain).and_then(from_f64))
}

/// As `strconv.ParseInt(text, 0, 64)` reads it: `0x`, `0o`, `0b` and a bare `0` choose the base.
fn integer(text: &str) -> Option<Number> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (base, digits) = if let Some(hex) = lower.strip_prefix("0x") {
        (16, hex)
    } else if let Some(octal) = lower.strip_prefix("0o") {
        (8, octal)
    } else if let Some(binary) = lower.strip_prefix("0b") {
        (2, binary)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, lower.as_str())
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(base)) {
        return None;
    }
    let value = u64::from_str_radix(digits, base).ok()?;
    match (negative, i64::try_from(value)) {
        (true, Ok(value)) => Some(Number::from(-value)),
        (true, Err(_)) if value == i64::MIN.unsigned_abs() => Some(Number::from(i64::MIN)),
        (true, Err(_)) => None,
        (false, _) => Some(Number::from(value)),
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn decimal(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => all_digits(fraction),
        Some((whole, fraction)) => all_digits(whole) && (fraction.is_empty() || all_digits(fraction)),
        None => all_digits(mantissa),
    };
    let exponent_fits = exponent.is_none_or(|e| all_digits(e.strip_prefix(['-', '+']).unwrap_or(e)));
    if !mantissa_fits || !exponent_fits {
        return None;
    }
    text.trim_start_matches('+').parse().ok().filter(|f: &f64| f.is_finite())
}

/// A float as JSON carries it: Go prints whole ones without a fraction.
pub(super) fn from_f64(float: f64) -> Option<Number> {
    if float.fract() == 0.0 && float.abs() < 9.0e15 {
        return Some(Number::from(float as i64));
    }
    Number::from_f64(float)
}

/// Whether YAML 1.1 readers may take the text for a time of day: `12:30`.
///
/// Mirrors: go-yaml v2 `isBase60Float`; such strings are printed quoted.
pub(super) fn is_base60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut parts = unsigned.split(':');
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let Some(first) = parts.next() else { return false };
    if !first.starts_with(|c: char| c.is_ascii_digit()) || !digits(first) {
        return false;
    }
    let mut any = false;
    let rest: Vec<&str> = parts.collect();
    for (index, part) in rest.iter().enumerate() {
        let (whole, fraction) =
            if index + 1 == rest.len() { part.split_once('.').unwrap_or((part, "")) } else { (*part, "") };
        let minutes = matches!(whole.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
        if !minutes || !digits(fraction) {
            return false;
        }
        any = true;
    }
    any
}

/// Whether go-yaml takes the text for a date or time; such strings are printed quoted.
///
/// Mirrors: go-yaml v2 `parseTimestamp`: `2006-1-2`, then perhaps `T` or a blank, a time and a zone.
pub(super) fn is_timestamp(text: &str) -> bool {
    let year = text.bytes().take_while(u8::is_ascii_digit).count();
    if year != 4 || text.as_bytes().get(4) != Some(&b'-') {
        return false;
    }
    let mut rest = &text[4..];
    let mut number = |separator: char, least: u32, most: u32, digits: std::ops::RangeInclusive<usize>| -> Option<()> {
        rest = rest.strip_prefix(separator)?;
        let length = rest.bytes().take_while(u8::is_ascii_digit).count().min(*digits.end());
        let value: u32 = rest.get(..length)?.parse().ok()?;
        rest = &rest[length..];
        (digits.contains(&length) && (least..=most).contains(&value)).then_some(())
    };
    let date = number('-', 1, 12, 1..=2).and_then(|()| number('-', 1, 31, 1..=2));
    if date.is_none() {
        return false;
    }
    if rest.is_empty() {
        return true;
    }
    let Some(after) = rest.strip_prefix(['T', 't', ' ']) else { return false };
    let blank = rest.starts_with(' ');
    let clock = format!(":{after}");
    let mut rest = clock.as_str();
    for (index, most) in [23u32, 59, 59].into_iter().enumerate() {
        let Some(part) = rest.strip_prefix(':') else { return false };
        let length = part.bytes().take_while(u8::is_ascii_digit).count();
        let wanted = if index == 0 { 1..=2 } else { 2..=2 };
        if !wanted.contains(&length) || part[..length].parse::<u32>().is_ok_and(|v| v > most) {
            return false;
        }
        rest = &part[length..];
    }
    if let Some(fraction) = rest.strip_prefix('.') {
        let length = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if length == 0 {
            return false;
        }
        rest = &fraction[length..];
    }
    // A blank before the time goes with no zone, `T` with `Z` or an offset.
    match rest {
        "" => blank,
        "Z" => !blank,
        zone => {
            let zone = zone.as_bytes();
            !blank && zone.len() == 6 && matches!(zone[0], b'+' | b'-') && zone[3] == b':'
        }
    }
}
