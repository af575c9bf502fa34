//! Whether a step printed what its recording says, and if not, whether the client's age explains it.
//!
//! Recordings hold masks (`<age>`) and numbered tokens (`<hash-1>`): a mask stands for anything, a
//! token for the same text throughout a case. Blanks between words are not counted, for masks change
//! the widths of columns; the recordings' own comparer is stricter there and has the last word.

use std::collections::BTreeMap;

use course::transcript::{Printed, Transcript};
use regex_lite::Regex;

use super::differences::{Difference, Explained};

/// What a step came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Exact,
    /// An older client says it differently: the numbers of the differences.
    Explained(Vec<usize>),
    Other,
}

/// Texts of numbered tokens, as far as they are known.
type Tokens = BTreeMap<String, String>;

/// Judges the steps of a case that print something: (line of the step, verdict).
pub fn judge(
    case: &Transcript,
    results: &[Option<Printed>],
    name: &str,
    differences: &[Difference],
) -> Vec<(usize, Verdict)> {
    let recorded = case.steps.iter().any(|step| step.expected.is_some());
    let masks: Vec<(Regex, String)> = case.steps.iter().filter_map(|step| mask(&step.source[0])).collect();
    let (mut tokens, mut mode) = (Tokens::new(), String::from("exact"));
    let mut verdicts = Vec::new();
    for (step, result) in case.steps.iter().zip(results) {
        if let Some(word) = step.source[0].strip_prefix("@ cmp ") {
            word.trim().clone_into(&mut mode);
        }
        let Some(result) = result.as_ref().filter(|_| recorded) else { continue };
        let nothing = Printed { status: "0".into(), ..Printed::default() };
        let expected = step.expected.as_ref().unwrap_or(&nothing);
        let mode = std::mem::replace(&mut mode, "exact".into());
        let any_order = matches!(mode.as_str(), "sorted" | "events");
        let (expected, actual) = (lines(expected, &masks, &mode), lines(result, &masks, &mode));
        let verdict = if same(&expected, &actual, any_order, &mut tokens) {
            Verdict::Exact
        } else {
            let Explained { expected, actual, by } =
                super::differences::explain(differences, name, &step.source[0], expected, actual);
            match by.is_empty() || !same(&expected, &actual, any_order, &mut tokens) {
                true => Verdict::Other,
                false => Verdict::Explained(by),
            }
        };
        verdicts.push((step.line, verdict));
    }
    verdicts
}

/// `@ mask REGEX => REPLACEMENT`, which both sides pass through.
fn mask(line: &str) -> Option<(Regex, String)> {
    let (from, to) = line.strip_prefix("@ mask ")?.split_once(" =>")?;
    // Groups are written `\1` there and `${1}` here.
    let to = Regex::new(r"\\(\d)").ok()?.replace_all(to.trim(), "$${$1}").into_owned();
    Some((Regex::new(from).ok()?, to))
}

/// What of a step counts, as the format writes it: stdout, stderr, status.
fn lines(printed: &Printed, masks: &[(Regex, String)], mode: &str) -> Vec<String> {
    let klog = Regex::new(r"^[IWEF]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ ([\w.-]+):\d+\]").expect("it is one");
    let masked = |line: &str| {
        let line = klog.replace(line, "<klog> $1]").into_owned();
        let line = masks.iter().fold(line, |line, (from, to)| from.replace_all(&line, to).into_owned());
        line.trim_end().to_owned()
    };
    let mut stdout: Vec<String> = printed.stdout.trim_end().lines().map(masked).collect();
    let stderr: Vec<String> = printed.stderr.trim_end().lines().map(masked).collect();
    match mode {
        "none" => return Vec::new(),
        "first" => stdout.truncate(1),
        "last" => drop(stdout.drain(..stdout.len().saturating_sub(1))),
        "uniq" => stdout.dedup(),
        _ => {}
    }
    let mut all: Vec<String> = match mode {
        "rc" => Vec::new(),
        _ => {
            let said = stderr.iter().map(|line| format!("! {line}").trim_end().to_owned());
            stdout.iter().map(|line| format!("  {line}")).chain(said).collect()
        }
    };
    if printed.status != "0" {
        all.push(format!("? {}", printed.status));
    }
    all
}

