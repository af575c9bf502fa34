//! What the command lines of the text filters ask for.

use std::collections::VecDeque;

use regex_lite::Regex;

use super::super::{digest, sed};
use super::{Grep, Kind, Parsed};

/// Flags, their values and the rest. `valued` flags take the next argument.
fn split(args: &[String], valued: &str) -> (String, Vec<(char, String)>, Vec<String>) {
    let (mut flags, mut values, mut rest) = (String::new(), Vec::new(), Vec::new());
    let mut index = 0;
    while index < args.len() {
        let arg = &args[index];
        index += 1;
        if arg == "--" {
            rest.extend_from_slice(&args[index..]);
            break;
        }
        if !arg.starts_with('-') || arg.len() == 1 || arg.starts_with("--") {
            if !arg.starts_with("--") {
                rest.push(arg.clone());
            }
            continue;
        }
        let mut chars = arg[1..].chars();
        while let Some(flag) = chars.next() {
            if valued.contains(flag) {
                let inline: String = chars.by_ref().collect();
                let value = if inline.is_empty() {
                    index += 1;
                    args.get(index - 1).cloned().unwrap_or_default()
                } else {
                    inline
                };
                values.push((flag, value));
            } else {
                flags.push(flag);
            }
        }
    }
    (flags, values, rest)
}

fn value_of(values: &[(char, String)], flag: char) -> Option<&str> {
    values.iter().rev().find(|(known, _)| *known == flag).map(|(_, value)| value.as_str())
}

/// # Errors
/// What is wrong with the arguments, without the tool's name.
pub fn parse(name: &str, args: &[String]) -> Result<Parsed, String> {
    let (kind, files) = match name {
        "grep" | "egrep" => return grep(args, name == "egrep"),
        "head" => {
            let (flags, values, files) = split(args, "nc");
            let bytes = value_of(&values, 'c').and_then(|text| text.parse().ok());
            let short = flags.parse().ok();
            let lines = value_of(&values, 'n').and_then(|text| text.parse().ok()).or(short).unwrap_or(10);
            (bytes.map_or(Kind::Head { left: lines }, |left| Kind::HeadBytes { left }), files)
        }
        "tail" => {
            let (flags, values, files) = split(args, "ncs");
            let count = value_of(&values, 'n').unwrap_or("");
            let from = count.strip_prefix('+').and_then(|text| text.parse().ok());
            let short: String = flags.chars().filter(char::is_ascii_digit).collect();
            let keep = count.trim_start_matches('-').parse().ok().or(short.parse().ok()).unwrap_or(10);
            (Kind::Tail { keep, from, seen: 0, lines: VecDeque::new() }, files)
        }
        "wc" => {
            let (flags, _, files) = split(args, "");
            let (total, many) = ([0; 3], files.len() > 1);
            (Kind::Wc { show: flags, lines: 0, words: 0, bytes: 0, in_word: false, files: 0, total, many }, files)
        }
        "sort" => {
            let (flags, values, files) = split(args, "kto");
            let key =
                value_of(&values, 'k').and_then(|text| text.split([',', 'n', 'r']).next()?.parse().ok()).unwrap_or(0);
            (Kind::Sort { flags, key, lines: Vec::new() }, files)
        }
        "uniq" => {
            let (flags, _, files) = split(args, "");
            (Kind::Uniq { count: flags.contains('c'), last: None }, files)
        }
        "sed" => {
            let (flags, values, mut rest) = split(args, "e");
            let mut script: Vec<String> = values.into_iter().map(|(_, value)| value).collect();
            if script.is_empty() {
                if rest.is_empty() {
                    return Err("no script".to_owned());
                }
                script.push(rest.remove(0));
            }
            (Kind::Sed(sed::parse(&script.join("\n"), &flags)?), rest)
        }
        "tr" => {
            let (flags, _, sets) = split(args, "");
            let from = set(sets.first().map_or("", String::as_str));
            let to = set(sets.get(1).map_or("", String::as_str));
            (Kind::Tr { from, to, delete: flags.contains('d'), squeeze: flags.contains('s'), last: None }, Vec::new())
        }
        "cut" => {
            let (_, values, files) = split(args, "dfcb");
            let delimiter = value_of(&values, 'd').and_then(|text| text.chars().next()).unwrap_or('\t');
            let chars = value_of(&values, 'c').or(value_of(&values, 'b'));
            let list = chars.or(value_of(&values, 'f')).ok_or("expected a list of bytes, characters, or fields")?;
            (Kind::Cut { delimiter, fields: ranges(list), chars: chars.is_some() }, files)
        }
        "tee" => {
            let (flags, _, files) = split(args, "");
            return Ok(Parsed { kind: Kind::Tee { paths: files, append: flags.contains('a') }, files: Vec::new() });
        }
        "tac" => (Kind::Tac { lines: Vec::new() }, split(args, "").2),
        "base64" => {
            let (flags, _, files) = split(args, "w");
            (Kind::Base64 { decode: flags.contains(['d', 'D']), bytes: Vec::new() }, files)
        }
        "awk" => return awk(args),
        "xargs" => {
            // Its own flags stand before the command, whose flags are not its own.
            let mut own = 0;
            while let Some(arg) = args.get(own).filter(|arg| arg.starts_with('-') && arg.len() > 1) {
                own += if arg.len() == 2 && "nIsP".contains(&arg[1..]) { 2 } else { 1 };
            }
            let (_, values, _) = split(&args[..own.min(args.len())], "nIsP");
            let argv = args.get(own..).unwrap_or_default().to_vec();
            let argv = if argv.is_empty() { vec!["echo".to_owned()] } else { argv };
            let most = value_of(&values, 'n').and_then(|text| text.parse().ok());
            let place = value_of(&values, 'I').map(str::to_owned);
            return Ok(Parsed { kind: Kind::Xargs { argv, words: Vec::new(), most, place }, files: Vec::new() });
        }
        "md5sum" | "sha256sum" => {
            let digest = if name == "md5sum" { digest::md5 } else { digest::sha256 };
            (Kind::Sum { digest, bytes: Vec::new(), named: false }, split(args, "").2)
        }
        _ => {
            let (flags, _, files) = split(args, "");
            (if flags.contains('n') { Kind::Number { line: 0 } } else { Kind::Cat }, files)
        }
    };
    Ok(Parsed { kind, files })
}

