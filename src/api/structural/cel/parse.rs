//! CEL's grammar: text to a tree.

use serde_json::{Number, Value};

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    Literal(Value),
    Name(String),
    Field(Box<Expr>, String),
    Index(Box<Expr>, Box<Expr>),
    /// A function, or a method of the first expression.
    Call(Option<Box<Expr>>, String, Vec<Expr>),
    List(Vec<Expr>),
    Map(Vec<(Expr, Expr)>),
    Not(Box<Expr>),
    Minus(Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    Choice(Box<Expr>, Box<Expr>, Box<Expr>),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Literal(Value),
    Name(String),
    Sign(&'static str),
}

/// Longest first.
const SIGNS: [&str; 24] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", "(", ")", "[", "]", "{", "}",
    ",", ".",
];

/// How tightly binary operators bind.
const LEVELS: [&[&str]; 5] =
    [&["||"], &["&&"], &["==", "!=", "<=", ">=", "<", ">", "in"], &["+", "-"], &["*", "/", "%"]];

/// # Errors
/// What is no CEL.
pub fn parse(text: &str) -> Result<Expr, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0 };
    let expression = parser.choice()?;
    if parser.at < parser.tokens.len() {
        return Err("compilation failed: Syntax error: extraneous input".into());
    }
    Ok(expression)
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let letters: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&letter) = letters.get(at) {
        let raw = letter == 'r' && matches!(letters.get(at + 1), Some('"' | '\''));
        if letter.is_whitespace() {
            at += 1;
        } else if letter.is_ascii_digit() {
            let start = at;
            while letters.get(at).is_some_and(|c| c.is_ascii_alphanumeric() || *c == '.') {
                at += 1;
            }
            let word: String = letters[start..at].iter().collect();
            found.push(Token::Literal(number(word.trim_end_matches('u'))?));
        } else if raw || letter == '"' || letter == '\'' {
            let (word, next) = quoted(&letters, at + usize::from(raw), raw)?;
            found.push(Token::Literal(Value::String(word)));
            at = next;
        } else if letter.is_alphabetic() || letter == '_' {
            let start = at;
            while letters.get(at).is_some_and(|c| c.is_alphanumeric() || *c == '_') {
                at += 1;
            }
            let word: String = letters[start..at].iter().collect();
            found.push(match word.as_str() {
                "true" => Token::Literal(Value::Bool(true)),
                "false" => Token::Literal(Value::Bool(false)),
                "null" => Token::Literal(Value::Null),
                "in" => Token::Sign("in"),
                _ => Token::Name(word),
            });
        } else {
            let rest: String = letters[at..letters.len().min(at + 2)].iter().collect();
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
            let sign = sign
                .ok_or_else(|| format!("compilation failed: Syntax error: token recognition error at: '{letter}'"))?;
            found.push(Token::Sign(sign));
            at += sign.len();
        }
    }
    Ok(found)
}

fn number(word: &str) -> Result<Value, String> {
    let hex = word.strip_prefix("0x").and_then(|digits| i64::from_str_radix(digits, 16).ok());
    if let Some(integer) = hex.or_else(|| word.parse().ok()) {
        return Ok(Value::Number(integer.into()));
    }
    let float = word.parse().ok().and_then(Number::from_f64);
    float.map(Value::Number).ok_or_else(|| format!("compilation failed: invalid number {word}"))
}

fn quoted(letters: &[char], start: usize, raw: bool) -> Result<(String, usize), String> {
    let quote = letters[start];
    let mut word = String::new();
    let mut at = start + 1;
    loop {
        match letters.get(at) {
            None => return Err("compilation failed: Syntax error: unterminated string".into()),
            Some(&c) if c == quote => return Ok((word, at + 1)),
            Some('\\') if !raw => {
                at += 1;
                word.push(match letters.get(at) {
                    Some('n') => '\n',
                    Some('t') => '\t',
                    Some('r') => '\r',
                    Some(&other) => other,
                    None => continue,
                });
                at += 1;
            }
            Some(&c) => {
                word.push(c);
                at += 1;
            }
        }
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn eat(&mut self, sign: &str) -> bool {
        let there = matches!(self.tokens.get(self.at), Some(Token::Sign(found)) if *found == sign);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.eat(sign) { Ok(()) } else { Err(format!("compilation failed: Syntax error: missing '{sign}'")) }
    }

    fn choice(&mut self) -> Result<Expr, String> {
        let condition = self.binary(0)?;
        if !self.eat("?") {
            return Ok(condition);
        }
        let yes = self.choice()?;
        self.expect(":")?;
        let no = self.choice()?;
        Ok(Expr::Choice(condition.into(), yes.into(), no.into()))
    }

    fn binary(&mut self, level: usize) -> Result<Expr, String> {
        let Some(signs) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        while let Some(sign) = signs.iter().find(|sign| self.eat(sign)) {
            let right = self.binary(level + 1)?;
            left = Expr::Binary(sign, left.into(), right.into());
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, String> {
        if self.eat("!") {
            return Ok(Expr::Not(self.unary()?.into()));
        }
        if self.eat("-") {
            return Ok(Expr::Minus(self.unary()?.into()));
        }
        let mut value = self.primary()?;
        loop {
            if self.eat(".") {
                let name = self.name()?;
                value = if self.eat("(") {
                    Expr::Call(Some(value.into()), name, self.until(")")?)
                } else {
                    Expr::Field(value.into(), name)
                };
            } else if self.eat("[") {
                let index = self.choice()?;
                self.expect("]")?;
                value = Expr::Index(value.into(), index.into());
            } else {
                return Ok(value);
            }
        }
    }

    fn name(&mut self) -> Result<String, String> {
        match self.tokens.get(self.at) {
            Some(Token::Name(name)) => {
                self.at += 1;
                Ok(name.clone())
            }
            _ => Err("compilation failed: Syntax error: expecting IDENTIFIER".into()),
        }
    }

    fn until(&mut self, end: &str) -> Result<Vec<Expr>, String> {
        let mut list = Vec::new();
        while !self.eat(end) {
            if !list.is_empty() {
                self.expect(",")?;
            }
            list.push(self.choice()?);
        }
        Ok(list)
    }

    fn primary(&mut self) -> Result<Expr, String> {
        if self.eat("(") {
            let inner = self.choice()?;
            self.expect(")")?;
            return Ok(inner);
        }
        if self.eat("[") {
            return self.until("]").map(Expr::List);
        }
        if self.eat("{") {
            let mut pairs = Vec::new();
            while !self.eat("}") {
                if !pairs.is_empty() {
                    self.expect(",")?;
                }
                let key = self.choice()?;
                self.expect(":")?;
                pairs.push((key, self.choice()?));
            }
            return Ok(Expr::Map(pairs));
        }
        if let Some(Token::Literal(value)) = self.tokens.get(self.at) {
            let value = value.clone();
            self.at += 1;
            return Ok(Expr::Literal(value));
        }
        let name = self.name()?;
        if self.eat("(") { Ok(Expr::Call(None, name, self.until(")")?)) } else { Ok(Expr::Name(name)) }
    }
}
