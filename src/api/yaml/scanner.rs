//! Characters to tokens. Only the YAML parser beside this file uses it.
//!
//! Mirrors: libyaml's scanner as ported in go-yaml v2, in what it accepts, what it
//! calls a problem and where it sees one. Indentation becomes tokens here: `BlockEnd`
//! closes a block, and a `Key` is put in front of a scalar once its `:` is found.

mod scalar;

use std::collections::VecDeque;

use super::{Pos, Span, YamlError};

/// Deeper nesting than any manifest has; bounds the parser's recursion.
pub(super) const MAX_DEPTH: usize = 150;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    StreamEnd,
    DocumentStart,
    DocumentEnd,
    Directive,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(String),
    Anchor(String),
    Tag(String),
    Scalar { text: String, plain: bool },
}

/// A scalar or collection that becomes a key if a `:` follows on the same line.
struct SimpleKey {
    possible: bool,
    /// Nothing else may stand here: the block's own column.
    required: bool,
    token_number: usize,
    mark: Pos,
}

pub(super) struct Scanner {
    chars: Vec<char>,
    at: usize,
    mark: Pos,
    /// The document's first line in the file, to count lines as Go does.
    first_line: usize,
    tokens: VecDeque<(Token, Span)>,
    taken: usize,
    ended: bool,
    indent: isize,
    indents: Vec<isize>,
    flow_level: usize,
    simple_key_allowed: bool,
    simple_keys: Vec<SimpleKey>,
}

type Scan<T> = Result<T, YamlError>;

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

/// The end of the text reads as NUL, which the text itself may not contain.
fn is_blank_or_end(c: char) -> bool {
    c == '\0' || is_blank(c) || is_break(c)
}

fn is_break_or_end(c: char) -> bool {
    c == '\0' || is_break(c)
}

fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

impl Scanner {
    pub(super) fn new(text: &str, start: Pos) -> Scan<Self> {
        let scanner = Self {
            chars: text.chars().collect(),
            at: 0,
            mark: start,
            first_line: start.line,
            tokens: VecDeque::new(),
            taken: 0,
            ended: false,
            indent: -1,
            indents: Vec::new(),
            flow_level: 0,
            simple_key_allowed: true,
            simple_keys: vec![SimpleKey { possible: false, required: false, token_number: 0, mark: start }],
        };
        match scanner.chars.iter().find(|c| !is_allowed(**c)) {
            None => Ok(scanner),
            Some(_) => Err(YamlError { line: 0, problem: "control characters are not allowed".into(), at: start }),
        }
    }

    /// The next token without taking it.
    pub(super) fn peek(&mut self) -> Scan<&(Token, Span)> {
        self.fetch_more()?;
        Ok(self.tokens.front().expect("fetch_more leaves a token in the queue"))
    }

    pub(super) fn next(&mut self) -> Scan<(Token, Span)> {
        self.fetch_more()?;
        self.taken += 1;
        Ok(self.tokens.pop_front().expect("fetch_more leaves a token in the queue"))
    }

    /// A parser's problem, on the line Go gives it: counted from 0.
    pub(super) fn parser_error(&self, problem: &str, at: Pos, context: Pos) -> YamlError {
        let line = [at, context].iter().map(|p| p.line.saturating_sub(self.first_line)).find(|l| *l != 0).unwrap_or(0);
        YamlError { line, problem: problem.into(), at }
    }

    /// A scanner's problem, on the line Go gives it: counted from 1, but for the first line.
    fn error<T>(&self, problem: &str, context: Pos) -> Scan<T> {
        let line = match self.mark.line - self.first_line {
            0 => context.line.saturating_sub(self.first_line),
            line => line + 1,
        };
        Err(YamlError { line, problem: problem.into(), at: self.mark })
    }

