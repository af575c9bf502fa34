//! Words of the shell's input: quoting, `$`-forms and here-documents are recognised here.
//!
//! Works on characters with a cursor; the parser asks for one token at a time, because
//! what a word means (`done`, `in`, `name=`) depends on where it stands.

use std::sync::Arc;

use super::ast::{Param, ParamOp, Part, Redir, RedirKind, Word};
use super::parser::{MAX_DEPTH, Parser};

pub type Syntax<T> = Result<T, String>;

#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    Word(Word),
    /// `;` `&` `&&` `||` `|` `(` `)` `;;` `{`-like words stay words
    Op(&'static str),
    Newline,
    Redir(Redir),
    End,
}

const OPERATORS: [&str; 9] = ["&&", "||", ";;", ";", "&", "|", "(", ")", "\n"];

impl Parser {
    fn at(&self, offset: usize) -> Option<char> {
        self.chars.get(self.pos + offset).copied()
    }

    fn looking_at(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(index, wanted)| self.at(index) == Some(wanted))
    }

    fn skip_blanks(&mut self) {
        loop {
            match self.at(0) {
                Some(' ' | '\t' | '\r') => self.pos += 1,
                Some('\\') if self.at(1) == Some('\n') => self.pos += 2,
                Some('#') => {
                    while self.at(0).is_some_and(|c| c != '\n') {
                        self.pos += 1;
                    }
                }
                _ => return,
            }
        }
    }

    pub(super) fn next_token(&mut self) -> Syntax<Token> {
        self.skip_blanks();
        let Some(first) = self.at(0) else { return Ok(Token::End) };
        if let Some(redir) = self.redirection()? {
            return Ok(Token::Redir(redir));
        }
        if let Some(op) = OPERATORS.iter().find(|op| self.looking_at(op)) {
            self.pos += op.len();
            if *op == "\n" {
                self.here_documents()?;
                return Ok(Token::Newline);
            }
            return Ok(Token::Op(op));
        }
        debug_assert!(!first.is_whitespace() || first != '\n');
        Ok(Token::Word(self.word(|c| " \t\r\n;&|<>()".contains(c))?))
    }

    fn redirection(&mut self) -> Syntax<Option<Redir>> {
        let mut digits = 0;
        while self.at(digits).is_some_and(|c| c.is_ascii_digit()) {
            digits += 1;
        }
        let (Some(sign @ ('<' | '>')), number) = (self.at(digits), digits) else { return Ok(None) };
        let number: String = self.chars[self.pos..self.pos + number].iter().collect();
        self.pos += digits + 1;
        let fd = number.parse().unwrap_or(if sign == '<' { 0 } else { 1 });
        let (kind, skip) = match (sign, self.at(0)) {
            ('<', Some('<')) => return self.here_start(fd).map(Some),
            (_, Some('&')) => (RedirKind::Dup, 1),
            ('>', Some('>')) => (RedirKind::Append, 1),
            ('>', Some('|')) => (RedirKind::Out, 1),
            ('<', Some('>')) => (RedirKind::In, 1),
            ('<', _) => (RedirKind::In, 0),
            (_, _) => (RedirKind::Out, 0),
        };
        self.pos += skip;
        self.skip_blanks();
        let target = self.word(|c| " \t\r\n;&|<>()".contains(c))?;
        if target.is_empty() {
            return Err(self.unexpected_here());
        }
        Ok(Some(Redir { fd, kind, target }))
    }

    fn unexpected_here(&self) -> String {
        match self.at(0) {
            None => "syntax error: unexpected end of file".to_owned(),
            Some('\n') => "syntax error: unexpected newline".to_owned(),
            Some(c) => format!("syntax error: unexpected \"{c}\""),
        }
    }

    /// Notes a here-document; its text is read at the next newline.
    fn here_start(&mut self, fd: u32) -> Syntax<Redir> {
        self.pos += 1;
        if self.at(0) == Some('<') {
            // A here-string: bash's, which busybox does not know.
            return Err("syntax error: unexpected redirection".to_owned());
        }
        let strip_tabs = self.at(0) == Some('-');
        self.pos += usize::from(strip_tabs);
        self.skip_blanks();
        let start = self.pos;
        let word = self.word(|c| " \t\r\n;&|<>()".contains(c))?;
        let raw: String = self.chars[start..self.pos].iter().collect();
        let quoted = raw.contains(['\'', '"', '\\']);
        let end: String =
            word.iter().map(|part| if let Part::Text { text, .. } = part { text.as_str() } else { "" }).collect();
        let slot = self.here_slots.len();
        self.here_slots.push(None);
        self.here_wanted.push((slot, end, strip_tabs, quoted));
        // The text is not known yet: the parser fills the slot in when the list is done.
        Ok(Redir { fd, kind: RedirKind::Here, target: vec![Part::Text { text: format!("\u{0}{slot}"), quoted: true }] })
    }

    fn here_documents(&mut self) -> Syntax<()> {
        for (slot, end, strip_tabs, quoted) in std::mem::take(&mut self.here_wanted) {
            let mut text = String::new();
            while self.pos < self.chars.len() {
                let stop = self.chars[self.pos..].iter().position(|c| *c == '\n');
                let line_end = stop.map_or(self.chars.len(), |at| self.pos + at);
                let line: String = self.chars[self.pos..line_end].iter().collect();
                self.pos = (line_end + 1).min(self.chars.len());
                let line = if strip_tabs { line.trim_start_matches('\t') } else { &line };
                if line == end {
                    break;
                }
                text.push_str(line);
                text.push('\n');
            }
            let word = if quoted {
                vec![Part::Text { text, quoted: true }]
            } else {
                let mut inner = Parser::new(&text);
                inner.quoted_until(None)?
            };
            self.here_slots[slot] = Some(word);
        }
        Ok(())
    }

    /// The here-document text a redirection stands for, once it has been read.
    pub(super) fn here_text(&self, target: &Word) -> Option<Word> {
        let [Part::Text { text, .. }] = target.as_slice() else { return None };
        let slot: usize = text.strip_prefix('\u{0}')?.parse().ok()?;
        self.here_slots.get(slot)?.clone()
    }

    /// Reads a word up to an unquoted character for which `ends` holds.
    pub(super) fn word(&mut self, ends: impl Fn(char) -> bool) -> Syntax<Word> {
        let mut parts = Word::new();
        let mut text = String::new();
        if self.at(0) == Some('~') && self.at(1).is_none_or(|c| c == '/' || c.is_whitespace() || ";&|".contains(c)) {
            self.pos += 1;
            parts.push(Part::Home);
        }
        while let Some(c) = self.at(0) {
            if ends(c) {
                break;
            }
            match c {
                '\\' => {
                    self.pos += 1;
                    let next = self.at(0);
                    self.pos += usize::from(next.is_some());
                    match next {
                        Some('\n') => {}
                        Some(escaped) => {
                            flush(&mut parts, &mut text, false);
                            parts.push(Part::Text { text: escaped.to_string(), quoted: true });
                        }
                        None => text.push('\\'),
                    }
                }
                '\'' => {
                    flush(&mut parts, &mut text, false);
                    self.pos += 1;
                    let start = self.pos;
                    while self.at(0).is_some_and(|c| c != '\'') {
                        self.pos += 1;
                    }
                    if self.at(0).is_none() {
                        return Err("syntax error: unterminated quoted string".to_owned());
                    }
                    let inner: String = self.chars[start..self.pos].iter().collect();
                    self.pos += 1;
                    parts.push(Part::Text { text: inner, quoted: true });
                }
                '"' => {
                    flush(&mut parts, &mut text, false);
                    self.pos += 1;
                    let inner = self.quoted_until(Some('"'))?;
                    if inner.is_empty() {
                        parts.push(Part::Text { text: String::new(), quoted: true });
                    }
                    parts.extend(inner);
                }
                '$' | '`' => {
                    if let Some(part) = self.dollar(false)? {
                        flush(&mut parts, &mut text, false);
                        parts.push(part);
                    } else {
                        text.push('$');
                    }
                }
                other => {
                    text.push(other);
                    self.pos += 1;
                }
            }
        }
        flush(&mut parts, &mut text, false);
        Ok(parts)
    }

    /// Text inside double quotes or a here-document, up to `end` or the end of input.
    pub(super) fn quoted_until(&mut self, end: Option<char>) -> Syntax<Word> {
        let mut parts = Word::new();
        let mut text = String::new();
        loop {
            match self.at(0) {
                None if end.is_none() => break,
                None => return Err("syntax error: unterminated quoted string".to_owned()),
                Some(c) if Some(c) == end => {
                    self.pos += 1;
                    break;
                }
                Some('\\') => {
                    let next = self.at(1);
                    self.pos += 1;
                    match next {
                        Some('\n') => self.pos += 1,
                        Some(c @ ('$' | '`' | '"' | '\\')) if c != '"' || end.is_some() => {
                            text.push(c);
                            self.pos += 1;
                        }
                        _ => text.push('\\'),
                    }
                }
                Some('$' | '`') => {
                    if let Some(part) = self.dollar(true)? {
                        flush(&mut parts, &mut text, true);
                        parts.push(part);
                    } else {
                        text.push('$');
                    }
                }
                Some(c) => {
                    text.push(c);
                    self.pos += 1;
                }
            }
        }
        flush(&mut parts, &mut text, true);
        Ok(parts)
    }

    /// What follows a `$` or a backquote; `None` for a lone dollar, which is consumed.
    fn dollar(&mut self, quoted: bool) -> Syntax<Option<Part>> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("syntax error: too deeply nested".to_owned());
        }
        let found = self.dollar_form(quoted);
        self.depth -= 1;
        found
    }

    fn dollar_form(&mut self, quoted: bool) -> Syntax<Option<Part>> {
        if self.at(0) == Some('`') {
            self.pos += 1;
            let mut inner = String::new();
            loop {
                match self.at(0) {
                    None => return Err("syntax error: EOF in backquote substitution".to_owned()),
                    Some('`') => break,
                    Some('\\') if matches!(self.at(1), Some('`' | '\\' | '$')) => {
                        inner.extend(self.at(1));
                        self.pos += 2;
                    }
                    Some(c) => {
                        inner.push(c);
                        self.pos += 1;
                    }
                }
            }
            self.pos += 1;
            let list = Parser::new(&inner).program()?;
            return Ok(Some(Part::Capture { list: Arc::new(list), quoted }));
        }
        self.pos += 1;
        match self.at(0) {
            Some('(') if self.at(1) == Some('(') => {
                self.pos += 2;
                let word = self.arithmetic()?;
                Ok(Some(Part::Arith { word, quoted }))
            }
            Some('(') => {
                self.pos += 1;
                let mut list = self.list_until(&[")"])?;
                self.expect_op(")")?;
                self.fill_here(&mut list);
                Ok(Some(Part::Capture { list: Arc::new(list), quoted }))
            }
            Some('{') => {
                self.pos += 1;
                self.braced(quoted).map(Some)
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let name = self.name();
                Ok(Some(Part::Param(Param { name, op: ParamOp::Plain, quoted })))
            }
            Some(c) if c.is_ascii_digit() || "?$!#@*-".contains(c) => {
                self.pos += 1;
                Ok(Some(Part::Param(Param { name: c.to_string(), op: ParamOp::Plain, quoted })))
            }
            _ => Ok(None),
        }
    }

    fn name(&mut self) -> String {
        let start = self.pos;
        while self.at(0).is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
            self.pos += 1;
        }
        self.chars[start..self.pos].iter().collect()
    }

    fn arithmetic(&mut self) -> Syntax<Word> {
        let mut parts = Word::new();
        let mut text = String::new();
        let mut depth = 0;
        loop {
            match self.at(0) {
                None => return Err("syntax error: missing '))'".to_owned()),
                Some(')') if depth == 0 && self.at(1) == Some(')') => {
                    self.pos += 2;
                    break;
                }
                Some(c @ ('(' | ')')) => {
                    depth += if c == '(' { 1 } else { -1 };
                    text.push(c);
                    self.pos += 1;
                }
                Some('$' | '`') => {
                    if let Some(part) = self.dollar(true)? {
                        flush(&mut parts, &mut text, true);
                        parts.push(part);
                    }
                }
                Some('"') => self.pos += 1,
                Some(c) => {
                    text.push(c);
                    self.pos += 1;
                }
            }
        }
        flush(&mut parts, &mut text, true);
        Ok(parts)
    }

    fn braced(&mut self, quoted: bool) -> Syntax<Part> {
        let bad = || "syntax error: bad substitution".to_owned();
        let length = self.at(0) == Some('#') && self.at(1).is_some_and(|c| c != '}');
        self.pos += usize::from(length);
        let name = match self.at(0) {
            Some(c) if c.is_ascii_alphabetic() || c == '_' => self.name(),
            Some(c) if c.is_ascii_digit() => {
                let start = self.pos;
                while self.at(0).is_some_and(|c| c.is_ascii_digit()) {
                    self.pos += 1;
                }
                self.chars[start..self.pos].iter().collect()
            }
            Some(c) if "?$!#@*-".contains(c) => {
                self.pos += 1;
                c.to_string()
            }
            _ => return Err(bad()),
        };
        let or_empty = self.at(0) == Some(':') && self.at(1).is_some_and(|c| "-=+?".contains(c));
        self.pos += usize::from(or_empty);
        let Some(sign) = self.at(0) else { return Err("syntax error: missing '}'".to_owned()) };
        if sign != '}' {
            self.pos += 1;
        }
        let op = match sign {
            '}' if length => ParamOp::Length,
            '}' => ParamOp::Plain,
            '-' => ParamOp::Default { word: self.operand(quoted, &['}'])?, or_empty },
            '=' => ParamOp::Assign { word: self.operand(quoted, &['}'])?, or_empty },
            '+' => ParamOp::Alternative { word: self.operand(quoted, &['}'])?, or_empty },
            '?' => ParamOp::Error { word: self.operand(quoted, &['}'])?, or_empty },
            '#' | '%' => {
                let longest = self.at(0) == Some(sign);
                self.pos += usize::from(longest);
                ParamOp::Strip { word: self.operand(false, &['}'])?, prefix: sign == '#', longest }
            }
            '/' => {
                let all = self.at(0) == Some('/');
                self.pos += usize::from(all);
                let from = self.operand(false, &['/', '}'])?;
                let to = if self.at(0) == Some('/') {
                    self.pos += 1;
                    self.operand(quoted, &['}'])?
                } else {
                    Word::new()
                };
                ParamOp::Replace { from, to, all }
            }
            ':' => {
                let from = self.operand(true, &[':', '}'])?;
                let length = if self.at(0) == Some(':') {
                    self.pos += 1;
                    Some(self.operand(true, &['}'])?)
                } else {
                    None
                };
                ParamOp::Slice { from, length }
            }
            _ => return Err(bad()),
        };
        if self.at(0) != Some('}') {
            return Err("syntax error: missing '}'".to_owned());
        }
        self.pos += 1;
        Ok(Part::Param(Param { name, op, quoted }))
    }

    fn operand(&mut self, quoted: bool, ends: &[char]) -> Syntax<Word> {
        let mut word = self.word(|c| ends.contains(&c))?;
        if quoted {
            for part in &mut word {
                match part {
                    Part::Text { quoted, .. } | Part::Capture { quoted, .. } | Part::Arith { quoted, .. } => {
                        *quoted = true
                    }
                    Part::Param(param) => param.quoted = true,
                    Part::Home => *part = Part::Text { text: "~".to_owned(), quoted: true },
                }
            }
        }
        Ok(word)
    }
}

fn flush(parts: &mut Word, text: &mut String, quoted: bool) {
    if !text.is_empty() {
        parts.push(Part::Text { text: std::mem::take(text), quoted });
    }
}
