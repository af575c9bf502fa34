//! `tar`: makes, lists and unpacks archives. It is what `kubectl cp` runs in a container.
//!
//! Mirrors: busybox archival/tar.c, and GNU tar's words where the image is Debian's. Left out:
//! compression, which no image here was built with, and owners, who are all root.

mod archive;

use super::super::catalogue::ToolSet;
use super::super::fs::{Errno, FileNode, absolute, parent_of};
use super::super::kernel::{Read, Sys};
use super::super::process::{Fd, Process, Step, Wait};
use super::super::shell::matches_glob;
use super::{Start, Tool, complain, print};
use archive::{Entry, Kind, Reader};

/// Directories within directories, and then no further.
const DEEPEST: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Job {
    Create,
    List,
    Extract,
}

/// What the command line asks for.
#[derive(Debug, Clone, Default)]
struct Options {
    verbose: bool,
    /// Times are those of unpacking (`-m`).
    touch: bool,
    to_stdout: bool,
    keep_old: bool,
    strip: usize,
    exclude: Vec<String>,
    /// `None` is standard input or output.
    file: Option<String>,
    /// Where it works; `-C` moves it.
    cwd: String,
    /// To be packed, each with the directory it is seen from; to be unpacked, if any are named.
    names: Vec<(String, String)>,
}

/// An archive being read from standard input.
#[derive(Debug, Clone)]
pub struct Tar {
    job: Job,
    options: Options,
    reader: Reader,
    status: i32,
    /// Said once that names lose their slash.
    warned: bool,
}

pub fn start(args: &[String], process: &mut Process, sys: &mut Sys) -> Start {
    let (job, options) = match parse(args, &process.cwd) {
        Ok(parsed) => parsed,
        Err(text) => {
            complain(process, sys, "tar", &text);
            return Start::Exit(if debian(sys) { 2 } else { 1 });
        }
    };
    let file = options.file.clone().map(|file| absolute(&process.cwd, &file));
    let mut tar = Tar { job, options, reader: Reader::default(), status: 0, warned: false };
    if job == Job::Create {
        return Start::Exit(tar.create(file.as_deref(), process, sys));
    }
    let Some(file) = file else { return Start::Run(Tool::Tar(Box::new(tar))) };
    match sys.file(&file) {
        Ok(bytes) => {
            tar.reader.push(&bytes);
            Start::Exit(match tar.entries(process, sys) {
                Some(code) => code,
                None => tar.end_of_input(process, sys),
            })
        }
        Err(error) => {
            let shown = tar.options.file.unwrap_or_default();
            let text = if debian(sys) {
                format!("{shown}: Cannot open: {}\ntar: Error is not recoverable: exiting now", error.text())
            } else {
                format!("can't open '{shown}': {}", error.text())
            };
            complain(process, sys, "tar", &text);
            Start::Exit(if debian(sys) { 2 } else { 1 })
        }
    }
}

fn debian(sys: &Sys) -> bool {
    sys.kernel.binaries.tools == ToolSet::Debian
}

