//! Reads Go templates into nodes. Pure.

use serde_json::Value;

use super::{Base, Node, Operand, Pipeline, Place, functions};

/// Parses a whole template.
pub(super) fn template(text: &str) -> Result<Vec<Node>, String> {
    if nesting(text) > DEEPEST {
        return Err(format!("template: output:1: nested more than {DEEPEST} deep"));
    }
    let mut parts = Parts { whole: text, rest: text };
    let (nodes, end) = block(&mut parts)?;
    match end {
        None => Ok(nodes),
        Some(word) => Err(format!("template: output:1: unexpected {{{{{word}}}}}")),
    }
}

/// Deeper than anybody writes; bounds the recursion here and when a template runs.
const DEEPEST: usize = 100;

/// How deep brackets and blocks lie in each other, at most.
fn nesting(text: &str) -> usize {
    let (mut blocks, mut deepest) = (0_usize, 0);
    for action in text.split("{{").skip(1).filter_map(|rest| rest.split("}}").next()) {
        let mut words = action.trim_start_matches('-').split_whitespace();
        match (words.next(), words.next()) {
            (Some("if" | "range" | "with" | "define" | "block"), _) | (Some("else"), Some(_)) => blocks += 1,
            (Some("end"), _) => blocks = blocks.saturating_sub(1),
            _ => {}
        }
        let mut brackets = 0_usize;
        for letter in action.chars() {
            match letter {
                '(' => brackets += 1,
                ')' => brackets = brackets.saturating_sub(1),
                _ => {}
            }
            deepest = deepest.max(blocks + brackets);
        }
    }
    deepest
}

struct Parts<'a> {
    whole: &'a str,
    rest: &'a str,
}

enum Part<'a> {
    Text(String),
    Action(&'a str),
}

/// A word of an action and where it begins.
type Token = (String, usize);

impl<'a> Parts<'a> {
    /// Where a part of the whole begins.
    fn offset(&self, part: &str) -> usize {
        (part.as_ptr() as usize).saturating_sub(self.whole.as_ptr() as usize).min(self.whole.len())
    }

    /// The next text or action; `{{-` and `-}}` trim blanks.
    fn next(&mut self) -> Result<Option<Part<'a>>, String> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        match self.rest.find("{{") {
            Some(0) => {
                let end = self.rest.find("}}").ok_or("template: output:1: unclosed action")?;
                let action = &self.rest[2..end];
                self.rest = &self.rest[end + 2..];
                let action =
                    action.strip_prefix('-').filter(|rest| rest.starts_with([' ', '\n', '\t'])).unwrap_or(action);
                let action = match action.strip_suffix('-').filter(|rest| rest.ends_with([' ', '\n', '\t'])) {
                    Some(trimmed) => {
                        self.rest = self.rest.trim_start();
                        trimmed
                    }
                    None => action,
                };
                Ok(Some(Part::Action(action.trim())))
            }
            open => {
                let end = open.unwrap_or(self.rest.len());
                let mut text = &self.rest[..end];
                self.rest = &self.rest[end..];
                if self.rest.starts_with("{{- ") {
                    text = text.trim_end();
                }
                Ok(Some(Part::Text(text.to_string())))
            }
        }
    }
}

