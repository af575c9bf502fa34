//! `history`: the event hash of each transcript and of some of the swarm's seeds, to hold the wasm tests against.

use std::fs;
use std::path::Path;

use course::transcript;
use tools::args::Args;

const USAGE: &str = "history FILE…";

/// Prints a word per file: its name without the ending, `=`, sixteen hex digits.
///
/// # Errors
/// A flag, or a file that cannot be read or understood.
pub fn main(words: &[String]) -> Result<(), String> {
    let args = Args::read(USAGE, words)?;
    let mut words = Vec::new();
    for file in args.words {
        let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
        let case = transcript::parse(&text).map_err(|error| format!("{file}: {error}"))?;
        let name = Path::new(file).file_stem().unwrap_or_default().to_string_lossy();
        words.push(format!("{name}={:016x}", transcript::history(&case)));
    }
    words.extend(tools::swarm::life::words());
    println!("{}", words.join(" "));
    Ok(())
}
