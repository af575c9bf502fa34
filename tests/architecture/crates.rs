//! Which crate may know which: `api ← engine`, `api ← kubectl`, `{api, engine, kubectl} ← course ← app`.

use super::{assert_none, root};
use std::fs;

/// A crate and the crates of ours it may depend on.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("api", &[]),
    ("engine", &["api"]),
    ("kubectl", &["api"]),
    ("course", &["api", "engine", "kubectl"]),
    ("bridge", &["api", "engine"]),
    ("app", &["api", "engine", "kubectl", "course"]),
    ("tools", &["api", "engine", "kubectl", "course", "bridge"]),
    ("xtask", &[]),
];

#[test]
fn crates_know_only_those_below_them() {
    let ours: Vec<&str> = MAY_KNOW.iter().map(|(name, _)| *name).collect();
    let mut breaches = Vec::new();
    for (name, allowed) in MAY_KNOW {
        for known in dependencies(name).iter().filter(|known| ours.contains(&known.as_str())) {
            if !allowed.contains(&known.as_str()) {
                breaches.push(format!("src/{name}/Cargo.toml: {name} may not know {known}"));
            }
        }
    }
    assert_none("the dependency rule of src/README.md is broken:", breaches);
}

#[test]
fn every_crate_has_its_row_in_the_rule() {
    let folders = fs::read_dir(root().join("src")).expect("there is a src").flatten();
    let crates = folders.filter(|entry| entry.path().join("Cargo.toml").is_file());
    let unknown = crates.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let unknown = unknown.filter(|name| MAY_KNOW.iter().all(|(known, _)| known != name)).collect();
    assert_none("crates without a row in the rule:", unknown);
}

/// The front door must compile in seconds.
#[test]
fn xtask_depends_on_nothing() {
    assert_eq!(dependencies("xtask"), Vec::<String>::new());
}

/// The names in the dependency tables of a crate, those of its tests left out.
fn dependencies(name: &str) -> Vec<String> {
    let text =
        fs::read_to_string(root().join("src").join(name).join("Cargo.toml")).expect("every crate has a manifest");
    let mut inside = false;
    let mut names = Vec::new();
    for line in text.lines() {
        if line.starts_with('[') {
            inside = line.contains("dependencies") && !line.contains("dev-dependencies");
        } else if let Some((key, _)) = line.split_once(['=', '.']).filter(|_| inside && !line.starts_with('#')) {
            names.push(key.trim().to_owned());
        }
    }
    names
}
