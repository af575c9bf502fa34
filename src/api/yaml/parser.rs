//! Tokens to a tree with positions: anchors, merge keys, repeated keys and limits included.
//!
//! Mirrors: libyaml's parser (its problems and their lines) and go-yaml v2's decoder.

use std::collections::{BTreeMap, BTreeSet};

use super::scanner::{MAX_DEPTH, Scanner, Token};
use super::{Data, Document, Duplicate, Entry, Node, Pos, Span, YamlError, resolve};
use crate::order::{Gather, Order};

/// Values that aliases may add to a document before it counts as a bomb.
const ALIAS_BUDGET: usize = 100_000;

type Parse<T> = Result<T, YamlError>;

struct Parser {
    scanner: Scanner,
    anchors: BTreeMap<String, Node>,
    /// What may be asked for by an alias: other anchors need no copy.
    asked: BTreeSet<String>,
    aliased: usize,
    depth: usize,
    first_line: usize,
    duplicates: Vec<Duplicate>,
    /// Anchors whose value is still being read.
    open: Vec<String>,
    /// What Go's decoder will refuse; it runs after the parser, whose problems win.
    refused: Option<YamlError>,
}

/// Reads the first document of `text`, which begins at `start` in its file.
pub(super) fn parse(text: &str, start: Pos) -> Parse<Document> {
    let mut parser = Parser {
        scanner: Scanner::new(text, start)?,
        anchors: BTreeMap::new(),
        asked: asked(text),
        aliased: 0,
        depth: 0,
        first_line: start.line,
        duplicates: Vec::new(),
        open: Vec::new(),
        refused: None,
    };
    let root = parser.document(start)?;
    if let Some(refused) = parser.refused {
        return Err(refused);
    }
    Ok(Document { root, start, duplicates: parser.duplicates })
}

/// Every name behind a star, whatever the star means there.
fn asked(text: &str) -> BTreeSet<String> {
    let name = |rest: &str| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')).collect();
    text.split('*').skip(1).map(name).into_set()
}

fn empty(at: Pos) -> Node {
    Node { value: Data::Null, span: Span { start: at, end: at } }
}

/// How many values a tree holds.
fn size(node: &Node) -> usize {
    1 + match &node.value {
        Data::Seq(items) => items.iter().map(size).sum(),
        Data::Map(entries) => entries.iter().map(|entry| size(&entry.value)).sum(),
        Data::Null | Data::Bool(_) | Data::Number(_) | Data::String(_) => 0,
    }
}

fn height(node: &Node) -> usize {
    1 + match &node.value {
        Data::Seq(items) => items.iter().map(height).max().unwrap_or(0),
        Data::Map(entries) => entries.iter().map(|entry| height(&entry.value)).max().unwrap_or(0),
        Data::Null | Data::Bool(_) | Data::Number(_) | Data::String(_) => 0,
    }
}

impl Parser {
    fn document(&mut self, start: Pos) -> Parse<Node> {
        let mut directives = false;
        while self.scanner.peek()?.0 == Token::Directive {
            self.scanner.next()?;
            directives = true;
        }
        let (token, span) = self.scanner.peek()?.clone();
        let explicit = token == Token::DocumentStart;
        match token {
            Token::StreamEnd if !directives => return Ok(empty(start)),
            Token::DocumentStart => {
                self.scanner.next()?;
            }
            _ if directives => {
                return Err(self.scanner.parser_error("did not find expected <document start>", span.start, start));
            }
            _ => {}
        }
        let root = match self.scanner.peek()?.0 {
            Token::Directive | Token::DocumentStart | Token::DocumentEnd | Token::StreamEnd if explicit => empty(start),
            _ => self.node(true, false)?,
        };
        // Go looks one token ahead for the document's end, and no further.
        self.scanner.peek()?;
        Ok(root)
    }

    fn fail<T>(&self, problem: &str, at: Pos, context: Pos) -> Parse<T> {
        Err(self.scanner.parser_error(problem, at, context))
    }

    /// A problem of the decoder: it names no line, and the first one counts.
    fn refuse(&mut self, problem: String, at: Pos) {
        self.refused.get_or_insert(YamlError { line: 0, problem, at });
    }

