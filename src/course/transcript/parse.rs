//! Reading a `.case` file into steps. Outputs are read past: the player writes its own.

use std::collections::BTreeMap;

/// A whole case.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    pub steps: Vec<Step>,
}

impl Transcript {
    /// The working directory: names and texts.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.steps.iter().filter_map(|step| match &step.what {
            Directive::File { name, text } => Some((name.as_str(), text.as_str())),
            _ => None,
        })
    }
}

/// One step with its source lines, so that it can be written back unchanged.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// 1-based.
    pub line: usize,
    pub source: Vec<String>,
    pub what: Directive,
    /// The recorded output, where there is one.
    pub expected: Option<super::Printed>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Directive {
    /// Comments, blank lines, `@ tags`, `@ mask`, `@ cmp`.
    Silent,
    Cluster(BTreeMap<String, String>),
    Node(String, BTreeMap<String, String>),
    AddNode(String, BTreeMap<String, String>),
    File {
        name: String,
        text: String,
    },
    Command {
        line: String,
        stdin: Option<String>,
    },
    Background {
        id: String,
        line: String,
    },
    End(String),
    /// Milliseconds.
    Advance(u64),
    /// At most so many milliseconds.
    Settle(u64),
    Until {
        max: u64,
        line: String,
        operator: String,
        value: String,
    },
    Let {
        name: String,
        line: String,
    },
    Http {
        port: u16,
        path: String,
    },
    Fault(Vec<String>),
    Timeout(u64),
}

/// Where a case is not one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    pub line: usize,
    pub message: String,
}

impl std::fmt::Display for ParseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

/// # Errors
/// The first line that the grammar does not know.
pub fn parse(text: &str) -> Result<Transcript, ParseError> {
    let text = text.replace("\r\n", "\n");
    let lines: Vec<&str> = text.trim_end_matches('\n').split('\n').collect();
    let mut reader = Reader { lines: &lines, at: 0 };
    let mut steps = Vec::new();
    while reader.at < lines.len() {
        steps.push(reader.step()?);
    }
    Ok(Transcript { steps })
}

struct Reader<'a> {
    lines: &'a [&'a str],
    at: usize,
}

