//! Tools that read text and write text: they wait for their input, line by line.

use std::collections::VecDeque;

use super::super::catalogue::ToolSet;
use super::super::fs::{Errno, absolute};
use super::super::kernel::{Read, Sys};
use super::super::process::{Process, Step, Wait};
use super::text::{Kind, parse};
use super::{Start, Tool, complain};

#[derive(Debug, Clone)]
pub enum Source {
    Stdin,
    File(String),
    /// `/dev/zero`
    Zeros,
}

/// A running filter: where its text comes from and what it makes of it.
#[derive(Debug, Clone)]
pub struct Filter {
    name: String,
    pub kind: Kind,
    sources: VecDeque<Source>,
    /// Several files: names are printed.
    many: bool,
    partial: Vec<u8>,
    status: i32,
    /// Anything could be read, or nothing had to be opened.
    opened: bool,
    /// A file was shown under its name.
    shown: bool,
}

pub fn start(name: &str, args: &[String], process: &Process, sys: &mut Sys) -> Start {
    let parsed = match parse(name, args) {
        Ok(parsed) => parsed,
        Err(error) => return Start::Exit(complain(process, sys, name, &error)),
    };
    if name == "tail" {
        if parsed.files.iter().any(|file| file == "/dev/zero") {
            // It keeps the last "line" of an endless file: memory grows until somebody objects.
            return Start::Run(Tool::Hog { goal: u64::MAX, per_second: 400 << 20, then: None });
        }
        if args.iter().any(|arg| matches!(arg.as_str(), "-f" | "-F")) {
            return follow(&parsed.files, process);
        }
    }
    let zeros = |file: &String| file == "/dev/zero";
    if !matches!(parsed.kind, Kind::HeadBytes { .. }) && parsed.files.iter().any(zeros) {
        return Start::Run(Tool::Yes { line: "\0".repeat(64) });
    }
    let mut kind = parsed.kind;
    if let Kind::Tee { paths, append } = &mut kind {
        for path in paths.iter_mut() {
            *path = absolute(&process.cwd, path);
            let now = sys.now;
            let append = *append;
            if let Err(error) = sys.view().write(path, &[], append, now) {
                complain(process, sys, name, &format!("{path}: {}", error.text()));
            }
        }
    }
    if let (Kind::Sed(script), false) = (&kind, parsed.files.is_empty())
        && script.in_place
    {
        return Start::Exit(edit_in_place(&kind, &parsed.files, process, sys));
    }
    let mut files = parsed.files;
    let mut many = files.len() > 1;
    if let Kind::Grep(grep) = &kind
        && grep.is_recursive()
    {
        many = true;
        files = below(if files.is_empty() { vec![".".to_owned()] } else { files }, process, sys);
        if files.is_empty() {
            return Start::Exit(1);
        }
    }
    let opened = files.is_empty();
    let mut sources: VecDeque<Source> = files.into_iter().map(source).collect();
    if sources.is_empty() {
        sources.push_back(Source::Stdin);
    }
    Start::Run(Tool::Filter(Box::new(Filter {
        name: name.to_owned(),
        kind,
        sources,
        many,
        partial: Vec::new(),
        status: 0,
        opened,
        shown: false,
    })))
}

fn source(file: String) -> Source {
    match file.as_str() {
        "-" => Source::Stdin,
        "/dev/zero" => Source::Zeros,
        _ => Source::File(file),
    }
}

/// The files in and below these paths, depth first.
fn below(paths: Vec<String>, process: &Process, sys: &mut Sys) -> Vec<String> {
    let mut files = Vec::new();
    let mut stack: Vec<String> = paths.into_iter().rev().collect();
    while let Some(path) = stack.pop() {
        let full = absolute(&process.cwd, &path);
        if sys.view().is_dir(&full) {
            let names = sys.view().list(&full).into_iter().rev();
            stack.extend(names.map(|name| format!("{}/{name}", path.trim_end_matches('/'))));
        } else {
            files.push(path);
        }
    }
    files
}

