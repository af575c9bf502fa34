//! The shell's grammar: lists, pipelines and compound commands.
//!
//! A recursive descent over [`Token`]s. Errors are worded as busybox's ash words them.

use std::sync::Arc;

use super::ast::{AndOr, Body, Command, List, Part, Pipeline, Redir, RedirKind, Simple, Word};
use super::lexer::{Syntax, Token};

pub struct Parser {
    pub(super) chars: Vec<char>,
    pub(super) pos: usize,
    peeked: Option<Token>,
    /// How far newlines were counted, and how many there were.
    counted: (usize, u32),
    /// Here-documents met and not yet read: slot, end word, strip tabs, quoted.
    pub(super) here_wanted: Vec<(usize, String, bool, bool)>,
    pub(super) here_slots: Vec<Option<Word>>,
    pub(super) depth: usize,
}

/// Nesting beyond this is refused rather than risked.
pub(super) const MAX_DEPTH: usize = 60;

/// Parses a whole script.
///
/// # Errors
/// The text of the syntax error, without the shell's name.
pub fn parse(text: &str) -> Syntax<Arc<List>> {
    parse_numbered(text).map_err(|(error, _)| error)
}

/// As [`parse`], with the newlines before the error.
///
/// # Errors
/// As [`parse`].
pub fn parse_numbered(text: &str) -> Result<Arc<List>, (String, u32)> {
    let mut parser = Parser::new(text);
    let parsed = parser.program();
    parsed.map(Arc::new).map_err(|error| (error, parser.line()))
}

impl Parser {
    pub(super) fn new(text: &str) -> Parser {
        Parser {
            chars: text.chars().collect(),
            pos: 0,
            peeked: None,
            counted: (0, 0),
            here_wanted: Vec::new(),
            here_slots: Vec::new(),
            depth: 0,
        }
    }

    pub(super) fn program(&mut self) -> Syntax<List> {
        let list = self.list_until(&[])?;
        match self.peek()? {
            Token::End => Ok(list),
            token => Err(unexpected(token, None)),
        }
    }

    fn peek(&mut self) -> Syntax<&Token> {
        if self.peeked.is_none() {
            self.peeked = Some(self.next_token()?);
        }
        Ok(self.peeked.as_ref().expect("just filled"))
    }

    /// Newlines up to where the parser is.
    fn line(&mut self) -> u32 {
        let (from, known) = self.counted;
        let to = self.pos.min(self.chars.len());
        let more = self.chars.get(from..to).unwrap_or_default().iter().filter(|c| **c == '\n').count();
        self.counted = (to.max(from), known + more as u32);
        self.counted.1
    }

    fn take(&mut self) -> Syntax<Token> {
        self.peek()?;
        Ok(self.peeked.take().expect("just filled"))
    }

    fn peek_is(&mut self, text: &str) -> Syntax<bool> {
        Ok(match self.peek()? {
            Token::Op(op) => *op == text,
            Token::Word(word) => plain(word) == Some(text),
            Token::Newline | Token::Redir(_) | Token::End => false,
        })
    }

    fn take_if(&mut self, text: &str) -> Syntax<bool> {
        let found = self.peek_is(text)?;
        if found {
            self.take()?;
        }
        Ok(found)
    }

    fn expect(&mut self, text: &str) -> Syntax<()> {
        if self.take_if(text)? {
            return Ok(());
        }
        Err(unexpected(self.peek()?, Some(text)))
    }

    pub(super) fn expect_op(&mut self, text: &str) -> Syntax<()> {
        self.expect(text)
    }

    fn skip_newlines(&mut self) -> Syntax<()> {
        while *self.peek()? == Token::Newline {
            self.take()?;
        }
        Ok(())
    }

