//! `replay`: plays transcripts and writes them out with our outputs.
//!
//! The kubectl is the page's, or a real one that speaks to the same cluster over HTTP. With `--runs N`, a case
//! that comes out otherwise is played with other seeds, too: `~` marks a step that is as recorded under one of
//! them, so that a draw or a delay decides it. What is written is always the first run.

mod differences;
mod judge;
mod via_kubectl;

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Instant;

use course::transcript::{self, InPage, Printed, Transcript};

use crate::args::Args;
use differences::Difference;
pub use differences::read as differences;
pub use judge::{Verdict, judge};
pub use via_kubectl::{ViaKubectl, minor_version};

const USAGE: &str = "replay --cases DIR --out DIR [--only GLOB] [--via-kubectl PATH] [--runs N]";

/// # Errors
/// A sentence on a bad flag or an unreadable directory; or how many cases could not be read or played, each
/// of which is reported and skipped.
pub fn main(words: &[String]) -> Result<(), String> {
    let options = Options::parse(words)?;
    let mut cases = Vec::new();
    collect(&options.cases, &mut cases)?;
    cases.sort();
    let started = Instant::now();
    let (mut played, mut skipped) = (0, 0);
    let differences = match &options.via {
        None => Vec::new(),
        Some(program) => differences(minor_version(program)?)?,
    };
    let mut report = Report::default();
    for path in cases {
        let name = path.strip_prefix(&options.cases).unwrap_or(&path).to_path_buf();
        if !matches_glob(&options.only, &name.to_string_lossy()) {
            continue;
        }
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let case = match transcript::parse(&text) {
            Ok(case) => case,
            Err(error) => {
                eprintln!("{}: {error}", path.display());
                skipped += 1;
                continue;
            }
        };
        let began = Instant::now();
        // A case that panics must not take the others along; its steps count as failed.
        let Ok(results) = catch_unwind(AssertUnwindSafe(|| options.play(&case))) else {
            eprintln!("{}: panicked", name.display());
            skipped += 1;
            continue;
        };
        let results = results?;
        let took = began.elapsed();
        if took.as_secs() >= 2 {
            eprintln!("{}: {:.1} s", name.display(), took.as_secs_f64());
        }
        let target = options.out.join(&name);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(|error| format!("{}: {error}", parent.display()))?;
        }
        fs::write(&target, transcript::write(&case, &results))
            .map_err(|error| format!("{}: {error}", target.display()))?;
        let shown = name.to_string_lossy();
        let verdicts = judge(&case, &results, &shown, &differences);
        let drawn = options.drawn(&case, &verdicts, &shown);
        report.add(&shown, &case, verdicts, &drawn);
        played += 1;
    }
    report.print(options.via.is_some().then_some(&differences));
    eprintln!("{played} cases in {:.1} s", started.elapsed().as_secs_f64());
    if skipped == 0 { Ok(()) } else { Err(format!("{skipped} cases could not be read or played")) }
}

/// Steps by area, those that differ and the differences that explained something.
#[derive(Default)]
struct Report {
    areas: BTreeMap<String, [usize; 3]>,
    other: Vec<String>,
    used: BTreeMap<usize, usize>,
}

impl Report {
    fn add(&mut self, name: &str, case: &Transcript, verdicts: Vec<(usize, Verdict)>, drawn: &BTreeMap<usize, u64>) {
        let area = name.split_once('/').map_or(".", |(area, _)| area);
        let counts = self.areas.entry(area.to_owned()).or_default();
        for (line, verdict) in verdicts {
            match verdict {
                Verdict::Exact => counts[0] += 1,
                Verdict::Explained(by) => {
                    counts[1] += 1;
                    by.into_iter().for_each(|number| *self.used.entry(number).or_default() += 1);
                }
                Verdict::Other => {
                    counts[2] += 1;
                    let step = case.steps.iter().find(|step| step.line == line);
                    let mark = drawn.get(&line).map_or(String::new(), |seed| format!("~ (seed {seed}) "));
                    self.other.push(format!("{mark}{name}:{line}: {}", step.map_or("", |step| &step.source[0])));
                }
            }
        }
    }