    fn node(&mut self, block: bool, indentless: bool) -> Parse<Node> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let at = self.scanner.peek()?.1.start;
            return Err(YamlError { line: 0, problem: format!("exceeded max depth of {MAX_DEPTH}"), at });
        }
        let node = self.node_inside(block, indentless);
        self.depth -= 1;
        node
    }

    fn node_inside(&mut self, block: bool, indentless: bool) -> Parse<Node> {
        let start = self.scanner.peek()?.1.start;
        let (mut anchor, mut tag) = (None, None);
        loop {
            match self.scanner.peek()?.0.clone() {
                Token::Alias(name) if anchor.is_none() && tag.is_none() => return self.alias(&name),
                Token::Anchor(name) if anchor.is_none() => anchor = Some(name),
                Token::Tag(name) if tag.is_none() => tag = Some(name),
                _ => break,
            }
            self.scanner.next()?;
        }
        self.open.extend(anchor.clone());
        let at = self.scanner.peek()?.1.start;
        let node = match &self.scanner.peek()?.0 {
            Token::BlockEntry if indentless => self.indentless_sequence()?,
            Token::Scalar { .. } => self.scalar(tag.as_deref())?,
            Token::FlowSequenceStart => self.flow_sequence()?,
            Token::FlowMappingStart => self.flow_mapping()?,
            Token::BlockSequenceStart if block => self.block_sequence()?,
            Token::BlockMappingStart if block => self.block_mapping()?,
            _ if anchor.is_some() || tag.is_some() => {
                let value = if tag.is_some() { Data::String(String::new()) } else { Data::Null };
                Node { value, ..empty(at) }
            }
            _ => return self.fail("did not find expected node content", at, start),
        };
        if let Some(name) = anchor {
            self.open.pop();
            if self.asked.contains(&name) {
                self.anchors.insert(name, node.clone());
            }
        }
        Ok(node)
    }

    fn alias(&mut self, name: &str) -> Parse<Node> {
        let (_, span) = self.scanner.next()?;
        if self.open.iter().any(|open| open == name) {
            self.refuse(format!("anchor '{name}' value contains itself"), span.start);
            return Ok(empty(span.start));
        }
        let Some(anchored) = self.anchors.get(name) else {
            let problem = format!("unknown anchor '{name}' referenced");
            return Err(YamlError { line: 0, problem, at: span.start });
        };
        self.aliased += size(anchored);
        if self.aliased > ALIAS_BUDGET || self.depth + height(anchored) > MAX_DEPTH {
            let problem = "document contains excessive aliasing".into();
            return Err(YamlError { line: 0, problem, at: span.start });
        }
        Ok(Node { value: anchored.value.clone(), span })
    }

    fn scalar(&mut self, tag: Option<&str>) -> Parse<Node> {
        let (token, span) = self.scanner.next()?;
        let Token::Scalar { text, plain } = token else { return Ok(empty(span.start)) };
        let value = match tag {
            None if plain => resolve::resolve(&text),
            Some("!!int" | "!!float" | "!!bool" | "!!null") => {
                let value = resolve::resolve(&text);
                let fits = matches!(
                    (tag, &value),
                    (Some("!!int" | "!!float"), Data::Number(_))
                        | (Some("!!bool"), Data::Bool(_))
                        | (Some("!!null"), Data::Null)
                );
                if !fits {
                    let tag = tag.unwrap_or_default();
                    self.refuse(format!("cannot decode !!str `{text}` as a {tag}"), span.start);
                }
                value
            }
            _ => Data::String(text),
        };
        Ok(Node { value, span })
    }

    fn block_sequence(&mut self) -> Parse<Node> {
        let (_, open) = self.scanner.next()?;
        let mut items = Vec::new();
        loop {
            let (token, span) = self.scanner.next()?;
            match token {
                Token::BlockEntry => {
                    let item = match self.scanner.peek()?.0 {
                        Token::BlockEntry | Token::BlockEnd => empty(span.end),
                        _ => self.node(true, false)?,
                    };
                    items.push(item);
                }
                Token::BlockEnd => return Ok(collection(Data::Seq(items), open.start, span.start)),
                _ => return self.fail("did not find expected '-' indicator", span.start, open.start),
            }
        }
    }

    /// A sequence at its parent's own column, as kubectl prints them.
    fn indentless_sequence(&mut self) -> Parse<Node> {
        let start = self.scanner.peek()?.1.start;
        let mut items = Vec::new();
        while self.scanner.peek()?.0 == Token::BlockEntry {
            let (_, span) = self.scanner.next()?;
            let item = match self.scanner.peek()?.0 {
                Token::BlockEntry | Token::Key | Token::Value | Token::BlockEnd => empty(span.end),
                _ => self.node(true, false)?,
            };
            items.push(item);
        }
        let end = self.scanner.peek()?.1.start;
        Ok(collection(Data::Seq(items), start, end))
    }

    fn block_mapping(&mut self) -> Parse<Node> {
        let (_, open) = self.scanner.next()?;
        let mut mapping = Mapping::default();
        loop {
            let (token, span) = self.scanner.peek()?.clone();
            match token {
                Token::Key => {
                    self.scanner.next()?;
                    let key = match self.scanner.peek()?.0 {
                        Token::Key | Token::Value | Token::BlockEnd => empty(span.start),
                        _ => self.node(true, true)?,
                    };
                    let value = self.block_value(key.span.end)?;
                    self.pair(&mut mapping, key, value)?;
                }
                Token::BlockEnd => {
                    self.scanner.next()?;
                    return Ok(self.finish(mapping, open.start, span.start));
                }
                _ => return self.fail("did not find expected key", span.start, open.start),
            }
        }
    }

    fn block_value(&mut self, after: Pos) -> Parse<Node> {
        if self.scanner.peek()?.0 != Token::Value {
            return Ok(empty(after));
        }
        let (_, span) = self.scanner.next()?;
        match self.scanner.peek()?.0 {
            Token::Key | Token::Value | Token::BlockEnd => Ok(empty(span.end)),
            _ => self.node(true, true),
        }
    }

    fn flow_sequence(&mut self) -> Parse<Node> {
        let (_, open) = self.scanner.next()?;
        let mut items = Vec::new();
        loop {
            if self.flow_separator(
                Token::FlowSequenceEnd,
                items.is_empty(),
                open,
                "did not find expected ',' or ']'",
            )? {
                let (_, close) = self.scanner.next()?;
                return Ok(collection(Data::Seq(items), open.start, close.end));
            }
            let (token, span) = self.scanner.peek()?.clone();
            if token != Token::Key {
                items.push(self.node(false, false)?);
                continue;
            }
            // `[a: b]` is a sequence of one-pair mappings.
            self.scanner.next()?;
            let key = self.flow_part(&[Token::Value, Token::FlowEntry, Token::FlowSequenceEnd], span.start)?;
            let value = self.flow_value(&[Token::FlowEntry, Token::FlowSequenceEnd], key.span.end)?;
            let mut mapping = Mapping::default();
            let end = value.span.end;
            self.pair(&mut mapping, key, value)?;
            items.push(self.finish(mapping, span.start, end));
        }
    }

    fn flow_mapping(&mut self) -> Parse<Node> {
        let (_, open) = self.scanner.next()?;
        let mut mapping = Mapping::default();
        let mut first = true;
        loop {
            if self.flow_separator(Token::FlowMappingEnd, first, open, "did not find expected ',' or '}'")? {
                let (_, close) = self.scanner.next()?;
                return Ok(self.finish(mapping, open.start, close.end));
            }
            first = false;
            let (token, span) = self.scanner.peek()?.clone();
            if token == Token::Key {
                self.scanner.next()?;
                let key = self.flow_part(&[Token::Value, Token::FlowEntry, Token::FlowMappingEnd], span.start)?;
                let value = self.flow_value(&[Token::FlowEntry, Token::FlowMappingEnd], key.span.end)?;
                self.pair(&mut mapping, key, value)?;
            } else {
                let key = self.node(false, false)?;
                let value = empty(key.span.end);
                self.pair(&mut mapping, key, value)?;
            }
        }
    }

    /// Takes the `,` before the next item. True at the closing bracket, which stays.
    fn flow_separator(&mut self, close: Token, first: bool, open: Span, problem: &str) -> Parse<bool> {
        if !first && self.scanner.peek()?.0 != close {
            let (token, span) = self.scanner.peek()?.clone();
            if token != Token::FlowEntry {
                return self.fail(problem, span.start, open.start);
            }
            self.scanner.next()?;
        }
        Ok(self.scanner.peek()?.0 == close)
    }

    fn flow_value(&mut self, ends: &[Token], after: Pos) -> Parse<Node> {
        if self.scanner.peek()?.0 != Token::Value {
            return Ok(empty(after));
        }
        let (_, span) = self.scanner.next()?;
        self.flow_part(ends, span.end)
    }

    fn flow_part(&mut self, ends: &[Token], at: Pos) -> Parse<Node> {
        if ends.contains(&self.scanner.peek()?.0) {
            return Ok(empty(at));
        }
        self.node(false, false)
    }

    /// Adds a pair; keys become strings as JSON needs them.
    fn pair(&mut self, mapping: &mut Mapping, key: Node, value: Node) -> Parse<()> {
        if matches!(&key.value, Data::String(text) if text == "<<") {
            self.merge(mapping, value);
            return Ok(());
        }
        let text = match &key.value {
            Data::String(text) => text.clone(),
            Data::Bool(value) => value.to_string(),
            Data::Number(number) => number.to_string(),
            Data::Null => {
                self.refuse("unsupported map key of type: %!s(<nil>), key: <nil>".into(), key.span.start);
                String::new()
            }
            Data::Seq(_) | Data::Map(_) => {
                self.refuse(format!("invalid map key: {}", go_syntax(&key)), key.span.start);
                String::new()
            }
        };
        if let Some(_first) = mapping.seen.insert(text.clone(), mapping.entries.len()) {
            let line = value.span.start.line - self.first_line + 1;
            self.duplicates.push(Duplicate { key: text.clone(), span: key.span, line });
        }
        mapping.entries.push(Entry { key: text, key_span: key.span, value });
        Ok(())
    }

    fn merge(&mut self, mapping: &mut Mapping, value: Node) {
        match value.value {
            Data::Map(entries) => mapping.merged.extend(entries),
            Data::Seq(items) if items.iter().all(|item| matches!(item.value, Data::Map(_))) => {
                for item in items {
                    mapping.merged.extend(item.entries().iter().cloned());
                }
            }
            _ => {
                self.refuse("map merge requires map or sequence of maps as the value".into(), value.span.start);
            }
        }
    }

    /// Closes a mapping: pairs merged in by `<<` give way to its own.
    fn finish(&mut self, mut mapping: Mapping, start: Pos, end: Pos) -> Node {
        for entry in std::mem::take(&mut mapping.merged) {
            if !mapping.seen.contains_key(&entry.key) {
                mapping.seen.insert(entry.key.clone(), mapping.entries.len());
                mapping.entries.push(entry);
            }
        }
        collection(Data::Map(mapping.entries), start, end)
    }
}