fn grep(args: &[String], extended: bool) -> Result<Parsed, String> {
    let (flags, values, mut rest) = split(args, "emABC");
    let pattern = match value_of(&values, 'e') {
        Some(pattern) => pattern.to_owned(),
        None if rest.is_empty() => return Err("no pattern".to_owned()),
        None => rest.remove(0),
    };
    let source = if flags.contains('F') {
        sed::escape(&pattern)
    } else if flags.contains('E') || extended {
        pattern
    } else {
        sed::extended(&pattern)
    };
    let source = if flags.contains('w') { format!(r"\b(?:{source})\b") } else { source };
    let source = if flags.contains('x') { format!("^(?:{source})$") } else { source };
    let source = if flags.contains('i') { format!("(?i){source}") } else { source };
    let pattern = Regex::new(&source).map_err(|_| format!("bad regex '{source}'"))?;
    let grep = Grep {
        pattern,
        invert: flags.contains('v'),
        count: flags.contains('c'),
        quiet: flags.contains('q'),
        numbers: flags.contains('n'),
        only: flags.contains('o'),
        names_only: flags.contains('l'),
        recursive: flags.contains(['r', 'R']),
        found: 0,
        line: 0,
        here: 0,
        file: String::new(),
    };
    Ok(Parsed { kind: Kind::Grep(grep), files: rest })
}

/// `awk '/re/ {print $1, $3}'` and nothing beyond.
fn awk(args: &[String]) -> Result<Parsed, String> {
    let (_, values, mut rest) = split(args, "Fv");
    if rest.is_empty() {
        return Err("no program".to_owned());
    }
    let program = rest.remove(0);
    let separator = value_of(&values, 'F').and_then(|text| text.chars().next());
    let (head, body) = program.split_once('{').unwrap_or((&program, "print}"));
    let pattern = match head.trim().strip_prefix('/').and_then(|text| text.strip_suffix('/')) {
        Some(text) => Some(Regex::new(text).map_err(|_| "bad regex".to_owned())?),
        None => None,
    };
    let body = body.trim_end_matches('}').trim().strip_prefix("print").ok_or("only print is simulated")?;
    let fields = body.split(',').map(|field| field.trim().to_owned()).filter(|field| !field.is_empty()).collect();
    Ok(Parsed { kind: Kind::Awk { separator, pattern, fields }, files: rest })
}

fn ranges(list: &str) -> Vec<(usize, usize)> {
    let number = |text: &str, default| text.parse().unwrap_or(default);
    list.split(',')
        .map(|part| match part.split_once('-') {
            Some((low, high)) => (number(low, 1), number(high, usize::MAX)),
            None => (number(part, 1), number(part, 1)),
        })
        .collect()
}

/// The characters of a `tr` set.
fn set(text: &str) -> Vec<char> {
    for name in ["lower", "upper", "digit", "alpha", "alnum", "space", "punct"] {
        if text == format!("[:{name}:]") {
            let ranges = crate::kubelet::runtime::shell::character_class(name);
            return ranges.into_iter().flat_map(|(low, high)| low..=high).collect();
        }
    }
    let text = super::super::printf::unescape(text);
    let chars: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        if chars.get(at + 1) == Some(&'-') && at + 2 < chars.len() {
            out.extend(chars[at]..=chars[at + 2]);
            at += 3;
        } else {
            out.push(chars[at]);
            at += 1;
        }
    }
    out
}
