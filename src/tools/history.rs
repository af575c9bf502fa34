//! `history FILE…`: the event hash of each transcript, so that the wasm tests can be held against it.

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
    println!("{}", words.join(" "));
    Ok(())
}