/// A value in Go's syntax, as `%#v` prints it: what a key such as `{{ name }}` becomes.
fn go_syntax(node: &Node) -> String {
    let joined = |parts: Vec<String>| parts.join(", ");
    match &node.value {
        Data::Null => "interface {}(nil)".into(),
        Data::Bool(value) => value.to_string(),
        Data::Number(number) => number.to_string(),
        Data::String(text) => format!("{text:?}"),
        Data::Seq(items) => format!("[]interface {{}}{{{}}}", joined(items.iter().map(go_syntax).collect())),
        Data::Map(entries) => {
            let mut entries: Vec<&Entry> = entries.iter().collect();
            entries.order_by(|a, b| a.key.cmp(&b.key));
            let pairs = entries.iter().map(|entry| format!("{:?}:{}", entry.key, go_syntax(&entry.value)));
            format!("map[interface {{}}]interface {{}}{{{}}}", joined(pairs.collect()))
        }
    }
}

#[derive(Default)]
struct Mapping {
    entries: Vec<Entry>,
    seen: BTreeMap<String, usize>,
    merged: Vec<Entry>,
}

fn collection(value: Data, start: Pos, end: Pos) -> Node {
    Node { value, span: Span { start, end: if end.byte < start.byte { start } else { end } } }
}
