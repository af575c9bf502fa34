//! `sed` as scripts use it: addresses, `s///`, `p`, `d`, `q`; and basic regular expressions.

use regex_lite::Regex;

#[derive(Debug, Clone)]
enum Address {
    Line(usize),
    Last,
    Match(Regex),
}

#[derive(Debug, Clone)]
enum Action {
    Substitute { pattern: Regex, to: String, all: bool, print: bool },
    Print,
    Delete,
    Quit,
}

#[derive(Debug, Clone)]
struct Rule {
    from: Option<Address>,
    to: Option<Address>,
    negate: bool,
    action: Action,
    inside: bool,
}

#[derive(Debug, Clone)]
pub struct Sed {
    rules: Vec<Rule>,
    quiet: bool,
    pub in_place: bool,
    line: usize,
}

/// # Errors
/// An unknown command or a bad expression.
pub fn parse(script: &str, flags: &str) -> Result<Sed, String> {
    let extended_syntax = flags.contains(['E', 'r']);
    let mut rules = Vec::new();
    for command in commands(script) {
        rules.push(rule(&command, extended_syntax)?);
    }
    Ok(Sed { rules, quiet: flags.contains('n'), in_place: flags.contains('i'), line: 0 })
}

/// Splits at newlines and at semicolons that stand outside an `s` command's parts.
fn commands(script: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut current = String::new();
    let (mut left, mut delimiter, mut escaped) = (0, '/', false);
    let mut chars = script.chars();
    while let Some(c) = chars.next() {
        if c == '\n' || (c == ';' && left == 0) {
            out.push(std::mem::take(&mut current));
            left = 0;
            continue;
        }
        let starts = left == 0
            && c == 's'
            && (current.trim().is_empty()
                || current.ends_with(|last: char| last == '/' || last == '$' || last.is_ascii_digit() || last == ' '));
        current.push(c);
        if starts {
            if let Some(next) = chars.next() {
                current.push(next);
                (left, delimiter) = (2, next);
            }
        } else if left > 0 && c == delimiter && !escaped {
            left -= 1;
        }
        escaped = c == '\\' && !escaped;
    }
    out.push(current);
    out.into_iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
}

fn rule(text: &str, extended_syntax: bool) -> Result<Rule, String> {
    let mut rest = text;
    let from = address(&mut rest, extended_syntax)?;
    let mut to = None;
    if let Some(after) = rest.strip_prefix(',') {
        rest = after;
        to = address(&mut rest, extended_syntax)?;
    }
    let negate = rest.trim_start().starts_with('!');
    let rest = rest.trim_start().trim_start_matches('!').trim_start();
    let action = match rest.chars().next() {
        Some('s') => substitute(&rest[1..], extended_syntax)?,
        Some('p') => Action::Print,
        Some('d') => Action::Delete,
        Some('q') => Action::Quit,
        _ => return Err(format!("unsupported command {}", rest.chars().next().unwrap_or('?'))),
    };
    Ok(Rule { from, to, negate, action, inside: false })
}

fn address(rest: &mut &str, extended_syntax: bool) -> Result<Option<Address>, String> {
    if let Some(after) = rest.strip_prefix('$') {
        *rest = after;
        return Ok(Some(Address::Last));
    }
    if let Some(after) = rest.strip_prefix('/') {
        let end = after.find('/').ok_or("unterminated address regex")?;
        *rest = &after[end + 1..];
        return regex(&after[..end], extended_syntax, false).map(|found| Some(Address::Match(found)));
    }
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if digits == 0 {
        return Ok(None);
    }
    let number = rest[..digits].parse().map_err(|_| "bad line number".to_owned())?;
    *rest = &rest[digits..];
    Ok(Some(Address::Line(number)))
}

fn substitute(text: &str, extended_syntax: bool) -> Result<Action, String> {
    let delimiter = text.chars().next().ok_or("bad format in substitution expression")?;
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in text.chars().skip(1) {
        if c == delimiter && !escaped {
            parts.push(String::new());
        } else {
            let part = parts.last_mut().expect("starts with one part");
            if escaped && c == delimiter {
                part.pop();
            }
            part.push(c);
        }
        escaped = c == '\\' && !escaped;
    }
    let [from, to, flags] = parts.as_slice() else { return Err("unterminated `s' command".to_owned()) };
    Ok(Action::Substitute {
        pattern: regex(from, extended_syntax, flags.contains(['i', 'I']))?,
        to: to.clone(),
        all: flags.contains('g'),
        print: flags.contains('p'),
    })
}

