//! JSON text to the same tree as YAML, with the errors of Go's `encoding/json`.
//!
//! Mirrors: encoding/json's scanner (its words for a syntax error) and sigs.k8s.io/json
//! (positions and repeated keys stay visible to strict decoding).

use serde_json::Number;

use super::scanner::MAX_DEPTH;
use super::{Data, Entry, Node, Pos, Span};

/// A syntax error as Go words it: `unexpected end of JSON input`, `invalid character 't' after top-level value`.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonError(pub String);

impl std::fmt::Display for JsonError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

struct Reader<'a> {
    text: &'a str,
    at: Pos,
    depth: usize,
}

type Read<T> = Result<T, JsonError>;

/// One JSON value and nothing behind it.
///
/// # Errors
/// The first syntax error, as Go would word it.
pub fn parse_json(text: &str) -> Result<Node, JsonError> {
    let mut reader = Reader { text, at: Pos::default(), depth: 0 };
    let node = reader.value()?;
    reader.skip_white();
    match reader.peek() {
        None => Ok(node),
        Some(_) => reader.fail("after top-level value"),
    }
}

/// Several values one after the other; `None` if the text is not only JSON.
pub(super) fn parse_stream(text: &str) -> Option<Vec<Node>> {
    let mut reader = Reader { text, at: Pos::default(), depth: 0 };
    let mut values = Vec::new();
    loop {
        reader.skip_white();
        if reader.peek().is_none() {
            return Some(values);
        }
        values.push(reader.value().ok()?);
    }
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at.byte..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at.byte += c.len_utf8();
        self.at.utf16 += c.len_utf16();
        if c == '\n' {
            self.at.line += 1;
            self.at.column = 0;
        } else {
            self.at.column += 1;
        }
        Some(c)
    }

    fn skip_white(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\r' | '\n')) {
            self.next();
        }
    }

    fn fail<T>(&self, context: &str) -> Read<T> {
        Err(JsonError(match self.peek() {
            None => "unexpected end of JSON input".into(),
            Some('\'') => format!("invalid character '\\'' {context}"),
            Some('"') => format!("invalid character '\"' {context}"),
            Some(c) => {
                let quoted = crate::validation::field::go_quote(&c.to_string());
                format!("invalid character '{}' {context}", quoted.trim_matches('"'))
            }
        }))
    }

    fn value(&mut self) -> Read<Node> {
        self.skip_white();
        let start = self.at;
        let value = match self.peek() {
            Some('{') => self.nested(Self::object)?,
            Some('[') => self.nested(Self::array)?,
            Some('"') => Data::String(self.string()?),
            Some('-' | '0'..='9') => Data::Number(self.number()?),
            Some('t') => self.word("true", Data::Bool(true))?,
            Some('f') => self.word("false", Data::Bool(false))?,
            Some('n') => self.word("null", Data::Null)?,
            _ => return self.fail("looking for beginning of value"),
        };
        Ok(Node { value, span: Span { start, end: self.at } })
    }

    fn nested(&mut self, read: fn(&mut Self) -> Read<Data>) -> Read<Data> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(JsonError("exceeded max depth".into()));
        }
        let data = read(self);
        self.depth -= 1;
        data
    }

    fn word(&mut self, word: &str, value: Data) -> Read<Data> {
        for (index, expected) in word.chars().enumerate() {
            if self.peek() != Some(expected) {
                debug_assert!(index > 0, "the first letter chose the word");
                return self.fail(&format!("in literal {word} (expecting {expected:?})"));
            }
            self.next();
        }
        Ok(value)
    }

    fn object(&mut self) -> Read<Data> {
        self.next();
        let mut entries = Vec::new();
        self.skip_white();
        if self.peek() == Some('}') {
            self.next();
            return Ok(Data::Map(entries));
        }
        loop {
            self.skip_white();
            if self.peek() != Some('"') {
                return self.fail("looking for beginning of object key string");
            }
            let start = self.at;
            let key = self.string()?;
            let key_span = Span { start, end: self.at };
            self.skip_white();
            if self.peek() != Some(':') {
                return self.fail("after object key");
            }
            self.next();
            let value = self.value()?;
            entries.push(Entry { key, key_span, value });
            self.skip_white();
            match self.peek() {
                Some(',') => self.next(),
                Some('}') => {
                    self.next();
                    return Ok(Data::Map(entries));
                }
                _ => return self.fail("after object key:value pair"),
            };
        }
    }

    fn array(&mut self) -> Read<Data> {
        self.next();
        let mut items = Vec::new();
        self.skip_white();
        if self.peek() == Some(']') {
            self.next();
            return Ok(Data::Seq(items));
        }
        loop {
            items.push(self.value()?);
            self.skip_white();
            match self.peek() {
                Some(',') => self.next(),
                Some(']') => {
                    self.next();
                    return Ok(Data::Seq(items));
                }
                _ => return self.fail("after array element"),
            };
        }
    }

    fn string(&mut self) -> Read<String> {
        self.next();
        let mut out = String::new();
        loop {
            match self.peek() {
                Some('"') => {
                    self.next();
                    return Ok(out);
                }
                Some('\\') => {
                    self.next();
                    self.escape(&mut out)?;
                }
                None => return self.fail(""),
                Some(c) if c < ' ' => return self.fail("in string literal"),
                Some(c) => {
                    out.push(c);
                    self.next();
                }
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Read<()> {
        let c = match self.peek() {
            Some(same @ ('"' | '\\' | '/')) => same,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                self.next();
                let first = self.hex4()?;
                out.push(self.surrogate(first)?);
                return Ok(());
            }
            _ => return self.fail("in string escape code"),
        };
        self.next();
        out.push(c);
        Ok(())
    }

    fn hex4(&mut self) -> Read<u32> {
        let mut code = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(16)) else {
                return self.fail("in \\u hexadecimal character escape");
            };
            code = code * 16 + digit;
            self.next();
        }
        Ok(code)
    }

    /// Joins `\ud83d\ude00`; a half alone becomes the replacement character, as in Go.
    fn surrogate(&mut self, first: u32) -> Read<char> {
        if !(0xd800..0xdc00).contains(&first) || !self.text[self.at.byte..].starts_with("\\u") {
            return Ok(char::from_u32(first).unwrap_or('\u{fffd}'));
        }
        let back = self.at;
        self.next();
        self.next();
        let second = self.hex4()?;
        if (0xdc00..0xe000).contains(&second) {
            let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            return Ok(char::from_u32(code).unwrap_or('\u{fffd}'));
        }
        self.at = back;
        Ok('\u{fffd}')
    }

    fn number(&mut self) -> Read<Number> {
        let start = self.at.byte;
        let mut whole = true;
        if self.peek() == Some('-') {
            self.next();
        }
        match self.peek() {
            Some('0') => {
                self.next();
            }
            Some('1'..='9') => self.digits(),
            _ => return self.fail("in numeric literal"),
        }
        if self.peek() == Some('.') {
            whole = false;
            self.next();
            if !self.peek().is_some_and(|c| c.is_ascii_digit()) {
                return self.fail("after decimal point in numeric literal");
            }
            self.digits();
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            whole = false;
            self.next();
            if matches!(self.peek(), Some('+' | '-')) {
                self.next();
            }
            if !self.peek().is_some_and(|c| c.is_ascii_digit()) {
                return self.fail("in exponent of numeric literal");
            }
            self.digits();
        }
        let text = &self.text[start..self.at.byte];
        let integer = if whole {
            text.parse::<i64>().map(Number::from).ok().or_else(|| text.parse::<u64>().map(Number::from).ok())
        } else {
            None
        };
        let float = || text.parse().ok().and_then(super::resolve::from_f64);
        Ok(integer.or_else(float).unwrap_or_else(|| Number::from(0)))
    }

    fn digits(&mut self) {
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.next();
        }
    }
}
