//! A recording and ours side by side: which requests both have, and when; which only one has.
//!
//! Components run side by side, so the order is held lane by lane: what one writer does to one kind.

use super::player::{Line, What};

/// A request, reduced to what two runs can share, and when it came.
struct Entry {
    at: f64,
    text: String,
}

/// Prints one line per request: the recorded second, ours, and the request; `-` where one is missing.
pub fn print(recording: &str, lines: &[Line]) {
    let recorded: Vec<Entry> = recording.lines().filter_map(recorded).collect();
    let ours: Vec<Entry> = lines.iter().filter_map(ours).collect();
    println!("# recorded | ours | component verb resource/name status");
    let (mut shared, mut missing, mut extra) = (0, 0, 0);
    let mut lanes: Vec<(&str, &str)> = recorded.iter().chain(&ours).map(Entry::lane).collect();
    lanes.sort_unstable();
    lanes.dedup();
    let mut lines: Vec<(Option<&Entry>, Option<&Entry>)> = Vec::new();
    for lane in lanes {
        let left: Vec<&Entry> = recorded.iter().filter(|entry| entry.lane() == lane).collect();
        let right: Vec<&Entry> = ours.iter().filter(|entry| entry.lane() == lane).collect();
        lines.extend(pairs(&left, &right));
    }
    let at = |line: &(Option<&Entry>, Option<&Entry>)| line.0.or(line.1).map_or(0.0, |entry| entry.at);
    lines.sort_by(|a, b| at(a).total_cmp(&at(b)));
    for (left, right) in lines {
        let seconds = |entry: Option<&Entry>| entry.map_or_else(|| "-".into(), |entry| format!("{:.3}", entry.at));
        let text = left.or(right).map_or("", |entry| entry.text.as_str());
        let mark = match (left, right) {
            (Some(_), Some(_)) => {
                shared += 1;
                ' '
            }
            (Some(_), None) => {
                missing += 1;
                '<'
            }
            (None, _) => {
                extra += 1;
                '>'
            }
        };
        println!("{mark} {:>9} {:>9}  {text}", seconds(left), seconds(right));
    }
    println!("# {shared} in both, {missing} only recorded, {extra} only ours");
}

impl Entry {
    /// One writer and one kind: `kubelet … pods`; all commands are one lane.
    fn lane(&self) -> (&str, &str) {
        let mut words = self.text.split_whitespace();
        match words.next().unwrap_or_default() {
            "$" => ("$", ""),
            component => (component, words.nth(1).unwrap_or_default().split('/').next().unwrap_or_default()),
        }
    }
}

/// A recorded line: `    0.065  kubectl      create  deployments/web 201  …`.
fn recorded(line: &str) -> Option<Entry> {
    let (seconds, rest) = line.trim_start().split_once("  ")?;
    let at = seconds.parse().ok()?;
    if rest.starts_with("$ ") {
        return Some(Entry { at, text: rest.to_owned() });
    }
    let mut words = rest.split_whitespace();
    let (component, verb, object, code) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let code: u16 = code.parse().ok().filter(|_| !rest.starts_with(' '))?;
    let body: Vec<&str> = words.collect();
    Some(Entry { at, text: reduced(component, verb, object, code, &body.join(" ")) })
}

fn ours(line: &Line) -> Option<Entry> {
    let at = line.at as f64 / 1000.0;
    match &line.what {
        What::Said(text) => text.starts_with("$ ").then(|| Entry { at, text: text.clone() }),
        What::Request { component, verb, object, code, body } => {
            Some(Entry { at, text: reduced(component, verb, object, *code, body) })
        }
    }
}

fn reduced(component: &str, verb: &str, object: &str, code: u16, body: &str) -> String {
    let mut object = object.to_owned();
    let mut said = String::new();
    if object.starts_with("events/") {
        // The time in an event's name is another one; its reason is not.
        object = object.rsplit_once('.').map_or(object.clone(), |(name, _)| name.to_owned());
        said =
            if verb == "create" { body.split_whitespace().nth(1).unwrap_or_default().to_owned() } else { body.into() };
    }
    let parts: Vec<String> = object.split('/').map(without_chance).collect();
    format!("{component:<18} {verb:<7} {} {code}  {said}", parts.join("/")).trim_end().to_owned()
}

/// A name whose generated parts are left out: hashes, random endings, times, addresses.
fn without_chance(name: &str) -> String {
    let generated = |part: &str| {
        let random = part.chars().all(|c| "bcdfghjklmnpqrstvwxz2456789".contains(c));
        (random && matches!(part.len(), 5 | 8..=10)) || (part.len() >= 8 && part.chars().all(|c| c.is_ascii_digit()))
    };
    if name.split('.').count() == 4 && name.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return "…".into();
    }
    let parts: Vec<&str> = name.split('-').map(|part| if generated(part) { "…" } else { part }).collect();
    parts.join("-")
}

/// The longest common run of entries, with what stands between.
fn pairs<'a>(left: &[&'a Entry], right: &[&'a Entry]) -> Vec<(Option<&'a Entry>, Option<&'a Entry>)> {
    let width = right.len() + 1;
    let mut longest = vec![0_u32; (left.len() + 1) * width];
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            longest[i * width + j] = if left[i].text == right[j].text {
                longest[(i + 1) * width + j + 1] + 1
            } else {
                longest[(i + 1) * width + j].max(longest[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut made) = (0, 0, Vec::new());
    while i < left.len() || j < right.len() {
        if i < left.len() && j < right.len() && left[i].text == right[j].text {
            made.push((Some(left[i]), Some(right[j])));
            (i, j) = (i + 1, j + 1);
        } else if j == right.len() || (i < left.len() && longest[(i + 1) * width + j] >= longest[i * width + j + 1]) {
            made.push((Some(left[i]), None));
            i += 1;
        } else {
            made.push((None, Some(right[j])));
            j += 1;
        }
    }
    made
}