    /// The client's differences are only spoken of where there is a client.
    fn print(&self, differences: Option<&Vec<Difference>>) {
        for step in &self.other {
            println!("{step}");
        }
        for (number, difference) in differences.into_iter().flatten().enumerate() {
            if let Some(count) = self.used.get(&number) {
                println!("{count:>5} × the client {}", difference.reason);
            }
        }
        if let Some(unused) = differences.map(|all| all.len() - self.used.len()).filter(|unused| *unused > 0) {
            println!("{unused:>5} differences of the list explained nothing");
        }
        let mut total = [0; 3];
        for (area, counts) in &self.areas {
            println!("{area}: {}", said(*counts, differences.is_some()));
            (0..3).for_each(|at| total[at] += counts[at]);
        }
        println!("all: {}", said(total, differences.is_some()));
    }
}

fn said([exact, explained, other]: [usize; 3], client: bool) -> String {
    let explained = if client { format!(", explained by the client {explained}") } else { String::new() };
    format!("exact {exact}{explained}, other {other}")
}

struct Options {
    cases: PathBuf,
    out: PathBuf,
    only: String,
    via: Option<PathBuf>,
    runs: u64,
}

impl Options {
    fn play(&self, case: &Transcript) -> Result<Vec<Option<Printed>>, String> {
        match &self.via {
            None => Ok(transcript::play(case)),
            Some(program) => Ok(transcript::play_on(case, ViaKubectl::new(program, case)?).0),
        }
    }

    /// The differing steps that are as recorded with another seed, and the first such seed.
    fn drawn(&self, case: &Transcript, verdicts: &[(usize, Verdict)], name: &str) -> BTreeMap<usize, u64> {
        let mut drawn = BTreeMap::new();
        let mut open: Vec<usize> =
            verdicts.iter().filter(|(_, verdict)| *verdict == Verdict::Other).map(|(line, _)| *line).collect();
        for seed in 2..=self.runs {
            if open.is_empty() {
                break;
            }
            let mut bench = InPage::new(case);
            bench.cluster = transcript::seeded(case, seed);
            let results = transcript::play_on(case, bench).0;
            for (line, verdict) in judge(case, &results, name, &[]) {
                if verdict == Verdict::Exact && open.contains(&line) {
                    drawn.insert(line, seed);
                }
            }
            open.retain(|line| !drawn.contains_key(line));
        }
        drawn
    }

    fn parse(words: &[String]) -> Result<Self, String> {
        let args = Args::read(USAGE, words)?;
        let via = match args.text("--via-kubectl") {
            // A command is started in the case's folder; a bare name is looked for on the path.
            Some(path) if path.contains('/') => {
                Some(fs::canonicalize(path).map_err(|error| format!("{path}: {error}"))?)
            }
            path => path.map(PathBuf::from),
        };
        Ok(Self {
            cases: args.needed("--cases")?.into(),
            out: args.needed("--out")?.into(),
            only: args.text("--only").unwrap_or("*").into(),
            via,
            runs: args.number("--runs")?.unwrap_or(1),
        })
    }
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found)?;
        } else if path.extension().is_some_and(|ext| ext == "case") {
            found.push(path);
        }
    }
    Ok(())
}

/// `*` matches anything, slashes too; without one the pattern may stand anywhere in the name.
fn matches_glob(pattern: &str, name: &str) -> bool {
    let name = name.trim_end_matches(".case");
    if !pattern.contains('*') {
        return name.contains(pattern.trim_end_matches(".case"));
    }
    let parts: Vec<&str> = pattern.trim_end_matches(".case").split('*').collect();
    let mut rest = name;
    for (index, part) in parts.iter().enumerate() {
        match rest.find(part) {
            Some(0) => rest = &rest[part.len()..],
            Some(at) if index > 0 => rest = &rest[at + part.len()..],
            _ => return false,
        }
    }
    rest.is_empty() || pattern.ends_with('*')
}