impl Reader<'_> {
    fn error<T>(&self, message: &str) -> Result<T, ParseError> {
        Err(ParseError { line: self.at + 1, message: message.into() })
    }

    fn step(&mut self) -> Result<Step, ParseError> {
        let line = self.lines[self.at];
        let number = self.at + 1;
        let mut source = vec![line.to_string()];
        self.at += 1;
        let what = if line.trim().is_empty() || line.starts_with('#') {
            Directive::Silent
        } else if let Some(command) = line.strip_prefix("$ ") {
            self.command(command.trim(), &mut source)?
        } else if let Some(directive) = line.strip_prefix("@ ") {
            self.at -= 1;
            let parsed = self.directive(directive.trim());
            self.at += 1;
            match parsed? {
                Directive::File { name, .. } => self.file(name, &mut source),
                other => other,
            }
        } else {
            self.at -= 1;
            return self.error("neither a step nor its output");
        };
        let expected = match what {
            Directive::Command { .. } | Directive::End(_) | Directive::Http { .. } => self.output(),
            _ => None,
        };
        Ok(Step { line: number, source, what, expected })
    }

    fn command(&mut self, text: &str, source: &mut Vec<String>) -> Result<Directive, ParseError> {
        let heredoc = text.rfind("<<").and_then(|at| {
            let tag = text[at + 2..].trim().trim_matches('\'');
            let word = !tag.is_empty() && tag.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
            word.then(|| (text[..at].trim().to_string(), tag.to_string()))
        });
        let Some((line, tag)) = heredoc else { return Ok(Directive::Command { line: text.into(), stdin: None }) };
        let mut stdin = String::new();
        loop {
            let Some(body) = self.lines.get(self.at).filter(|line| line.starts_with('>')) else {
                return self.error("a here-document wants '> ' lines");
            };
            source.push((*body).into());
            self.at += 1;
            let body = body.strip_prefix("> ").unwrap_or(&body[1..]);
            if body == tag {
                return Ok(Directive::Command { line, stdin: Some(stdin) });
            }
            stdin.push_str(body);
            stdin.push('\n');
        }
    }

    fn file(&mut self, name: String, source: &mut Vec<String>) -> Directive {
        let mut text = String::new();
        while let Some(line) = self.lines.get(self.at) {
            if let Some(body) = line.strip_prefix("  ") {
                text.push_str(body);
            } else if line.trim().is_empty() && self.indented_follows() {
                // A blank line inside the file.
            } else {
                break;
            }
            text.push('\n');
            source.push((*line).into());
            self.at += 1;
        }
        Directive::File { name, text }
    }

    fn indented_follows(&self) -> bool {
        self.lines[self.at..].iter().find(|line| !line.trim().is_empty()).is_some_and(|line| line.starts_with("  "))
    }

    fn output(&mut self) -> Option<super::Printed> {
        let mut printed = super::Printed { status: "0".into(), ..Default::default() };
        let mut seen = false;
        while let Some(line) = self.lines.get(self.at) {
            if let Some(text) = line.strip_prefix("  ") {
                printed.stdout.push_str(text);
                printed.stdout.push('\n');
            } else if *line == "!" || line.starts_with("! ") {
                printed.stderr.push_str(line.get(2..).unwrap_or_default());
                printed.stderr.push('\n');
            } else if let Some(status) = line.strip_prefix("? ") {
                printed.status = status.trim().into();
            } else if line.starts_with("#! ") {
                // A recorder's note.
            } else if line.trim().is_empty() && seen && printed.stderr.is_empty() && self.indented_follows() {
                printed.stdout.push('\n');
            } else {
                break;
            }
            seen = true;
            self.at += 1;
        }
        seen.then_some(printed)
    }

    fn directive(&self, text: &str) -> Result<Directive, ParseError> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let rest = rest.trim();
        let pair = || rest.split_once(' ').map_or((rest, ""), |(a, b)| (a, b.trim()));
        Ok(match word {
            "cluster" => Directive::Cluster(self.pairs(rest)?),
            "node" => Directive::Node(pair().0.into(), self.pairs(pair().1)?),
            "add-node" => Directive::AddNode(pair().0.into(), self.pairs(pair().1)?),
            "file" => Directive::File { name: rest.into(), text: String::new() },
            "advance" => Directive::Advance(self.duration(rest)?),
            "settle" => Directive::Settle(if rest.is_empty() { 60_000 } else { self.duration(rest)? }),
            "timeout" => Directive::Timeout(self.duration(rest)?),
            "until" => self.until(rest)?,
            "let" => match rest.split_once('=') {
                Some((name, line)) => Directive::Let { name: name.trim().into(), line: line.trim().into() },
                None => return self.error("@ let NAME = kubectl …"),
            },
            "bg" => Directive::Background { id: pair().0.into(), line: pair().1.into() },
            "end" => Directive::End(rest.into()),
            "http" => self.http(rest)?,
            // A variable stands for one word, so that what is wrong shows before anything is played.
            "fault" => match rest.parse::<engine::Fault>() {
                Ok(_) => Directive::Fault(rest.split_whitespace().map(String::from).collect()),
                Err(why) => return self.error(&why),
            },
            "cmp" | "mask" | "tags" => Directive::Silent,
            _ => return self.error("unknown directive"),
        })
    }

    fn http(&self, rest: &str) -> Result<Directive, ParseError> {
        let url = rest.strip_prefix("GET http://localhost:").unwrap_or_default();
        let (port, path) = url.find('/').map_or((url, "/"), |at| url.split_at(at));
        match port.parse() {
            Ok(port) => Ok(Directive::Http { port, path: path.into() }),
            Err(_) => self.error("@ http GET http://localhost:PORT/PATH"),
        }
    }

    fn until(&self, rest: &str) -> Result<Directive, ParseError> {
        let Some((max, rest)) = rest.split_once(' ') else {
            return self.error("@ until DURATION kubectl … == VALUE");
        };
        for operator in [" == ", " != ", " =~ ", " ==", " !="] {
            // The last one: jsonpath filters compare too.
            if let Some(at) = rest.rfind(operator)
                && (operator.ends_with(' ') || at + operator.len() == rest.len())
            {
                return Ok(Directive::Until {
                    max: self.duration(max)?,
                    line: rest[..at].trim().into(),
                    operator: operator.trim().into(),
                    value: rest[at + operator.len()..].trim().into(),
                });
            }
        }
        self.error("@ until DURATION kubectl … == VALUE")
    }

    fn pairs(&self, text: &str) -> Result<BTreeMap<String, String>, ParseError> {
        let mut pairs = BTreeMap::new();
        for word in text.split_whitespace() {
            let Some((key, value)) = word.split_once('=') else { return self.error("expected key=value") };
            pairs.insert(key.into(), value.trim_matches(['\'', '"']).into());
        }
        Ok(pairs)
    }

    /// `1h2m3.5s`, in milliseconds.
    fn duration(&self, text: &str) -> Result<u64, ParseError> {
        let mut total = 0.0;
        let mut number = String::new();
        for c in text.chars() {
            let unit = match c {
                'h' => 3_600_000.0,
                'm' => 60_000.0,
                's' => 1_000.0,
                _ => {
                    number.push(c);
                    continue;
                }
            };
            match number.parse::<f64>() {
                Ok(count) => total += count * unit,
                Err(_) => return self.error("bad duration"),
            }
            number.clear();
        }
        if number.is_empty() && !text.is_empty() { Ok(total as u64) } else { self.error("bad duration") }
    }
}
