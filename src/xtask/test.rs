//! `cargo xtask test`: everything that must hold before a change is shared.
//!
//! A step is one row of [`STEPS`]. A step that fails does not stop the others; the last
//! line counts the tests of all steps, where a step without tests counts as one.

use crate::process::{Outcome, cargo, free_port, output, program, root, run_watching};
use crate::{dist, flag, install, option, process, site, webdriver};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// What a step found: tests passed, tests failed, and a remark where the counts do not say it all.
#[derive(Default)]
struct Report {
    passed: usize,
    failed: usize,
    remark: String,
}

impl Report {
    /// A step that had nothing to run says why in its remark.
    fn verdict(&self) -> &'static str {
        match (self.passed, self.failed) {
            (0, 0) => "skipped",
            (_, 0) => "ok",
            _ => "FAILED",
        }
    }
}

struct Step {
    name: &'static str,
    about: &'static str,
    needs: &'static [install::Tool],
    run: fn() -> Report,
}

const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        about: "the sources are formatted",
        needs: &[],
        run: || one(process::run(&mut cargo(&["fmt", "--all", "--check"]))),
    },
    Step { name: "clippy", about: "no lint warns in the native crates", needs: &[], run: clippy },
    Step { name: "native", about: "unit tests, transcripts, lessons, architecture rules", needs: &[], run: native },
    Step {
        name: "kubectl",
        about: "a real kubectl prints what was recorded, where there is one",
        needs: &[],
        run: via_kubectl,
    },
    Step {
        name: "schema",
        about: "the committed field schema is the one Kubernetes' types make",
        needs: &[],
        run: || one(crate::tools::schema("schema", &["--check".to_owned()])),
    },
    Step { name: "clippy-wasm", about: "no lint warns in the page", needs: install::TO_BUILD, run: clippy_wasm },
    Step { name: "page", about: "the page builds, for any sub-path", needs: install::TO_RELEASE, run: page },
    Step { name: "wasm", about: "tests of the page's crate in headless Chromium", needs: WASM_TESTS, run: wasm },
    Step { name: "browser", about: "the built page, driven in Chromium", needs: install::TO_BROWSE, run: browser },
    Step { name: "editor", about: "the committed editor bundle is the one its sources make", needs: &[], run: editor },
];

const WASM_TESTS: &[install::Tool] = install::EVERYTHING;

pub fn run(args: &[String]) -> Outcome {
    if flag(args, "--list") {
        for Step { name, about, .. } in STEPS {
            println!("{name:<12} {about}");
        }
        return Ok(());
    }
    let only = option(args, "--only");
    if let Some(name) = only.filter(|name| STEPS.iter().all(|step| step.name != *name)) {
        return Err(format!("there is no step {name:?}; see cargo xtask test --list"));
    }
    let chosen: Vec<&Step> = STEPS.iter().filter(|step| only.is_none_or(|name| step.name == name)).collect();
    process::room_for("a first run of the tests", 10)?;
    let mut lines = Vec::new();
    let (mut passed, mut failed, begun) = (0, 0, Instant::now());
    for (nth, step) in chosen.iter().enumerate() {
        println!("\n=== [{}/{}] {}: {}", nth + 1, chosen.len(), step.name, step.about);
        let started = Instant::now();
        let report = match install::ensure(step.needs) {
            Ok(()) => (step.run)(),
            Err(message) => one(Err(message)),
        };
        passed += report.passed;
        failed += report.failed;
        let verdict = report.verdict();
        let counts = format!("{} passed, {} failed", report.passed, report.failed);
        let line = format!(
            "{:<12} {verdict:<7} {:>7}  {counts}{}{}",
            step.name,
            time(started.elapsed()),
            if report.remark.is_empty() { "" } else { "; " },
            report.remark
        );
        println!("=== {line}");
        lines.push(line);
    }
    println!("\n{}\n(in {})\n{passed} passed, {failed} failed", lines.join("\n"), time(begun.elapsed()));
    if failed == 0 { Ok(()) } else { Err("not everything holds; the steps marked FAILED say why".into()) }
}

