//! What every source file owes its reader.

use super::{assert_none, files, is_test, product_lines};

/// Above this a file should be split; the list is printed.
const LONG: usize = 500;
/// Above this it must be.
const TOO_LONG: usize = 700;
/// Tables and generated files: one row says as much as a hundred.
const TABLES: &[&str] = &["src/api/scheme/table.rs"];

fn sources() -> impl Iterator<Item = (String, String)> {
    ["src", "tests"].into_iter().flat_map(|dir| files(dir, "rs"))
}

#[test]
fn every_file_begins_by_saying_what_it_is() {
    let silent = sources().filter(|(_, text)| !text.starts_with("//!")).map(|(path, _)| path).collect();
    assert_none("the first line of a file is `//!` and says what the file is for:", silent);
}

#[test]
fn no_file_is_too_long_to_read() {
    let counted = sources().map(|(path, text)| (text.lines().count(), path));
    let mut long: Vec<_> = counted.filter(|(lines, path)| *lines > LONG && !TABLES.contains(&path.as_str())).collect();
    long.sort();
    for (lines, path) in &long {
        println!("{path}: {lines} lines; better below {LONG}");
    }
    let too_long = long.into_iter().filter(|(lines, _)| *lines > TOO_LONG);
    assert_none("files to be split:", too_long.map(|(lines, path)| format!("{path}: {lines} lines")).collect());
}

#[test]
fn no_test_is_switched_off() {
    // Built from two halves, so that this file does not break its own rule.
    let ignore = ["#[", "ignore"].concat();
    let off = sources().filter(|(_, text)| text.lines().any(|line| line.trim_start().starts_with(&ignore)));
    assert_none("a wrong answer is asserted with a note, not switched off:", off.map(|(path, _)| path).collect());
}

#[test]
fn only_the_environment_of_kubelets_knows_its_profile() {
    let mut breaches = Vec::new();
    for (path, text) in files("src/engine", "rs") {
        for (line, code) in product_lines(&text) {
            if code.contains("if kwok") || code.contains("is_kwok") {
                breaches.push(format!("{path}:{line}: {}", code.trim()));
            }
        }
    }
    assert_none("the kubelets' environment is data (a Profile), never a branch on its name:", breaches);
}

/// What the page would carry once more for each type, and the house's way.
const HEAVY: &[(&str, &str)] = &[
    (".sort(", "api::order: `order`"),
    (".sort_unstable(", "api::order: `order`"),
    (".sort_by(", "api::order: `order_by`"),
    (".sort_unstable_by(", "api::order: `order_by`"),
    (".sort_by_key(", "api::order: `order_by_key`"),
    (".sort_unstable_by_key(", "api::order: `order_by_key`"),
    (".sort_by_cached_key(", "api::order: `order_by_key`"),
    ("BTreeMap::from([", "api::order: `into_map`"),
    ("BTreeSet::from([", "api::order: `into_set`"),
    ("Map::from_iter(", "api::order: `into_object`"),
    ("serde_json::from_value(", "api::codec::decode"),
    ("serde_json::from_value::", "api::codec::decode"),
    ("serde_json::to_value(", "api::codec::encode"),
];

#[test]
fn what_is_written_for_every_type_is_written_once() {
    let mut breaches = Vec::new();
    for part in ["api", "engine", "kubectl", "course", "app"] {
        for (path, text) in files(&format!("src/{part}"), "rs") {
            let native = path.contains("/generate/") || path.ends_with("build.rs") || path.ends_with("testing.rs");
            if native || is_test(&path) || path == "src/api/order.rs" {
                continue;
            }
            for (line, code) in product_lines(&text) {
                let found = HEAVY.iter().filter(|(heavy, _)| code.contains(heavy));
                breaches.extend(found.map(|(_, instead)| format!("{path}:{line}: {instead}")));
            }
        }
    }
    assert_none("some kilobytes of the page for each type, and there is a way without:", breaches);
}