/// # Errors
/// What is wrong with the command line.
fn parse(args: &[String], cwd: &str) -> Result<(Job, Options), String> {
    let mut options = Options { cwd: cwd.to_owned(), ..Options::default() };
    let mut job = None;
    let mut words = args.iter();
    let mut first = true;
    while let Some(word) = words.next() {
        let bundled = std::mem::take(&mut first) && !word.starts_with('-');
        if let Some(long) = word.strip_prefix("--") {
            let (name, inline) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            let mut value = || inline.map(str::to_owned).or_else(|| words.next().cloned()).unwrap_or_default();
            match name {
                "create" => job = Some(Job::Create),
                "list" => job = Some(Job::List),
                "extract" | "get" => job = Some(Job::Extract),
                "verbose" => options.verbose = true,
                "touch" => options.touch = true,
                "to-stdout" => options.to_stdout = true,
                "keep-old-files" => options.keep_old = true,
                "file" => options.file = Some(value()).filter(|file| file != "-"),
                "directory" => options.cwd = absolute(&options.cwd, &value()),
                "exclude" => options.exclude.push(value()),
                "strip-components" => options.strip = value().parse().map_err(|_| "invalid number".to_owned())?,
                // Whoever unpacks is root, and everything is root's.
                ""
                | "no-same-owner"
                | "no-same-permissions"
                | "same-owner"
                | "same-permissions"
                | "preserve-permissions"
                | "overwrite"
                | "no-recursion"
                | "numeric-owner"
                | "warning" => {}
                _ => return Err(format!("unrecognized option '--{name}'")),
            }
            continue;
        }
        let flags = match word.strip_prefix('-') {
            Some(flags) if !flags.is_empty() => flags,
            None if bundled => word,
            _ => {
                options.names.push((options.cwd.clone(), word.clone()));
                continue;
            }
        };
        let mut letters = flags.chars();
        while let Some(letter) = letters.next() {
            let mut value = |letters: &mut std::str::Chars| {
                // Bundled without a dash, values are the words that follow.
                let inline: String = if bundled { String::new() } else { letters.by_ref().collect() };
                if inline.is_empty() { words.next().cloned() } else { Some(inline) }
                    .ok_or_else(|| format!("option requires an argument -- '{letter}'"))
            };
            match letter {
                'c' => job = Some(Job::Create),
                't' => job = Some(Job::List),
                'x' => job = Some(Job::Extract),
                'v' => options.verbose = true,
                'm' => options.touch = true,
                'O' => options.to_stdout = true,
                'k' => options.keep_old = true,
                'f' => options.file = Some(value(&mut letters)?).filter(|file| file != "-"),
                'C' => options.cwd = absolute(&options.cwd, &value(&mut letters)?),
                'o' | 'p' | 'h' => {}
                other => return Err(format!("invalid option -- '{other}'")),
            }
        }
    }
    let job = job.ok_or_else(|| "need at least one option".to_owned())?;
    if job == Job::Create && options.names.is_empty() {
        return Err("empty archive".to_owned());
    }
    Ok((job, options))
}

impl Tar {
    /// Reads standard input until the archive or the input ends.
    pub fn step(&mut self, process: &mut Process, sys: &mut Sys) -> Step {
        let mut input = process.fds.remove(&0);
        let read = sys.read(input.as_mut());
        if let Some(input) = input {
            process.fds.insert(0, input);
        }
        match read {
            Read::Block(pipe) => Step::Wait(Wait::Read(pipe)),
            Read::Data(bytes) => {
                self.reader.push(&bytes);
                self.entries(process, sys).map_or(Step::Continue, Step::Exit)
            }
            Read::End => Step::Exit(self.end_of_input(process, sys)),
        }
    }

    /// Does what is to be done with the entries that are whole; the exit code when that was the last.
    fn entries(&mut self, process: &Process, sys: &mut Sys) -> Option<i32> {
        loop {
            match self.reader.entry() {
                Ok(Some(entry)) => self.entry(&entry, process, sys),
                Ok(None) => return self.reader.is_over().then(|| self.finish(process, sys)),
                Err(archive::Broken) => {
                    let text = if debian(sys) {
                        "This does not look like a tar archive\ntar: Exiting with failure status due to previous errors"
                    } else {
                        "invalid tar magic"
                    };
                    complain(process, sys, "tar", text);
                    return Some(if debian(sys) { 2 } else { 1 });
                }
            }
        }
    }

    fn end_of_input(&mut self, process: &Process, sys: &mut Sys) -> i32 {
        if !self.reader.is_between() {
            let text = if debian(sys) { "Unexpected EOF in archive" } else { "short read" };
            self.fail(text, process, sys);
        }
        self.finish(process, sys)
    }

    fn finish(&mut self, process: &Process, sys: &mut Sys) -> i32 {
        if self.status != 0 && debian(sys) {
            complain(process, sys, "tar", "Exiting with failure status due to previous errors");
        }
        self.status
    }

    fn fail(&mut self, text: &str, process: &Process, sys: &mut Sys) {
        complain(process, sys, "tar", text);
        self.status = if debian(sys) { 2 } else { 1 };
    }