fn clippy() -> Report {
    let mut command = cargo(&["clippy", "--workspace", "--exclude", "app", "--all-targets", "--features"]);
    command.args(["tests/look,tests/via-kubectl", "--", "--deny", "warnings"]);
    one(process::run(&mut command))
}

fn clippy_wasm() -> Report {
    let mut command = cargo(&["clippy", "--package", "app", "--all-targets", "--target", "wasm32-unknown-unknown"]);
    command.args(["--", "--deny", "warnings"]);
    one(process::run(&mut command))
}

fn native() -> Report {
    let client = install::python_client();
    let mut report = counted(&mut cargo(&["test", "--no-fail-fast"]));
    if let Err(why) = client {
        println!("skipped: the test with the Python client, which cannot be had here: {why}");
        // It ended well because it did nothing.
        report.passed = report.passed.saturating_sub(1);
        report.remark = "1 skipped: there is no Python client here".into();
    }
    report
}

/// A process of its own: the client keeps its own clock and its patience, so nothing else may want the machine.
fn via_kubectl() -> Report {
    let mut command = cargo(&["test", "--package", "tests", "--test", "all", "--features", "tests/via-kubectl"]);
    command.args(["--", "via_kubectl::", "--nocapture"]);
    let mut skipped = None;
    let mut report = counted_with(&mut command, |line| {
        if let Some((_, why)) = line.split_once("skipped: ") {
            skipped = Some(why.to_owned());
        }
    });
    if let Some(why) = skipped {
        // It ended well because it did nothing.
        report.passed = 0;
        report.remark = why;
    }
    report
}

fn wasm() -> Report {
    let native = match crate::tools::histories() {
        Ok(native) => native,
        Err(message) => return one(Err(message)),
    };
    let mut command = cargo(&["test", "--package", "app", "--target", "wasm32-unknown-unknown", "--no-fail-fast"]);
    command
        // The profile of the page built before, so that nothing large is compiled twice.
        .args(["--profile", "quick"])
        .env("PILOTHOUSE_HISTORIES", native)
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", "wasm-bindgen-test-runner")
        .env("WASM_BINDGEN_TEST_ONLY_WEB", "1")
        // The first start of Chromium on a machine takes up to a minute.
        .env("WASM_BINDGEN_TEST_TIMEOUT", "180");
    counted(&mut command)
}

fn page() -> Report {
    let built = dist::build(&site_dir(), false);
    one(built.and_then(|()| dist::print_sizes(&site_dir())))
}

fn browser() -> Report {
    match drive("browser", "browser::", &[]) {
        Ok(mut command) => counted(&mut command.command),
        Err(message) => one(Err(message)),
    }
}

fn editor() -> Report {
    if output(program("npm").arg("--version")).is_none() {
        return Report { remark: "npm is not here, nothing compared".into(), ..Report::default() };
    }
    let (sources, work) = (root().join("src/app/js"), root().join("target/editor"));
    one(crate::editor::bundle(&sources, &work).and_then(|()| {
        let read = |path: PathBuf| fs::read(&path).map_err(|error| format!("{}: {error}", path.display()));
        let same = read(sources.join("editor.js"))? == read(work.join("editor.js"))?;
        if same { Ok(()) } else { Err("src/app/js/editor.js is stale; run cargo xtask editor".into()) }
    }))
}

/// Where the page for tests is built: not `dist/`, which belongs to releases.
pub fn site_dir() -> PathBuf {
    root().join("target/site")
}

/// A test run against the built page, with all that must live as long as it does.
pub struct Drive {
    pub command: Command,
    _driver: webdriver::WebDriver,
}

