//! Text filters behind pipes: grep, head, tail, wc, sort, uniq, cut, tr, cat, less, base64. Pure.

use base64::Engine as _;
use regex_lite::RegexBuilder;

use super::programs::{awk, sed};
use api::order::Order;

/// Output and exit code, or a complaint.
pub type Outcome = Result<(String, i32), String>;

pub struct Filter {
    name: &'static str,
    /// How many words before the files are the program (`grep PATTERN`).
    programs: usize,
    /// Short options that take a value.
    valued: &'static str,
    pub run: fn(&[String], &str) -> Outcome,
}

const FILTERS: &[Filter] = &[
    Filter { name: "cat", programs: 0, valued: "", run: cat },
    Filter { name: "less", programs: 0, valued: "", run: cat },
    Filter { name: "more", programs: 0, valued: "", run: cat },
    Filter { name: "grep", programs: 1, valued: "eABCm", run: grep },
    Filter { name: "egrep", programs: 1, valued: "eABCm", run: grep },
    Filter { name: "head", programs: 0, valued: "nc", run: head },
    Filter { name: "tail", programs: 0, valued: "nc", run: tail },
    Filter { name: "wc", programs: 0, valued: "", run: wc },
    Filter { name: "sort", programs: 0, valued: "kt", run: sort },
    Filter { name: "uniq", programs: 0, valued: "", run: uniq },
    Filter { name: "cut", programs: 0, valued: "dfc", run: cut },
    Filter { name: "tr", programs: 2, valued: "", run: tr },
    Filter { name: "sed", programs: 1, valued: "e", run: sed },
    Filter { name: "awk", programs: 1, valued: "F", run: awk },
    Filter { name: "base64", programs: 0, valued: "w", run: base64 },
    Filter { name: "nl", programs: 0, valued: "", run: nl },
    Filter { name: "tac", programs: 0, valued: "", run: tac },
];

pub fn find(name: &str) -> Option<&'static Filter> {
    FILTERS.iter().find(|filter| filter.name == name)
}

impl Filter {
    /// Options and program on one side, files on the other.
    pub fn split(&self, args: &[String]) -> (Vec<String>, Vec<String>) {
        let (mut own, mut files, mut programs) = (Vec::new(), Vec::new(), self.programs);
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            if arg.len() > 1 && arg.starts_with('-') && (self.name != "tr" || programs == 2) {
                own.push(arg.clone());
                let letter = arg.chars().last().unwrap_or(' ');
                let takes = !arg.starts_with("--") && self.valued.contains(letter) && arg.chars().skip(1).count() >= 1;
                if takes && let Some(value) = rest.next() {
                    own.push(value.clone());
                }
                if matches!(arg.as_str(), "-e") {
                    programs = 0;
                }
            } else if programs > 0 {
                programs -= 1;
                own.push(arg.clone());
            } else {
                files.push(arg.clone());
            }
        }
        (own, files)
    }
}

fn cat(args: &[String], input: &str) -> Outcome {
    if args.iter().any(|arg| arg == "-n") { nl(args, input) } else { Ok((input.into(), 0)) }
}

fn nl(_: &[String], input: &str) -> Outcome {
    Ok((input.lines().enumerate().map(|(at, line)| format!("{:6}\t{line}\n", at + 1)).collect(), 0))
}

fn tac(_: &[String], input: &str) -> Outcome {
    Ok((input.lines().rev().map(|line| format!("{line}\n")).collect(), 0))
}

/// Options as letters with their values, and the other words.
pub fn options(args: &[String], valued: &str) -> (Vec<(char, String)>, Vec<String>) {
    let (mut found, mut words) = (Vec::new(), Vec::new());
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if arg.len() < 2 || !arg.starts_with('-') || arg.starts_with("--") {
            words.push(arg.clone());
            continue;
        }
        let letters: Vec<char> = arg[1..].chars().collect();
        let mut at = 0;
        while at < letters.len() {
            let letter = letters[at];
            at += 1;
            if valued.contains(letter) {
                let tail: String = letters[at..].iter().collect();
                let value = if tail.is_empty() { rest.next().cloned().unwrap_or_default() } else { tail };
                found.push((letter, value));
                break;
            }
            found.push((letter, String::new()));
        }
    }
    (found, words)
}