    fn entry(&mut self, entry: &Entry, process: &Process, sys: &mut Sys) {
        let path = entry.path.trim_end_matches('/');
        let within = |name: &str| {
            let name = name.trim_end_matches('/');
            path == name || path.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'))
        };
        let wanted = self.options.names.is_empty() || self.options.names.iter().any(|(_, name)| within(name));
        if !wanted || self.excluded(path) {
            return;
        }
        if self.job == Job::List || self.options.verbose {
            let text = format!("{}\n", entry.path);
            // What is unpacked to the output must not be mixed with its name.
            let to = if self.options.to_stdout { 2 } else { 1 };
            sys.write(process.fds.get(&to), text.as_bytes());
        }
        if self.job == Job::Extract
            && let Err((shown, error)) = self.unpack(entry, process, sys)
        {
            let text = match (&entry.kind, debian(sys)) {
                (Kind::Dir, true) => format!("{shown}: Cannot mkdir: {}", error.text()),
                (Kind::File(_), true) => format!("{shown}: Cannot open: {}", error.text()),
                (_, true) => format!("{shown}: Cannot create symlink: {}", error.text()),
                (Kind::Dir, false) => format!("can't create directory '{shown}': {}", error.text()),
                (Kind::File(_), false) => format!("can't open '{shown}': {}", error.text()),
                (_, false) => format!("can't create symlink '{shown}': {}", error.text()),
            };
            self.fail(&text, process, sys);
        }
    }

    fn excluded(&self, path: &str) -> bool {
        let parts = path.split('/');
        self.options
            .exclude
            .iter()
            .any(|pattern| matches_glob(pattern, path) || parts.clone().any(|part| matches_glob(pattern, part)))
    }

    /// # Errors
    /// The name that could not be made, and why.
    fn unpack(&mut self, entry: &Entry, process: &Process, sys: &mut Sys) -> Result<(), (String, Errno)> {
        let mut name = self.relative(&entry.path, process, sys);
        for _ in 0..self.options.strip {
            name = name.split_once('/').map(|(_, rest)| rest.to_owned()).unwrap_or_default();
        }
        let shown = name.trim_end_matches('/').to_owned();
        let path = absolute(&self.options.cwd, &shown);
        let failed = |error: Errno| (shown.clone(), error);
        if shown.is_empty() || path == self.options.cwd {
            return Ok(());
        }
        if self.options.to_stdout {
            if let Kind::File(data) = &entry.kind {
                sys.write(process.fds.get(&1), data);
            }
            return Ok(());
        }
        let now = if self.options.touch { sys.now } else { entry.modified * 1_000 };
        // A folder may be missing from the archive, but not the one to unpack into.
        if !sys.view().is_dir(&self.options.cwd) {
            return Err(failed(Errno::NotFound));
        }
        make_dirs(parent_of(&path), sys, now).map_err(failed)?;
        let there = sys.view().entry(&path);
        if there.is_some() && self.options.keep_old {
            return Err(failed(Errno::Exists));
        }
        match &entry.kind {
            Kind::Dir => {
                make_dirs(&path, sys, now).map_err(failed)?;
                sys.view().chmod(&path, entry.mode).map_err(failed)
            }
            Kind::File(data) => {
                // The name is made anew: what a link there points to is not written to.
                if matches!(there, Some(FileNode::Link { .. })) {
                    sys.view().remove(&path).map_err(failed)?;
                }
                sys.view().write(&path, data, false, now).map_err(failed)?;
                sys.view().chmod(&path, entry.mode).map_err(failed)
            }
            Kind::Link(target) => {
                if matches!(there, Some(FileNode::Link { .. } | FileNode::File { .. })) {
                    sys.view().remove(&path).map_err(failed)?;
                }
                sys.view().link(&path, target, now).map_err(failed)
            }
            Kind::Hard(target) => {
                // There is one name for a file here: a copy stands in.
                let target = absolute(&self.options.cwd, target.trim_start_matches('/'));
                let data = sys.view().read(&target).map_err(failed)?;
                sys.view().write(&path, &data, false, now).map_err(failed)
            }
        }
    }

