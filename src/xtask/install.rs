//! What the other commands need on this machine: is it there, why is it wanted, how is it got.
//!
//! A tool is one [`Tool`] in the lists below. Versions are pinned here and nowhere else,
//! but for wasm-bindgen, whose version must equal the one in `Cargo.lock`.

use crate::process::{Outcome, cargo, output, program, root, run};
use std::time::Instant;

const TRUNK: &str = "0.21.14";
const SPLITTER: &str = "0.2.4";
/// The official Python client for the Kubernetes that is simulated.
const PYTHON_CLIENT: &str = "36.0.3";

/// Something that must be on the machine.
pub struct Tool {
    name: &'static str,
    why: &'static str,
    /// How long getting it takes on two cores.
    lasts: &'static str,
    present: fn() -> bool,
    get: Source,
}

enum Source {
    Run(fn() -> Outcome),
    /// Packages of Debian; elsewhere we can only say what is missing.
    Apt(&'static [&'static str]),
}

const WASM_TARGET: Tool = Tool {
    name: "Rust's wasm32-unknown-unknown target",
    why: "the page is compiled to it",
    lasts: "10 seconds",
    present: || {
        let sysroot = output(program("rustc").args(["--print", "sysroot"]));
        sysroot.is_some_and(|dir| std::path::Path::new(&dir).join("lib/rustlib/wasm32-unknown-unknown/lib").is_dir())
    },
    get: Source::Run(|| run(program("rustup").args(["target", "add", "wasm32-unknown-unknown"]))),
};

const TRUNK_TOOL: Tool = Tool {
    name: "trunk 0.21.14",
    why: "it bundles and serves the page",
    lasts: "2 to 3 minutes",
    present: || output(program("trunk").arg("--version")).is_some_and(|text| text.ends_with(TRUNK)),
    // Its default profile has fat LTO and would take a quarter of an hour for a tool that mostly waits.
    get: Source::Run(|| {
        cargo_install("0", &["--locked", "trunk", "--version", TRUNK, "--no-default-features", "--force"])
    }),
};

const WASM_BINDGEN: Tool = Tool {
    name: "wasm-bindgen-cli, as Cargo.lock pins it",
    why: "it joins wasm and JavaScript and runs wasm tests; its version must equal the library's",
    lasts: "1 to 2 minutes",
    present: || {
        let version = locked_wasm_bindgen();
        let is = |tool: &str| {
            output(program(tool).arg("--version")).is_some_and(|text| text.split_whitespace().last() == Some(&version))
        };
        is("wasm-bindgen") && is("wasm-bindgen-test-runner")
    },
    // Not --locked: its lock file may name a crate version that has been withdrawn.
    get: Source::Run(|| {
        let version = locked_wasm_bindgen();
        cargo_install("1", &["wasm-bindgen-cli", "--version", &version, "--no-default-features", "--force"])
    }),
};

const WASM_SPLIT: Tool = Tool {
    name: "wasm-split-cli 0.2.4",
    why: "it makes a second module of the cluster, which the page fetches when it has drawn itself",
    lasts: "1 to 2 minutes",
    present: || {
        // It cannot say its own version.
        let listed = output(&mut cargo(&["install", "--list"])).unwrap_or_default();
        listed.contains(&format!("wasm_split_cli_support v{SPLITTER}:"))
    },
    get: Source::Run(|| {
        let package = ["--locked", "wasm_split_cli_support", "--version", SPLITTER, "--features", "build-binary"];
        cargo_install("1", &[&package[..], &["--force"]].concat())
    }),
};

const BROTLI: Tool = Tool {
    name: "brotli",
    why: "it measures what visitors download",
    lasts: "10 seconds",
    present: || output(program("brotli").arg("--version")).is_some(),
    get: Source::Apt(&["brotli"]),
};

const CHROMIUM: Tool = Tool {
    name: "Chromium and its driver",
    why: "wasm tests and page tests run in the real browser",
    lasts: "1 to 2 minutes",
    present: || chromium().is_some() && output(program("chromedriver").arg("--version")).is_some(),
    get: Source::Apt(&["chromium", "chromium-driver"]),
};

const KOREAN_FONT: Tool = Tool {
    name: "a Korean font",
    why: "pictures of the Korean pages would show boxes without it",
    lasts: "20 seconds",
    // Where fontconfig is missing nobody can tell, and the pictures will show it.
    present: || output(program("fc-list").args([":lang=ko", "family"])).is_none_or(|fonts| !fonts.is_empty()),
    get: Source::Apt(&["fonts-noto-cjk"]),
};

const NPM: Tool = Tool {
    name: "npm",
    why: "it fetches axe-core, which judges the page's accessibility",
    lasts: "1 to 3 minutes",
    present: || output(program("npm").arg("--version")).is_some(),
    get: Source::Apt(&["nodejs", "npm"]),
};

/// For `trunk serve` and `trunk build`.
pub const TO_BUILD: &[Tool] = &[WASM_TARGET, TRUNK_TOOL, WASM_BINDGEN];
/// For a release.
pub const TO_RELEASE: &[Tool] = &[WASM_TARGET, TRUNK_TOOL, WASM_BINDGEN, WASM_SPLIT, BROTLI];
/// For tests in the browser.
pub const TO_BROWSE: &[Tool] = &[CHROMIUM, KOREAN_FONT, NPM];
/// For all commands.
pub const EVERYTHING: &[Tool] =
    &[WASM_TARGET, CHROMIUM, KOREAN_FONT, BROTLI, NPM, TRUNK_TOOL, WASM_BINDGEN, WASM_SPLIT];

