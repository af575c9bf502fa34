//! `fuzz`: odd requests and odd command lines, and long ones. Nothing panics, hangs, takes long or breaks the store.
//!
//! Three parts share the time. Random cases go on in one cluster, so that controllers, kubelets and
//! printers meet whatever was let in; before each the cluster is cloned, so that a panic is told with
//! its input and the rest goes on. Long bodies fill each field of each kind, and what no schema thinks
//! of, up to 64 KiB; the same ones are made eight times as long to see how time grows.

mod bodies;
mod clock;
mod fields;
mod ledger;
mod long;
mod probes;
mod requests;
mod words;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};

use api::Object;
use api::wire::{Method, Request};
use engine::sim::Rng;
use engine::{Cluster, ClusterConfig};
use kubectl::Session;
use serde_json::Value;

use crate::args::Args;
use crate::swarm::manifests::{KINDS, manifest, name, weighed};
use ledger::Ledger;
use long::Subject;

const USAGE: &str = "fuzz [--seconds N] [--seed S] [--cases N] [--only TEXT] [--last FILE]";

/// What a request of up to 64 KiB may take: in a release build, and in one that checks everything.
const PATIENCE: Duration =
    if cfg!(debug_assertions) { Duration::from_millis(2_500) } else { Duration::from_millis(50) };
/// Random cases a cluster lives through: what was let in piles up, and a new one keeps a case short.
const CASES: usize = 3_000;

/// The longest that was seen of each kind of request, and what it was.
#[derive(Debug, Default)]
pub struct Worst(BTreeMap<String, (Duration, String)>);

impl Worst {
    fn note(&mut self, kind: &str, took: Duration, what: impl FnOnce() -> String) {
        match self.0.get_mut(kind) {
            Some(known) if known.0 >= took => {}
            Some(known) => *known = (took, what()),
            None => drop(self.0.insert(kind.to_owned(), (took, what()))),
        }
    }
}

/// What came of it.
#[derive(Default)]
pub struct Found {
    pub cases: usize,
    /// A name, a colon, and the input.
    pub broken: Vec<String>,
    /// How often which status was answered.
    pub answers: BTreeMap<String, usize>,
    pub worst: Worst,
}

impl Found {
    fn extend(&mut self, other: Found) {
        self.cases += other.cases;
        self.broken.extend(other.broken);
        for (what, count) in other.answers {
            *self.answers.entry(what).or_default() += count;
        }
        for (kind, (took, what)) in other.worst.0 {
            self.worst.note(&kind, took, || what);
        }
    }
}

/// # Errors
/// A bad flag, or how many cases broke something.
pub fn main(words: &[String]) -> Result<(), String> {
    let args = Args::read(USAGE, words)?;
    let seconds: u32 = args.number("--seconds")?.unwrap_or(120);
    let mut seed: u64 = args.number("--seed")?.unwrap_or(1);
    let last = args.text("--last");
    if let Some(cases) = args.number::<usize>("--cases")? {
        return told(run(seed, |_, done| done < cases, last), seed);
    }
    if let Some(only) = args.text("--only") {
        let mut found = measured(
            seed,
            |_| true,
            last,
            |subject, cluster, living, worst| {
                if !subject.name().contains(only) {
                    return Vec::new();
                }
                let mut found = subject.slow(cluster, seed, living, worst);
                found.extend(subject.growth(cluster, seed, living));
                found
            },
        );
        found.answers.clear();
        return told(found, seed);
    }
    let began = Instant::now();
    let share = |part: u32| began + Duration::from_secs(seconds.into()) * part / 3;
    let mut found = long_bodies(seed, |done| done < 40 || Instant::now() < share(1), last);
    found.extend(growth(seed, |done| done < 4 || Instant::now() < share(2)));
    let mut seeds = 0;
    while seeds == 0 || Instant::now() < share(3) {
        found.extend(run(seed, |_, cases| cases < CASES && Instant::now() < share(3), last));
        seed += 1;
        seeds += 1;
    }
    told(found, seed - seeds)
}

fn told(found: Found, seed: u64) -> Result<(), String> {
    for (what, count) in &found.answers {
        println!("{count:>8} × {what}");
    }
    println!("the longest of each:");
    for (kind, (took, what)) in &found.worst.0 {
        let what: String = what.chars().take(120).collect();
        println!("{:>9.1} ms  {kind}: {what}", took.as_secs_f64() * 1_000.0);
    }
    println!("from seed {seed}: {} cases, {} broke something", found.cases, found.broken.len());
    if found.broken.is_empty() { Ok(()) } else { Err(format!("{} cases broke something", found.broken.len())) }
}

/// Leaves a note of what is about to be tried: after a crash it is what is left.
fn note(last: Option<&str>, input: &str) {
    if let Some(file) = last {
        // A note that cannot be written is missed only by who asked for it.
        let _ = std::fs::write(file, input);
    }
}