fn grep(args: &[String], input: &str) -> Outcome {
    let (options, words) = options(args, "eABCm");
    let has = |letter: char| options.iter().any(|(known, _)| *known == letter);
    let value = |letter: char| options.iter().find(|(known, _)| *known == letter).map(|(_, value)| value.as_str());
    let Some(pattern) = value('e').or(words.first().map(String::as_str)) else {
        return Err("missing pattern".into());
    };
    // Basic patterns escape what extended ones do not.
    let mut pattern = if has('F') {
        regex_lite::escape(pattern)
    } else if has('E') || has('P') {
        pattern.to_string()
    } else {
        pattern
            .replace("\\|", "\u{1}")
            .replace('|', "\\|")
            .replace('\u{1}', "|")
            .replace('+', "\\+")
            .replace("\\\\+", "+")
            .replace('{', "\\{")
    };
    if has('w') {
        pattern = format!(r"\b(?:{pattern})\b");
    }
    if has('x') {
        pattern = format!("^(?:{pattern})$");
    }
    let regex = RegexBuilder::new(&pattern)
        .case_insensitive(has('i'))
        .build()
        .map_err(|_| format!("Invalid regular expression: {pattern}"))?;
    let number = |letter: char| value(letter).and_then(|value| value.parse::<usize>().ok());
    let around = number('C').unwrap_or(0);
    let (before, after) = (number('B').unwrap_or(around), number('A').unwrap_or(around));
    let lines: Vec<&str> = input.lines().collect();
    let limit = number('m').unwrap_or(usize::MAX);
    let hits: Vec<usize> = (0..lines.len()).filter(|at| regex.is_match(lines[*at]) != has('v')).take(limit).collect();
    let code = i32::from(hits.is_empty());
    if has('q') {
        return Ok((String::new(), code));
    }
    if has('c') {
        return Ok((format!("{}\n", hits.len()), code));
    }
    let mut text = String::new();
    let mut shown: Option<usize> = None;
    for hit in &hits {
        if has('o') {
            text.extend(regex.find_iter(lines[*hit]).map(|found| format!("{}\n", found.as_str())));
            continue;
        }
        let first = hit.saturating_sub(before).max(shown.map_or(0, |last| last + 1));
        if before + after > 0 && shown.is_some_and(|last| first > last + 1) {
            text.push_str("--\n");
        }
        for (at, line) in lines.iter().enumerate().take(hit + after + 1).skip(first) {
            if shown.is_some_and(|last| at <= last) {
                continue;
            }
            let mark = if hits.contains(&at) { ':' } else { '-' };
            text.push_str(&if has('n') { format!("{}{mark}{}\n", at + 1, line) } else { format!("{}\n", line) });
            shown = Some(at);
        }
    }
    Ok((text, code))
}

/// `-n 3`, `-3`; a leading `+` counts from the start (tail).
fn count(args: &[String]) -> Result<(bool, usize), String> {
    let (options, words) = options(args, "nc");
    let text = options
        .iter()
        .find(|(letter, _)| *letter == 'n')
        .map(|(_, value)| value.clone())
        .or_else(|| {
            let digits: String = options.iter().map(|(letter, _)| *letter).filter(char::is_ascii_digit).collect();
            (!digits.is_empty()).then_some(digits)
        })
        .or_else(|| words.first().cloned())
        .unwrap_or_else(|| "10".into());
    let number = text.trim_start_matches(['+', '-']);
    number.parse().map(|count| (text.starts_with('+'), count)).map_err(|_| format!("invalid number of lines: '{text}'"))
}

