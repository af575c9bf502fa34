//! `timeline`: who wrote what, when, in answer to what, in the form of the recorded timelines.
//!
//! The scenarios are in `timeline/scenarios.yaml`. Shown are writes with what they carried, and reads
//! of single objects by kubectl; not shown, as in the recordings: leases and the regular reports of
//! nodes. `--beside FILE` holds a recording against it, line by line; with `--runs N` it also says which
//! differences are by chance: they are not there in all of N runs. Chance comes from `--seed`; with
//! `--jitter off` every delay has its least length.

mod beside;
mod body;
mod player;

use std::fs;

use engine::client::Profile;
use serde_json::Value;
use tools::args::Args;

use player::{Line, Player};

const SCENARIOS: &str = include_str!("timeline/scenarios.yaml");
const USAGE: &str = "timeline NAME | --list [--beside FILE [--runs N]] [--seed N] [--jitter off]";

/// # Errors
/// A missing word, an unknown name, or a file that cannot be read.
pub fn main(words: &[String]) -> Result<(), String> {
    let scenarios: Value = serde_yaml::from_str(SCENARIOS).map_err(|error| error.to_string())?;
    let names = || scenarios.as_object().into_iter().flatten().map(|(name, scenario)| (name.as_str(), scenario));
    let args = Args::read(USAGE, words)?;
    if args.has("--list") {
        names().for_each(|(name, scenario)| println!("{name:<18} {}", text(scenario, "title")));
        return Ok(());
    }
    let Some(name) = args.words.first() else { return Err(args.refused("which timeline?")) };
    let Some((_, scenario)) = names().find(|(known, _)| known == name) else {
        let known: Vec<&str> = names().map(|(name, _)| name).collect();
        return Err(args.refused(&format!("no timeline is called {name:?}; there are: {}", known.join(", "))));
    };
    let (seed, runs): (u64, u64) = (args.number("--seed")?.unwrap_or(1), args.number("--runs")?.unwrap_or(1));
    let mut profile = Profile::kubelet();
    match args.text("--jitter") {
        None => {}
        Some("off") => profile.jitter = false,
        Some(_) => return Err(args.refused("--jitter can only be off")),
    }
    match args.text("--beside") {
        Some(file) => {
            let recording = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
            let played = (0..runs).map(|run| play(scenario, seed + run, profile.clone())).collect::<Vec<_>>();
            beside::print(&recording, &played);
        }
        None => {
            let lines = play(scenario, seed, profile);
            println!("# {}", text(scenario, "title"));
            println!("# seconds since the first command | component | verb resource/name status | what it wrote");
            lines.iter().for_each(|line| println!("{line}"));
        }
    }
    Ok(())
}

fn play(scenario: &Value, seed: u64, profile: Profile) -> Vec<Line> {
    let mut player = Player::new(seed, profile, seconds_of_day(text(scenario, "clock")));
    for step in scenario["steps"].as_array().into_iter().flatten() {
        player.until(step["at"].as_u64().unwrap_or(0));
        match step["kubelet"].as_str() {
            Some(what) => player.kubelet(what == "stop"),
            None => player.command(text(step, "run"), step["stdin"].as_str().map(str::to_owned)),
        }
    }
    player.until(scenario["lasts"].as_u64().unwrap_or(0));
    player.finish()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// `15:25:23` in seconds since midnight.
fn seconds_of_day(clock: &str) -> u64 {
    clock.split(':').filter_map(|part| part.parse::<u64>().ok()).fold(0, |sum, part| sum * 60 + part)
}
