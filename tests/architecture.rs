//! Rules that no compiler holds: who may know whom, how long a file may be, what the engine may not touch.
//!
//! Each rule lists every breach at once, with the file and the reason.

mod crates;
mod engine;
mod sources;
mod style;

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the repository").to_owned()
}

/// Every file below `dir` with this extension, as path from the root and text, sorted.
fn files(dir: &str, extension: &str) -> Vec<(String, String)> {
    let root = root();
    let (mut found, mut open) = (Vec::new(), vec![root.join(dir)]);
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                let name =
                    path.strip_prefix(&root).expect("it was found below the root").to_string_lossy().into_owned();
                found.push((name, fs::read_to_string(&path).expect("sources are UTF-8")));
            }
        }
    }
    found.sort();
    found
}

/// The lines that are compiled into the product: no comments, nothing from `#[cfg(test)]` on.
fn product_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(at, line)| (at + 1, line))
        .take_while(|(_, line)| !line.trim_start().starts_with("#[cfg(test)]"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Whether a file holds only tests.
fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// Fails with one line per breach.
fn assert_none(rule: &str, breaches: Vec<String>) {
    assert!(breaches.is_empty(), "{rule}\n  {}", breaches.join("\n  "));
}
