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
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let (expression, _) = parser.choice()?;
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

/// Deeper than any rule for humans; bounds the recursion here and in evaluation.
///
/// Mirrors: cel-go's `maxRecursionDepth`, which is 250. That deep, an unoptimised build takes more than four megabytes
/// of stack; a thread has two, and a page has one.
const DEEPEST: usize = 100;

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

/// An expression, and the height of its tree.
type Tall = (Expr, usize);

/// # Errors
/// A tree that is too high.
fn over(expression: Expr, below: usize) -> Result<Tall, String> {
    if below < DEEPEST { Ok((expression, below + 1)) } else { Err(too_deep()) }
}

/// A long chain of `&&` or `||` as a tree that is no higher than it must be, as cel-go builds it.
fn balanced(sign: &'static str, mut terms: Vec<Tall>) -> Result<Tall, String> {
    while terms.len() > 1 {
        let mut pairs = Vec::new();
        let mut rest = terms.into_iter();
        while let Some((left, height)) = rest.next() {
            pairs.push(match rest.next() {
                Some((right, other)) => over(Expr::Binary(sign, left.into(), right.into()), height.max(other))?,
                None => (left, height),
            });
        }
        terms = pairs;
    }
    terms.pop().ok_or_else(too_deep)
}

fn too_deep() -> String {
    format!("compilation failed: expression recursion limit exceeded: {DEEPEST}")
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

    /// Goes one level down; whoever calls comes up again by [`Parser::up`].
    fn down(&mut self) -> Result<(), String> {
        self.depth += 1;
        if self.depth > DEEPEST { Err(too_deep()) } else { Ok(()) }
    }

    fn up<T>(&mut self, found: T) -> Result<T, String> {
        self.depth -= 1;
        Ok(found)
    }

    fn choice(&mut self) -> Result<Tall, String> {
        self.down()?;
        let (condition, height) = self.binary(0)?;
        if !self.eat("?") {
            return self.up((condition, height));
        }
        let (yes, left) = self.choice()?;
        self.expect(":")?;
        let (no, right) = self.choice()?;
        let found = over(Expr::Choice(condition.into(), yes.into(), no.into()), height.max(left).max(right))?;
        self.up(found)
    }

    /// Operators that bind at least as tightly as those of a level. One step of recursion for each operand
    /// on the right, not for each level.
    fn binary(&mut self, least: usize) -> Result<Tall, String> {
        let (mut left, mut height) = self.unary()?;
        loop {
            let Some(Token::Sign(sign)) = self.tokens.get(self.at) else { return Ok((left, height)) };
            let level = LEVELS.iter().position(|signs| signs.contains(sign)).filter(|level| *level >= least);
            let Some(level) = level else { return Ok((left, height)) };
            let sign = *sign;
            if matches!(sign, "&&" | "||") {
                let mut terms = vec![(left, height)];
                while self.eat(sign) {
                    terms.push(self.binary(level + 1)?);
                }
                (left, height) = balanced(sign, terms)?;
                continue;
            }
            self.at += 1;
            let (right, other) = self.binary(level + 1)?;
            (left, height) = over(Expr::Binary(sign, left.into(), right.into()), height.max(other))?;
        }
    }

    fn unary(&mut self) -> Result<Tall, String> {
        if self.eat("!") {
            self.down()?;
            let (inner, height) = self.unary()?;
            let found = over(Expr::Not(inner.into()), height)?;
            return self.up(found);
        }
        if self.eat("-") {
            self.down()?;
            let (inner, height) = self.unary()?;
            let found = over(Expr::Minus(inner.into()), height)?;
            return self.up(found);
        }
        let (mut value, mut height) = self.primary()?;
        loop {
            if self.eat(".") {
                let name = self.name()?;
                (value, height) = if self.eat("(") {
                    let (arguments, other) = self.until(")")?;
                    over(Expr::Call(Some(value.into()), name, arguments), height.max(other))?
                } else {
                    over(Expr::Field(value.into(), name), height)?
                };
            } else if self.eat("[") {
                let (index, other) = self.choice()?;
                self.expect("]")?;
                (value, height) = over(Expr::Index(value.into(), index.into()), height.max(other))?;
            } else {
                return Ok((value, height));
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

    /// Expressions up to a closing bracket, and the height of the highest.
    fn until(&mut self, end: &str) -> Result<(Vec<Expr>, usize), String> {
        let (mut list, mut height) = (Vec::new(), 0);
        while !self.eat(end) {
            if !list.is_empty() {
                self.expect(",")?;
            }
            let (item, other) = self.choice()?;
            list.push(item);
            height = height.max(other);
        }
        Ok((list, height))
    }

    fn primary(&mut self) -> Result<Tall, String> {
        if self.eat("(") {
            let inner = self.choice()?;
            self.expect(")")?;
            return Ok(inner);
        }
        if self.eat("[") {
            let (items, height) = self.until("]")?;
            return over(Expr::List(items), height);
        }
        if self.eat("{") {
            let (mut pairs, mut height) = (Vec::new(), 0);
            while !self.eat("}") {
                if !pairs.is_empty() {
                    self.expect(",")?;
                }
                let (key, left) = self.choice()?;
                self.expect(":")?;
                let (value, right) = self.choice()?;
                pairs.push((key, value));
                height = height.max(left).max(right);
            }
            return over(Expr::Map(pairs), height);
        }
        if let Some(Token::Literal(value)) = self.tokens.get(self.at) {
            let value = value.clone();
            self.at += 1;
            return Ok((Expr::Literal(value), 1));
        }
        let name = self.name()?;
        if !self.eat("(") {
            return Ok((Expr::Name(name), 1));
        }
        let (arguments, height) = self.until(")")?;
        over(Expr::Call(None, name, arguments), height)
    }
}
