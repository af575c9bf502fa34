//! `lessons [ID]`: proves every lesson, and prints the proof as a table.

use course::lesson::{Catalogue, prove};

/// # Errors
/// When a lesson cannot be read, or a proof fails.
pub fn main(words: &[String]) -> Result<(), String> {
    let catalogue = Catalogue::load().map_err(|error| error.to_string())?;
    let mut failed = 0;
    println!("{:<24} {:>5} {:>11} {:>9}  proof", "lesson", "steps", "near-misses", "sim. min");
    for lesson in catalogue.lessons().filter(|lesson| words.is_empty() || words.iter().any(|id| id == lesson.id())) {
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