/// Plays random cases of this seed while `goes_on` says so.
pub fn run(seed: u64, goes_on: impl Fn(Instant, usize) -> bool, last: Option<&str>) -> Found {
    let mut rng = Rng::stream(seed, "fuzz");
    let mut cluster = furnished(&mut rng);
    let examples = words::examples();
    let session = Rc::new(RefCell::new(Session::default()));
    let mut living = living(&cluster);
    let mut ledger = Ledger::default();
    let mut found = Found::default();
    let began = Instant::now();
    while goes_on(began, found.cases) {
        found.cases += 1;
        let number = found.cases;
        let (checkpoint, before) = (cluster.clone(), ledger.clone());
        let input = RefCell::new(String::new());
        let mut rng = Rng::stream(rng.next_u64(), "case");
        let played = catch_unwind(AssertUnwindSafe(|| {
            let worst = &mut found.worst;
            match rng.below(10) {
                0..=3 => requests::command(&mut rng, &mut cluster, &examples, &session, worst, |line| {
                    input.borrow_mut().push_str(line);
                    note(last, line);
                })?,
                _ => {
                    let request = requests::request(&mut rng, &living);
                    *input.borrow_mut() = requests::shown(&request);
                    note(last, &input.borrow());
                    requests::judged(&mut cluster, request, &mut found.answers, worst)?;
                }
            }
            ledger.look(&cluster)?;
            if number.is_multiple_of(25) {
                if !cluster.run_for(4_000, 20_000).complete {
                    return Err("busy: 20000 events in four seconds".to_owned());
                }
                ledger.look(&cluster)?;
            }
            Ok(())
        }));
        if let Err(why) = played.unwrap_or_else(|_| Err("panic".into())) {
            let shown: String = input.borrow().chars().take(4_000).collect();
            let text = format!("{why} (again: --seed {seed} --cases {number}): {shown}");
            println!("{text}\n");
            found.broken.push(text);
            (cluster, ledger) = (checkpoint, before);
            // A panic may have left the session borrowed.
            continue;
        }
        if number.is_multiple_of(500) {
            living = self::living(&cluster);
        }
    }
    found
}

/// Fills fields and plays probes, at 64 KiB.
pub fn long_bodies(seed: u64, goes_on: impl Fn(usize) -> bool, last: Option<&str>) -> Found {
    measured(seed, goes_on, last, |subject, cluster, living, worst| subject.slow(cluster, seed, living, worst))
}

/// Twice the body, twice the time.
pub fn growth(seed: u64, goes_on: impl Fn(usize) -> bool) -> Found {
    measured(seed ^ 0x9e37, goes_on, None, |subject, cluster, living, _| subject.growth(cluster, seed, living))
}

fn measured(
    seed: u64,
    goes_on: impl Fn(usize) -> bool,
    last: Option<&str>,
    measure: impl Fn(&Subject, &Cluster, &[Value], &mut Worst) -> Vec<String>,
) -> Found {
    let mut rng = Rng::stream(seed, "long");
    let mut cluster = furnished(&mut rng);
    // Where a quota or a range refuses every pod, nothing is measured.
    for limits in ["resourcequotas", "limitranges"] {
        cluster.request(Request::new(Method::Delete, format!("/api/v1/namespaces/default/{limits}")));
    }
    let living = living(&cluster);
    // Probes first; each subject once, in an order of the seed's.
    let mut subjects: Vec<Subject> = fields::spots().into_iter().map(Subject::Spot).collect();
    for at in (1..subjects.len()).rev() {
        subjects.swap(at, rng.below(at as u64 + 1) as usize);
    }
    let probes = probes::all().map(Subject::Probe);
    let mut found = Found::default();
    for subject in probes.chain(subjects) {
        if !goes_on(found.cases) {
            break;
        }
        found.cases += 1;
        note(last, &subject.name());
        let played = catch_unwind(AssertUnwindSafe(|| measure(&subject, &cluster, &living, &mut found.worst)));
        for why in played.unwrap_or_else(|_| vec![format!("panic: {}", subject.name())]) {
            println!("{why}\n");
            found.broken.push(why);
        }
    }
    found
}

/// A cluster with something of everything.
fn furnished(rng: &mut Rng) -> Cluster {
    let mut cluster = Cluster::new(ClusterConfig::default());
    cluster.run_for(30_000, usize::MAX);
    cluster.request(bodies::definition_request());
    for number in 0..28 {
        let body = if number < 3 {
            bodies::thing(rng)
        } else {
            let kind = weighed(rng, KINDS);
            let name = name(rng, kind);
            manifest(rng, kind, "default", &name)
        };
        let path = bodies::collection(&body).expect("it is served");
        cluster.request(Request::new(Method::Post, path).with_json(body));
    }
    cluster.run_for(20_000, usize::MAX);
    cluster
}

/// Some of every kind.
fn living(cluster: &Cluster) -> Vec<Value> {
    let snapshot = cluster.snapshot();
    let kinds = snapshot.kinds().into_iter();
    kinds.flat_map(|kind| snapshot.objects(kind, "").take(8).map(Object::to_value).collect::<Vec<_>>()).collect()
}
