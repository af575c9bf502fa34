//! The arguments of every tool, read one way: the line that shows how to call a tool is also what it takes.
//!
//! In `swarm [--seeds N] [--list] [ID…]` a flag with a word behind it takes a value, one without is
//! a switch, and what stands by itself is a place for a word, or for many. Nothing else is taken:
//! what a tool does not know it refuses, and shows the line.

use std::str::FromStr;

/// The words of one call.
#[derive(Debug)]
pub struct Args<'a> {
    usage: &'static str,
    /// Flags in the order they were given; a switch has no value.
    flags: Vec<(&'static str, Option<&'a str>)>,
    /// What stands by itself.
    pub words: Vec<&'a str>,
}

/// What a usage line takes.
struct Grammar {
    /// Each flag, and whether it takes a value.
    flags: Vec<(&'static str, bool)>,
    most_words: usize,
}

impl Grammar {
    fn of(usage: &'static str) -> Self {
        let mut grammar = Self { flags: Vec::new(), most_words: 0 };
        let mut flag_is_open = false;
        // The first word is the tool.
        for part in usage.split_whitespace().skip(1).filter(|part| *part != "|") {
            let word = part.trim_matches(['[', ']']);
            if word.starts_with('-') {
                grammar.flags.push((word, false));
                // `[--list]` is closed at once.
                flag_is_open = !part.ends_with(']');
            } else if let Some((_, takes_value)) = grammar.flags.last_mut().filter(|_| flag_is_open) {
                *takes_value = true;
                flag_is_open = false;
            } else {
                grammar.most_words = if word.ends_with('…') { usize::MAX } else { grammar.most_words + 1 };
            }
        }
        grammar
    }
}

impl<'a> Args<'a> {
    /// Reads the words after the tool's name.
    ///
    /// # Errors
    /// What the tool does not take, and how it is called.
    pub fn read(usage: &'static str, given: &'a [String]) -> Result<Self, String> {
        let grammar = Grammar::of(usage);
        let mut args = Self { usage, flags: Vec::new(), words: Vec::new() };
        let mut rest = given.iter().map(String::as_str);
        while let Some(word) = rest.next() {
            if matches!(word, "-h" | "--help") {
                return Err(format!("usage: {usage}"));
            }
            let (name, attached) = match word.split_once('=') {
                Some((name, value)) if word.starts_with('-') => (name, Some(value)),
                _ => (word, None),
            };
            match grammar.flags.iter().find(|(known, _)| *known == name) {
                Some((name, true)) => match attached.or_else(|| rest.next()) {
                    Some(value) => args.flags.push((name, Some(value))),
                    None => return Err(args.refused(&format!("{name} needs a value"))),
                },
                Some((name, false)) if attached.is_none() => args.flags.push((name, None)),
                Some((name, false)) => return Err(args.refused(&format!("{name} takes no value"))),
                None if !word.starts_with('-') && args.words.len() < grammar.most_words => args.words.push(word),
                None => return Err(args.refused(&format!("there is no place for {word:?}"))),
            }
        }
        Ok(args)
    }

    /// Why the call is refused, and how the tool is called.
    pub fn refused(&self, why: &str) -> String {
        format!("{why}\nusage: {}", self.usage)
    }

    /// Whether a switch was given.
    pub fn has(&self, name: &str) -> bool {
        self.flags.iter().any(|(known, _)| *known == name)
    }

    /// A flag's value; the last one counts.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.flags.iter().rev().find(|(known, _)| *known == name)?.1
    }

    /// A flag's value that there must be.
    ///
    /// # Errors
    /// There is none.
    pub fn needed(&self, name: &str) -> Result<&'a str, String> {
        self.text(name).ok_or_else(|| self.refused(&format!("{name} is missing")))
    }

    /// A flag's number, where it was given.
    ///
    /// # Errors
    /// A value that is none of this type.
    pub fn number<T: FromStr>(&self, name: &str) -> Result<Option<T>, String> {
        let read = |text: &str| text.parse().map_err(|_| self.refused(&format!("{name} takes a number, not {text:?}")));
        self.text(name).map(read).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USAGE: &str = "tool NAME [MORE] [--seed N] [--list] --out DIR";

    fn read(line: &str) -> Result<String, String> {
        let given: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let args = Args::read(USAGE, &given)?;
        let seed: Option<u64> = args.number("--seed")?;
        Ok(format!("{:?} {seed:?} {} {}", args.words, args.has("--list"), args.needed("--out")?))
    }

    #[test]
    fn what_the_usage_shows_is_taken_and_nothing_else() {
        let cases: &[(&str, Result<&str, &str>)] = &[
            ("a --out o", Ok("[\"a\"] None false o")),
            ("a b --seed 3 --list --out=o", Ok("[\"a\", \"b\"] Some(3) true o")),
            ("--seed 3 --seed 4 --out o", Ok("[] Some(4) false o")),
            ("a b c --out o", Err("there is no place for \"c\"")),
            ("--outs o", Err("there is no place for \"--outs\"")),
            ("--list=yes --out o", Err("--list takes no value")),
            ("--out", Err("--out needs a value")),
            ("a", Err("--out is missing")),
            ("--seed x --out o", Err("--seed takes a number, not \"x\"")),
            ("a --help", Err("usage: ")),
        ];
        for (line, expected) in cases {
            match (read(line), expected) {
                (Ok(found), Ok(wanted)) => assert_eq!(found, *wanted, "{line}"),
                (Err(found), Err(wanted)) => {
                    assert!(found.starts_with(wanted) && found.ends_with(USAGE), "{line}: {found}");
                }
                (found, _) => panic!("{line}: {found:?}"),
            }
        }
    }

    #[test]
    fn many_words_are_taken_where_the_usage_says_so() {
        let given = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(Args::read("history FILE…", &given).expect("all are files").words.len(), 3);
        assert!(Args::read("history", &given).is_err());
    }
}
