//! Scalars, anchors and tags: the tokens with text in them. Part of the scanner.
//!
//! Mirrors: `yaml_parser_scan_*` of libyaml as ported in go-yaml v2.

use super::{Scan, Scanner, Token, is_blank, is_blank_or_end, is_break, is_break_or_end};
use crate::yaml::Pos;

/// What a line break inside a flow or plain scalar becomes.
#[derive(Default)]
struct Folding {
    spaces: String,
    first_break: String,
    more_breaks: String,
    broken: bool,
}

impl Folding {
    /// Writes what was collected between two pieces of text: spaces, one blank for a break, or the further breaks.
    fn flush(&mut self, into: &mut String) {
        if self.broken {
            match (self.first_break.as_str(), self.more_breaks.is_empty()) {
                ("\n", true) => into.push(' '),
                ("\n", false) => into.push_str(&self.more_breaks),
                _ => {
                    into.push_str(&self.first_break);
                    into.push_str(&self.more_breaks);
                }
            }
        } else {
            into.push_str(&self.spaces);
        }
        *self = Self::default();
    }
}

impl Scanner {
    pub(super) fn scan_anchor(&mut self) -> Scan<()> {
        let start = self.mark;
        let alias = self.char() == '*';
        self.skip();
        let mut name = String::new();
        while self.char().is_ascii_alphanumeric() || matches!(self.char(), '_' | '-') {
            self.read(&mut name);
        }
        if name.is_empty() || !(is_blank_or_end(self.char()) || "?:,]}%@`".contains(self.char())) {
            return self.error("did not find expected alphabetic or numeric character", start);
        }
        self.push(if alias { Token::Alias(name) } else { Token::Anchor(name) }, start);
        Ok(())
    }

    pub(super) fn scan_tag(&mut self) -> Scan<()> {
        let start = self.mark;
        let mut tag = String::new();
        if self.peek_char(1) == '<' {
            while !is_blank_or_end(self.char()) && self.char() != '>' {
                self.read(&mut tag);
            }
            if self.char() != '>' {
                return self.error("did not find the expected '>'", start);
            }
            self.read(&mut tag);
        } else {
            while self.char().is_ascii_alphanumeric() || "-_;/?:@&=+$,.!~*'()[]%".contains(self.char()) {
                self.read(&mut tag);
            }
        }
        if !is_blank_or_end(self.char()) {
            return self.error("did not find expected whitespace or line break", start);
        }
        self.push(Token::Tag(tag), start);
        Ok(())
    }

    /// `%YAML 1.1` or `%TAG …`; what they say is checked, and has no effect.
    pub(super) fn scan_directive(&mut self) -> Scan<()> {
        let start = self.mark;
        self.skip();
        let mut name = String::new();
        while self.char().is_ascii_alphanumeric() || matches!(self.char(), '_' | '-') {
            self.read(&mut name);
        }
        if name.is_empty() {
            return self.error("could not find expected directive name", start);
        }
        if !is_blank_or_end(self.char()) {
            return self.error("found unexpected non-alphabetical character", start);
        }
        if name != "YAML" && name != "TAG" {
            return self.error("found unknown directive name", start);
        }
        let mut rest = String::new();
        while !is_break_or_end(self.char()) && self.char() != '#' {
            self.read(&mut rest);
        }
        if name == "YAML" {
            match rest.trim().split_once('.') {
                Some(("1", minor)) if minor.bytes().all(|b| b.is_ascii_digit()) && !minor.is_empty() => {}
                Some((major, _)) if major.bytes().all(|b| b.is_ascii_digit()) && !major.is_empty() => {
                    return self.error("found incompatible YAML document", start);
                }
                Some(_) => return self.error("did not find expected version number", start),
                None => return self.error("did not find expected digit or '.' character", start),
            }
        }
        while !is_break_or_end(self.char()) {
            self.skip();
        }
        if is_break(self.char()) {
            self.skip_line();
        }
        self.push(Token::Directive, start);
        Ok(())
    }

    pub(super) fn scan_block_scalar(&mut self) -> Scan<()> {
        let start = self.mark;
        let literal = self.char() == '|';
        self.skip();
        // `-` strips the last line breaks, `+` keeps them all; a digit fixes the indentation.
        let (mut chomping, mut increment) = (None, None);
        for _ in 0..2 {
            match self.char() {
                sign @ ('+' | '-') if chomping.is_none() => chomping = Some(sign),
                '0' if increment.is_none() => {
                    return self.error("found an indentation indicator equal to 0", start);
                }
                digit @ '1'..='9' if increment.is_none() => increment = Some(digit as isize - '0' as isize),
                _ => break,
            }
            self.skip();
        }
        while is_blank(self.char()) {
            self.skip();
        }
        if self.char() == '#' {
            while !is_break_or_end(self.char()) {
                self.skip();
            }
        }
        if !is_break_or_end(self.char()) {
            return self.error("did not find expected comment or line break", start);
        }
        if is_break(self.char()) {
            self.skip_line();
        }
        let mut indent = increment.map_or(0, |n| self.indent.max(0) + n);
        let (mut text, mut first_break, mut more_breaks) = (String::new(), String::new(), String::new());
        self.scan_block_breaks(&mut indent, &mut more_breaks, start)?;
        let mut leading_blank = false;
        while self.mark.column as isize == indent && self.char() != '\0' {
            let trailing_blank = is_blank(self.char());
            if !literal && first_break.starts_with('\n') && !leading_blank && !trailing_blank {
                if more_breaks.is_empty() {
                    text.push(' ');
                }
            } else {
                text.push_str(&first_break);
            }
            first_break.clear();
            text.push_str(&more_breaks);
            more_breaks.clear();
            leading_blank = is_blank(self.char());
            while !is_break_or_end(self.char()) {
                self.read(&mut text);
            }
            if is_break(self.char()) {
                self.read_line(&mut first_break);
            }
            self.scan_block_breaks(&mut indent, &mut more_breaks, start)?;
        }
        if chomping != Some('-') {
            text.push_str(&first_break);
        }
        if chomping == Some('+') {
            text.push_str(&more_breaks);
        }
        self.push(Token::Scalar { text, plain: false }, start);
        Ok(())
    }

