//! `replay`: plays transcripts and writes them out with our outputs.
//!
//! The kubectl is the page's, or a real one that speaks to the same cluster over HTTP. With `--runs N`, every case
//! is played with N seeds, and it is said of each step that is not always as recorded how often it is: what is so in
//! some runs is decided by a draw or a delay, what never is wants a rule. What is written is always the first run.

mod differences;
mod judge;
mod via_kubectl;

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Instant;

use course::transcript::{self, InPage, Printed, Transcript};
use engine::ClusterConfig;

use crate::args::Args;
use differences::Difference;
pub use differences::read as differences;
pub use judge::{Verdict, judge};
pub use via_kubectl::{ViaKubectl, minor_version};

const USAGE: &str = "replay --cases DIR --out DIR [--only GLOB] [--via-kubectl PATH] [--seed S] [--runs N]";

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
        let shares = options.shares(&case, &verdicts, &shown);
        report.add(&shown, &case, verdicts, &shares, options.runs);
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
    fn add(
        &mut self,
        name: &str,
        case: &Transcript,
        verdicts: Vec<(usize, Verdict)>,
        shares: &BTreeMap<usize, u64>,
        runs: u64,
    ) {
        let area = name.split_once('/').map_or(".", |(area, _)| area);
        let counts = self.areas.entry(area.to_owned()).or_default();
        for (line, verdict) in verdicts {
            let share = shares.get(&line).map(|share| format!("{share} of {runs} "));
            let luck = shares.get(&line).is_some_and(|share| *share < runs) && verdict == Verdict::Exact;
            if verdict == Verdict::Other || luck {
                let step = case.steps.iter().find(|step| step.line == line);
                let text = step.map_or("", |step| &step.source[0]);
                self.other.push(format!("{}{name}:{line}: {text}", share.unwrap_or_default()));
            }
            match verdict {
                Verdict::Exact => counts[0] += 1,
                Verdict::Explained(by) => {
                    counts[1] += 1;
                    by.into_iter().for_each(|number| *self.used.entry(number).or_default() += 1);
                }
                Verdict::Other => counts[2] += 1,
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

fn play(case: &Transcript, seed: u64) -> Vec<Option<Printed>> {
    let mut bench = InPage::new(case);
    if seed != ClusterConfig::default().seed {
        bench.cluster = transcript::seeded(case, seed);
    }
    transcript::play_on(case, bench).0
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
    seed: u64,
    runs: u64,
}

impl Options {
    fn play(&self, case: &Transcript) -> Result<Vec<Option<Printed>>, String> {
        match &self.via {
            None => Ok(play(case, self.seed)),
            Some(program) => Ok(transcript::play_on(case, ViaKubectl::new(program, case)?).0),
        }
    }

    /// How many of all runs are as recorded, by the line of the step; nothing where there is one run only.
    fn shares(&self, case: &Transcript, verdicts: &[(usize, Verdict)], name: &str) -> BTreeMap<usize, u64> {
        let mut shares = BTreeMap::new();
        let mut count = |verdicts: &[(usize, Verdict)]| {
            for (line, verdict) in verdicts {
                *shares.entry(*line).or_default() += u64::from(*verdict == Verdict::Exact);
            }
        };
        if self.runs > 1 && self.via.is_none() {
            count(verdicts);
            for run in 1..self.runs {
                count(&judge(case, &play(case, self.seed + run), name, &[]));
            }
        }
        shares
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
            seed: args.number("--seed")?.unwrap_or(ClusterConfig::default().seed),
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
