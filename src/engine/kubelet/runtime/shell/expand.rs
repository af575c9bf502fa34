//! Word expansion: parameters, captured output, arithmetic, splitting, globbing.
//!
//! Command substitutions have already run; their outputs wait in `shell.captured`
//! in the order in which the words name them.

use super::super::fs::absolute;
use super::super::kernel::Sys;
use super::super::process::Pid;
use super::ast::{Param, ParamOp, Part, Word};
use super::pattern::{self, PatternChar};
use super::{Shell, arith};

/// A field in the making: characters with whether they were quoted.
#[derive(Default)]
struct Field {
    chars: Vec<PatternChar>,
    /// An empty field that was quoted still counts.
    quoted: bool,
}

pub struct Expander<'a, 's, 'w> {
    pub shell: &'a mut Shell,
    pub sys: &'a mut Sys<'s, 'w>,
    pub cwd: &'a str,
    pub pid: Pid,
}

/// An expansion that failed; the shell prints it after its own name and gives up.
pub type Expanded<T> = Result<T, String>;

/// What a word may become: a loop that doubles a text would take all there is in seconds.
const MOST_LETTERS: usize = 1 << 20;

fn fits(letters: usize) -> Expanded<()> {
    if letters <= MOST_LETTERS { Ok(()) } else { Err("out of memory".into()) }
}

