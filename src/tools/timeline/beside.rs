//! A recording and ours side by side: which requests both have, and when; which only one has.
//!
//! Components run side by side, and so do their workers, one for each object. So the order is held
//! lane by lane: what one writer does to one object. Objects of generated names are alike; which of
//! ours stands for which recorded one is found by what became of them. What other runs of ours have
//! otherwise (other seeds: other delays, other draws) is by chance here as it is there.

mod entry;

use std::collections::{BTreeMap, BTreeSet};

use super::player::Line;
use entry::Entry;

/// A recorded entry and ours by their places, or one of them.
type Pair = (Option<usize>, Option<usize>);
/// Component, kind, object.
type Lane<'a> = (&'a str, &'a str, &'a str);
/// An object's name, and the places of what was done to it.
type Life<'a> = (&'a str, Vec<usize>);

/// Prints one line per request of the first run: the recorded second, ours, and the request; `-` where
/// one is missing. `~` marks what is missing or too much, but not in every run.
pub fn print(recording: &str, runs: &[Vec<Line>]) {
    let (of_the_machine, lines): (Vec<&str>, Vec<&str>) =
        recording.lines().partition(|line| Entry::tells_of_the_machine(line));
    let mut recorded: Vec<Entry> = lines.into_iter().filter_map(Entry::recorded).collect();
    entry::name_families(&mut recorded);
    let runs: Vec<Vec<Entry>> = runs.iter().map(|lines| read(lines)).collect();
    let paired: Vec<Vec<Pair>> = runs.iter().map(|ours| pair(&recorded, ours)).collect();
    let (Some(ours), Some(first)) = (runs.first(), paired.first()) else { return };
    let somewhere: BTreeSet<usize> =
        paired.iter().flatten().filter(|pair| pair.1.is_some()).filter_map(|pair| pair.0).collect();
    let in_every_run = |text: &str| runs.iter().all(|run| count(run, text) >= count(ours, text));

    println!("# recorded | ours | component verb resource/name status");
    let (mut shared, mut missing, mut extra, mut chance) = (0, 0, 0, [0, 0]);
    for (left, right) in first {
        let (theirs, our) = (left.map(|at| &recorded[at]), right.map(|at| &ours[at]));
        let text = theirs.or(our).map(Entry::text).unwrap_or_default();
        let mark = match (left, right) {
            (Some(_), Some(_)) => {
                shared += 1;
                "  "
            }
            (Some(left), None) => {
                missing += 1;
                chance[0] += usize::from(somewhere.contains(left));
                if somewhere.contains(left) { "<~" } else { "< " }
            }
            (None, _) => {
                extra += 1;
                chance[1] += usize::from(!in_every_run(&text));
                if in_every_run(&text) { "> " } else { ">~" }
            }
        };
        let seconds = |entry: Option<&Entry>| entry.map_or_else(|| "-".into(), |entry| format!("{:.3}", entry.at));
        println!("{mark} {:>9} {:>9}  {text}", seconds(theirs), seconds(our));
    }
    println!("# {shared} in both, {missing} only recorded, {extra} only ours");
    let apart = |pair: &Pair| Some((recorded[pair.0?].at - ours[pair.1?].at).abs());
    let mut apart: Vec<f64> = first.iter().filter_map(apart).collect();
    apart.sort_by(f64::total_cmp);
    let within = |percent: usize| apart.get(apart.len() * percent / 100).copied().unwrap_or(0.0);
    println!("# half of those in both are within {:.3} s, nine tenths within {:.3} s", within(50), within(90));
    if !of_the_machine.is_empty() {
        println!("# left out: {} recorded reports of cgroups of that machine", of_the_machine.len());
    }
    if runs.len() > 1 {
        let [theirs, our] = chance;
        println!("# by chance in {} runs: {theirs} of those only recorded, {our} of those only ours", runs.len());
    }
}

fn read(lines: &[Line]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = lines.iter().filter_map(Entry::ours).collect();
    entry::name_families(&mut entries);
    entries
}

fn count(run: &[Entry], text: &str) -> usize {
    run.iter().filter(|entry| entry.text() == text).count()
}

