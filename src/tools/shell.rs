//! `shell`: the page's shell on a simulated cluster, in your own terminal.
//!
//! Files are those of the folder it is started in. `sleep 30` lets virtual time pass, as the
//! page's play button does; a command that waits gets the time it waits for at once.

use std::cell::RefCell;
use std::io::{BufRead, IsTerminal, Write};
use std::rc::Rc;

use course::lesson::config_of;
use course::pump::{COMMAND_MILLIS, Job, run_to_end, step_to};
use engine::Cluster;
use kubectl::{Env, Files, Out, Session};
use tools::args::Args;

const USAGE: &str = "shell [CLUSTER] [--seed N]";

/// Nodes are Ready and loops quiet before the first prompt.
const WARM_UP: u64 = 120_000;
/// A command that never ends by itself (`get -w`, `logs -f`) is interrupted after this much virtual time.
const PATIENCE: u64 = 60_000;

/// # Errors
/// A bad flag, or a cluster that nobody knows.
pub fn main(words: &[String]) -> Result<(), String> {
    let args = Args::read(USAGE, words)?;
    let seed = args.number("--seed")?.unwrap_or(1);
    let preset = args.words.first().copied().unwrap_or("pizzeria-small");
    let mut cluster = Cluster::new(config_of(preset, seed)?);
    cluster.run_for(WARM_UP, usize::MAX);
    let session = Rc::new(RefCell::new(Session::default()));
    let asks = std::io::stdin().is_terminal();
    if asks {
        println!(
            "A simulated Kubernetes v1.36, {preset}. Try: kubectl get nodes. `sleep 30` passes time; Ctrl-D ends."
        );
    }
    loop {
        let Some(line) = next_line(asks) else { return Ok(()) };
        if matches!(line.trim(), "exit" | "quit") {
            return Ok(());
        }
        match line.trim().strip_prefix("sleep ").and_then(|span| span.trim_end_matches('s').parse::<u64>().ok()) {
            Some(seconds) => drop(cluster.run_for(seconds.saturating_mul(1_000), usize::MAX)),
            None => run(&line, &mut cluster, &session),
        }
    }
}

/// One command: a line, and those after it while a here-document is open.
fn next_line(asks: bool) -> Option<String> {
    let mut text = String::new();
    loop {
        if asks {
            print!("{}", if text.is_empty() { "$ " } else { "> " });
            // A terminal that is gone also ends the input below.
            let _ = std::io::stdout().flush();
        }
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line).ok()? == 0 {
            return (!text.is_empty()).then_some(text);
        }
        text.push_str(&line);
        if !here_document_is_open(&text) {
            return Some(text.trim_end_matches('\n').to_owned());
        }
    }
}

/// Whether `<<WORD` was opened and no line says WORD yet.
fn here_document_is_open(text: &str) -> bool {
    let Some((_, after)) = text.split_once("<<") else { return false };
    let word = after.trim_start_matches('-').split_whitespace().next().unwrap_or_default().trim_matches(['\'', '"']);
    !word.is_empty() && !text.lines().skip(1).any(|line| line.trim() == word)
}

fn run(line: &str, cluster: &mut Cluster, session: &Rc<RefCell<Session>>) {
    let files: Rc<dyn Files> = Rc::new(Folder);
    let mut job = Job::line(line, Env::new(files, session.clone()));
    let end = cluster.now() + COMMAND_MILLIS;
    if run_to_end(&mut job, cluster, PATIENCE, |_| {}).is_none() {
        job.interrupt(cluster);
    }
    for (stream, text) in job.take_output() {
        match stream {
            Out::Stderr => eprint!("{text}"),
            Out::Stdout => print!("{text}"),
        }
    }
    while cluster.now() < end {
        step_to(cluster, end);
    }
}

/// The folder the shell was started in.
struct Folder;

impl Files for Folder {
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(".").into_iter().flatten().flatten().filter(|entry| entry.path().is_file());
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn read(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(name).ok()
    }

    fn write(&self, name: &str, text: &str) {
        if let Err(error) = std::fs::write(name, text) {
            eprintln!("{name}: {error}");
        }
    }
}
