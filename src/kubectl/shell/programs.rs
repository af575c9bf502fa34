//! The two filters that are small languages: what learners type of sed and awk. Pure.

use regex_lite::Regex;

use super::filters::{Outcome, options};

/// `s/a/b/g`, `/x/d`, `/x/p` with `-n`, `2d`, `$d`.
pub fn sed(args: &[String], input: &str) -> Outcome {
    let (options, words) = options(args, "e");
    let quiet = options.iter().any(|(letter, _)| *letter == 'n');
    let script = options
        .iter()
        .find(|(letter, _)| *letter == 'e')
        .map(|(_, value)| value.clone())
        .or_else(|| words.first().cloned());
    let Some(script) = script else { return Err("no script specified".into()) };
    let bad = || {
        format!("-e expression #1, char {}: unknown command: `{}'", script.len(), script.chars().next().unwrap_or(' '))
    };
    let regex = |pattern: &str| Regex::new(pattern).map_err(|_| bad());
    let lines: Vec<&str> = input.lines().collect();
    let mut text = String::new();
    if let Some(rest) = script.strip_prefix('s') {
        let separator = rest.chars().next().ok_or_else(bad)?;
        let parts: Vec<&str> = rest[separator.len_utf8()..].split(separator).collect();
        let [pattern, new, flags] = parts.as_slice() else { return Err("unterminated `s' command".into()) };
        let pattern = if options.iter().any(|(letter, _)| matches!(letter, 'E' | 'r')) {
            (*pattern).to_string()
        } else {
            pattern
                .replace("\\(", "\u{1}")
                .replace("\\)", "\u{2}")
                .replace('(', "\\(")
                .replace(')', "\\)")
                .replace('\u{1}', "(")
                .replace('\u{2}', ")")
        };
        let pattern = if flags.contains('i') || flags.contains('I') { format!("(?i){pattern}") } else { pattern };
        let regex = regex(&pattern)?;
        let new = new.replace('$', "$$").replace("\\n", "\n");
        let mut template = String::new();
        let mut letters = new.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => match letters.next() {
                    Some(digit) if digit.is_ascii_digit() => template.push_str(&format!("${{{digit}}}")),
                    Some(other) => template.push(other),
                    None => template.push('\\'),
                },
                '&' => template.push_str("${0}"),
                other => template.push(other),
            }
        }
        for line in lines {
            let changed = if flags.contains('g') {
                regex.replace_all(line, template.as_str())
            } else {
                regex.replace(line, template.as_str())
            };
            if !quiet || (flags.contains('p') && changed != line) {
                text.push_str(&format!("{changed}\n"));
            }
        }
        return Ok((text, 0));
    }
    let action = script.chars().last().ok_or_else(bad)?;
    let address = &script[..script.len() - action.len_utf8()];
    let count = lines.len();
    let number = |text: &str| if text == "$" { Some(count) } else { text.parse::<usize>().ok() };
    let pattern = match address.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
        Some(pattern) => Some(regex(pattern)?),
        None => None,
    };
    for (at, line) in lines.iter().enumerate() {
        let hit = match (&pattern, address.split_once(',')) {
            (Some(pattern), _) => pattern.is_match(line),
            (None, Some((from, to))) => {
                (number(from).unwrap_or(1)..=number(to).unwrap_or(usize::MAX)).contains(&(at + 1))
            }
            (None, None) => address.is_empty() || number(address) == Some(at + 1),
        };
        match action {
            'd' if hit => {}
            'p' if hit => text.push_str(&if quiet { format!("{line}\n") } else { format!("{line}\n{line}\n") }),
            'd' => text.push_str(&format!("{line}\n")),
            'p' if quiet => {}
            'p' => text.push_str(&format!("{line}\n")),
            _ => return Err(bad()),
        }
    }
    Ok((text, 0))
}

/// `[/pattern/ | NR>1] {print $1, $2}`: the programs learners type.
pub fn awk(args: &[String], input: &str) -> Outcome {
    let (options, words) = options(args, "F");
    let separator = options.iter().find(|(letter, _)| *letter == 'F').map(|(_, value)| value.clone());
    let Some(program) = words.first() else { return Err("usage: awk 'prog' [file ...]".into()) };
    let open = program.find('{').unwrap_or(program.len());
    let condition = program[..open].trim();
    let body = program[open..].trim_matches(['{', '}', ' ']);
    let print = if body.is_empty() {
        "$0"
    } else {
        body.strip_prefix("print").ok_or("syntax error: only print is known here")?.trim()
    };
    let print = if print.is_empty() { "$0" } else { print };
    let pattern = match condition.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
        Some(pattern) => Some(Regex::new(pattern).map_err(|_| format!("bad pattern {pattern}"))?),
        None => None,
    };
    let mut text = String::new();
    for (at, line) in input.lines().enumerate() {
        let fields: Vec<&str> = match &separator {
            Some(separator) => line.split(separator.as_str()).collect(),
            None => line.split_whitespace().collect(),
        };
        let value = |expression: &str| -> String {
            match expression.trim() {
                "$0" => line.to_string(),
                "NR" => (at + 1).to_string(),
                "NF" => fields.len().to_string(),
                "$NF" => fields.last().copied().unwrap_or_default().to_string(),
                other => match other.strip_prefix('$').and_then(|digits| digits.parse::<usize>().ok()) {
                    Some(column) if column > 0 => fields.get(column - 1).copied().unwrap_or_default().to_string(),
                    _ => other.trim_matches('"').replace("\\t", "\t"),
                },
            }
        };
        let holds = match &pattern {
            Some(pattern) => pattern.is_match(line),
            None if condition.is_empty() => true,
            None => ["==", "!=", ">=", "<=", ">", "<", "~"]
                .iter()
                .find_map(|operator| {
                    let (left, right) = condition.split_once(operator)?;
                    let (left, right) = (value(left), value(right.trim().trim_matches('/')));
                    let order = match (left.parse::<f64>(), right.parse::<f64>()) {
                        (Ok(a), Ok(b)) => a.total_cmp(&b),
                        _ => left.cmp(&right),
                    };
                    Some(match *operator {
                        "==" => order.is_eq(),
                        "!=" => order.is_ne(),
                        ">=" => order.is_ge(),
                        "<=" => order.is_le(),
                        ">" => order.is_gt(),
                        "<" => order.is_lt(),
                        _ => Regex::new(&right).is_ok_and(|regex| regex.is_match(&left)),
                    })
                })
                .unwrap_or(false),
        };
        if holds {
            let parts: Vec<String> =
                print.split(',').map(|part| part.split(" \" \" ").map(value).collect::<Vec<_>>().join(" ")).collect();
            text.push_str(&format!("{}\n", parts.join(" ")));
        }
    }
    Ok((text, 0))
}