    /// Skips indentation and empty lines; the first line with text decides an open indentation.
    fn scan_block_breaks(&mut self, indent: &mut isize, breaks: &mut String, start: Pos) -> Scan<()> {
        let mut deepest = 0;
        loop {
            while (*indent == 0 || (self.mark.column as isize) < *indent) && self.char() == ' ' {
                self.skip();
            }
            deepest = deepest.max(self.mark.column as isize);
            if (*indent == 0 || (self.mark.column as isize) < *indent) && self.char() == '\t' {
                return self.error("found a tab character where an indentation space is expected", start);
            }
            if !is_break(self.char()) {
                break;
            }
            self.read_line(breaks);
        }
        if *indent == 0 {
            *indent = deepest.max(self.indent + 1).max(1);
        }
        Ok(())
    }

    pub(super) fn scan_flow_scalar(&mut self) -> Scan<()> {
        let start = self.mark;
        let quote = self.char();
        self.skip();
        let (mut text, mut fold) = (String::new(), Folding::default());
        loop {
            if self.at_document_indicator() {
                return self.error("found unexpected document indicator", start);
            }
            if self.char() == '\0' {
                return self.error("found unexpected end of stream", start);
            }
            while !is_blank_or_end(self.char()) {
                match self.char() {
                    '\'' if quote == '\'' && self.peek_char(1) == '\'' => {
                        text.push('\'');
                        self.skip();
                        self.skip();
                    }
                    c if c == quote => break,
                    '\\' if quote == '"' && is_break(self.peek_char(1)) => {
                        self.skip();
                        self.skip_line();
                        fold.broken = true;
                        break;
                    }
                    '\\' if quote == '"' => self.scan_escape(&mut text, start)?,
                    _ => self.read(&mut text),
                }
            }
            if self.char() == quote {
                break;
            }
            self.scan_spaces(&mut fold);
            fold.flush(&mut text);
        }
        self.skip();
        self.push(Token::Scalar { text, plain: false }, start);
        Ok(())
    }

    fn scan_spaces(&mut self, fold: &mut Folding) {
        while is_blank(self.char()) || is_break(self.char()) {
            self.scan_one_space(fold);
        }
    }

    fn scan_escape(&mut self, text: &mut String, start: Pos) -> Scan<()> {
        let digits = match self.peek_char(1) {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            simple => {
                text.push(match simple {
                    '0' => '\0',
                    'a' => '\u{7}',
                    'b' => '\u{8}',
                    't' | '\t' => '\t',
                    'n' => '\n',
                    'v' => '\u{b}',
                    'f' => '\u{c}',
                    'r' => '\r',
                    'e' => '\u{1b}',
                    same @ (' ' | '"' | '\'' | '\\' | '/') => same,
                    'N' => '\u{85}',
                    '_' => '\u{a0}',
                    'L' => '\u{2028}',
                    'P' => '\u{2029}',
                    _ => return self.error("found unknown escape character", start),
                });
                self.skip();
                self.skip();
                return Ok(());
            }
        };
        self.skip();
        self.skip();
        let mut code = 0u32;
        for ahead in 0..digits {
            let Some(digit) = self.peek_char(ahead).to_digit(16) else {
                return self.error("did not find expected hexdecimal number", start);
            };
            code = (code << 4) | digit;
        }
        let Some(c) = char::from_u32(code) else {
            return self.error("found invalid Unicode character escape code", start);
        };
        text.push(c);
        (0..digits).for_each(|_| self.skip());
        Ok(())
    }

    pub(super) fn scan_plain(&mut self) -> Scan<()> {
        let start = self.mark;
        let mut end = self.mark;
        let indent = self.indent + 1;
        let (mut text, mut fold) = (String::new(), Folding::default());
        loop {
            if self.at_document_indicator() || self.char() == '#' {
                break;
            }
            while !is_blank_or_end(self.char()) {
                let c = self.char();
                if (c == ':' && is_blank_or_end(self.peek_char(1))) || (self.flow_level > 0 && ",?[]{}".contains(c)) {
                    break;
                }
                fold.flush(&mut text);
                self.read(&mut text);
                end = self.mark;
            }
            if !(is_blank(self.char()) || is_break(self.char())) {
                break;
            }
            while is_blank(self.char()) || is_break(self.char()) {
                if fold.broken && (self.mark.column as isize) < indent && self.char() == '\t' {
                    return self.error("found a tab character that violates indentation", start);
                }
                self.scan_one_space(&mut fold);
            }
            if self.flow_level == 0 && (self.mark.column as isize) < indent {
                break;
            }
        }
        // The break that ended the scalar allows a key on the next line.
        if fold.broken {
            self.simple_key_allowed = true;
        }
        self.tokens.push_back((Token::Scalar { text, plain: true }, crate::yaml::Span { start, end }));
        Ok(())
    }

    fn scan_one_space(&mut self, fold: &mut Folding) {
        if is_blank(self.char()) {
            if fold.broken {
                self.skip();
            } else {
                self.read(&mut fold.spaces);
            }
        } else if fold.broken {
            self.read_line(&mut fold.more_breaks);
        } else {
            fold.spaces.clear();
            self.read_line(&mut fold.first_break);
            fold.broken = true;
        }
    }
}