/// Nodes up to `end`, `else` or the template's end; tells which.
fn block(parts: &mut Parts<'_>) -> Result<(Vec<Node>, Option<String>), String> {
    let mut nodes = Vec::new();
    while let Some(part) = parts.next()? {
        let action = match part {
            Part::Text(text) => {
                nodes.push(Node::Text(text));
                continue;
            }
            Part::Action(action) => action,
        };
        let (word, rest) = action.split_once(char::is_whitespace).unwrap_or((action, ""));
        match word {
            "end" | "else" => return Ok((nodes, Some(action.to_string()))),
            _ if action.starts_with("/*") => {}
            "if" | "range" | "with" => nodes.push(control(word, rest, parts)?),
            "define" => match (block(parts)?, name(rest)) {
                ((body, Some(end)), Some((name, _))) if end == "end" => nodes.push(Node::Define { name, body }),
                _ => return Err("template: output:1: unexpected EOF".into()),
            },
            "template" => {
                let at = parts.offset(rest.trim_start());
                let (name, rest) = name(rest).ok_or("template: output:1: missing value for template")?;
                let pipeline = if rest.trim().is_empty() { None } else { Some(pipeline("template", rest, parts)?) };
                let given = pipeline.iter().flat_map(|pipeline| &pipeline.places);
                let given: Vec<&str> = given.map(|place| place.text.as_str()).collect();
                let blank = if given.is_empty() { "" } else { " " };
                let text = format!("{{{{template {name:?}{blank}{}}}}}", given.join(" | "));
                nodes.push(Node::Call { name, pipeline, place: place(&[(text, at)], parts.whole) });
            }
            _ => nodes.push(Node::Print(pipeline("command", action, parts)?)),
        }
    }
    Ok((nodes, None))
}

/// A quoted name, and what stands behind it.
fn name(text: &str) -> Option<(String, &str)> {
    let inner = text.trim_start().strip_prefix('"')?;
    inner.split_once('"').map(|(name, rest)| (name.to_string(), rest))
}

fn control(word: &str, rest: &str, parts: &mut Parts<'_>) -> Result<Node, String> {
    let pipeline = pipeline(word, rest, parts)?;
    let (body, end) = block(parts)?;
    let otherwise = match end.as_deref() {
        Some("end") => Vec::new(),
        Some("else") => match block(parts)? {
            (nodes, Some(end)) if end == "end" => nodes,
            _ => return Err("template: output:1: unexpected EOF".into()),
        },
        Some(other) => match other.strip_prefix("else ").and_then(|rest| rest.trim().split_once(char::is_whitespace)) {
            // `else if` closes both with one `end`. The text is a copy: places in it are not known.
            Some((inner, rest)) if inner == word => vec![control(inner, rest, parts)?],
            _ => return Err(format!("template: output:1: unexpected {{{{{other}}}}}")),
        },
        None => return Err("template: output:1: unexpected EOF".into()),
    };
    Ok(match word {
        "if" => Node::If { pipeline, then: body, otherwise },
        "with" => Node::With { pipeline, body, otherwise },
        _ => Node::Range { pipeline, body, otherwise },
    })
}

/// `$x := a b | c`.
fn pipeline(word: &str, text: &str, parts: &Parts<'_>) -> Result<Pipeline, String> {
    let tokens = tokens(text, parts.offset(text))?;
    if tokens.is_empty() {
        return Err(format!("template: output:1: missing value for {word}"));
    }
    let mut at = 0;
    let result = parse_pipeline(&tokens, &mut at, parts.whole)?;
    if at < tokens.len() {
        return Err(format!("template: output:1: unexpected {:?} in command", tokens[at].0));
    }
    Ok(result)
}

/// The place of some tokens, written as Go writes a node.
fn place(tokens: &[Token], whole: &str) -> Place {
    let offset = tokens.first().map_or(0, |(_, offset)| *offset).min(whole.len());
    let before = whole.get(..offset).unwrap_or_default();
    let mut text = String::new();
    for (token, _) in tokens {
        if !text.is_empty() && !text.ends_with('(') && token != ")" {
            text.push(' ');
        }
        text.push_str(token);
    }
    Place {
        line: 1 + before.matches('\n').count(),
        column: before.len() - before.rfind('\n').map_or(0, |at| at + 1),
        text,
    }
}

