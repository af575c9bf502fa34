//! Commands on the simulated cluster: they live in `src/tools`; here is only which build each deserves.

use crate::process::{Outcome, cargo, output, root, run};

/// A build that takes little time: for what waits for a human or runs once.
pub fn run_quickly(name: &str, args: &[String]) -> Outcome {
    start("dev", name, args)
}

/// A build that runs fast and is still built incrementally: for what plays thousands of steps.
pub fn run_optimised(name: &str, args: &[String]) -> Outcome {
    start("quick", name, args)
}

/// The build that visitors get: for what is measured.
pub fn run_released(name: &str, args: &[String]) -> Outcome {
    start("release", name, args)
}

/// The transcripts are tests, so blessing them is running the tests with a wish.
pub fn bless(_: &str, _: &[String]) -> Outcome {
    run(cargo(&["test", "--package", "tests", "transcripts"]).env("PILOTHOUSE_BLESS", "1"))
}

/// The generator is a binary of the API crate, behind a feature that nothing else enables.
pub fn schema(_: &str, args: &[String]) -> Outcome {
    run(cargo(&["run", "--quiet", "--package", "api", "--features", "generate", "--bin", "schema", "--"]).args(args))
}

/// The event hashes of our own transcripts, lived through natively.
pub fn histories() -> Outcome<String> {
    let folder = root().join("tests/transcripts");
    let listed = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut command = cargo(&["run", "--quiet", "--package", "tools", "--", "history"]);
    command
        .args(listed.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "case")));
    output(&mut command).ok_or_else(|| "the native histories could not be had: cargo run -p tools -- history".into())
}

fn start(profile: &str, name: &str, args: &[String]) -> Outcome {
    run(cargo(&["run", "--quiet", "--profile", profile, "--package", "tools", "--", name]).args(args))
}
