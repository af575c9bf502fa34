//! Our own transcripts: what the learner types and what comes back, byte for byte. Played twice, they are equal.
//!
//! The engine is deterministic, so names, addresses and ages are compared as they stand.
//! `cargo xtask bless` rewrites the expected lines; read the diff before you commit it.

use std::fs;
use std::path::{Path, PathBuf};

use course::transcript::{parse, play, write};

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts");
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder is part of the repository")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "case"))
        .collect();
    found.sort();
    found
}

#[test]
fn transcripts_print_what_they_say() {
    let bless = std::env::var_os("PILOTHOUSE_BLESS").is_some();
    let mut wrong = Vec::new();
    for path in cases() {
        let text = fs::read_to_string(&path).expect("it was just listed");
        let case = parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let played = write(&case, &play(&case));
        if bless {
            fs::write(&path, played).expect("the folder is writable");
        } else if played != text {
            let diff = similar::TextDiff::from_lines(&text, &played).unified_diff().to_string();
            wrong.push(format!("{}\n{diff}", path.file_name().unwrap_or_default().to_string_lossy()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_same_inputs_give_the_same_outputs() {
    for path in cases() {
        let text = fs::read_to_string(&path).expect("it was just listed");
        let case = parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(play(&case), play(&case), "{}", path.display());
    }
}