fn follow(files: &[String], process: &Process) -> Start {
    match files.first() {
        None => Start::Run(Tool::Forever),
        Some(file) if file == "/dev/null" => Start::Run(Tool::Forever),
        Some(file) => Start::Run(Tool::Follow { path: absolute(&process.cwd, file), offset: 0 }),
    }
}

fn edit_in_place(kind: &Kind, files: &[String], process: &Process, sys: &mut Sys) -> i32 {
    let mut status = 0;
    for file in files {
        let path = absolute(&process.cwd, file);
        let Ok(data) = sys.view().read(&path) else {
            status = complain(process, sys, "sed", &format!("{file}: No such file or directory"));
            continue;
        };
        let mut kind = kind.clone();
        let mut out = String::new();
        let text = String::from_utf8_lossy(&data).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            kind.line(line, None, index + 1 == lines.len(), &mut out);
        }
        let now = sys.now;
        if let Err(error) = sys.view().write(&path, out.as_bytes(), false, now) {
            status = complain(process, sys, "sed", &format!("{file}: {}", error.text()));
        }
    }
    status
}

impl Filter {
    pub fn step(&mut self, process: &mut Process, sys: &mut Sys) -> Step {
        let Some(source) = self.sources.front().cloned() else { return self.finish(process, sys) };
        match source {
            Source::File(file) => {
                self.sources.pop_front();
                self.file(&file, process, sys)
            }
            Source::Zeros => self.feed(&[0; 1 << 14], None, process, sys),
            Source::Stdin => {
                let mut fd = process.fds.remove(&0);
                let read = sys.read(fd.as_mut());
                let step = match read {
                    Read::Data(data) => self.feed(&data, None, process, sys),
                    Read::Block(pipe) => Step::Wait(Wait::Read(pipe)),
                    Read::End => {
                        self.sources.pop_front();
                        self.flush(None, process, sys)
                    }
                };
                if let Some(fd) = fd {
                    process.fds.insert(0, fd);
                }
                step
            }
        }
    }

    fn file(&mut self, file: &str, process: &mut Process, sys: &mut Sys) -> Step {
        let path = absolute(&process.cwd, file);
        if matches!(path.as_str(), "/dev/null" | "/dev/stdin") {
            return Step::Continue;
        }
        match sys.file(&path) {
            Ok(data) if self.many && self.kind.has_headers() => {
                let mut out =
                    format!("{}==> {file} <==\n", if std::mem::replace(&mut self.shown, true) { "\n" } else { "" });
                self.opened = true;
                let mut kind = self.kind.clone();
                if kind.is_raw() {
                    kind.chunk(&data, &mut out);
                } else {
                    let text = String::from_utf8_lossy(&data).into_owned();
                    // The line that is the last one wanted ends it.
                    let _ = text.lines().any(|line| kind.line(line, None, false, &mut out));
                }
                kind.finish(&mut out);
                self.emit(&out, false, process, sys)
            }
            Ok(data) => {
                self.opened = true;
                self.kind.begin_file(file);
                let name = (self.many || self.kind.names_files()).then_some(file);
                match self.feed(&data, name, process, sys) {
                    Step::Continue => self.flush(name, process, sys),
                    other => other,
                }
            }
            Err(error) => {
                let debian = sys.kernel.binaries.tools == ToolSet::Debian;
                let text = match (self.name.as_str(), error) {
                    ("cat", Errno::IsDirectory) => "read error: Is a directory".to_owned(),
                    ("head", _) => format!("{file}: {}", error.text()),
                    ("cat" | "tail" | "wc", _) if debian => format!("{file}: {}", error.text()),
                    ("cat" | "tail" | "wc" | "sort", _) => format!("can't open '{file}': {}", error.text()),
                    _ => format!("{file}: {}", error.text()),
                };
                complain(process, sys, &self.name, &text);
                self.shown |= self.name == "head";
                self.status = if self.name == "grep" { 2 } else { 1 };
                Step::Continue
            }
        }
    }