fn regex(text: &str, extended_syntax: bool, ignore_case: bool) -> Result<Regex, String> {
    let source = if extended_syntax { text.to_owned() } else { extended(text) };
    let source = if ignore_case { format!("(?i){source}") } else { source };
    Regex::new(&source).map_err(|_| format!("bad regex '{text}'"))
}

impl Rule {
    fn selects(&mut self, line: &str, number: usize, last: bool) -> bool {
        let hits = |address: &Address| match address {
            Address::Line(wanted) => *wanted == number,
            Address::Last => last,
            Address::Match(pattern) => pattern.is_match(line),
        };
        let selected = match (&self.from, &self.to) {
            (None, _) => true,
            (Some(from), None) => hits(from),
            (Some(from), Some(to)) => {
                if self.inside {
                    self.inside = !hits(to);
                    true
                } else if hits(from) {
                    self.inside = !matches!(to, Address::Line(end) if *end <= number);
                    true
                } else {
                    false
                }
            }
        };
        selected != self.negate
    }
}

impl Sed {
    /// Takes a line; `true` when the script says to quit.
    pub fn line(&mut self, line: &str, last: bool, out: &mut String) -> bool {
        self.line += 1;
        let number = self.line;
        let mut text = line.to_owned();
        for rule in &mut self.rules {
            if !rule.selects(&text, number, last) {
                continue;
            }
            match &rule.action {
                Action::Print => out.push_str(&format!("{text}\n")),
                Action::Delete => return false,
                Action::Quit => {
                    if !self.quiet {
                        out.push_str(&format!("{text}\n"));
                    }
                    return true;
                }
                Action::Substitute { pattern, to, all, print } => {
                    let replaced = replace(pattern, &text, to, *all);
                    let changed = replaced != text;
                    text = replaced;
                    if changed && *print {
                        out.push_str(&format!("{text}\n"));
                    }
                }
            }
        }
        if !self.quiet {
            out.push_str(&format!("{text}\n"));
        }
        false
    }
}

fn replace(pattern: &Regex, text: &str, to: &str, all: bool) -> String {
    let mut out = String::new();
    let mut at = 0;
    for found in pattern.captures_iter(text) {
        let whole = found.get(0).expect("group 0 is the match");
        out.push_str(&text[at..whole.start()]);
        let mut chars = to.chars();
        while let Some(c) = chars.next() {
            match c {
                '&' => out.push_str(whole.as_str()),
                '\\' => match chars.next() {
                    Some(digit) if digit.is_ascii_digit() => {
                        let group = digit.to_digit(10).and_then(|digit| found.get(digit as usize));
                        out.push_str(group.map_or("", |group| group.as_str()));
                    }
                    Some('n') => out.push('\n'),
                    Some(other) => out.push(other),
                    None => out.push('\\'),
                },
                other => out.push(other),
            }
        }
        at = whole.end();
        if !all {
            break;
        }
    }
    out.push_str(&text[at..]);
    out
}

/// A basic regular expression in extended syntax: the meaning of backslashes is swapped.
pub fn extended(basic: &str) -> String {
    let mut out = String::new();
    let mut chars = basic.chars().peekable();
    let mut in_set = false;
    while let Some(c) = chars.next() {
        match c {
            '[' if !in_set => {
                in_set = true;
                out.push('[');
                if chars.peek() == Some(&'^') {
                    out.extend(chars.next());
                }
                if chars.peek() == Some(&']') {
                    chars.next();
                    out.push_str(r"\]");
                }
            }
            ']' if in_set => {
                in_set = false;
                out.push(']');
            }
            '\\' if !in_set => match chars.next() {
                Some(special @ ('(' | ')' | '{' | '}' | '|' | '+' | '?')) => out.push(special),
                Some('<' | '>') => out.push_str(r"\b"),
                Some(other) => {
                    out.push('\\');
                    out.push(other);
                }
                None => out.push_str(r"\\"),
            },
            '(' | ')' | '{' | '}' | '|' | '+' | '?' if !in_set => {
                out.push('\\');
                out.push(c);
            }
            '*' if out.is_empty() || out == "^" => out.push_str(r"\*"),
            other => out.push(other),
        }
    }
    out
}

/// Text that matches only itself.
pub fn escape(text: &str) -> String {
    let special = |c: char| r"\.+*?()|[]{}^$".contains(c);
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain(std::iter::once(c))).collect()
}
