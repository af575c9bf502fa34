//! `swarm`: random workloads under random faults, and what must hold regardless.
//!
//! A seed is a history: requests and machine events at random times. After every event the
//! invariants of [`always`] hold; when all faults are healed and fifteen minutes have passed, those
//! of [`settled`]. The same history in other slices of time gives the same hash. A history that
//! breaks something is shortened by dropping actions, and how to see it again is printed.

mod actions;
mod always;
pub mod life;
pub mod manifests;
mod settled;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use engine::Cluster;
use engine::sim::Millis;

use crate::args::Args;
use actions::Action;
use always::Watcher;
use life::{QUIET, cluster, sliced};

const USAGE: &str = "swarm [--seeds N] [--seconds S] [--from SEED] [--minutes M] [--threads T] [--keep 1,2,…] [--list]";

/// How long a failing history may be shortened.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a history came to.
pub struct Outcome {
    /// `name: sentence`; nothing when all was well.
    pub broken: Vec<String>,
    /// A line per action.
    pub told: Vec<String>,
    /// Events handled, each looked at.
    pub events: u64,
    hash: u64,
}

/// # Errors
/// A bad flag, or how many seeds broke something.
pub fn main(words: &[String]) -> Result<(), String> {
    let args = Args::read(USAGE, words)?;
    let count = |name: &str, default: u64| Ok::<u64, String>(args.number(name)?.unwrap_or(default));
    let (seeds, from, minutes) = (count("--seeds", 100)?, count("--from", 1)?, count("--minutes", 20)?);
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let threads = count("--threads", cores)?.clamp(1, seeds.max(1));
    let kept = |text: &str| text.split(',').map(str::parse).collect::<Result<Vec<usize>, _>>();
    let keep = args.text("--keep").map(kept).transpose().map_err(|_| args.refused("--keep takes numbers"))?;
    let limit = args.number("--seconds")?.map(Duration::from_secs);
    let run = Run { minutes, keep, tell: args.has("--list"), began: Instant::now(), limit };
    // A seed knows nothing of the others: whoever is free takes the next.
    let next = AtomicU64::new(from);
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let workers = (0..threads).map(|_| scope.spawn(|| run.seeds(&next, from + seeds))).collect::<Vec<_>>();
        workers.into_iter().map(|worker| worker.join().unwrap_or_default()).collect()
    });
    let sum = |of: fn(&Tally) -> u64| tallies.iter().map(of).sum::<u64>();
    let (played, failed) = (sum(|tally| tally.played), sum(|tally| tally.failed));
    println!(
        "{played} seeds from {from}, {} events, {} violations in {failed} seeds, {:.1} s",
        sum(|tally| tally.events),
        sum(|tally| tally.breaches),
        run.began.elapsed().as_secs_f64()
    );
    if failed == 0 {
        return Ok(());
    }
    println!("one of them again: cargo xtask swarm --seeds 1 --from SEED --minutes {minutes} --list");
    Err(format!("{failed} of {played} seeds broke something"))
}

/// What all seeds of a run have in common.
struct Run {
    minutes: u64,
    keep: Option<Vec<usize>>,
    tell: bool,
    began: Instant,
    limit: Option<Duration>,
}

/// What came of some seeds.
#[derive(Default)]
struct Tally {
    played: u64,
    events: u64,
    failed: u64,
    breaches: u64,
}

impl Run {
    /// Plays one seed after the other, below `end`, while there is time.
    fn seeds(&self, next: &AtomicU64, end: u64) -> Tally {
        let mut tally = Tally::default();
        while self.limit.is_none_or(|limit| self.began.elapsed() <= limit) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                break;
            }
            let mut history = actions::history(seed, self.minutes * 60_000);
            if let Some(keep) = &self.keep {
                history.retain(|action| keep.contains(&action.number));
            }
            let outcome = check(seed, &history);
            tally.played += 1;
            tally.events += outcome.events;
            let mut said = String::new();
            if self.tell {
                outcome.told.iter().for_each(|line| said += &format!("{line}\n"));
            }
            if !outcome.broken.is_empty() {
                tally.failed += 1;
                tally.breaches += outcome.broken.len() as u64;
                said += &report(seed, self.minutes, history, outcome);
            }
            // In one piece, for others speak, too.
            print!("{said}");
        }
        tally
    }
}

