//! How a shell words its complaints: busybox's ash, Debian's dash, or bash.
//!
//! The interpreter speaks ash and this file translates, by what the message says. ash tells the line of a
//! builtin (counted from nothing for `-c`) and of a script with a name; dash tells the line always, counted
//! from one; bash only in a script's file.
//! Left out: what only one of them can do (here dash knows `[[` too), and bash's way to quote the line of a
//! syntax error and of a command that was killed.

use super::super::catalogue::ToolSet;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Ash,
    Dash,
    Bash,
}

/// Where a shell is in what it runs.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// As ash counts.
    pub line: u32,
    /// Whether the first line has the number one.
    pub from_one: bool,
    /// The script has a name of its own.
    pub named: bool,
    /// Somebody types the commands.
    pub typed: bool,
}

impl Dialect {
    /// The shell that is behind a name in an image.
    pub fn of(tools: ToolSet, program: &str) -> Dialect {
        match (program.rsplit('/').next(), tools) {
            (Some("bash"), _) => Dialect::Bash,
            (_, ToolSet::Debian) => Dialect::Dash,
            _ => Dialect::Ash,
        }
    }

    /// The status of a command whose redirection failed.
    pub fn refused(self) -> i32 {
        if self == Dialect::Dash { 2 } else { 1 }
    }

    /// What is said of a child that a signal ended; nothing of an interrupt or of a pipe nobody reads.
    pub fn obituary(self, signal: i32) -> Option<&'static str> {
        let text = match signal {
            1 => "Hangup",
            3 => "Quit",
            4 => "Illegal instruction",
            6 => "Aborted",
            7 => "Bus error",
            8 => "Floating point exception",
            9 => "Killed",
            10 => "User defined signal 1",
            11 => "Segmentation fault",
            12 => "User defined signal 2",
            14 => "Alarm clock",
            15 => "Terminated",
            _ => return None,
        };
        (self != Dialect::Bash).then_some(text)
    }

    /// A whole message: who speaks, for which builtin, where, and what.
    pub fn message(self, name: &str, builtin: Option<&str>, text: &str, at: Place) -> String {
        let who = builtin.map(|builtin| format!("{builtin}: ")).unwrap_or_default();
        match self {
            // Who types sees the line.
            Dialect::Ash if (builtin.is_some() || at.named) && !at.typed => {
                format!("{name}: {who}line {}: {text}", at.line)
            }
            Dialect::Ash => format!("{name}: {who}{text}"),
            Dialect::Dash => {
                let line = if at.from_one { at.line } else { at.line + 1 };
                format!("{name}: {line}: {who}{}", dash(text))
            }
            Dialect::Bash => {
                let place = if at.from_one && at.named { format!("line {}: ", at.line) } else { String::new() };
                // What cannot be opened is said without the builtin.
                let who = if text.starts_with("can't open") { "" } else { &who };
                format!("{name}: {place}{who}{}", bash(text))
            }
        }
    }
}

fn dash(text: &str) -> String {
    if let Some(rest) = text.strip_prefix("can't cd to ") {
        return format!("can't cd to {}", rest.rsplit_once(": ").map_or(rest, |(target, _)| target));
    }
    if let Some((verb, target, why)) = opened(text) {
        let why = match why {
            "nonexistent directory" => "Directory nonexistent",
            "no such file" | "No such file or directory" => "No such file",
            other => other,
        };
        return format!("cannot {verb} {target}: {why}");
    }
    if let Some(error) = text.strip_prefix("syntax error: ") {
        return match error.strip_prefix("unexpected ") {
            Some(rest) => {
                let (found, wanted) =
                    rest.split_once(" (").map_or((rest, String::new()), |(f, w)| (f, format!(" ({w}")));
                format!("Syntax error: {found} unexpected{wanted}")
            }
            None => {
                let mut letters = error.chars();
                let first = letters.next().map(|letter| letter.to_ascii_uppercase());
                format!("Syntax error: {}{}", first.map(String::from).unwrap_or_default(), letters.as_str())
            }
        };
    }
    match text {
        "divide by zero" => "arithmetic expression: division by zero".to_owned(),
        _ => text.to_owned(),
    }
}

fn bash(text: &str) -> String {
    if let Some(rest) = text.strip_prefix("can't cd to ") {
        return rest.to_owned();
    }
    if let Some((_, target, why)) = opened(text) {
        let why = match why {
            "nonexistent directory" | "no such file" => "No such file or directory",
            other => other,
        };
        return format!("{target}: {why}");
    }
    match text.rsplit_once(": ") {
        Some((name, "not found")) if name.contains('/') => format!("{name}: No such file or directory"),
        Some((name, "not found")) => format!("{name}: command not found"),
        Some((name, "is read only")) => format!("{name}: readonly variable"),
        _ => text.to_owned(),
    }
}

/// `can't VERB TARGET: WHY`, the target quoted or not.
fn opened(text: &str) -> Option<(&str, &str, &str)> {
    let (verb, rest) = text.strip_prefix("can't ")?.split_once(' ')?;
    let (target, why) = rest.rsplit_once(": ")?;
    matches!(verb, "open" | "create").then_some((verb, target.trim_matches('\''), why))
}
