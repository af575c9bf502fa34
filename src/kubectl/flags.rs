//! Flags as a table, and the words of a command line read against it. Pure; prints nothing.
//!
//! Mirrors: spf13/pflag (forms `--x=v`, `--x v`, `-ov`, `-o=v`, grouped shorthands, `--`) and its errors.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::duration;
use crate::verb::Verb;

/// What a flag's value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Text,
    Int,
    /// 32 bits of it.
    Int32,
    /// Go's notation, `1m30s`.
    Duration,
    /// Repeatable, each value as it is.
    List,
    /// Repeatable, each value split at commas.
    Csv,
    /// Repeatable, `key=value` split at commas.
    Pairs,
    /// The same, by another hand and with other words.
    Map,
}

/// One row of a verb's table. Parsing, help, completion and errors all come from it.
#[derive(Debug, Clone, Copy)]
pub struct Flag {
    pub long: &'static str,
    pub short: Option<char>,
    pub kind: Kind,
    pub default: &'static str,
    /// The value of the flag when it stands without one.
    pub bare: Option<&'static str>,
    pub help: &'static str,
    /// What completion offers as values.
    pub values: &'static [&'static str],
    pub deprecated: Option<&'static str>,
    pub hidden: bool,
    /// A real flag that changes nothing here; the page says so.
    pub ignored: bool,
}

impl Flag {
    const fn new(long: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Self {
        Self {
            long,
            short: None,
            kind,
            default,
            bare: None,
            help,
            values: &[],
            deprecated: None,
            hidden: false,
            ignored: false,
        }
    }

    pub const fn bool(long: &'static str, default: bool, help: &'static str) -> Self {
        let mut flag = Self::new(long, Kind::Bool, if default { "true" } else { "false" }, help);
        flag.bare = Some("true");
        flag
    }

    pub const fn text(long: &'static str, default: &'static str, help: &'static str) -> Self {
        Self::new(long, Kind::Text, default, help)
    }

    pub const fn int(long: &'static str, default: &'static str, help: &'static str) -> Self {
        Self::new(long, Kind::Int, default, help)
    }

    pub const fn int32(long: &'static str, default: &'static str, help: &'static str) -> Self {
        Self::new(long, Kind::Int32, default, help)
    }

    pub const fn pairs(long: &'static str, help: &'static str) -> Self {
        Self::new(long, Kind::Pairs, "", help)
    }

    pub const fn map(long: &'static str, help: &'static str) -> Self {
        Self::new(long, Kind::Map, "", help)
    }

    pub const fn duration(long: &'static str, default: &'static str, help: &'static str) -> Self {
        Self::new(long, Kind::Duration, default, help)
    }

    pub const fn list(long: &'static str, help: &'static str) -> Self {
        Self::new(long, Kind::List, "", help)
    }

    pub const fn csv(long: &'static str, help: &'static str) -> Self {
        Self::new(long, Kind::Csv, "", help)
    }

    pub const fn short(mut self, short: char) -> Self {
        self.short = Some(short);
        self
    }

    pub const fn bare(mut self, value: &'static str) -> Self {
        self.bare = Some(value);
        self
    }

    pub const fn values(mut self, values: &'static [&'static str]) -> Self {
        self.values = values;
        self
    }

    pub const fn deprecated(mut self, why: &'static str) -> Self {
        self.deprecated = Some(why);
        self.hidden = true;
        self
    }

    pub const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    pub const fn ignored(mut self) -> Self {
        self.ignored = true;
        self
    }

    /// `-o, --output`, as errors name it.
    fn display(&self) -> String {
        match self.short {
            Some(short) => format!("-{short}, --{}", self.long),
            None => format!("--{}", self.long),
        }
    }

    /// Checks a value; the error is pflag's.
    fn check(&self, value: &str) -> Result<(), String> {
        let why = match self.kind {
            Kind::Bool if parse_bool(value).is_none() => {
                format!("strconv.ParseBool: parsing {value:?}: invalid syntax")
            }
            Kind::Int | Kind::Int32 => match integer(value, if self.kind == Kind::Int { 64 } else { 32 }) {
                Ok(_) => return Ok(()),
                Err(what) => format!("strconv.ParseInt: parsing {value:?}: {what}"),
            },
            Kind::Pairs | Kind::Map => match value.split(',').find(|pair| !pair.contains('=')) {
                None => return Ok(()),
                Some(_) if self.kind == Kind::Map => "malformed pair, expect string=string".into(),
                Some(pair) => format!("{pair} must be formatted as key=value"),
            },
            Kind::Duration => match duration::parse(value) {
                Ok(_) => return Ok(()),
                Err(why) => why,
            },
            Kind::Bool | Kind::Text | Kind::List | Kind::Csv => return Ok(()),
        };
        Err(format!("invalid argument {value:?} for {:?} flag: {why}", self.display()))
    }
}

/// A number as Go reads it when the base is left to the text: `0x1f`, `0b1`, `017`, `1_000`.
///
/// # Errors
/// The end of Go's text.
pub fn integer(text: &str, bits: u32) -> Result<i64, &'static str> {
    const SYNTAX: &str = "invalid syntax";
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, rest) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    let plain = rest.replace('_', "");
    if plain.is_empty() || rest.ends_with('_') || !plain.chars().all(|digit| digit.is_digit(radix)) {
        return Err(SYNTAX);
    }
    let number = i128::from_str_radix(&plain, radix).unwrap_or(i128::MAX);
    let number = if negative { -number } else { number };
    let limit = 1_i128 << (bits - 1);
    i64::try_from(number).ok().filter(|_| (-limit..limit).contains(&number)).ok_or("value out of range")
}

