//! The grammar of label selectors, token by token, with upstream's error sentences.

use super::{Operator, Requirement};
use crate::meta::names;
use crate::order::Order;
use crate::validation::field::{FieldError, Path};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    End,
    Identifier,
    Close,
    Comma,
    Not,
    Open,
    Binary(Operator),
    Error,
}

#[derive(Debug, Clone)]
struct Token {
    kind: Kind,
    text: String,
}

impl Token {
    /// `in` and `notin` are words like any other where no operator is expected.
    fn as_value(&self) -> Kind {
        match self.kind {
            Kind::Binary(Operator::In | Operator::NotIn) => Kind::Identifier,
            kind => kind,
        }
    }
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
}

pub(super) fn parse(text: &str) -> Result<Vec<Requirement>, String> {
    let mut parser = Parser { tokens: scan(text), next: 0 };
    let mut requirements = Vec::new();
    loop {
        let token = parser.peek();
        match token.as_value() {
            Kind::Identifier | Kind::Not => {
                requirements
                    .push(parser.requirement().map_err(|error| format!("unable to parse requirement: {error}"))?);
                let token = parser.take();
                match token.as_value() {
                    Kind::End => return Ok(requirements),
                    Kind::Comma => {
                        let after = parser.peek();
                        if !matches!(after.as_value(), Kind::Identifier | Kind::Not) {
                            return Err(format!("found '{}', expected: identifier after ','", after.text));
                        }
                    }
                    _ => return Err(format!("found '{}', expected: ',' or 'end of string'", token.text)),
                }
            }
            Kind::End => return Ok(requirements),
            _ => return Err(format!("found '{}', expected: !, identifier, or 'end of string'", token.text)),
        }
    }
}

impl Parser {
    fn peek(&self) -> Token {
        self.tokens.get(self.next).cloned().unwrap_or(Token { kind: Kind::End, text: String::new() })
    }

    fn take(&mut self) -> Token {
        let token = self.peek();
        self.next += 1;
        token
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let mut token = self.take();
        let negated = token.kind == Kind::Not;
        if negated {
            token = self.take();
        }
        if token.as_value() != Kind::Identifier {
            return Err(format!("found '{}', expected: identifier", token.text));
        }
        let key = token.text;
        let breaches = names::qualified_name(&key);
        if !breaches.is_empty() {
            // Upstream checks here without a path, which Go prints as <nil>.
            return Err(format!(
                "<nil>: {}",
                FieldError::invalid(&Path::ROOT, key.as_str(), breaches.join("; ")).body()
            ));
        }
        if negated {
            return finish(key, Operator::DoesNotExist, Vec::new());
        }
        if matches!(self.peek().as_value(), Kind::End | Kind::Comma) {
            return finish(key, Operator::Exists, Vec::new());
        }
        let token = self.take();
        let Kind::Binary(operator) = token.kind else {
            return Err(format!("found '{}', expected: in, notin, =, ==, !=, gt, lt", token.text));
        };
        let values = match operator {
            Operator::In | Operator::NotIn => self.value_list()?,
            Operator::Equals
            | Operator::DoubleEquals
            | Operator::NotEquals
            | Operator::GreaterThan
            | Operator::LessThan => {
                vec![self.exact_value()?]
            }
            Operator::Exists | Operator::DoesNotExist => Vec::new(),
        };
        finish(key, operator, values)
    }

    fn exact_value(&mut self) -> Result<String, String> {
        if matches!(self.peek().as_value(), Kind::End | Kind::Comma) {
            return Ok(String::new());
        }
        let token = self.take();
        if token.as_value() == Kind::Identifier {
            Ok(token.text)
        } else {
            Err(format!("found '{}', expected: identifier", token.text))
        }
    }