    fn peek_char(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn char(&self) -> char {
        self.peek_char(0)
    }

    fn skip(&mut self) {
        if let Some(c) = self.chars.get(self.at) {
            self.at += 1;
            self.mark.column += 1;
            self.mark.byte += c.len_utf8();
            self.mark.utf16 += c.len_utf16();
        }
    }

    fn read(&mut self, into: &mut String) {
        into.push(self.char());
        self.skip();
    }

    fn skip_line(&mut self) {
        if self.char() == '\r' && self.peek_char(1) == '\n' {
            self.skip();
        }
        self.skip();
        self.mark.line += 1;
        self.mark.column = 0;
    }

    /// Takes a line break; `\r` and `\r\n` become `\n`.
    fn read_line(&mut self, into: &mut String) {
        into.push(match self.char() {
            separator @ ('\u{2028}' | '\u{2029}') => separator,
            _ => '\n',
        });
        self.skip_line();
    }

    fn at_document_indicator(&self) -> bool {
        self.mark.column == 0
            && matches!((self.char(), self.peek_char(1), self.peek_char(2)), ('-', '-', '-') | ('.', '.', '.'))
            && is_blank_or_end(self.peek_char(3))
    }

    fn push(&mut self, token: Token, start: Pos) {
        self.tokens.push_back((token, Span { start, end: self.mark }));
    }

    fn fetch_more(&mut self) -> Scan<()> {
        loop {
            if !self.tokens.is_empty() {
                // A key may still have to be put in front of the first token.
                let taken = self.taken;
                let Some(at) = self.simple_keys.iter().rposition(|k| k.possible && k.token_number == taken) else {
                    return Ok(());
                };
                if !self.key_is_valid(at)? {
                    return Ok(());
                }
            }
            if self.ended && !self.tokens.is_empty() {
                return Ok(());
            }
            self.fetch_next()?;
        }
    }

    /// A simple key lives on one line and within 1024 characters.
    fn key_is_valid(&mut self, at: usize) -> Scan<bool> {
        let (line, byte) = (self.mark.line, self.mark.byte);
        let key = &mut self.simple_keys[at];
        if !key.possible {
            return Ok(false);
        }
        if key.mark.line < line || key.mark.byte + 1024 < byte {
            if key.required {
                let mark = key.mark;
                return self.error("could not find expected ':'", mark);
            }
            key.possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    fn save_simple_key(&mut self) -> Scan<()> {
        if self.simple_key_allowed {
            let required = self.flow_level == 0 && self.indent == self.mark.column as isize;
            self.remove_simple_key()?;
            let token_number = self.taken + self.tokens.len();
            if let Some(key) = self.simple_keys.last_mut() {
                *key = SimpleKey { possible: true, required, token_number, mark: self.mark };
            }
        }
        Ok(())
    }

    fn remove_simple_key(&mut self) -> Scan<()> {
        let Some(key) = self.simple_keys.last_mut() else { return Ok(()) };
        if key.possible && key.required {
            let mark = key.mark;
            return self.error("could not find expected ':'", mark);
        }
        key.possible = false;
        Ok(())
    }

    /// Opens a block at `column` unless it is open; `number` says before which token.
    fn roll_indent(&mut self, column: usize, number: Option<usize>, token: Token, mark: Pos) -> Scan<()> {
        if self.flow_level > 0 || self.indent >= column as isize {
            return Ok(());
        }
        if self.indents.len() >= MAX_DEPTH {
            return self.error(&format!("exceeded max depth of {MAX_DEPTH}"), mark);
        }
        self.indents.push(self.indent);
        self.indent = column as isize;
        let token = (token, Span { start: mark, end: mark });
        match number {
            Some(number) => self.tokens.insert(number - self.taken, token),
            None => self.tokens.push_back(token),
        }
        Ok(())
    }

    /// Closes the blocks that stand further right than `column`.
    fn unroll_indent(&mut self, column: isize) {
        if self.flow_level > 0 {
            return;
        }
        while self.indent > column {
            self.push(Token::BlockEnd, self.mark);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    fn fetch_next(&mut self) -> Scan<()> {
        self.skip_to_token();
        self.unroll_indent(self.mark.column as isize);
        let (c, next) = (self.char(), self.peek_char(1));
        let in_flow = self.flow_level > 0;
        match c {
            '\0' => self.fetch_stream_end(),
            '%' if self.mark.column == 0 => self.fetch_directive(),
            '-' | '.' if self.at_document_indicator() => self.fetch_document_indicator(),
            '[' => self.fetch_flow_start(Token::FlowSequenceStart),
            '{' => self.fetch_flow_start(Token::FlowMappingStart),
            ']' => self.fetch_flow_end(Token::FlowSequenceEnd),
            '}' => self.fetch_flow_end(Token::FlowMappingEnd),
            ',' => {
                self.remove_simple_key()?;
                self.simple_key_allowed = true;
                self.take_indicator(Token::FlowEntry)
            }
            '-' if is_blank_or_end(next) => self.fetch_block_entry(),
            '?' if in_flow || is_blank_or_end(next) => self.fetch_key(),
            ':' if in_flow || is_blank_or_end(next) => self.fetch_value(),
            '*' | '&' => {
                self.save_simple_key()?;
                self.simple_key_allowed = false;
                self.scan_anchor()
            }
            '!' => {
                self.save_simple_key()?;
                self.simple_key_allowed = false;
                self.scan_tag()
            }
            '|' | '>' if !in_flow => {
                self.remove_simple_key()?;
                self.simple_key_allowed = true;
                self.scan_block_scalar()
            }
            '\'' | '"' => {
                self.save_simple_key()?;
                self.simple_key_allowed = false;
                self.scan_flow_scalar()
            }
            _ if self.starts_plain(c, next) => {
                self.save_simple_key()?;
                self.simple_key_allowed = false;
                self.scan_plain()
            }
            _ => self.error("found character that cannot start any token", self.mark),
        }
    }

    fn starts_plain(&self, c: char, next: char) -> bool {
        let indicator = is_blank_or_end(c) || "-?:,[]{}#&*!|>'\"%@`".contains(c);
        !indicator
            || (c == '-' && !is_blank(next))
            || (self.flow_level == 0 && (c == '?' || c == ':') && !is_blank_or_end(next))
    }

    fn skip_to_token(&mut self) {
        loop {
            if self.mark.column == 0 && self.char() == '\u{feff}' {
                self.skip();
            }
            // Tabs may separate tokens, but never indent a block.
            while self.char() == ' ' || (self.char() == '\t' && (self.flow_level > 0 || !self.simple_key_allowed)) {
                self.skip();
            }
            if self.char() == '#' {
                while !is_break_or_end(self.char()) {
                    self.skip();
                }
            }
            if !is_break(self.char()) {
                return;
            }
            self.skip_line();
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }

    fn take_indicator(&mut self, token: Token) -> Scan<()> {
        let start = self.mark;
        self.skip();
        self.push(token, start);
        Ok(())
    }

    fn fetch_stream_end(&mut self) -> Scan<()> {
        if self.mark.column != 0 {
            self.mark.column = 0;
            self.mark.line += 1;
        }
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        self.ended = true;
        self.push(Token::StreamEnd, self.mark);
        Ok(())
    }

    fn fetch_directive(&mut self) -> Scan<()> {
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        self.scan_directive()
    }

    fn fetch_document_indicator(&mut self) -> Scan<()> {
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let (start, token) = (self.mark, if self.char() == '-' { Token::DocumentStart } else { Token::DocumentEnd });
        (0..3).for_each(|_| self.skip());
        self.push(token, start);
        Ok(())
    }

    fn fetch_flow_start(&mut self, token: Token) -> Scan<()> {
        self.save_simple_key()?;
        if self.flow_level >= MAX_DEPTH {
            return self.error(&format!("exceeded max depth of {MAX_DEPTH}"), self.mark);
        }
        self.flow_level += 1;
        self.simple_keys.push(SimpleKey { possible: false, required: false, token_number: 0, mark: self.mark });
        self.simple_key_allowed = true;
        self.take_indicator(token)
    }

    fn fetch_flow_end(&mut self, token: Token) -> Scan<()> {
        self.remove_simple_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            self.simple_keys.pop();
        }
        self.simple_key_allowed = false;
        self.take_indicator(token)
    }

    fn fetch_block_entry(&mut self) -> Scan<()> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return self.error("block sequence entries are not allowed in this context", self.mark);
            }
            self.roll_indent(self.mark.column, None, Token::BlockSequenceStart, self.mark)?;
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.take_indicator(Token::BlockEntry)
    }

    fn fetch_key(&mut self) -> Scan<()> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return self.error("mapping keys are not allowed in this context", self.mark);
            }
            self.roll_indent(self.mark.column, None, Token::BlockMappingStart, self.mark)?;
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = self.flow_level == 0;
        self.take_indicator(Token::Key)
    }

    fn fetch_value(&mut self) -> Scan<()> {
        let last = self.simple_keys.len() - 1;
        if self.key_is_valid(last)? {
            let key = &mut self.simple_keys[last];
            key.possible = false;
            let (number, mark) = (key.token_number, key.mark);
            self.tokens.insert(number - self.taken, (Token::Key, Span { start: mark, end: mark }));
            self.roll_indent(mark.column, Some(number), Token::BlockMappingStart, mark)?;
            self.simple_key_allowed = false;
        } else {
            if self.flow_level == 0 {
                if !self.simple_key_allowed {
                    return self.error("mapping values are not allowed in this context", self.mark);
                }
                self.roll_indent(self.mark.column, None, Token::BlockMappingStart, self.mark)?;
            }
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.take_indicator(Token::Value)
    }
}
