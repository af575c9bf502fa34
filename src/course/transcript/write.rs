//! Writing a played case back: the author's lines unchanged, our outputs below them.

use super::{Printed, Transcript};

/// `results` has one entry per step; `None` for steps that print nothing by nature.
pub fn write(transcript: &Transcript, results: &[Option<Printed>]) -> String {
    let mut out = String::new();
    for (step, result) in transcript.steps.iter().zip(results) {
        for line in &step.source {
            push(&mut out, line);
        }
        let Some(printed) = result else { continue };
        for line in lines(&printed.stdout) {
            push(&mut out, &format!("  {line}"));
        }
        for line in lines(&printed.stderr) {
            push(&mut out, if line.is_empty() { "!".into() } else { format!("! {line}") }.as_str());
        }
        if printed.status != "0" {
            push(&mut out, &format!("? {}", printed.status));
        }
        for note in &printed.notes {
            push(&mut out, &format!("#! {note}"));
        }
    }
    out
}

/// The lines of a text; the newline at its end is not a line of its own, and neither are blanks behind it.
fn lines(text: &str) -> Vec<&str> {
    let text = text.trim_end_matches(' ');
    if text.is_empty() {
        return Vec::new();
    }
    text.strip_suffix('\n').unwrap_or(text).split('\n').collect()
}

fn push(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}
