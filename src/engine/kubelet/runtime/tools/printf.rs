//! `echo` and `printf`, with the backslashes and percent signs of POSIX.

pub fn echo(args: &[String]) -> String {
    let (mut newline, mut escapes, mut skip) = (true, false, 0);
    for arg in args {
        let flags = arg.strip_prefix('-').filter(|flags| !flags.is_empty() && flags.chars().all(|c| "neE".contains(c)));
        let Some(flags) = flags else { break };
        newline &= !flags.contains('n');
        escapes |= flags.contains('e');
        skip += 1;
    }
    let text = args[skip..].join(" ");
    let text = if escapes { unescape(&text) } else { text };
    if newline { text + "\n" } else { text }
}

/// Backslash escapes of `echo -e`, `printf` and `tr`.
pub fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('a') => out.push('\u{7}'),
            Some('e') => out.push('\u{1b}'),
            Some('\\') => out.push('\\'),
            Some('c') => return out,
            Some(first @ '0'..='7') => {
                let mut value = first.to_digit(8).unwrap_or(0);
                for _ in 0..3 {
                    let Some(digit) = chars.peek().and_then(|c| c.to_digit(8)) else { break };
                    value = value * 8 + digit;
                    chars.next();
                }
                out.extend(char::from_u32(value & 0xff));
            }
            Some('x') => {
                let mut value = 0;
                while let Some(digit) = chars.peek().and_then(|c| c.to_digit(16)) {
                    value = (value * 16 + digit) & 0xff;
                    chars.next();
                }
                out.extend(char::from_u32(value));
            }
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
            None => out.push('\\'),
        }
    }
    out
}

/// What `printf` prints, and the values that should have been numbers.
pub type Printed = (String, Vec<String>);

/// The text and the status of `printf`.
pub fn printf(args: &[String]) -> (Result<Printed, String>, i32) {
    let Some((format, values)) = args.split_first() else {
        return (Err("usage: printf FORMAT [ARGUMENT...]".to_owned()), 2);
    };
    let mut bad = Vec::new();
    let format = unescape(&format.replace("%%", "\u{1}"));
    let mut values = values.iter();
    let mut out = String::new();
    loop {
        let mut consumed = false;
        let mut chars = format.chars().peekable();
        while let Some(c) = chars.next() {
            if c != '%' {
                out.push(if c == '\u{1}' { '%' } else { c });
                continue;
            }
            let mut spec = String::new();
            while let Some(c) = chars.peek().filter(|c| "-+ 0123456789.#".contains(**c)) {
                spec.push(*c);
                chars.next();
            }
            let conversion = chars.next().unwrap_or('s');
            let value = values.next().cloned().unwrap_or_default();
            consumed = true;
            if "diuxXo".contains(conversion) && !value.is_empty() && !is_number(&value) {
                bad.push(value.clone());
            }
            out.push_str(&convert(&spec, conversion, &value));
        }
        if !consumed || values.len() == 0 {
            let status = i32::from(!bad.is_empty());
            return (Ok((out, bad)), status);
        }
    }
}

fn is_number(value: &str) -> bool {
    // `'A` stands for a letter's code.
    value.trim().parse::<i64>().is_ok() || value.starts_with(['\'', '"', '0'])
}

fn convert(spec: &str, conversion: char, value: &str) -> String {
    let left = spec.contains('-');
    let zero = spec.trim_start_matches(['-', '+', ' ']).starts_with('0');
    let (width, precision) = spec.trim_start_matches(['-', '+', ' ', '0', '#']).split_once('.').map_or_else(
        || (spec.trim_start_matches(['-', '+', ' ', '0', '#']).parse().unwrap_or(0), None),
        |(width, precision)| (width.parse().unwrap_or(0), precision.parse::<usize>().ok()),
    );
    let number = || value.trim().parse::<i64>().unwrap_or(0);
    let body = match conversion {
        'd' | 'i' | 'u' => number().to_string(),
        'x' => format!("{:x}", number()),
        'X' => format!("{:X}", number()),
        'o' => format!("{:o}", number()),
        'f' => format!("{:.*}", precision.unwrap_or(6), value.trim().parse::<f64>().unwrap_or(0.0)),
        'c' => value.chars().take(1).collect(),
        'b' => unescape(value),
        _ => precision.map_or_else(|| value.to_owned(), |max| value.chars().take(max).collect()),
    };
    let width: usize = std::cmp::min(width, 4096);
    match (left, zero && conversion != 's') {
        (true, _) => format!("{body:<width$}"),
        (false, true) => format!("{body:0>width$}"),
        (false, false) => format!("{body:>width$}"),
    }
}
