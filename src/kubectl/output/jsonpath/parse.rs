//! Reads JSONPath templates into nodes. Pure.
//!
//! Mirrors: client-go/util/jsonpath/parser.go, with its error texts.

use serde_json::Value;

use super::Node;

const MOST_FILTERS: usize = 100;

/// Parses text with `{…}` actions.
pub(super) fn template(text: &str) -> Result<Vec<Node>, String> {
    // Filters in filters are read one inside the other.
    if text.matches("[?(").count() > MOST_FILTERS {
        return Err(format!("more than {MOST_FILTERS} filters"));
    }
    let mut nodes = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let Some(open) = rest.find('{') else {
            nodes.push(Node::Text(rest.into()));
            break;
        };
        if open > 0 {
            nodes.push(Node::Text(rest[..open].into()));
        }
        let mut parser = Parser { text: &rest[open + 1..], at: 0 };
        nodes.push(Node::List(parser.action()?));
        rest = &rest[open + 1 + parser.at..];
    }
    Ok(nodes)
}

/// The nodes of one action given without its braces.
fn action(text: &str) -> Result<Vec<Node>, String> {
    Parser { text: &format!("{text}}}"), at: 0 }.action()
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

fn is_terminator(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\r' | '\n' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}')
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.rest().chars().next()?;
        self.at += letter.len_utf8();
        Some(letter)
    }

    /// Up to and including the closing brace.
    fn action(&mut self) -> Result<Vec<Node>, String> {
        let mut nodes = Vec::new();
        loop {
            if self.rest().starts_with("[?(") {
                self.at += 3;
                nodes.push(self.filter()?);
                continue;
            }
            if self.rest().starts_with("..") {
                // The second dot begins a field, unless something else follows.
                self.at += 1;
                nodes.push(Node::Recursive);
                if self.rest().starts_with(".[") {
                    self.at += 1;
                }
                continue;
            }
            match self.next() {
                Some('}') => return Ok(nodes),
                None | Some('\n' | '\r') => return Err("unclosed action".into()),
                Some(' ' | '@' | '$') => {}
                Some('[') => self.array(&mut nodes)?,
                Some(quote @ ('"' | '\'')) => nodes.push(Node::Text(self.quoted(quote)?)),
                Some('.') => self.field(&mut nodes),
                Some(letter) if letter == '+' || letter == '-' || letter.is_ascii_digit() => {
                    self.at -= 1;
                    nodes.push(self.number()?);
                }
                Some(letter) if letter.is_alphanumeric() || letter == '_' => {
                    self.at -= letter.len_utf8();
                    nodes.push(self.identifier());
                }
                Some(letter) => {
                    return Err(format!("unrecognized character in action: U+{:04X} '{letter}'", letter as u32));
                }
            }
        }
    }

    fn field(&mut self, nodes: &mut Vec<Node>) {
        let mut name = String::new();
        while let Some(letter) = self.rest().chars().next() {
            if letter == '\\' {
                self.at += 1;
                name.extend(self.next());
            } else if is_terminator(letter) {
                break;
            } else {
                self.at += letter.len_utf8();
                name.push(letter);
            }
        }
        nodes.push(if name == "*" { Node::Wildcard } else { Node::Field(name) });
    }

    fn identifier(&mut self) -> Node {
        let end = self.rest().find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(self.rest().len());
        let word = self.rest()[..end].to_string();
        self.at += end;
        match word.as_str() {
            "true" => Node::Literal(Value::Bool(true)),
            "false" => Node::Literal(Value::Bool(false)),
            _ => Node::Identifier(word),
        }
    }

    fn number(&mut self) -> Result<Node, String> {
        let body = self.rest();
        let skip = usize::from(body.starts_with(['+', '-']));
        let end = body[skip..].find(|c: char| !(c.is_ascii_digit() || c == '.')).map_or(body.len(), |end| end + skip);
        let text = body[..end].to_string();
        self.at += end;
        if let Ok(int) = text.parse::<i64>() {
            return Ok(Node::Literal(int.into()));
        }
        match text.parse::<f64>() {
            Ok(float) => Ok(Node::Literal(float.into())),
            Err(_) => Err(format!("cannot parse number {text}")),
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, String> {
        let mut text = String::new();
        loop {
            match self.next() {
                None | Some('\n') => return Err("unterminated quoted string".into()),
                Some('\\') => match self.next() {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('r') => text.push('\r'),
                    Some(letter @ ('\\' | '"' | '\'')) => text.push(letter),
                    Some(_) => return Err("invalid syntax".into()),
                    None => return Err("unterminated quoted string".into()),
                },
                Some(letter) if letter == quote => return Ok(text),
                Some(letter) => text.push(letter),
            }
        }
    }

    fn array(&mut self, nodes: &mut Vec<Node>) -> Result<(), String> {
        let end = self.rest().find([']', '\n']).filter(|end| self.rest()[*end..].starts_with(']'));
        let Some(end) = end else { return Err("unterminated array".into()) };
        let text = self.rest()[..end].to_string();
        self.at += end + 1;
        let text = if text == "*" { ":" } else { text.as_str() };
        if text.contains(',') {
            let lists = text.split(',').map(|part| action(&format!("[{}]", part.trim_matches(' '))));
            nodes.push(Node::Union(lists.collect::<Result<_, _>>()?));
            return Ok(());
        }
        if let Some(key) = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
            nodes.extend(action(&format!(".{key}"))?);
            return Ok(());
        }
        nodes.push(slice(text).ok_or_else(|| format!("invalid array index {text}"))?);
        Ok(())
    }

    fn filter(&mut self) -> Result<Node, String> {
        let start = self.at;
        let mut quote = None;
        let mut closed = false;
        loop {
            match self.next() {
                None | Some('\n') => return Err("unterminated filter".into()),
                Some(letter @ ('"' | '\'')) => match quote {
                    None => quote = Some(letter),
                    Some(open) if open == letter && !self.text[..self.at - 1].ends_with('\\') => closed = true,
                    Some(_) => {}
                },
                Some(')') if quote.is_some() == closed => break,
                Some(_) => {}
            }
        }
        let text = self.text[start..self.at - 1].to_string();
        if self.next() != Some(']') {
            return Err("unclosed array expect ]".into());
        }
        let is_operator = |c: char| matches!(c, '!' | '<' | '>' | '=');
        let Some(begin) = text.find(is_operator).filter(|begin| *begin > 0) else {
            return Ok(Node::Filter { left: action(&text)?, operator: "exists".into(), right: Vec::new() });
        };
        let length = text[begin..].find(|c| !is_operator(c)).unwrap_or(text.len() - begin);
        let (operator, right) = text[begin..].split_at(length);
        if right.is_empty() {
            return Ok(Node::Filter { left: action(&text)?, operator: "exists".into(), right: Vec::new() });
        }
        Ok(Node::Filter { left: action(&text[..begin])?, operator: operator.into(), right: action(right)? })
    }
}

/// `3`, `-1`, `1:3`, `::2`.
fn slice(text: &str) -> Option<Node> {
    let parts: Vec<&str> = text.split(':').collect();
    if parts.len() > 3 {
        return None;
    }
    let mut numbers = [None; 3];
    for (number, part) in numbers.iter_mut().zip(&parts) {
        if !part.is_empty() {
            *number = Some(part.parse::<i64>().ok()?);
        }
    }
    let [start, mut end, step] = numbers;
    let derived = parts.len() == 1;
    if derived {
        end = Some(start.unwrap_or(0) + 1);
    }
    Some(Node::Slice { start, end, derived, step })
}