    fn value_list(&mut self) -> Result<Vec<String>, String> {
        let open = self.take();
        if open.kind != Kind::Open {
            return Err(format!("found '{}' expected: '('", open.text));
        }
        let first = self.peek();
        match first.as_value() {
            Kind::Close => {
                self.take();
                return Ok(Vec::new());
            }
            Kind::Identifier | Kind::Comma => {}
            _ => return Err(format!("found '{}', expected: ',', ')' or identifier", first.text)),
        }
        let mut values: Vec<String> = Vec::new();
        loop {
            let token = self.take();
            match token.as_value() {
                Kind::Identifier => {
                    values.push(token.text);
                    let after = self.peek();
                    match after.as_value() {
                        Kind::Comma => {}
                        Kind::Close => break,
                        _ => return Err(format!("found '{}', expected: ',' or ')'", after.text)),
                    }
                }
                // Nothing before or after a comma is the empty value.
                Kind::Comma => {
                    if values.is_empty() {
                        values.push(String::new());
                    }
                    match self.peek().as_value() {
                        Kind::Close => {
                            values.push(String::new());
                            break;
                        }
                        Kind::Comma => {
                            self.take();
                            values.push(String::new());
                        }
                        _ => {}
                    }
                }
                _ => return Err(format!("found '{}', expected: ',', or identifier", token.text)),
            }
        }
        let close = self.take();
        if close.kind != Kind::Close {
            return Err(format!("found '{}', expected: ')'", first.text));
        }
        values.order();
        values.dedup();
        Ok(values)
    }
}

/// Checks a requirement as upstream's constructor does.
fn finish(key: String, operator: Operator, values: Vec<String>) -> Result<Requirement, String> {
    let path = Path::ROOT.child("values");
    let mut errors = Vec::new();
    match operator {
        Operator::In | Operator::NotIn if values.is_empty() => {
            errors.push(FieldError::invalid(
                &path,
                serde_json::json!([]),
                "for 'in', 'notin' operators, values set can't be empty",
            ));
        }
        Operator::GreaterThan | Operator::LessThan => {
            for (i, value) in values.iter().enumerate().filter(|(_, value)| value.parse::<i64>().is_err()) {
                errors.push(FieldError::invalid(
                    &path.index(i),
                    value.as_str(),
                    "for 'Gt', 'Lt' operators, the value must be an integer",
                ));
            }
        }
        _ => {}
    }
    for (i, value) in values.iter().enumerate() {
        let breaches = names::label_value(value);
        if !breaches.is_empty() {
            errors.push(FieldError::invalid(&path.index(i).key(&key), value.as_str(), breaches.join("; ")));
        }
    }
    match errors.len() {
        0 => Ok(Requirement { key, operator, values }),
        1 => Err(errors[0].to_string()),
        _ => Err(format!("[{}]", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))),
    }
}

fn is_symbol(c: char) -> bool {
    matches!(c, '=' | '!' | '(' | ')' | ',' | '>' | '<')
}

fn symbol(text: &str) -> Option<Kind> {
    Some(match text {
        ")" => Kind::Close,
        "," => Kind::Comma,
        "!" => Kind::Not,
        "(" => Kind::Open,
        "==" => Kind::Binary(Operator::DoubleEquals),
        "=" => Kind::Binary(Operator::Equals),
        "!=" => Kind::Binary(Operator::NotEquals),
        ">" => Kind::Binary(Operator::GreaterThan),
        "<" => Kind::Binary(Operator::LessThan),
        "in" => Kind::Binary(Operator::In),
        "notin" => Kind::Binary(Operator::NotIn),
        _ => return None,
    })
}

fn scan(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        if matches!(chars[at], ' ' | '\t' | '\r' | '\n') {
            at += 1;
            continue;
        }
        let start = at;
        if is_symbol(chars[at]) {
            // The longest run of symbols that is a token.
            let mut last = None;
            let mut buffer = String::new();
            while at < chars.len() && is_symbol(chars[at]) {
                buffer.push(chars[at]);
                match symbol(&buffer) {
                    Some(kind) => last = Some(Token { kind, text: buffer.clone() }),
                    None if last.is_some() => break,
                    None => {}
                }
                at += 1;
            }
            tokens.push(last.unwrap_or_else(|| Token {
                kind: Kind::Error,
                text: format!("error expected: keyword found '{buffer}'"),
            }));
        } else {
            while at < chars.len() && !is_symbol(chars[at]) && !matches!(chars[at], ' ' | '\t' | '\r' | '\n') {
                at += 1;
            }
            let word: String = chars[start..at].iter().collect();
            tokens.push(Token { kind: symbol(&word).unwrap_or(Kind::Identifier), text: word });
        }
    }
    tokens
}
