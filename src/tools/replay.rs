//! `replay --cases DIR --out DIR [--only GLOB]`: plays transcripts and writes them out with our outputs.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Instant;

use course::transcript;

/// # Errors
/// A sentence on a bad flag or an unreadable directory. Cases that fail to parse are reported and skipped.
pub fn main(words: &[String]) -> Result<(), String> {
    let options = Options::parse(words)?;
    let mut cases = Vec::new();
    collect(&options.cases, &mut cases)?;
    cases.sort();
    let started = Instant::now();
    let mut played = 0;
    for path in cases {
        let name = path.strip_prefix(&options.cases).unwrap_or(&path).to_path_buf();
        if !matches_glob(&options.only, &name.to_string_lossy()) {
            continue;
        }
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let case = match transcript::parse(&text) {
            Ok(case) => case,
            Err(error) => {
                eprintln!("{}: {error}", path.display());
                continue;
            }
        };
        let began = Instant::now();
        // A case that panics must not take the others along; its steps count as failed.
        let Ok(results) = catch_unwind(AssertUnwindSafe(|| transcript::play(&case))) else {
            eprintln!("{}: panicked", name.display());
            continue;
        };
        let took = began.elapsed();
        if took.as_secs() >= 2 {
            eprintln!("{}: {:.1} s", name.display(), took.as_secs_f64());
        }
        let target = options.out.join(&name);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(|error| format!("{}: {error}", parent.display()))?;
        }
        fs::write(&target, transcript::write(&case, &results))
            .map_err(|error| format!("{}: {error}", target.display()))?;
        played += 1;
    }
    eprintln!("{played} cases in {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

struct Options {
    cases: PathBuf,
    out: PathBuf,
    only: String,
}

impl Options {
    fn parse(words: &[String]) -> Result<Self, String> {
        let usage = "usage: replay --cases DIR --out DIR [--only GLOB]";
        let (mut cases, mut out, mut only) = (None, None, "*".to_string());
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let value = words.next().ok_or(usage)?;
            match word.as_str() {
                "--cases" => cases = Some(PathBuf::from(value)),
                "--out" => out = Some(PathBuf::from(value)),
                "--only" => only.clone_from(value),
                _ => return Err(usage.into()),
            }
        }
        Ok(Self { cases: cases.ok_or(usage)?, out: out.ok_or(usage)?, only })
    }
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found)?;
        } else if path.extension().is_some_and(|ext| ext == "case") {
            found.push(path);
        }
    }
    Ok(())
}

/// `*` matches anything, slashes too; without one the pattern may stand anywhere in the name.
fn matches_glob(pattern: &str, name: &str) -> bool {
    let name = name.trim_end_matches(".case");
    if !pattern.contains('*') {
        return name.contains(pattern.trim_end_matches(".case"));
    }
    let parts: Vec<&str> = pattern.trim_end_matches(".case").split('*').collect();
    let mut rest = name;
    for (index, part) in parts.iter().enumerate() {
        match rest.find(part) {
            Some(0) => rest = &rest[part.len()..],
            Some(at) if index > 0 => rest = &rest[at + part.len()..],
            _ => return false,
        }
    }
    rest.is_empty() || pattern.ends_with('*')
}