    /// Commands up to one of the closing words, which is left in place.
    pub(super) fn list_until(&mut self, ends: &[&str]) -> Syntax<List> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("syntax error: too deeply nested".to_owned());
        }
        let mut list = List::new();
        loop {
            self.skip_newlines()?;
            if *self.peek()? == Token::End {
                break;
            }
            let mut closed = false;
            for end in ends {
                closed |= self.peek_is(end)?;
            }
            if closed || self.peek_is(")")? || self.peek_is(";;")? {
                break;
            }
            let and_or = self.and_or()?;
            let background = self.peek_is("&")?;
            let separated = background || self.peek_is(";")? || *self.peek()? == Token::Newline;
            if separated {
                self.take()?;
            }
            list.push((and_or, background));
            if !separated {
                break;
            }
        }
        self.depth -= 1;
        if self.depth == 0 || *self.peek()? == Token::End {
            self.fill_here(&mut list);
        }
        Ok(list)
    }

    pub(super) fn fill_here(&self, list: &mut List) {
        if self.here_slots.is_empty() {
            return;
        }
        for (and_or, _) in list {
            let pipelines = std::iter::once(&mut and_or.first).chain(and_or.rest.iter_mut().map(|(_, next)| next));
            for command in pipelines.flat_map(|pipeline| pipeline.commands.iter_mut()) {
                let command = Arc::make_mut(command);
                self.fill_redirs(&mut command.redirs);
                self.fill_body(&mut command.body);
            }
        }
    }

    fn fill_body(&self, body: &mut Body) {
        match body {
            Body::Simple(simple) => self.fill_redirs(&mut Arc::make_mut(simple).redirs),
            Body::Group(list) | Body::Subshell(list) => self.fill_here(Arc::make_mut(list)),
            Body::If { arms, otherwise } => {
                for (cond, then) in arms {
                    self.fill_here(Arc::make_mut(cond));
                    self.fill_here(Arc::make_mut(then));
                }
                if let Some(list) = otherwise {
                    self.fill_here(Arc::make_mut(list));
                }
            }
            Body::Loop { cond, body, .. } => {
                self.fill_here(Arc::make_mut(cond));
                self.fill_here(Arc::make_mut(body));
            }
            Body::For { body, .. } => self.fill_here(Arc::make_mut(body)),
            Body::Case { arms, .. } => arms.iter_mut().for_each(|(_, list)| self.fill_here(Arc::make_mut(list))),
            Body::Function { body, .. } => {
                let command = Arc::make_mut(body);
                self.fill_redirs(&mut command.redirs);
                self.fill_body(&mut command.body);
            }
        }
    }

    fn fill_redirs(&self, redirs: &mut [Redir]) {
        for redir in redirs.iter_mut().filter(|redir| redir.kind == RedirKind::Here) {
            if let Some(word) = self.here_text(&redir.target) {
                redir.target = word;
            }
        }
    }

    fn and_or(&mut self) -> Syntax<AndOr> {
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            let and = if self.take_if("&&")? {
                true
            } else if self.take_if("||")? {
                false
            } else {
                return Ok(AndOr { first, rest });
            };
            self.skip_newlines()?;
            rest.push((and, self.pipeline()?));
        }
    }

    fn pipeline(&mut self) -> Syntax<Pipeline> {
        let negate = self.take_if("!")?;
        let mut commands = vec![Arc::new(self.command()?)];
        while self.take_if("|")? {
            self.skip_newlines()?;
            commands.push(Arc::new(self.command()?));
        }
        Ok(Pipeline { negate, commands })
    }

    fn command(&mut self) -> Syntax<Command> {
        let keyword = match self.peek()? {
            Token::Op("(") => "(".to_owned(),
            Token::Word(word) => plain(word).unwrap_or_default().to_owned(),
            Token::Redir(_) => String::new(),
            token => return Err(unexpected(token, None)),
        };
        let body = match keyword.as_str() {
            "(" => {
                self.take()?;
                let list = self.list_until(&[")"])?;
                self.expect(")")?;
                Body::Subshell(Arc::new(list))
            }
            "{" => {
                self.take()?;
                let list = self.block(&["}"])?;
                self.expect("}")?;
                Body::Group(list)
            }
            "if" => self.if_command()?,
            "while" | "until" => {
                self.take()?;
                let cond = self.block(&["do"])?;
                let body = self.do_block()?;
                Body::Loop { until: keyword == "until", cond, body }
            }
            "for" => self.for_command()?,
            "case" => self.case_command()?,
            "function" => return self.function(),
            "then" | "else" | "elif" | "fi" | "do" | "done" | "esac" | "}" => {
                return Err(format!("syntax error: unexpected \"{keyword}\""));
            }
            _ => return self.simple(),
        };
        let mut redirs = Vec::new();
        while matches!(self.peek()?, Token::Redir(_)) {
            if let Token::Redir(redir) = self.take()? {
                redirs.push(redir);
            }
        }
        Ok(Command { body, redirs })
    }

    /// A list that must hold at least one command.
    fn block(&mut self, ends: &[&str]) -> Syntax<Arc<List>> {
        let list = self.list_until(ends)?;
        if list.is_empty() {
            // Where the script ends, what is missing is named.
            let wanted = if *self.peek()? == Token::End { ends.last().copied() } else { None };
            return Err(unexpected(self.peek()?, wanted));
        }
        Ok(Arc::new(list))
    }

    fn do_block(&mut self) -> Syntax<Arc<List>> {
        self.skip_newlines()?;
        self.expect("do")?;
        let body = self.block(&["done"])?;
        self.expect("done")?;
        Ok(body)
    }

    fn if_command(&mut self) -> Syntax<Body> {
        self.take()?;
        let mut arms = Vec::new();
        let mut otherwise = None;
        loop {
            let cond = self.block(&["then"])?;
            self.expect("then")?;
            arms.push((cond, self.block(&["elif", "else", "fi"])?));
            if self.take_if("elif")? {
                continue;
            }
            if self.take_if("else")? {
                otherwise = Some(self.block(&["fi"])?);
            }
            self.expect("fi")?;
            return Ok(Body::If { arms, otherwise });
        }
    }

    fn for_command(&mut self) -> Syntax<Body> {
        self.take()?;
        let var = match self.take()? {
            Token::Word(word) => plain(&word).unwrap_or_default().to_owned(),
            _ => String::new(),
        };
        if !is_name(&var) {
            return Err("syntax error: bad for loop variable".to_owned());
        }
        self.skip_newlines()?;
        let words = if self.take_if("in")? {
            let mut words = Vec::new();
            while matches!(self.peek()?, Token::Word(_)) {
                if let Token::Word(word) = self.take()? {
                    words.push(word);
                }
            }
            Some(words)
        } else {
            None
        };
        self.take_if(";")?;
        let body = self.do_block()?;
        Ok(Body::For { var, words, body })
    }

    fn case_command(&mut self) -> Syntax<Body> {
        self.take()?;
        let word = match self.take()? {
            Token::Word(word) => word,
            token => return Err(unexpected(&token, None)),
        };
        self.skip_newlines()?;
        self.expect("in")?;
        let mut arms = Vec::new();
        loop {
            self.skip_newlines()?;
            if self.take_if("esac")? {
                return Ok(Body::Case { word, arms });
            }
            self.take_if("(")?;
            let mut patterns = Vec::new();
            loop {
                match self.take()? {
                    Token::Word(pattern) => patterns.push(pattern),
                    token => return Err(unexpected(&token, Some(")"))),
                }
                if !self.take_if("|")? {
                    break;
                }
            }
            self.expect(")")?;
            let list = self.list_until(&["esac"])?;
            arms.push((patterns, Arc::new(list)));
            if !self.take_if(";;")? {
                self.skip_newlines()?;
                self.expect("esac")?;
                return Ok(Body::Case { word, arms });
            }
        }
    }

    /// `function NAME { …; }`, as bash writes it.
    fn function(&mut self) -> Syntax<Command> {
        self.take()?;
        let name = match self.take()? {
            Token::Word(word) => plain(&word).unwrap_or_default().to_owned(),
            token => return Err(unexpected(&token, None)),
        };
        if !is_name(&name) {
            return Err("syntax error: bad function name".to_owned());
        }
        if self.take_if("(")? {
            self.expect(")")?;
        }
        self.skip_newlines()?;
        let body = Arc::new(self.command()?);
        Ok(Command { body: Body::Function { name, body }, redirs: Vec::new() })
    }

    fn simple(&mut self) -> Syntax<Command> {
        self.peek()?;
        let line = self.line();
        let mut simple = Simple { line, assigns: Vec::new(), words: Vec::new(), redirs: Vec::new() };
        loop {
            match self.peek()? {
                Token::Redir(_) => {
                    if let Token::Redir(redir) = self.take()? {
                        simple.redirs.push(redir);
                    }
                }
                Token::Word(_) => {
                    let Token::Word(word) = self.take()? else { break };
                    match assignment(&word) {
                        Some((name, value)) if simple.words.is_empty() => simple.assigns.push((name, value)),
                        _ => simple.words.push(word),
                    }
                }
                Token::Op("(") if simple.words.len() == 1 && simple.assigns.is_empty() => {
                    let name = plain(&simple.words[0]).unwrap_or_default().to_owned();
                    self.take()?;
                    self.expect(")")?;
                    if !is_name(&name) {
                        return Err("syntax error: bad function name".to_owned());
                    }
                    self.skip_newlines()?;
                    let body = Arc::new(self.command()?);
                    return Ok(Command { body: Body::Function { name, body }, redirs: Vec::new() });
                }
                Token::Op(_) | Token::Newline | Token::End => break,
            }
        }
        Ok(Command { body: Body::Simple(Arc::new(simple)), redirs: Vec::new() })
    }
}

