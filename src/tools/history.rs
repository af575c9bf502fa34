//! `history FILE…`: the event hash of each transcript and of some of the swarm's seeds, to hold the wasm tests against.

use std::fs;
use std::path::Path;

use course::transcript;

/// Prints a word per file: its name without the ending, `=`, sixteen hex digits.
///
/// # Errors
/// A file that cannot be read or understood.
pub fn main(files: &[String]) -> Result<(), String> {
    let mut words = Vec::new();
    for file in files {
        let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
        let case = transcript::parse(&text).map_err(|error| format!("{file}: {error}"))?;
        let name = Path::new(file).file_stem().unwrap_or_default().to_string_lossy();
        words.push(format!("{name}={:016x}", transcript::history(&case)));
    }
    words.extend(tools::swarm::life::words());
    println!("{}", words.join(" "));
    Ok(())
}
