//! `lessons`: proves every lesson, and prints the proof as a table.

use course::lesson::{Catalogue, prove};
use tools::args::Args;

const USAGE: &str = "lessons [ID…]";

/// # Errors
/// When a lesson cannot be read, there is none of a name, or a proof fails.
pub fn main(words: &[String]) -> Result<(), String> {
    let args = Args::read(USAGE, words)?;
    let catalogue = Catalogue::load().map_err(|error| error.to_string())?;
    if let Some(odd) = args.words.iter().find(|id| catalogue.lessons().all(|lesson| lesson.id() != **id)) {
        return Err(args.refused(&format!("there is no lesson {odd:?}")));
    }
    let mut failed = 0;
    println!("{:<24} {:>5} {:>11} {:>9}  proof", "lesson", "steps", "near-misses", "sim. min");
    for lesson in catalogue.lessons().filter(|lesson| args.words.is_empty() || args.words.contains(&lesson.id())) {
        let proof = prove(lesson);
        let word = if proof.faults.is_empty() { "holds" } else { "FAILS" };
        println!("{:<24} {:>5} {:>11} {:>9}  {word}", lesson.id(), proof.steps, proof.near_misses, proof.minutes);
        for fault in &proof.faults {
            println!("    {fault}");
        }
        for warning in &proof.warnings {
            println!("    (look: {warning})");
        }
        failed += usize::from(!proof.faults.is_empty());
    }
    if failed == 0 { Ok(()) } else { Err(format!("{failed} lessons are not proven")) }
}
