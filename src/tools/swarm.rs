//! `swarm [--seeds N] [--seconds S] [--from SEED] [--minutes M] [--keep 1,2,…] [--list]`: random workloads under random faults, and what must hold regardless.
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
use std::time::{Duration, Instant};

use engine::Cluster;
use engine::sim::Millis;

use actions::Action;
use always::Watcher;
use life::{QUIET, cluster, sliced};

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
    let flag = |name: &str| words.iter().position(|word| word == name).and_then(|at| words.get(at + 1));
    let count = |name: &str, default: u64| {
        flag(name).map_or(Ok(default), |text| text.parse().map_err(|_| format!("{name} takes a number")))
    };
    let (seeds, from, minutes) = (count("--seeds", 100)?, count("--from", 1)?, count("--minutes", 20)?);
    let keep: Option<Vec<usize>> = flag("--keep").map(|text| text.split(',').filter_map(|n| n.parse().ok()).collect());
    let tell = words.iter().any(|word| word == "--list");
    let limit = flag("--seconds").and_then(|text| text.parse().ok()).map(Duration::from_secs);
    let began = Instant::now();
    let (mut played, mut events, mut failed, mut breaches) = (0_u64, 0, 0, 0);
    for seed in from..from + seeds {
        if limit.is_some_and(|limit| began.elapsed() > limit) {
            break;
        }
        played += 1;
        let mut history = actions::history(seed, minutes * 60_000);
        if let Some(keep) = &keep {
            history.retain(|action| keep.contains(&action.number));
        }
        let outcome = check(seed, &history);
        if tell {
            outcome.told.iter().for_each(|line| println!("{line}"));
        }
        events += outcome.events;
        if !outcome.broken.is_empty() {
            failed += 1;
            breaches += outcome.broken.len();
            report(seed, minutes, history, outcome);
        }
    }
    println!(
        "{played} seeds from {from}, {events} events, {breaches} violations in {failed} seeds, {:.1} s",
        began.elapsed().as_secs_f64()
    );
    println!("one of them again: cargo xtask swarm --seeds 1 --from SEED --minutes {minutes} --list");
    if failed == 0 { Ok(()) } else { Err(format!("{failed} of {played} seeds broke something")) }
}

/// Plays a seed's history; what it broke.
pub fn play(seed: u64, span: Millis) -> Outcome {
    check(seed, &actions::history(seed, span))
}

fn report(seed: u64, minutes: u64, history: Vec<Action>, outcome: Outcome) {
    println!("seed {seed}: {}", outcome.broken.join("\n  "));
    let (history, outcome) = shrink(seed, history, outcome);
    let kept: Vec<String> = history.iter().map(|action| action.number.to_string()).collect();
    println!("  shortened to {} actions: {}", history.len(), outcome.broken.join("\n  "));
    outcome.told.iter().rev().take(25).rev().for_each(|line| println!("    {line}"));
    println!(
        "  again: cargo xtask swarm --seeds 1 --from {seed} --minutes {minutes} --list --keep {}\n",
        kept.join(",")
    );
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
