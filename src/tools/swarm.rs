//! `swarm [--seeds N] [--from SEED] [--minutes M] [--keep 1,2,…] [--list]`: random workloads under random faults, and what must hold regardless.
//!
//! A seed is a history: requests and machine events at random times. After every event the
//! invariants of [`always`] hold; when all faults are healed and fifteen minutes have passed, those
//! of [`settled`]. The same history in other slices of time gives the same hash. A history that
//! breaks something is shortened by dropping actions, and how to see it again is printed.

mod actions;
mod always;
pub mod manifests;
mod settled;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use engine::sim::{Millis, Rng};
use engine::{Cluster, ClusterConfig, NodeConfig};

use actions::Action;
use always::Watcher;

/// Nodes are Ready before anything happens.
const WARM_UP: Millis = 60_000;
/// How long the cluster is left alone in the end.
const QUIET: Millis = 15 * 60_000;
/// How long a failing history may be shortened.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a history came to.
pub struct Outcome {
    /// `name: sentence`; nothing when all was well.
    pub broken: Vec<String>,
    /// A line per action.
    pub told: Vec<String>,
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
    let began = Instant::now();
    let mut failed = 0;
    for seed in from..from + seeds {
        let mut history = actions::history(seed, minutes * 60_000);
        if let Some(keep) = &keep {
            history.retain(|action| keep.contains(&action.number));
        }
        let outcome = check(seed, &history);
        if tell {
            outcome.told.iter().for_each(|line| println!("{line}"));
        }
        if !outcome.broken.is_empty() {
            failed += 1;
            report(seed, minutes, history, outcome);
        }
    }
    println!("{seeds} seeds, {failed} broken, in {:.1} s", began.elapsed().as_secs_f64());
    if failed == 0 { Ok(()) } else { Err(format!("{failed} of {seeds} seeds broke something")) }
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
    let mut told = Vec::new();
    let played = catch_unwind(AssertUnwindSafe(|| watched(seed, history, &mut told)));
    let (broken, hash) = played.unwrap_or_else(|_| (vec!["panic: see above".into()], 0));
    let mut outcome = Outcome { broken, told, hash };
    if outcome.broken.is_empty() && sliced(seed, history) != outcome.hash {
        outcome.broken.push("slices: another slicing of time is another history".into());
    }
    outcome
}

fn cluster(seed: u64) -> Cluster {
    let mut rng = Rng::stream(seed, "swarm cluster");
    let mut nodes = vec![NodeConfig::control_plane()];
    for number in 1..=2 + rng.below(3) {
        nodes.push(NodeConfig::worker(&format!("worker-{number}")));
    }
    let mut cluster = Cluster::new(ClusterConfig { seed, nodes, ..ClusterConfig::default() });
    cluster.run_for(WARM_UP, usize::MAX);
    for namespace in manifests::NAMESPACES {
        let body = serde_json::json!({"metadata": {"name": namespace}});
        let request = api::wire::Request::new(api::wire::Method::Post, "/api/v1/namespaces").with_json(body);
        // `default` is there already.
        let _ = cluster.request(request);
    }
    cluster.run_for(2_000, usize::MAX);
    cluster
}

fn watched(seed: u64, history: &[Action], told: &mut Vec<String>) -> (Vec<String>, u64) {
    let mut cluster = cluster(seed);
    let mut watcher = Watcher::default();
    let start = cluster.now();
    let mut until = |cluster: &mut Cluster, at: Millis| -> Result<(), String> {
        while cluster.next_event_at().is_some_and(|due| due <= at) {
            cluster.step_event();
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
    (settled::breaches(&cluster.snapshot()), cluster.event_hash())
}

/// The same history, time passing in random pieces.
fn sliced(seed: u64, history: &[Action]) -> u64 {
    let mut rng = Rng::stream(seed, "slices");
    let mut cluster = cluster(seed);
    let start = cluster.now();
    let mut until = |cluster: &mut Cluster, at: Millis| loop {
        let rest = at.saturating_sub(cluster.now());
        let span = rest.min(1 + rng.below(60_000));
        let ran = cluster.run_for(span, 1 + rng.below(400) as usize);
        if ran.complete && span == rest {
            return;
        }
    };
    for action in history {
        until(&mut cluster, start + action.at);
        action.happen(&mut cluster);
    }
    actions::heal(&mut cluster);
    let end = cluster.now() + QUIET;
    until(&mut cluster, end);
    cluster.event_hash()
}
