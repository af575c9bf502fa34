//! Reads a shell line into pipelines, stages, words and redirections. Pure.

/// One part of a word.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text; quoted text is neither split nor matched against files.
    Text {
        text: String,
        quoted: bool,
    },
    Variable {
        name: String,
        quoted: bool,
    },
    /// `$(…)` or backquotes.
    Command {
        line: String,
        quoted: bool,
    },
}

pub type Word = Vec<Part>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connector {
    Always,
    /// `&&`
    IfOk,
    /// `||`
    IfFailed,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// What stands before it.
    pub connector: Connector,
    pub stages: Vec<Stage>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stage {
    pub words: Vec<Word>,
    pub redirects: Vec<Redirect>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Redirect {
    /// `<<TAG`; a quoted tag keeps `$` as it is.
    HereDocument {
        text: String,
        literal: bool,
    },
    HereString(Word),
    In(Word),
    Out {
        word: Word,
        append: bool,
    },
    Errors {
        word: Word,
    },
    ErrorsToOutput,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(Word),
    Operator(&'static str),
    HereDocument { text: String, literal: bool },
}

/// Longest first.
const OPERATORS: &[&str] = &["2>&1", "&>", "2>>", "2>", "<<<", "&&", "||", ">>", "1>", "|", ";", "<", ">", "&", "\n"];

/// Whether nothing more must be typed: quotes are closed, here-documents ended.
pub fn is_complete(text: &str) -> bool {
    let trimmed = text.trim_end_matches([' ', '\t']);
    if trimmed.ends_with('\\') && !trimmed.ends_with("\\\\") {
        return false;
    }
    match tokens(text) {
        Ok(tokens) => !matches!(tokens.last(), Some(Token::Operator("|" | "&&" | "||"))),
        Err(why) => !why.contains("unexpected end"),
    }
}

/// Reads text into pipelines.
///
/// # Errors
/// What a shell would complain about.
pub fn parse(text: &str) -> Result<Vec<Pipeline>, String> {
    let mut pipelines = Vec::new();
    let mut connector = Connector::Always;
    let mut stages = vec![Stage::default()];
    let mut tokens = tokens(text)?.into_iter().peekable();
    let unexpected = |operator: &str| {
        let shown = if operator == "\n" { "newline" } else { operator };
        Err(format!("syntax error near unexpected token `{shown}'"))
    };
    while let Some(token) = tokens.next() {
        let stage = stages.last_mut().expect("there is always a stage");
        let is_empty = stage.words.is_empty() && stage.redirects.is_empty();
        match token {
            Token::Word(word) => stage.words.push(word),
            Token::HereDocument { text, literal } => stage.redirects.push(Redirect::HereDocument { text, literal }),
            Token::Operator("|") if is_empty => return unexpected("|"),
            Token::Operator("|") => stages.push(Stage::default()),
            // Empty lines, and a line that ends behind a pipe.
            Token::Operator("\n") if is_empty => {}
            Token::Operator(operator @ (";" | "\n" | "&&" | "||" | "&")) => {
                if is_empty {
                    return unexpected(operator);
                }
                pipelines.push(Pipeline { connector, stages: std::mem::replace(&mut stages, vec![Stage::default()]) });
                connector = match operator {
                    "&&" => Connector::IfOk,
                    "||" => Connector::IfFailed,
                    _ => Connector::Always,
                };
            }
            Token::Operator("2>&1") => stage.redirects.push(Redirect::ErrorsToOutput),
            Token::Operator(operator) => {
                let Some(Token::Word(word)) = tokens.next() else { return unexpected("newline") };
                match operator {
                    "<<<" => stage.redirects.push(Redirect::HereString(word)),
                    "<" => stage.redirects.push(Redirect::In(word)),
                    ">>" => stage.redirects.push(Redirect::Out { word, append: true }),
                    "2>" | "2>>" => stage.redirects.push(Redirect::Errors { word }),
                    "&>" => {
                        stage.redirects.push(Redirect::Out { word, append: false });
                        stage.redirects.push(Redirect::ErrorsToOutput);
                    }
                    _ => stage.redirects.push(Redirect::Out { word, append: false }),
                }
            }
        }
    }
    let last = stages.last().expect("there is always a stage");
    if last.words.is_empty() && last.redirects.is_empty() {
        if stages.len() > 1 || connector != Connector::Always {
            return Err("syntax error: unexpected end of file".into());
        }
    } else {
        pipelines.push(Pipeline { connector, stages });
    }
    Ok(pipelines)
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut lexer = Lexer { rest: text, tokens: Vec::new(), pending: Vec::new() };
    lexer.run()?;
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    rest: &'a str,
    tokens: Vec<Token>,
    /// Here-documents whose text begins on the next line: token index, tag, literal, strip tabs.
    pending: Vec<(usize, String, bool, bool)>,
}

impl Lexer<'_> {
    fn run(&mut self) -> Result<(), String> {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\r']);
            if let Some(rest) = self.rest.strip_prefix("\\\n") {
                self.rest = rest;
                continue;
            }
            if self.rest.is_empty() {
                break;
            }
            if self.rest.starts_with('#') {
                self.rest = &self.rest[self.rest.find('\n').unwrap_or(self.rest.len())..];
                continue;
            }
            if self.rest.starts_with("<<") && !self.rest.starts_with("<<<") {
                self.here_document()?;
                continue;
            }
            if let Some(operator) = OPERATORS.iter().find(|operator| self.rest.starts_with(**operator)) {
                self.rest = &self.rest[operator.len()..];
                self.tokens.push(Token::Operator(operator));
                if *operator == "\n" {
                    self.bodies()?;
                }
                continue;
            }
            let word = self.word()?;
            self.tokens.push(Token::Word(word));
        }
        if self.pending.is_empty() {
            Ok(())
        } else {
            Err("syntax error: unexpected end of file in here-document".into())
        }
    }

    fn here_document(&mut self) -> Result<(), String> {
        self.rest = &self.rest[2..];
        let strip = self.rest.starts_with('-');
        self.rest = self.rest.trim_start_matches('-').trim_start_matches([' ', '\t']);
        let literal = self.rest.starts_with(['\'', '"', '\\']);
        let word = self.word()?;
        let tag: String =
            word.iter().map(|part| if let Part::Text { text, .. } = part { text.as_str() } else { "" }).collect();
        self.pending.push((self.tokens.len(), tag, literal, strip));
        self.tokens.push(Token::HereDocument { text: String::new(), literal });
        Ok(())
    }

    /// Reads the texts of here-documents begun on the line before.
    fn bodies(&mut self) -> Result<(), String> {
        for (index, tag, literal, strip) in std::mem::take(&mut self.pending) {
            let mut body = String::new();
            loop {
                if self.rest.is_empty() {
                    return Err("syntax error: unexpected end of file in here-document".into());
                }
                let end = self.rest.find('\n').map_or(self.rest.len(), |end| end + 1);
                let (line, rest) = self.rest.split_at(end);
                self.rest = rest;
                let line = if strip { line.trim_start_matches('\t') } else { line };
                if line.trim_end_matches(['\n', '\r']) == tag {
                    break;
                }
                body.push_str(line);
            }
            self.tokens[index] = Token::HereDocument { text: body, literal };
        }
        // What follows the last tag is a new command.
        if !matches!(self.tokens.last(), Some(Token::Operator("\n"))) {
            self.tokens.push(Token::Operator("\n"));
        }
        Ok(())
    }

    fn word(&mut self) -> Result<Word, String> {
        let mut word: Word = Vec::new();
        let push = |word: &mut Word, letter: char, quoted: bool| match word.last_mut() {
            Some(Part::Text { text, quoted: last }) if *last == quoted => text.push(letter),
            _ => word.push(Part::Text { text: letter.to_string(), quoted }),
        };
        while let Some(letter) = self.rest.chars().next() {
            match letter {
                ' ' | '\t' | '\n' | ';' | '|' | '&' | '<' | '>' => break,
                '\\' => {
                    self.rest = &self.rest[1..];
                    if let Some(next) = self.rest.chars().next() {
                        self.rest = &self.rest[next.len_utf8()..];
                        if next != '\n' {
                            push(&mut word, next, true);
                        }
                    }
                }
                '\'' => {
                    let end =
                        self.rest[1..].find('\'').ok_or("unexpected end of file while looking for matching `''")?;
                    word.push(Part::Text { text: self.rest[1..=end].into(), quoted: true });
                    self.rest = &self.rest[end + 2..];
                }
                '"' => {
                    self.rest = &self.rest[1..];
                    self.double_quoted(&mut word)?;
                }
                '$' | '`' => self.dollar(&mut word, false)?,
                other => {
                    self.rest = &self.rest[other.len_utf8()..];
                    push(&mut word, other, false);
                }
            }
        }
        Ok(word)
    }

    fn double_quoted(&mut self, word: &mut Word) -> Result<(), String> {
        word.push(Part::Text { text: String::new(), quoted: true });
        loop {
            let letter = self.rest.chars().next().ok_or("unexpected end of file while looking for matching `\"'")?;
            if letter == '$' || letter == '`' {
                self.dollar(word, true)?;
                continue;
            }
            self.rest = &self.rest[letter.len_utf8()..];
            let literal = match letter {
                '"' => return Ok(()),
                '\\' => {
                    let next =
                        self.rest.chars().next().ok_or("unexpected end of file while looking for matching `\"'")?;
                    if matches!(next, '"' | '\\' | '$' | '`' | '\n') {
                        self.rest = &self.rest[next.len_utf8()..];
                        next
                    } else {
                        '\\'
                    }
                }
                other => other,
            };
            match word.last_mut() {
                Some(Part::Text { text, quoted: true }) => text.push(literal),
                _ => word.push(Part::Text { text: literal.to_string(), quoted: true }),
            }
        }
    }

    /// `$NAME`, `${NAME}`, `$(…)`, backquotes; a lone `$` is itself.
    fn dollar(&mut self, word: &mut Word, quoted: bool) -> Result<(), String> {
        if let Some(rest) = self.rest.strip_prefix('`') {
            let end = rest.find('`').ok_or("unexpected end of file while looking for matching ``'")?;
            word.push(Part::Command { line: rest[..end].into(), quoted });
            self.rest = &rest[end + 1..];
            return Ok(());
        }
        let rest = &self.rest[1..];
        if let Some(inner) = rest.strip_prefix('(') {
            let end = closing(inner).ok_or("unexpected end of file while looking for matching `)'")?;
            word.push(Part::Command { line: inner[..end].into(), quoted });
            self.rest = &inner[end + 1..];
            return Ok(());
        }
        if let Some(inner) = rest.strip_prefix('{') {
            let end = inner.find('}').ok_or("unexpected end of file while looking for matching `}'")?;
            word.push(Part::Variable { name: inner[..end].into(), quoted });
            self.rest = &inner[end + 1..];
            return Ok(());
        }
        let length = match rest.chars().next() {
            Some('?') => 1,
            Some(first) if first.is_ascii_alphabetic() || first == '_' => {
                rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len())
            }
            _ => 0,
        };
        if length == 0 {
            word.push(Part::Text { text: "$".into(), quoted: true });
        } else {
            word.push(Part::Variable { name: rest[..length].into(), quoted });
        }
        self.rest = &rest[length..];
        Ok(())
    }
}

/// Where the parenthesis that was opened closes; quotes hide others.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut quote) = (0, None);
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(letter),
            (None, '(') => depth += 1,
            (None, ')') if depth == 0 => return Some(at),
            (None, ')') => depth -= 1,
            (None, _) => {}
        }
    }
    None
}