/// The word's text when nothing in it is quoted or expanded.
fn plain(word: &Word) -> Option<&str> {
    match word.as_slice() {
        [Part::Text { text, quoted: false }] => Some(text),
        _ => None,
    }
}

pub fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn assignment(word: &Word) -> Option<(String, Word)> {
    let Part::Text { text, quoted: false } = word.first()? else { return None };
    let (name, rest) = text.split_once('=')?;
    if !is_name(name) {
        return None;
    }
    let mut value = Word::new();
    if rest == "~" || rest.starts_with("~/") {
        value.push(Part::Home);
        value.push(Part::Text { text: rest[1..].to_owned(), quoted: false });
    } else if !rest.is_empty() {
        value.push(Part::Text { text: rest.to_owned(), quoted: false });
    }
    value.extend(word[1..].iter().cloned());
    Some((name.to_owned(), value))
}

fn unexpected(token: &Token, wanted: Option<&str>) -> String {
    let found = match token {
        Token::End => "end of file".to_owned(),
        Token::Newline => "newline".to_owned(),
        Token::Redir(_) => "redirection".to_owned(),
        Token::Op(op) => format!("\"{op}\""),
        Token::Word(word) => match plain(word) {
            Some(text @ ("then" | "else" | "elif" | "fi" | "do" | "done" | "esac" | "}")) => format!("\"{text}\""),
            _ => "word".to_owned(),
        },
    };
    match wanted {
        Some(wanted) => format!("syntax error: unexpected {found} (expecting \"{wanted}\")"),
        None => format!("syntax error: unexpected {found}"),
    }
}