fn head(args: &[String], input: &str) -> Outcome {
    let (_, count) = count(args)?;
    Ok((input.split_inclusive('\n').take(count).collect(), 0))
}

fn tail(args: &[String], input: &str) -> Outcome {
    let (from_start, count) = count(args)?;
    let lines: Vec<&str> = input.split_inclusive('\n').collect();
    let skip = if from_start { count.saturating_sub(1) } else { lines.len().saturating_sub(count) };
    Ok((lines.into_iter().skip(skip).collect(), 0))
}

fn wc(args: &[String], input: &str) -> Outcome {
    let (options, _) = options(args, "");
    let numbers = [
        ('l', input.matches('\n').count()),
        ('w', input.split_whitespace().count()),
        ('c', input.len()),
        ('m', input.chars().count()),
    ];
    let chosen: Vec<String> = numbers
        .iter()
        .filter(
            |(letter, _)| if options.is_empty() { *letter != 'm' } else { options.iter().any(|(o, _)| o == letter) },
        )
        .map(|(_, number)| number.to_string())
        .collect();
    Ok((
        if chosen.len() == 1 {
            format!("{}\n", chosen[0])
        } else {
            format!("{}\n", chosen.iter().map(|number| format!("{number:>7}")).collect::<Vec<_>>().join(" "))
        },
        0,
    ))
}

fn sort(args: &[String], input: &str) -> Outcome {
    let (options, _) = options(args, "kt");
    let has = |letter: char| options.iter().any(|(known, _)| *known == letter);
    let value = |letter: char| options.iter().find(|(known, _)| *known == letter).map(|(_, value)| value.as_str());
    let key_text = value('k').unwrap_or_default();
    let column: Option<usize> = key_text.split([',', 'n', 'r', '.']).next().and_then(|text| text.parse().ok());
    let (numeric, reverse) = (has('n') || key_text.contains('n'), has('r') || key_text.contains('r'));
    let key = |line: &str| -> String {
        let Some(column) = column.filter(|column| *column > 0) else { return line.to_string() };
        match value('t').and_then(|text| text.chars().next()) {
            Some(separator) => line.split(separator).nth(column - 1).unwrap_or_default().to_string(),
            None => line.split_whitespace().skip(column - 1).collect::<Vec<_>>().join(" "),
        }
    };
    let number = |text: &str| -> f64 {
        let text = text.trim_start();
        let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-')).unwrap_or(text.len());
        text[..end].parse().unwrap_or(0.0)
    };
    let mut lines: Vec<&str> = input.lines().collect();
    lines.order_by(|a, b| {
        let (x, y) = (key(a), key(b));
        let order = if numeric { number(&x).total_cmp(&number(&y)) } else { x.cmp(&y) };
        let order = order.then_with(|| a.cmp(b));
        if reverse { order.reverse() } else { order }
    });
    if has('u') {
        lines.dedup();
    }
    Ok((lines.into_iter().map(|line| format!("{line}\n")).collect(), 0))
}

fn uniq(args: &[String], input: &str) -> Outcome {
    let (options, _) = options(args, "");
    let has = |letter: char| options.iter().any(|(known, _)| *known == letter);
    let mut groups: Vec<(usize, &str)> = Vec::new();
    for line in input.lines() {
        match groups.last_mut() {
            Some((count, last)) if *last == line => *count += 1,
            _ => groups.push((1, line)),
        }
    }
    Ok((
        groups
            .into_iter()
            .filter(|(count, _)| !(has('d') && *count < 2 || has('u') && *count > 1))
            .map(|(count, line)| if has('c') { format!("{count:7} {line}\n") } else { format!("{line}\n") })
            .collect(),
        0,
    ))
}

