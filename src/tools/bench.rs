//! `bench`: the numbers the README states. One file per measurement; here are the list, the yardstick, the median.
//!
//! Times are wall-clock and meant for an otherwise idle machine. The yardstick is a fixed piece of
//! work timed in the same run: two machines, or two days, are compared by their ratio to it. So is the
//! last release, whose figures stand beside today's.

mod api;
mod idle;
mod last;
mod rollout;
mod scheduling;

use std::hint::black_box;
use std::time::{Duration, Instant};

use tools::args::Args;

const USAGE: &str = "bench [--keep] [NAME…]";

struct Measurement {
    name: &'static str,
    about: &'static str,
    run: fn(),
}

const MEASUREMENTS: &[Measurement] = &[
    Measurement { name: "rollout", about: "1,000 pods of a Deployment on 20 nodes, in slices", run: rollout::main },
    Measurement { name: "api", about: "create, get, list, watch and patch, with admission", run: api::main },
    Measurement { name: "idle", about: "an hour with probes; a second of a large quiet cluster", run: idle::main },
    Measurement { name: "scheduling", about: "30,000 pods on 5,000 nodes", run: scheduling::main },
];

/// Runs the named measurements, or all of them; `--keep` makes theirs the figures to compare with.
///
/// # Errors
/// An unknown name.
pub fn main(words: &[String]) -> Result<(), String> {
    let args = Args::read(USAGE, words)?;
    let known = || MEASUREMENTS.iter().map(|one| one.name).collect::<Vec<_>>().join(", ");
    if let Some(odd) = args.words.iter().find(|name| MEASUREMENTS.iter().all(|one| one.name != **name)) {
        return Err(args.refused(&format!("no measurement is called {odd:?}; there are: {}", known())));
    }
    let yardstick = millis(median(3, yardstick));
    last::begin(yardstick);
    println!("yardstick                 {yardstick:>10.0} ms   FNV-1a over 256 MiB");
    for one in MEASUREMENTS.iter().filter(|one| args.words.is_empty() || args.words.contains(&one.name)) {
        println!("\n{}: {}", one.name, one.about);
        (one.run)();
    }
    if args.has("--keep") { last::keep() } else { Ok(()) }
}

/// Work that takes the same number of steps everywhere.
fn yardstick() -> Duration {
    let started = Instant::now();
    let hash = (0..1_u64 << 28)
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ (byte & 0xff)).wrapping_mul(0x100_0000_01b3));
    black_box(hash);
    started.elapsed()
}

/// The middle one of `times` runs.
fn median(times: usize, mut run: impl FnMut() -> Duration) -> Duration {
    let mut all: Vec<Duration> = (0..times).map(|_| run()).collect();
    all.sort();
    all[times / 2]
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

/// One line of the report, the last release beside it.
fn line(name: &str, number: f64, unit: &str, remark: &str) {
    let before = last::beside(name, number, unit).map(|before| format!("(last release {before:.1})"));
    println!("  {name:<24}{number:>12.1} {unit:<11} {:<26} {remark}", before.unwrap_or_default());
}

/// Resident memory of this process in bytes; 0 where the system does not tell.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.split_whitespace().next()).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1024
}