impl Expander<'_, '_, '_> {
    /// Words to fields, with splitting and globbing.
    ///
    /// # Errors
    /// `${x:?}`, `set -u`, bad arithmetic.
    pub fn fields(&mut self, words: &[Word]) -> Expanded<Vec<String>> {
        let mut out = Vec::new();
        for word in words {
            for field in self.split(word)? {
                let globs = field.chars.iter().any(|(c, quoted)| !quoted && "*?[".contains(*c));
                let text: String = field.chars.iter().map(|(c, _)| *c).collect();
                let found = if globs { self.glob(&field.chars) } else { Vec::new() };
                if found.is_empty() {
                    out.push(text);
                } else {
                    out.extend(found);
                }
            }
        }
        Ok(out)
    }

    /// A word to one string: assignments, redirections, here-documents, `case`.
    ///
    /// # Errors
    /// As [`Expander::fields`].
    pub fn text(&mut self, word: &Word) -> Expanded<String> {
        Ok(self.pattern(word)?.into_iter().map(|(c, _)| c).collect())
    }

    /// A word to a pattern: quoted characters keep their mark.
    ///
    /// # Errors
    /// As [`Expander::fields`].
    pub fn pattern(&mut self, word: &Word) -> Expanded<Vec<PatternChar>> {
        let mut chars = Vec::new();
        for part in word {
            let (text, quoted) = match part {
                Part::Text { text, quoted } => (text.clone(), *quoted),
                Part::Home => (self.home(), true),
                Part::Capture { quoted, .. } => (self.captured(), *quoted),
                Part::Arith { word, quoted } => (self.arithmetic(word)?, *quoted),
                Part::Param(param) => (self.param_text(param)?, param.quoted),
            };
            chars.extend(text.chars().map(|c| (c, quoted)));
            fits(chars.len())?;
        }
        Ok(chars)
    }

    fn home(&self) -> String {
        self.shell.get("HOME").unwrap_or("/root").to_owned()
    }

    fn captured(&mut self) -> String {
        self.shell.captured.pop_front().unwrap_or_default()
    }

    fn arithmetic(&mut self, word: &Word) -> Expanded<String> {
        let text = self.text(word)?;
        arith::evaluate(&text, self.shell).map(|value| value.to_string())
    }

    fn split(&mut self, word: &Word) -> Expanded<Vec<Field>> {
        let mut fields = vec![Field::default()];
        for part in word {
            match part {
                Part::Text { text, quoted } => append(&mut fields, text, *quoted),
                Part::Home => {
                    let home = self.home();
                    append(&mut fields, &home, true);
                }
                Part::Capture { quoted, .. } => {
                    let text = self.captured();
                    self.splice(&mut fields, &text, *quoted);
                }
                Part::Arith { word, quoted } => {
                    let text = self.arithmetic(word)?;
                    self.splice(&mut fields, &text, *quoted);
                }
                Part::Param(param) if param.name == "@" && param.quoted && param.op == ParamOp::Plain => {
                    for (index, arg) in self.shell.args.clone().iter().enumerate() {
                        if index > 0 {
                            fields.push(Field::default());
                        }
                        append(&mut fields, arg, true);
                    }
                }
                Part::Param(param) => self.param(&mut fields, param)?,
            }
            fits(fields.iter().map(|field| field.chars.len() + 1).sum())?;
        }
        fields.retain(|field| field.quoted || !field.chars.is_empty());
        Ok(fields)
    }

    /// A parameter, where the word of `${x:-…}` keeps its own quoting.
    fn param(&mut self, fields: &mut Vec<Field>, param: &Param) -> Expanded<()> {
        let word = match &param.op {
            ParamOp::Default { word, or_empty } if !self.usable(param, *or_empty) => word,
            ParamOp::Alternative { word, or_empty } if self.usable(param, *or_empty) => word,
            _ => {
                let text = self.param_text(param)?;
                self.splice(fields, &text, param.quoted);
                return Ok(());
            }
        };
        if param.quoted {
            let text = self.text(word)?;
            append(fields, &text, true);
            return Ok(());
        }
        let inner = self.split(word)?;
        for (index, field) in inner.into_iter().enumerate() {
            if index > 0 {
                fields.push(Field::default());
            }
            let last = fields.last_mut().expect("there is always a field");
            last.quoted |= field.quoted;
            last.chars.extend(field.chars);
        }
        Ok(())
    }

    /// Unquoted text is cut at `$IFS`; quoted text is not.
    fn splice(&mut self, fields: &mut Vec<Field>, text: &str, quoted: bool) {
        if quoted {
            append(fields, text, true);
            return;
        }
        let ifs = self.shell.get("IFS").unwrap_or(" \t\n").to_owned();
        let mut pending_break = false;
        for c in text.chars() {
            if ifs.contains(c) {
                if !c.is_whitespace() {
                    // `a::b` with IFS=: has an empty field in the middle.
                    fields.last_mut().expect("there is always a field").quoted = true;
                    fields.push(Field::default());
                    pending_break = false;
                } else {
                    pending_break = true;
                }
                continue;
            }
            let last_used = fields.last().is_some_and(|field| field.quoted || !field.chars.is_empty());
            if std::mem::take(&mut pending_break) && last_used {
                fields.push(Field::default());
            }
            fields.last_mut().expect("there is always a field").chars.push((c, false));
        }
        if pending_break {
            fields.push(Field::default());
        }
    }

    fn value(&self, name: &str) -> Option<String> {
        let shell = &*self.shell;
        match name {
            "?" => Some(shell.status.to_string()),
            "$" => Some(if shell.main_pid == 0 { self.pid } else { shell.main_pid }.to_string()),
            "!" => (shell.last_job != 0).then(|| shell.last_job.to_string()),
            "#" => Some(shell.args.len().to_string()),
            "-" => Some(String::new()),
            "0" => Some(shell.name.clone()),
            "@" | "*" => Some(shell.args.join(" ")),
            _ => match name.parse::<usize>() {
                Ok(0) => Some(shell.name.clone()),
                Ok(index) => shell.args.get(index - 1).cloned(),
                Err(_) => shell.get(name).map(str::to_owned),
            },
        }
    }

    fn usable(&self, param: &Param, or_empty: bool) -> bool {
        self.value(&param.name).is_some_and(|value| !or_empty || !value.is_empty())
    }

    fn param_text(&mut self, param: &Param) -> Expanded<String> {
        let name = &param.name;
        let value = self.value(name);
        let needs_value = !matches!(
            param.op,
            ParamOp::Default { .. } | ParamOp::Assign { .. } | ParamOp::Alternative { .. } | ParamOp::Error { .. }
        );
        if needs_value && value.is_none() && self.shell.unset_is_error && name != "@" && name != "*" {
            return Err(format!("{name}: parameter not set"));
        }
        match &param.op {
            ParamOp::Plain => Ok(value.unwrap_or_default()),
            ParamOp::Length => Ok(value.unwrap_or_default().chars().count().to_string()),
            ParamOp::Default { word, or_empty } => match self.usable(param, *or_empty) {
                true => Ok(value.unwrap_or_default()),
                false => self.text(word),
            },
            ParamOp::Alternative { word, or_empty } => match self.usable(param, *or_empty) {
                true => self.text(word),
                false => Ok(String::new()),
            },
            ParamOp::Assign { word, or_empty } => {
                if self.usable(param, *or_empty) {
                    return Ok(value.unwrap_or_default());
                }
                let text = self.text(word)?;
                self.shell.set(name, text.clone())?;
                Ok(text)
            }
            ParamOp::Error { word, or_empty } => {
                if self.usable(param, *or_empty) {
                    return Ok(value.unwrap_or_default());
                }
                let text = self.text(word)?;
                let default = if *or_empty { "parameter not set or null" } else { "parameter not set" };
                Err(format!("{name}: {}", if text.is_empty() { default } else { &text }))
            }
            ParamOp::Strip { word, prefix, longest } => {
                let pattern = self.pattern(word)?;
                Ok(strip(&value.unwrap_or_default(), &pattern, *prefix, *longest))
            }
            ParamOp::Replace { from, to, all } => {
                let from = self.pattern(from)?;
                let to = self.text(to)?;
                Ok(replace(&value.unwrap_or_default(), &from, &to, *all))
            }
            ParamOp::Slice { from, length } => {
                let chars: Vec<char> = value.unwrap_or_default().chars().collect();
                let from_text = self.text(from)?;
                let from = arith::evaluate(&from_text, self.shell)?;
                let start =
                    if from < 0 { chars.len() as i64 + from } else { from }.clamp(0, chars.len() as i64) as usize;
                let end = match length {
                    None => chars.len(),
                    Some(word) => {
                        let text = self.text(word)?;
                        let length = arith::evaluate(&text, self.shell)?;
                        let end = if length < 0 { chars.len() as i64 + length } else { start as i64 + length };
                        end.clamp(start as i64, chars.len() as i64) as usize
                    }
                };
                Ok(chars[start..end].iter().collect())
            }
        }
    }

    /// Paths that match, sorted; none leaves the word as it is.
    fn glob(&mut self, pattern: &[PatternChar]) -> Vec<String> {
        let rooted = pattern.first().is_some_and(|(c, _)| *c == '/');
        let mut bases = vec![String::new()];
        for part in pattern.split(|(c, _)| *c == '/').filter(|part| !part.is_empty()) {
            let magic = part.iter().any(|(c, quoted)| !quoted && "*?[".contains(*c));
            let mut next = Vec::new();
            for base in &bases {
                let join = |name: &str| match (base.is_empty(), rooted) {
                    (true, true) => format!("/{name}"),
                    (true, false) => name.to_owned(),
                    (false, _) => format!("{base}/{name}"),
                };
                if !magic {
                    let name: String = part.iter().map(|(c, _)| *c).collect();
                    let path = join(&name);
                    if self.sys.view().exists(&absolute(self.cwd, &path)) {
                        next.push(path);
                    }
                    continue;
                }
                let dir = if base.is_empty() && rooted { "/".to_owned() } else { absolute(self.cwd, base) };
                let hidden_asked = part.first().is_some_and(|(c, _)| *c == '.');
                let own = if hidden_asked { vec![".".to_owned(), "..".to_owned()] } else { Vec::new() };
                for name in own.into_iter().chain(self.sys.view().list(&dir)) {
                    let chars: Vec<char> = name.chars().collect();
                    if name.starts_with('.') == hidden_asked && pattern::matches(part, &chars) {
                        next.push(join(&name));
                    }
                }
            }
            bases = next;
        }
        bases
    }
}

