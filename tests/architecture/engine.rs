//! Inside the engine: parts meet in the API only, and nothing depends on the machine it runs on.

use super::{assert_none, files, is_test, product_lines};

/// A part of `src/engine` and the parts it may name.
/// `sim ← apiserver ← client ← {controllers, scheduler, kubelet, network} ← cluster`.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("sim", &[]),
    ("apiserver", &["sim"]),
    ("client", &["sim", "apiserver"]),
    ("controllers", &["sim", "apiserver", "client"]),
    ("scheduler", &["sim", "apiserver", "client"]),
    ("kubelet", &["sim", "apiserver", "client"]),
    ("network", &["sim", "apiserver", "client"]),
    ("cluster", &["sim", "apiserver", "client", "controllers", "scheduler", "kubelet", "network"]),
];

/// What would make a run depend on more than its inputs, or tie the engine to one platform.
const BANNED: &[(&str, &str)] = &[
    ("SystemTime", "time is the timeline's; an argument where it is needed"),
    ("Instant::now", "time is the timeline's; an argument where it is needed"),
    ("Date::now", "time is the timeline's; an argument where it is needed"),
    ("HashMap", "its order differs from run to run: BTreeMap or imbl::OrdMap"),
    ("HashSet", "its order differs from run to run: BTreeSet or imbl::OrdSet"),
    ("rand::", "chance comes from the seeded sim::Rng"),
    ("getrandom", "chance comes from the seeded sim::Rng"),
    ("std::thread", "the engine is synchronous"),
    ("std::env", "the engine sees no machine"),
    ("std::fs", "the engine sees no machine"),
    ("TcpStream", "the engine sees no machine"),
    ("TcpListener", "the engine sees no machine"),
    ("web_sys", "the engine knows no browser"),
    ("js_sys", "the engine knows no browser"),
    ("println!", "the engine says nothing; it returns"),
];

#[test]
fn components_never_import_one_another() {
    let mut breaches = Vec::new();
    for (path, text) in files("src/engine", "rs") {
        let part = part(&path);
        let Some((_, allowed)) = MAY_NAME.iter().find(|(name, _)| *name == part) else { continue };
        if is_test(&path) {
            continue;
        }
        for (line, code) in product_lines(&text) {
            for (named, _) in MAY_NAME {
                let names_it =
                    code.contains(&format!("crate::{named}::")) || code.contains(&format!("crate::{named};"));
                if names_it && *named != part && !allowed.contains(named) {
                    breaches.push(format!("{path}:{line}: {part} may not name {named}"));
                }
            }
        }
    }
    assert_none("sim ← apiserver ← client ← {components} ← cluster is broken:", breaches);
}

#[test]
fn every_part_of_the_engine_has_its_row_in_the_rule() {
    // lib.rs is the façade; the two others are facts about the whole.
    let free = ["lib", "snapshot", "unsupported"];
    let parts = files("src/engine", "rs").into_iter().map(|(path, _)| part(&path).to_owned());
    let mut unknown: Vec<_> =
        parts.filter(|part| !free.contains(&part.as_str()) && MAY_NAME.iter().all(|(name, _)| name != part)).collect();
    unknown.dedup();
    assert_none("parts without a row in the rule:", unknown);
}

#[test]
fn a_run_is_a_function_of_its_inputs() {
    let mut breaches = Vec::new();
    for (path, text) in files("src/engine", "rs").into_iter().filter(|(path, _)| !is_test(path)) {
        for (line, code) in product_lines(&text) {
            for (token, reason) in BANNED.iter().filter(|(token, _)| code.contains(token)) {
                breaches.push(format!("{path}:{line}: {token}: {reason}"));
            }
        }
    }
    assert_none("the engine must be deterministic and see no machine:", breaches);
}

/// The part a file belongs to: `src/engine/kubelet/probes.rs` and `src/engine/kubelet.rs` are `kubelet`.
fn part(path: &str) -> &str {
    let inside = path.strip_prefix("src/engine/").unwrap_or(path);
    inside.split(['/', '.']).next().unwrap_or(inside)
}
