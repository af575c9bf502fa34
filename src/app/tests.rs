//! Tests that run as wasm in a browser: the engine must live the same history here as natively.

/// The swarm's histories, which belong to the native tools: the same text, compiled for the page.
#[path = "../tools/swarm"]
mod swarm {
    pub mod actions;
    pub mod life;
    pub mod manifests;
}

use course::transcript::{history, parse, play, write};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const CASES: &[(&str, &str)] = &[
    ("broken-input", include_str!("../../tests/transcripts/broken-input.case")),
    ("first-steps", include_str!("../../tests/transcripts/first-steps.case")),
    ("job-ends", include_str!("../../tests/transcripts/job-ends.case")),
    ("outage", include_str!("../../tests/transcripts/outage.case")),
    ("self-healing", include_str!("../../tests/transcripts/self-healing.case")),
    ("statefulset-rollout", include_str!("../../tests/transcripts/statefulset-rollout.case")),
];

/// What the native build lived through, as `name=hash name=hash`; `cargo xtask test` says it.
const NATIVE: Option<&str> = option_env!("PILOTHOUSE_HISTORIES");

#[wasm_bindgen_test]
fn the_same_inputs_give_the_native_event_log() {
    let native = NATIVE.expect("run by `cargo xtask test --only wasm`, which asks the native build first");
    for (name, text) in CASES {
        let case = parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let word = format!("{name}={:016x}", history(&case));
        assert!(native.split(' ').any(|known| known == word), "{word} here, but {native} natively");
    }
}

#[wasm_bindgen_test]
fn random_faults_have_the_native_event_log() {
    let native = NATIVE.expect("run by `cargo xtask test --only wasm`, which asks the native build first");
    for word in swarm::life::words() {
        assert!(native.split(' ').any(|known| known == word), "{word} here, but {native} natively");
    }
}

#[wasm_bindgen_test]
fn transcripts_print_here_what_they_print_natively() {
    for (name, text) in CASES {
        let case = parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let played = write(&case, &play(&case));
        assert!(played == *text, "{name}:\n{played}");
    }
}