/// Go's notions of true and false.
pub fn parse_bool(value: &str) -> Option<bool> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// A parsed command line.
#[derive(Debug, Clone)]
pub struct Args {
    pub verb: &'static Verb,
    /// `kubectl create deployment`.
    pub path: String,
    pub words: Vec<String>,
    /// How many words stood before `--`.
    pub before_dash: Option<usize>,
    pub help: bool,
    values: BTreeMap<&'static str, Vec<String>>,
}

impl Args {
    /// Reads the words after the verb's name.
    ///
    /// # Errors
    /// pflag's text, without the pointer to the help.
    pub fn parse(verb: &'static Verb, path: &str, words: &[String]) -> Result<Self, String> {
        let mut args = Self {
            verb,
            path: path.into(),
            words: Vec::new(),
            before_dash: None,
            help: false,
            values: BTreeMap::new(),
        };
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            if word == "--" {
                args.before_dash = Some(args.words.len());
                args.words.extend(rest.by_ref().cloned());
            } else if let Some(long) = word.strip_prefix("--") {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_string())),
                    None => (long, None),
                };
                if name.is_empty() || name.starts_with('-') {
                    return Err(format!("bad flag syntax: {word}"));
                }
                let Some(flag) = verb.flag(name) else {
                    if name == "help" {
                        args.help = true;
                        continue;
                    }
                    return Err(format!("unknown flag: --{name}"));
                };
                let value = match value.or_else(|| flag.bare.map(String::from)) {
                    Some(value) => value,
                    None => rest.next().cloned().ok_or_else(|| format!("flag needs an argument: --{name}"))?,
                };
                args.set(flag, value)?;
            } else if word.len() > 1 && word.starts_with('-') {
                args.shorthands(word, &mut rest)?;
            } else {
                args.words.push(word.clone());
            }
        }
        Ok(args)
    }

    /// `-it`, `-oyaml`, `-o=yaml`, `-o yaml`.
    fn shorthands<'a>(&mut self, word: &str, rest: &mut impl Iterator<Item = &'a String>) -> Result<(), String> {
        let group = &word[1..];
        for (at, letter) in group.char_indices() {
            let Some(flag) = self.verb.shorthand(letter) else {
                if letter == 'h' {
                    self.help = true;
                    return Ok(());
                }
                return Err(format!("unknown shorthand flag: {letter:?} in {word}"));
            };
            let tail = &group[at + letter.len_utf8()..];
            if let Some(value) = tail.strip_prefix('=').filter(|_| tail.len() > 1) {
                return self.set(flag, value.into());
            }
            if let Some(bare) = flag.bare {
                self.set(flag, bare.into())?;
                continue;
            }
            if !tail.is_empty() {
                return self.set(flag, tail.into());
            }
            let value = rest.next().ok_or_else(|| format!("flag needs an argument: {letter:?} in {word}"))?;
            return self.set(flag, value.clone());
        }
        Ok(())
    }

    fn set(&mut self, flag: &'static Flag, value: String) -> Result<(), String> {
        flag.check(&value)?;
        let values = self.values.entry(flag.long).or_default();
        match flag.kind {
            Kind::List => values.push(value),
            Kind::Csv | Kind::Pairs | Kind::Map => values.extend(split_csv(&value)),
            Kind::Bool | Kind::Text | Kind::Int | Kind::Int32 | Kind::Duration => *values = vec![value],
        }
        Ok(())
    }

    /// Whether the flag was given.
    pub fn changed(&self, long: &str) -> bool {
        self.values.contains_key(long)
    }

    /// The value of a flag that every verb has, unless the verb means something of its own by that name.
    pub fn global(&self, long: &str) -> &str {
        let own = self.verb.flags.iter().flat_map(|group| group.iter()).any(|flag| flag.long == long);
        if own { "" } else { self.text(long) }
    }

    /// Flags that were given, in the order of their names.
    pub fn given(&self) -> impl Iterator<Item = &'static Flag> + '_ {
        self.values.keys().filter_map(|long| self.verb.flag(long))
    }

    /// The value, or the flag's default.
    pub fn text(&self, long: &str) -> &str {
        match self.values.get(long).and_then(|values| values.last()) {
            Some(value) => value,
            None => self.verb.flag(long).map_or("", |flag| flag.default),
        }
    }

    pub fn flag(&self, long: &str) -> bool {
        parse_bool(self.text(long)).unwrap_or(false)
    }

    pub fn int(&self, long: &str) -> i64 {
        integer(self.text(long), 64).unwrap_or(0)
    }

    /// Milliseconds.
    pub fn duration(&self, long: &str) -> i64 {
        duration::parse(self.text(long)).unwrap_or(0)
    }

    pub fn list(&self, long: &str) -> &[String] {
        self.values.get(long).map_or(&[], Vec::as_slice)
    }

    /// The command as one line, flags last.
    pub fn command_line(&self) -> String {
        let mut parts = vec![self.path.clone()];
        parts.extend(self.words.iter().cloned());
        for (long, values) in &self.values {
            parts.extend(values.iter().map(|value| format!("--{long}={value}")));
        }
        parts.join(" ")
    }

    /// Flags the verb must have and has not.
    pub fn missing(&self) -> Vec<&'static str> {
        self.verb.required.iter().copied().filter(|long| !self.changed(long)).collect()
    }

    /// The words, as borrowed strings.
    pub fn strs(&self) -> Vec<&str> {
        self.words.iter().map(String::as_str).collect()
    }
}

/// Splits at commas outside double quotes.
pub fn split_csv(value: &str) -> Vec<String> {
    let (mut parts, mut part, mut quoted) = (Vec::new(), String::new(), false);
    if value.is_empty() {
        return parts;
    }
    for letter in value.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => parts.push(std::mem::take(&mut part)),
            _ => part.push(letter),
        }
    }
    parts.push(part);
    parts
}
