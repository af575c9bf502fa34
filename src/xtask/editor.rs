//! `cargo xtask editor`: bundles CodeMirror into `src/app/js/editor.js`, which is committed.
//!
//! Building the page needs Rust alone; npm is needed only to change the editor.

use crate::process::{Outcome, output, program, root};
use std::fs;

pub fn run() -> Outcome {
    if output(program("npm").arg("--version")).is_none() {
        return Err("npm is missing; install Node.js 20 or newer (Debian: apt-get install nodejs npm)".into());
    }
    let dir = root().join("src/app/js");
    // Outside the sources: trunk watches them, and node_modules is large.
    let work = root().join("target/editor");
    bundle(&dir, &work)?;
    let text = fs::read(work.join("editor.js")).map_err(|error| error.to_string())?;
    fs::write(dir.join("editor.js"), &text).map_err(|error| error.to_string())?;
    println!("src/app/js/editor.js: {} bytes", text.len());
    Ok(())
}

/// Writes `work/editor.js` from the sources in `dir`.
pub fn bundle(dir: &std::path::Path, work: &std::path::Path) -> Outcome {
    let failed = |error: std::io::Error| format!("cannot prepare {}: {error}", work.display());
    fs::create_dir_all(work).map_err(failed)?;
    for name in ["editor.src.js", "package.json", "package-lock.json", "bundle.mjs"] {
        fs::copy(dir.join(name), work.join(name)).map_err(failed)?;
    }
    run_in(work, "npm", &["ci", "--no-audit", "--no-fund", "--ignore-scripts"])?;
    run_in(work, "node", &["bundle.mjs"])
}

fn run_in(dir: &std::path::Path, name: &str, args: &[&str]) -> Outcome {
    crate::process::run(program(name).args(args).current_dir(dir))
}