/// Plays a seed's history; what it broke.
pub fn play(seed: u64, span: Millis) -> Outcome {
    check(seed, &actions::history(seed, span))
}

fn report(seed: u64, minutes: u64, history: Vec<Action>, outcome: Outcome) -> String {
    let mut said = format!("seed {seed}: {}\n", outcome.broken.join("\n  "));
    let (history, outcome) = shrink(seed, history, outcome);
    let kept: Vec<String> = history.iter().map(|action| action.number.to_string()).collect();
    said += &format!("  shortened to {} actions: {}\n", history.len(), outcome.broken.join("\n  "));
    outcome.told.iter().rev().take(25).rev().for_each(|line| said += &format!("    {line}\n"));
    said + &format!(
        "  again: cargo xtask swarm --seeds 1 --from {seed} --minutes {minutes} --list --keep {}\n\n",
        kept.join(",")
    )
}

/// Drops actions while the same thing stays broken.
fn shrink(seed: u64, mut history: Vec<Action>, mut outcome: Outcome) -> (Vec<Action>, Outcome) {
    let name =
        |broken: &[String]| broken.first().and_then(|text| text.split(':').next()).unwrap_or_default().to_owned();
    let wanted = name(&outcome.broken);
    let began = Instant::now();
    let mut size = history.len() / 2;
    while size > 0 && began.elapsed() < PATIENCE {
        let mut at = 0;
        while at < history.len() && began.elapsed() < PATIENCE {
            let mut fewer = history.clone();
            fewer.drain(at..(at + size).min(fewer.len()));
            let tried = check(seed, &fewer);
            if tried.broken.iter().any(|text| name(std::slice::from_ref(text)) == wanted) {
                (history, outcome) = (fewer, tried);
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    (history, outcome)
}

/// Plays a history event by event, then in other slices.
fn check(seed: u64, history: &[Action]) -> Outcome {
    let (mut told, mut events) = (Vec::new(), 0);
    let played = catch_unwind(AssertUnwindSafe(|| watched(seed, history, &mut told, &mut events)));
    let (broken, hash) = played.unwrap_or_else(|_| (vec!["panic: see above".into()], 0));
    let mut outcome = Outcome { broken, told, events, hash };
    if outcome.broken.is_empty() && sliced(seed, history) != outcome.hash {
        outcome.broken.push("slices: another slicing of time is another history".into());
    }
    outcome
}

fn watched(seed: u64, history: &[Action], told: &mut Vec<String>, events: &mut u64) -> (Vec<String>, u64) {
    let mut cluster = cluster(seed);
    let mut watcher = Watcher::default();
    let start = cluster.now();
    let mut until = |cluster: &mut Cluster, at: Millis| -> Result<(), String> {
        while cluster.next_event_at().is_some_and(|due| due <= at) {
            cluster.step_event();
            *events += 1;
            watcher
                .look(cluster)
                .map_err(|why| format!("{why} (at {:.3} s)", (cluster.now() - start) as f64 / 1000.0))?;
        }
        let rest = at.saturating_sub(cluster.now());
        cluster.run_for(rest, usize::MAX);
        Ok(())
    };
    for action in history {
        if let Err(why) = until(&mut cluster, start + action.at) {
            return (vec![why], 0);
        }
        told.push(action.happen(&mut cluster));
    }
    actions::heal(&mut cluster);
    let end = cluster.now() + QUIET;
    if let Err(why) = until(&mut cluster, end) {
        return (vec![why], 0);
    }
    let snapshot = cluster.snapshot();
    let mut broken = settled::breaches(&snapshot);
    broken.extend(snapshot.contradictions().into_iter().map(|why| format!("contradiction: {why}")));
    (broken, cluster.event_hash())
}
