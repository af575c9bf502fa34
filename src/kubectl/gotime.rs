//! RFC 3339 as Go's `time.Parse` reads it: what it refuses, and how it says so. Pure.
//!
//! Mirrors: time/format.go, for the one layout that flags take.

const LAYOUT: &str = "2006-01-02T15:04:05Z07:00";

/// Checks a time.
///
/// # Errors
/// Go's text.
pub fn check_rfc3339(text: &str) -> Result<(), String> {
    let fail = |rest: &str, element: &str| {
        format!("parsing time {text:?} as {LAYOUT:?}: cannot parse {rest:?} as {element:?}")
    };
    let out_of = |what: &str| format!("parsing time {text:?}: {what} out of range");
    let mut rest = text;
    let mut fields = [0_u32; 6];
    // What stands before each number, its name in the layout, its width, what it may be.
    let parts: [(&str, &str, usize, std::ops::RangeInclusive<u32>, &str); 6] = [
        ("", "2006", 4, 0..=9999, "year"),
        ("-", "01", 2, 1..=12, "month"),
        ("-", "02", 2, 0..=99, "day"),
        ("T", "15", 2, 0..=23, "hour"),
        (":", "04", 2, 0..=59, "minute"),
        (":", "05", 2, 0..=59, "second"),
    ];
    for (at, (before, element, width, range, what)) in parts.into_iter().enumerate() {
        rest = rest.strip_prefix(before).ok_or_else(|| fail(rest, before))?;
        let digits = rest.get(..width).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let number = digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| fail(rest, element))?;
        rest = &rest[width..];
        if !range.contains(&number) {
            return Err(out_of(what));
        }
        fields[at] = number;
    }
    if let Some(fraction) = rest.strip_prefix(['.', ',']).filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    {
        rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    rest = zone(rest).ok_or_else(|| fail(rest, "Z07:00"))?;
    if !rest.is_empty() {
        return Err(format!("parsing time {text:?}: extra text: {rest:?}"));
    }
    if !(1..=days(fields[0], fields[1])).contains(&fields[2]) {
        return Err(out_of("day"));
    }
    Ok(())
}

/// What stands behind `Z` or `+01:00`.
fn zone(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix('Z') {
        return Some(rest);
    }
    let (zone, rest) = text.split_at_checked(6)?;
    let number = |range: std::ops::Range<usize>| zone.get(range)?.parse::<u32>().ok();
    let fits = zone.starts_with(['+', '-']) && zone.as_bytes()[3] == b':' && number(1..3)? <= 24 && number(4..6)? <= 60;
    fits.then_some(rest)
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_refused_as_by_go() {
        let as_layout = |text: &str, rest: &str, element: &str| {
            format!("parsing time {text:?} as {LAYOUT:?}: cannot parse {rest:?} as {element:?}")
        };
        for (text, why) in [
            ("2020-01-01T00:00:00Z", String::new()),
            ("2020-02-29T23:59:59.25+01:00", String::new()),
            ("bad", as_layout("bad", "bad", "2006")),
            ("2020-01-01", as_layout("2020-01-01", "", "T")),
            ("2020-01-01T00:00:00", as_layout("2020-01-01T00:00:00", "", "Z07:00")),
            ("2020-1-01T00:00:00Z", as_layout("2020-1-01T00:00:00Z", "1-01T00:00:00Z", "01")),
            ("2020-13-01T00:00:00Z", "parsing time \"2020-13-01T00:00:00Z\": month out of range".into()),
            ("2021-02-29T00:00:00Z", "parsing time \"2021-02-29T00:00:00Z\": day out of range".into()),
            ("2020-01-01T00:00:00Zx", "parsing time \"2020-01-01T00:00:00Zx\": extra text: \"x\"".into()),
        ] {
            assert_eq!(check_rfc3339(text).err().unwrap_or_default(), why);
        }
    }
}