fn parse_pipeline(tokens: &[Token], at: &mut usize, whole: &str) -> Result<Pipeline, String> {
    let mut pipeline = Pipeline::default();
    if let Some(sign) = tokens[*at..].iter().position(|(token, _)| token == ":=" || token == "=")
        && tokens[*at..*at + sign].iter().all(|(token, _)| token.starts_with('$') || token == ",")
    {
        let names = tokens[*at..*at + sign].iter().map(|(token, _)| token);
        pipeline.variables = names.filter(|token| *token != ",").cloned().collect();
        pipeline.assigns = tokens[*at + sign].0 == "=";
        *at += sign + 1;
    }
    let mut command = Vec::new();
    let mut begin = *at;
    while let Some((token, _)) = tokens.get(*at) {
        match token.as_str() {
            ")" => break,
            "|" => {
                pipeline.places.push(place(&tokens[begin..*at], whole));
                *at += 1;
                begin = *at;
                pipeline.commands.push(std::mem::take(&mut command));
            }
            _ => command.push(operand(tokens, at, whole)?),
        }
    }
    if command.is_empty() {
        return Err("template: output:1: missing value for command".into());
    }
    pipeline.commands.push(command);
    pipeline.places.push(place(&tokens[begin..*at], whole));
    Ok(pipeline)
}

fn operand(tokens: &[Token], at: &mut usize, whole: &str) -> Result<Operand, String> {
    let begin = *at;
    let token = &tokens[*at].0;
    *at += 1;
    if token == "(" {
        let inner = parse_pipeline(tokens, at, whole)?;
        if tokens.get(*at).map(|(token, _)| token.as_str()) != Some(")") {
            return Err("template: output:1: unclosed left paren".into());
        }
        *at += 1;
        let mut fields = Vec::new();
        let chain = tokens.get(*at).and_then(|(token, _)| token.strip_prefix('.').filter(|rest| !rest.is_empty()));
        if let Some(chain) = chain {
            fields = chain.split('.').map(String::from).collect();
            *at += 1;
        }
        let place = place(&tokens[begin..*at], whole);
        return Ok(Operand::Field(Base::Pipeline(Box::new(inner)), fields, place));
    }
    let place = place(&tokens[begin..*at], whole);
    let fields = |chain: &str| chain.split('.').filter(|part| !part.is_empty()).map(String::from).collect();
    if let Some(chain) = token.strip_prefix('.') {
        return Ok(Operand::Field(Base::Dot, fields(chain), place));
    }
    if token.starts_with('$') {
        let (name, chain) = token.split_once('.').unwrap_or((token, ""));
        return Ok(Operand::Field(Base::Variable(name.into()), fields(chain), place));
    }
    if token.starts_with('"') {
        return serde_json::from_str(token).map(Operand::Literal).map_err(|_| format!("invalid syntax: {token}"));
    }
    if let Some(raw) = token.strip_prefix('`') {
        return Ok(Operand::Literal(raw.trim_end_matches('`').into()));
    }
    match token.as_str() {
        "true" => return Ok(Operand::Literal(Value::Bool(true))),
        "false" => return Ok(Operand::Literal(Value::Bool(false))),
        "nil" => return Ok(Operand::Literal(Value::Null)),
        _ => {}
    }
    if let Ok(int) = token.parse::<i64>() {
        return Ok(Operand::Literal(int.into()));
    }
    if let Ok(float) = token.parse::<f64>() {
        return Ok(Operand::Literal(float.into()));
    }
    if functions::KNOWN.contains(&token.as_str()) {
        return Ok(Operand::Function(token.clone()));
    }
    Err(format!("template: output:1: function {token:?} not defined"))
}

fn tokens(text: &str, offset: usize) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(letter) = rest.chars().next() {
        let length = match letter {
            '(' | ')' | '|' | ',' => 1,
            ':' if rest.starts_with(":=") => 2,
            '=' => 1,
            '"' => {
                let mut escaped = false;
                let end = rest[1..].char_indices().find(|(_, c)| {
                    let closes = *c == '"' && !escaped;
                    escaped = *c == '\\' && !escaped;
                    closes
                });
                end.map(|(at, _)| at + 2).ok_or("template: output:1: unterminated quoted string")?
            }
            '`' => rest[1..].find('`').map(|at| at + 2).ok_or("template: output:1: unterminated raw quoted string")?,
            _ => rest
                .find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '|' | ',' | '"' | '`' | '='))
                .filter(|end| *end > 0)
                .map_or(rest.len(), |end| if rest[..end].ends_with(':') && end > 1 { end - 1 } else { end }),
        };
        tokens.push((rest[..length].to_string(), offset + text.len() - rest.len()));
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}