/// Line by line; where names are random, or times make the order, in any order.
fn same(expected: &[String], actual: &[String], any_order: bool, tokens: &mut Tokens) -> bool {
    if expected.len() != actual.len() {
        return false;
    }
    let mut learnt = tokens.clone();
    if expected.iter().zip(actual).all(|(expected, actual)| line(expected, actual, &mut learnt)) {
        *tokens = learnt;
        return true;
    }
    let free = |line: &String| ["<id-", "<hash-", "<cron-", "<age>"].iter().any(|token| line.contains(token));
    if !any_order && !expected.iter().any(free) {
        return false;
    }
    let mut learnt = tokens.clone();
    let mut left: Vec<&String> = actual.iter().collect();
    for expected in expected {
        match left.iter().position(|actual| line(expected, actual, &mut learnt)) {
            Some(at) => drop(left.remove(at)),
            None => return false,
        }
    }
    *tokens = learnt;
    true
}

/// Matches one line, and learns the tokens in it if it does.
fn line(expected: &str, actual: &str, tokens: &mut Tokens) -> bool {
    if !expected.contains('<') && !actual.contains("  ") {
        return expected == actual;
    }
    let Some(pattern) = pattern(expected, tokens) else { return false };
    let Some(found) = Regex::new(&pattern.regex).ok().and_then(|regex| regex.captures(actual)) else { return false };
    for (at, name) in pattern.new.iter().enumerate() {
        let text = found.get(at + 1).map_or("", |group| group.as_str());
        // Two tokens are two things, and one is one.
        if tokens.get(name).is_some_and(|known| known != text) {
            return false;
        }
        tokens.insert(name.clone(), text.to_owned());
    }
    true
}

struct Pattern {
    regex: String,
    /// The tokens that its groups are.
    new: Vec<String>,
}

const MASKS: &[&str] = &[
    "time", "rv", "age", "dur", "n", "digest", "image-id", "hex64", "evt", "jwt", "klog", "version", "holder", "cert",
    "any",
];
const TOKENS: &[&str] = &["uid", "hash", "id", "ip", "cid", "cron", "nodeport"];

fn pattern(expected: &str, tokens: &Tokens) -> Option<Pattern> {
    let words = Regex::new(r"<([a-z0-9-]+)>|( +)").ok()?;
    let indent = expected.len() - expected.trim_start_matches(['!', ' ']).len();
    if expected.contains("--") && expected.trim_start().chars().all(|c| matches!(c, '-' | ' ')) {
        // Below the header of a table that describe prints.
        return Some(Pattern { regex: "^ *-[- ]*$".into(), new: Vec::new() });
    }
    let mut pattern = Pattern { regex: format!("^{}", escape(&expected[..indent])), new: Vec::new() };
    let mut at = indent;
    for found in words.captures_iter(&expected[indent..]) {
        let whole = found.get(0)?;
        pattern.regex += &escape(&expected[at..indent + whole.start()]);
        at = indent + whole.end();
        let name = found.get(1).map_or("", |name| name.as_str());
        let token = name.rsplit_once('-').is_some_and(|(kind, _)| TOKENS.contains(&kind));
        pattern.regex += &match (tokens.get(name), token) {
            _ if name.is_empty() => " +".to_owned(),
            _ if MASKS.contains(&name) => ".*?".to_owned(),
            (Some(text), true) => escape(text),
            (None, true) => {
                pattern.new.push(name.to_owned());
                "([^ ]+?)".to_owned()
            }
            (_, false) => escape(whole.as_str()),
        };
    }
    pattern.regex += &escape(&expected[at..]);
    pattern.regex += " *$";
    Some(pattern)
}

fn escape(text: &str) -> String {
    regex_lite::escape(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(expected: &str, actual: &str) -> bool {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        same(&lines(expected), &lines(actual), false, &mut Tokens::new())
    }

    #[test]
    fn masks_stand_for_anything_and_tokens_for_one_thing() {
        for (expected, actual, same) in [
            ("  a", "  a", true),
            ("  a", "    a", false),
            ("! a\n? 1", "! a\n? 1", true),
            ("  NAME   AGE\n  a      <age>", "  NAME        AGE\n  a           10s (x2 over 3m)", true),
            ("  web-<hash-1>-<id-1>\n  web-<hash-1>", "  web-5d8-abc\n  web-5d8", true),
            ("  web-<hash-1>-<id-1>\n  web-<hash-1>", "  web-5d8-abc\n  web-5d9", false),
            ("  web-<id-1> x\n  web-<id-2> y", "  web-b y\n  web-a x", true),
            ("  Node: <none>\n  IP:", "  Node:   <none>\n  IP:", true),
            ("  a\n  b", "  b\n  a", false),
            ("    ---  ----", "    ----       ----", true),
            ("  ----", "  ", false),
            ("! error: timed out on configmaps/held", "! error: timed out on configmaps/held", true),
            ("      ConfigMapOptional: <any>", "      ConfigMapOptional:       <nil>", true),
        ] {
            assert_eq!(matches(expected, actual), same, "{expected}\n{actual}");
        }
    }
}