    /// A name as it stands in an archive: below wherever it will be unpacked.
    fn relative(&mut self, name: &str, process: &Process, sys: &mut Sys) -> String {
        let cut = name.rfind("../").map_or(0, |at| at + 3);
        let rest = name[cut..].trim_start_matches('/');
        let prefix = &name[..name.len() - rest.len()];
        if !prefix.is_empty() && !self.warned {
            self.warned = true;
            let text = if debian(sys) {
                format!("Removing leading `{prefix}' from member names")
            } else {
                format!("removing leading '{prefix}' from member names")
            };
            complain(process, sys, "tar", &text);
        }
        if rest == ".." { String::new() } else { rest.to_owned() }
    }

    fn create(&mut self, file: Option<&str>, process: &Process, sys: &mut Sys) -> i32 {
        let mut bytes = Vec::new();
        for (cwd, name) in self.options.names.clone() {
            let shown = self.relative(&name, process, sys);
            let shown = if shown.is_empty() { ".".to_owned() } else { shown.trim_end_matches('/').to_owned() };
            self.pack(&shown, &absolute(&cwd, &name), &name, 0, &mut bytes, process, sys);
        }
        archive::finish(&mut bytes);
        match file {
            None => {
                sys.write(process.fds.get(&1), &bytes);
            }
            Some(file) => {
                let now = sys.now;
                if let Err(error) = sys.view().write(file, &bytes, false, now) {
                    let shown = self.options.file.clone().unwrap_or_default();
                    self.fail(&format!("can't open '{shown}': {}", error.text()), process, sys);
                }
            }
        }
        self.finish(process, sys)
    }

    /// Appends a file, or a directory with all that is in it.
    fn pack(
        &mut self,
        shown: &str,
        path: &str,
        named: &str,
        depth: usize,
        bytes: &mut Vec<u8>,
        process: &Process,
        sys: &mut Sys,
    ) {
        if self.excluded(shown) {
            return;
        }
        let node = sys.view().entry(path).or_else(|| {
            let data = super::super::procfs::read(sys, path)?;
            Some(FileNode::File { data: data.into_bytes().into(), mode: 0o444, modified: sys.now })
        });
        let Some(node) = node else {
            let error = Errno::NotFound.text();
            let text = if debian(sys) { format!("{named}: Cannot stat: {error}") } else { format!("{named}: {error}") };
            return self.fail(&text, process, sys);
        };
        let (mode, modified, kind) = match node {
            FileNode::File { data, mode, modified } => (mode, modified, Kind::File(data.to_vec())),
            FileNode::Dir { mode, modified } => (mode, modified, Kind::Dir),
            FileNode::Link { target, modified } => (0o777, modified, Kind::Link(target.to_string())),
        };
        let is_dir = kind == Kind::Dir;
        let path_in_archive = if is_dir { format!("{shown}/") } else { shown.to_owned() };
        if self.options.verbose {
            let text = format!("{path_in_archive}\n");
            if self.options.file.is_some() {
                print(process, sys, &text);
            } else {
                sys.write(process.fds.get(&2).or(Some(&Fd::Null)), text.as_bytes());
            }
        }
        archive::write(&Entry { path: path_in_archive, mode, modified: modified / 1_000, kind }, bytes);
        if !is_dir || depth >= DEEPEST {
            return;
        }
        for name in sys.view().list(path) {
            let below = format!("{}/{name}", named.trim_end_matches('/'));
            self.pack(&format!("{shown}/{name}"), &absolute(path, &name), &below, depth + 1, bytes, process, sys);
        }
    }
}

/// Makes a directory and those that lead to it.
fn make_dirs(path: &str, sys: &mut Sys, now: u64) -> Result<(), Errno> {
    if sys.view().is_dir(path) {
        return Ok(());
    }
    make_dirs(parent_of(path), sys, now)?;
    sys.view().mkdir(path, now)
}