/// Installs whichever of the tools are missing, saying what, why and for how long.
///
/// # Errors
/// Names everything that could not be installed, and how to install it by hand.
pub fn ensure(tools: &[Tool]) -> Outcome {
    let missing: Vec<&Tool> = tools.iter().filter(|tool| !(tool.present)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("This machine lacks {} thing(s) that the next steps need:", missing.len());
    for tool in &missing {
        println!("  - {}: {} (about {})", tool.name, tool.why, tool.lasts);
    }
    let mut failures = Vec::new();
    let packages: Vec<&str> = missing
        .iter()
        .flat_map(|tool| match tool.get {
            Source::Apt(packages) => packages,
            Source::Run(_) => &[],
        })
        .copied()
        .collect();
    if !packages.is_empty() {
        apt(&packages).unwrap_or_else(|message| failures.push(message));
    }
    for (nth, tool) in missing.iter().enumerate() {
        let Source::Run(get) = tool.get else { continue };
        println!("\n[{}/{}] installing {} (about {}) …", nth + 1, missing.len(), tool.name, tool.lasts);
        let begun = Instant::now();
        match get() {
            Ok(()) => println!("[{}/{}] {} is there after {:.0?}", nth + 1, missing.len(), tool.name, begun.elapsed()),
            Err(message) => failures.push(message),
        }
    }
    let absent: Vec<_> = missing.iter().filter(|tool| !(tool.present)()).map(|tool| tool.name).collect();
    if absent.is_empty() {
        return Ok(());
    }
    Err(format!("still missing: {}.\n  {}", absent.join(", "), failures.join("\n  ")))
}

/// The official Python client, in an environment of its own under `target/`. Not a [`Tool`]: its test can be left
/// out, and is where there is no Python, no pip or no network.
///
/// # Errors
/// Why it cannot be had.
pub fn python_client() -> Outcome {
    let home = root().join("target/python");
    let python = home.join("bin/python3");
    let script = "import importlib.metadata as m; print(m.version('kubernetes'))";
    let present = || output(std::process::Command::new(&python).args(["-c", script])).as_deref() == Some(PYTHON_CLIENT);
    if present() {
        return Ok(());
    }
    println!("installing the Python client kubernetes {PYTHON_CLIENT} into target/python (about 20 seconds) …");
    // What an earlier try left behind would be taken for a client.
    if home.exists() {
        std::fs::remove_dir_all(&home).map_err(|error| format!("{}: {error}", home.display()))?;
    }
    let got = run(program("python3").args(["-m", "venv"]).arg(&home)).and_then(|()| {
        let package = format!("kubernetes=={PYTHON_CLIENT}");
        run(std::process::Command::new(&python).args(["-m", "pip", "install", "--quiet", "--retries", "1", &package]))
    });
    if got.is_err() && home.exists() {
        std::fs::remove_dir_all(&home).map_err(|error| format!("{}: {error}", home.display()))?;
    }
    got
}

/// The browser's program, under whichever name this system gives it.
pub fn chromium() -> Option<String> {
    let wished = std::env::var("CHROME").ok();
    let known = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let names = wished.into_iter().chain(known.map(str::to_owned));
    names.into_iter().find_map(|name| {
        let path = output(program("sh").args(["-c", "command -v \"$0\"", &name]))?;
        (!path.is_empty()).then_some(path)
    })
}

fn apt(packages: &[&str]) -> Outcome {
    let by_hand = format!("apt-get install {}", packages.join(" "));
    if output(program("apt-get").arg("--version")).is_none() {
        return Err(format!("install by hand what Debian calls: {}", packages.join(" ")));
    }
    if output(program("id").arg("-u")).as_deref() != Some("0") {
        return Err(format!("this needs the rights of root; run: sudo {by_hand}"));
    }
    println!("\n{by_hand} …");
    let apt_get = |args: &[&str]| {
        let mut command = program("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").args(args).args(["-q", "-o", "Acquire::Retries=3"]);
        command
    };
    run(&mut apt_get(&["update"]))?;
    run(apt_get(&["install", "-y", "--no-install-recommends"]).args(packages))
}

/// A cheap profile: the tool is built in minutes and is fast enough.
fn cargo_install(opt_level: &str, args: &[&str]) -> Outcome {
    let mut command = cargo(&["install"]);
    command
        .args(args)
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", opt_level)
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
        // Outside the repository: its Cargo configuration is not the tools'.
        .current_dir(std::env::temp_dir());
    run(&mut command)
}

/// The version of wasm-bindgen in `Cargo.lock`.
fn locked_wasm_bindgen() -> String {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap_or_default();
    version_in_lock(&lock, "wasm-bindgen").unwrap_or("0.2.130").to_owned()
}

fn version_in_lock<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let wanted = format!("name = \"{name}\"");
    let mut lines = lock.lines().skip_while(|line| *line != wanted).skip(1);
    lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_tells_the_version_of_wasm_bindgen() {
        let lock = "[[package]]\nname = \"wasm-bindgen-shared\"\nversion = \"1\"\n\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(version_in_lock(lock, "wasm-bindgen"), Some("0.2.130"));
        assert_eq!(version_in_lock(lock, "absent"), None);
    }
}