    fn feed(&mut self, data: &[u8], name: Option<&str>, process: &mut Process, sys: &mut Sys) -> Step {
        let mut out = String::new();
        if let Kind::Cat | Kind::Tee { .. } = &self.kind {
            // Whatever it is, text or not, it goes on as it came.
            let read = sys.write(process.fds.get(&1), data);
            if let Kind::Tee { paths, .. } = &self.kind {
                let now = sys.now;
                for path in paths.clone() {
                    // A file that cannot be written was reported at the start.
                    let _ = sys.view().write(&path, data, true, now);
                }
            }
            return if read { Step::Continue } else { Step::Exit(141) };
        }
        if self.kind.is_raw() {
            let done = self.kind.chunk(data, &mut out);
            return self.emit(&out, done, process, sys);
        }
        self.partial.extend_from_slice(data);
        let last_newline = self.partial.iter().rposition(|byte| *byte == b'\n');
        let Some(at) = last_newline else { return Step::Continue };
        let rest = self.partial.split_off(at + 1);
        let whole = std::mem::replace(&mut self.partial, rest);
        let ends_here = self.partial.is_empty() && name.is_some();
        let text = String::from_utf8_lossy(&whole).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        let mut done = false;
        for (index, line) in lines.iter().enumerate() {
            let last = ends_here && index + 1 == lines.len();
            if self.kind.line(line, name, last, &mut out) {
                done = true;
                break;
            }
        }
        self.emit(&out, done, process, sys)
    }

    fn flush(&mut self, name: Option<&str>, process: &mut Process, sys: &mut Sys) -> Step {
        let mut out = String::new();
        let mut done = false;
        if !self.partial.is_empty() {
            let partial = std::mem::take(&mut self.partial);
            done = self.kind.line(&String::from_utf8_lossy(&partial), name, true, &mut out);
        }
        self.kind.end_of_file(name, &mut out);
        self.emit(&out, done, process, sys)
    }

    fn emit(&mut self, out: &str, done: bool, process: &Process, sys: &mut Sys) -> Step {
        if !out.is_empty() && !sys.write(process.fds.get(&1), out.as_bytes()) {
            return Step::Exit(141);
        }
        if done { self.finish(process, sys) } else { Step::Continue }
    }

    fn finish(&mut self, process: &Process, sys: &mut Sys) -> Step {
        let mut out = String::new();
        let status = self.kind.finish(&mut out);
        sys.write(process.fds.get(&1), out.as_bytes());
        if let Kind::Xargs { argv, words, most, place } = &self.kind {
            let (argv, words) = (argv.clone(), words.clone());
            let commands: Vec<Vec<String>> = match (place.clone(), *most) {
                (Some(place), _) => {
                    words.iter().map(|word| argv.iter().map(|arg| arg.replace(&place, word)).collect()).collect()
                }
                (None, most) if words.is_empty() || most.is_none() => vec![[argv, words].concat()],
                (None, most) => words
                    .chunks(most.unwrap_or(1).max(1))
                    .map(|words| [argv.clone(), words.to_vec()].concat())
                    .collect(),
            };
            let mut last = Step::Exit(0);
            for command in commands {
                last = self.xargs(command, process, sys);
            }
            return last;
        }
        if self.name == "tail" && !self.opened {
            complain(process, sys, "tail", "no files");
        }
        Step::Exit(if self.status != 0 { self.status } else { status })
    }

    fn xargs(&self, argv: Vec<String>, process: &Process, sys: &mut Sys) -> Step {
        let mut child = super::helper(process, argv, super::super::process::Body::Lent, sys.now);
        match super::launch(&mut child, sys) {
            super::Launch::Ready => {
                sys.kernel.add(child);
                Step::Exit(0)
            }
            super::Launch::Exited(code) => Step::Exit(code),
            super::Launch::NotFound | super::Launch::Denied | super::Launch::IsDirectory => {
                complain(process, sys, "xargs", &format!("{}: No such file or directory", child.argv[0]));
                Step::Exit(127)
            }
        }
    }
}