/// Lines both, in the order of the recording's time.
fn pair(recorded: &[Entry], ours: &[Entry]) -> Vec<Pair> {
    let alike = stand_ins(recorded, ours);
    let mut lanes: BTreeMap<Lane, [Vec<usize>; 2]> = BTreeMap::new();
    for (at, entry) in recorded.iter().enumerate() {
        lanes.entry(lane(entry, &entry.name)).or_default()[0].push(at);
    }
    for (at, entry) in ours.iter().enumerate() {
        let name = alike.get(entry.name.as_str()).copied().unwrap_or(&entry.name);
        lanes.entry(lane(entry, name)).or_default()[1].push(at);
    }
    let mut pairs: Vec<Pair> = lanes.values().flat_map(|[left, right]| align(recorded, left, ours, right)).collect();
    let time = |pair: &Pair| pair.0.map(|at| recorded[at].at).or(pair.1.map(|at| ours[at].at)).unwrap_or(0.0);
    pairs.sort_by(|a, b| time(a).total_cmp(&time(b)));
    pairs
}

/// What one writer does to one object; all commands are one lane, and so are births of a kind.
fn lane<'a>(entry: &'a Entry, name: &'a str) -> Lane<'a> {
    let name = if entry.is_birth() { "" } else { name };
    (&entry.component, entry.kind(), name)
}

/// Our objects of generated names, and the recorded one each of them is most like.
fn stand_ins<'a>(recorded: &'a [Entry], ours: &'a [Entry]) -> BTreeMap<&'a str, &'a str> {
    let mut made = BTreeMap::new();
    let (theirs, mine) = (lives(recorded), lives(ours));
    for (family, left) in &theirs {
        let Some(right) = mine.get(family) else { continue };
        let mut likeness: Vec<(usize, usize, usize)> = Vec::new();
        for (i, (_, there)) in left.iter().enumerate() {
            for (j, (_, here)) in right.iter().enumerate() {
                let pairs = align(recorded, there, ours, here);
                likeness.push((pairs.iter().filter(|pair| pair.0.is_some() && pair.1.is_some()).count(), i, j));
            }
        }
        // The most alike first; of equals those that came first.
        likeness.sort_by_key(|(alike, i, j)| (usize::MAX - alike, *i, *j));
        let (mut taken, mut given) = (BTreeSet::new(), BTreeSet::new());
        for (_, i, j) in likeness {
            if !taken.contains(&i) && !given.contains(&j) {
                taken.insert(i);
                given.insert(j);
                made.insert(right[j].0, left[i].0);
            }
        }
    }
    made
}

/// The lives of the objects of generated names, by family: the places of what was done to each.
fn lives(entries: &[Entry]) -> BTreeMap<&str, Vec<Life<'_>>> {
    let mut families: BTreeMap<&str, Vec<Life>> = BTreeMap::new();
    for (at, entry) in entries.iter().enumerate() {
        if !entry.is_generated() || entry.name.is_empty() || entry.is_birth() {
            continue;
        }
        let family = families.entry(&entry.family).or_default();
        match family.iter_mut().find(|(name, _)| *name == entry.name) {
            Some((_, life)) => life.push(at),
            None => family.push((&entry.name, vec![at])),
        }
    }
    families
}

/// The longest common run of entries, with what stands between.
fn align(recorded: &[Entry], left: &[usize], ours: &[Entry], right: &[usize]) -> Vec<Pair> {
    let left: Vec<(usize, String)> = left.iter().map(|at| (*at, recorded[*at].text())).collect();
    let right: Vec<(usize, String)> = right.iter().map(|at| (*at, ours[*at].text())).collect();
    let width = right.len() + 1;
    let mut longest = vec![0_u32; (left.len() + 1) * width];
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            longest[i * width + j] = if left[i].1 == right[j].1 {
                longest[(i + 1) * width + j + 1] + 1
            } else {
                longest[(i + 1) * width + j].max(longest[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut made) = (0, 0, Vec::new());
    while i < left.len() || j < right.len() {
        if i < left.len() && j < right.len() && left[i].1 == right[j].1 {
            made.push((Some(left[i].0), Some(right[j].0)));
            (i, j) = (i + 1, j + 1);
        } else if j == right.len() || (i < left.len() && longest[(i + 1) * width + j] >= longest[i * width + j + 1]) {
            made.push((Some(left[i].0), None));
            i += 1;
        } else {
            made.push((None, Some(right[j].0)));
            j += 1;
        }
    }
    made
}