fn append(fields: &mut [Field], text: &str, quoted: bool) {
    let last = fields.last_mut().expect("there is always a field");
    last.quoted |= quoted;
    last.chars.extend(text.chars().map(|c| (c, quoted)));
}

fn strip(value: &str, pattern: &[PatternChar], prefix: bool, longest: bool) -> String {
    let chars: Vec<char> = value.chars().collect();
    let mut lengths: Vec<usize> = (0..=chars.len()).collect();
    if longest {
        lengths.reverse();
    }
    for length in lengths {
        let (part, rest) = if prefix {
            (&chars[..length], &chars[length..])
        } else {
            (&chars[chars.len() - length..], &chars[..chars.len() - length])
        };
        if pattern::matches(pattern, part) {
            return rest.iter().collect();
        }
    }
    value.to_owned()
}

fn replace(value: &str, from: &[PatternChar], to: &str, all: bool) -> String {
    let chars: Vec<char> = value.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    let mut done = false;
    while at < chars.len() {
        let longest = (at + 1..=chars.len()).rev().find(|end| pattern::matches(from, &chars[at..*end]));
        match longest.filter(|_| all || !done) {
            Some(end) => {
                out.push_str(to);
                at = end;
                done = true;
            }
            None => {
                out.push(chars[at]);
                at += 1;
            }
        }
    }
    out
}