/// Prepares the browser tests: serves the built page, starts the driver, fetches axe-core.
pub fn drive(feature: &str, filter: &str, args: &[&str]) -> Outcome<Drive> {
    if !site_dir().join("sw.js").is_file() {
        dist::build(&site_dir(), false)?;
    }
    lay_bench()?;
    let url = site::serve(&site_dir(), free_port(8090)?)?;
    let driver = webdriver::start()?;
    let mut command = cargo(&["test", "--test", "all", "--features", &format!("tests/{feature}"), "--", filter]);
    command
        .args(args)
        // Browsers are heavy: two at a time is what two cores carry.
        .env("RUST_TEST_THREADS", "2")
        .env("RUST_BACKTRACE", "0")
        .env("PILOTHOUSE_URL", &url)
        .env("PILOTHOUSE_WEBDRIVER", &driver.url)
        .env("PILOTHOUSE_BROWSER", &driver.browser)
        .env("PILOTHOUSE_SHOTS", root().join("target/shots"));
    match axe() {
        Ok(path) => drop(command.env("PILOTHOUSE_AXE", path)),
        Err(message) => println!("axe-core is not here, so accessibility tests will fail: {message}"),
    }
    Ok(Drive { command, _driver: driver })
}

/// Puts the parts that are tested without the page beside it: the editor on a bench.
fn lay_bench() -> Outcome {
    let bench = site_dir().join("bench");
    let failed = |error: std::io::Error| format!("cannot lay {}: {error}", bench.display());
    fs::create_dir_all(&bench).map_err(failed)?;
    for source in ["tests/browser/bench/editor.html", "tests/browser/bench/editor-bench.js", "src/app/js/editor.js"] {
        let source = root().join(source);
        fs::copy(&source, bench.join(source.file_name().unwrap_or_default())).map_err(failed)?;
    }
    Ok(())
}

/// axe-core from npm, fetched once into `target/`.
fn axe() -> Outcome<PathBuf> {
    const VERSION: &str = "4.14.1";
    let dir = root().join("target/axe");
    let script = dir.join("package/axe.min.js");
    let package = format!("axe-core-{VERSION}.tgz");
    if !dir.join(&package).is_file() || !script.is_file() {
        fs::create_dir_all(&dir).map_err(|error| error.to_string())?;
        process::run(program("npm").args(["pack", "--silent", &format!("axe-core@{VERSION}")]).current_dir(&dir))?;
        process::run(program("tar").args(["-xzf", &package]).current_dir(&dir))?;
    }
    Ok(script)
}

/// A step that is one test: it holds or it does not.
fn one(outcome: Outcome) -> Report {
    match outcome {
        Ok(()) => Report { passed: 1, ..Report::default() },
        Err(message) => {
            println!("{message}");
            Report { failed: 1, ..Report::default() }
        }
    }
}

/// Runs `cargo test` and counts what the test binaries report.
fn counted(command: &mut Command) -> Report {
    counted_with(command, |_| ())
}

/// The same, and lets somebody else read along.
fn counted_with(command: &mut Command, mut each: impl FnMut(&str)) -> Report {
    let mut report = Report::default();
    let outcome = run_watching(command, |line| {
        each(line);
        if let Some((passed, failed)) = counts(line) {
            report.passed += passed;
            report.failed += failed;
        }
    });
    if let Err(message) = outcome {
        println!("{message}");
        // It did not even compile, or a test binary died: that counts, too.
        report.failed = report.failed.max(1);
    } else if report.passed == 0 {
        // A harness that finds no test is set up wrongly.
        report.failed = 1;
        report.remark = "no test ran".into();
    }
    report
}

/// The two numbers in `test result: ok. 12 passed; 1 failed; …`.
fn counts(line: &str) -> Option<(usize, usize)> {
    let (_, numbers) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut parts = numbers.split("; ");
    let passed = parts.next()?.strip_suffix(" passed")?.parse().ok()?;
    let failed = parts.next()?.strip_suffix(" failed")?.parse().ok()?;
    Some((passed, failed))
}

fn time(span: Duration) -> String {
    let seconds = span.as_secs_f32();
    if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{:.0} min {:02.0} s", (seconds / 60.0).floor(), seconds % 60.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_ran_nothing_is_skipped() {
        let report = |passed, failed| Report { passed, failed, ..Report::default() };
        assert_eq!([report(0, 0), report(1, 0), report(1, 1)].map(|r| r.verdict()), ["skipped", "ok", "FAILED"]);
    }

    #[test]
    fn the_counts_of_a_test_run_are_read() {
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s";
        assert_eq!(counts(line), Some((12, 3)));
        assert_eq!(counts("running 3 tests"), None);
    }
}