/// `1,3-5,7-` → whether a position is in it.
fn in_ranges(ranges: &str, position: usize) -> bool {
    ranges.split(',').any(|range| match range.split_once('-') {
        Some((from, to)) => {
            let from = from.parse().unwrap_or(1);
            let to = if to.is_empty() { usize::MAX } else { to.parse().unwrap_or(0) };
            (from..=to).contains(&position)
        }
        None => range.parse() == Ok(position),
    })
}

fn cut(args: &[String], input: &str) -> Outcome {
    let (options, _) = options(args, "dfc");
    let value = |letter: char| options.iter().find(|(known, _)| *known == letter).map(|(_, value)| value.as_str());
    if let Some(ranges) = value('c') {
        let pick = |line: &str| {
            line.chars()
                .enumerate()
                .filter(|(at, _)| in_ranges(ranges, at + 1))
                .map(|(_, letter)| letter)
                .collect::<String>()
        };
        return Ok((input.lines().map(|line| format!("{}\n", pick(line))).collect(), 0));
    }
    let Some(ranges) = value('f') else {
        return Err("you must specify a list of bytes, characters, or fields".into());
    };
    let separator = value('d').and_then(|text| text.chars().next()).unwrap_or('\t');
    let pick = |line: &str| {
        if !line.contains(separator) {
            return line.to_string();
        }
        let fields: Vec<&str> = line
            .split(separator)
            .enumerate()
            .filter(|(at, _)| in_ranges(ranges, at + 1))
            .map(|(_, field)| field)
            .collect();
        fields.join(&separator.to_string())
    };
    Ok((input.lines().map(|line| format!("{}\n", pick(line))).collect(), 0))
}

/// `a-z`, `\n`, `[:upper:]` as letters.
fn set(text: &str) -> Vec<char> {
    let text = text
        .replace("[:upper:]", "A-Z")
        .replace("[:lower:]", "a-z")
        .replace("[:digit:]", "0-9")
        .replace("[:space:]", " \t\n")
        .replace("\\n", "\n")
        .replace("\\t", "\t");
    let letters: Vec<char> = text.chars().collect();
    let (mut all, mut at) = (Vec::new(), 0);
    while at < letters.len() {
        if at + 2 < letters.len() && letters[at + 1] == '-' && letters[at] <= letters[at + 2] {
            all.extend(letters[at]..=letters[at + 2]);
            at += 3;
        } else {
            all.push(letters[at]);
            at += 1;
        }
    }
    all
}

fn tr(args: &[String], input: &str) -> Outcome {
    let flags: String =
        args.iter().filter(|arg| arg.len() > 1 && arg.starts_with('-')).flat_map(|arg| arg.chars().skip(1)).collect();
    let words: Vec<&String> = args.iter().filter(|arg| !(arg.len() > 1 && arg.starts_with('-'))).collect();
    let Some(from) = words.first().map(|text| set(text)) else { return Err("missing operand".into()) };
    let to = words.get(1).map(|text| set(text)).unwrap_or_default();
    let mut text = String::new();
    for letter in input.chars() {
        let found = from.iter().position(|known| *known == letter);
        match found {
            Some(_) if flags.contains('d') => {}
            Some(at) if !to.is_empty() => {
                let new = *to.get(at).or(to.last()).expect("not empty");
                if !(flags.contains('s') && text.ends_with(new)) {
                    text.push(new);
                }
            }
            Some(_) if flags.contains('s') && text.ends_with(letter) => {}
            _ => text.push(letter),
        }
    }
    Ok((text, 0))
}

fn base64(args: &[String], input: &str) -> Outcome {
    let engine = base64::engine::general_purpose::STANDARD;
    if args.iter().any(|arg| matches!(arg.as_str(), "-d" | "--decode" | "-D")) {
        let compact: String = input.chars().filter(|letter| !letter.is_whitespace()).collect();
        let bytes = engine.decode(compact).map_err(|_| "invalid input".to_string())?;
        return Ok((String::from_utf8_lossy(&bytes).into_owned(), 0));
    }
    Ok((format!("{}\n", engine.encode(input)), 0))
}
