//! `cargo xtask bench`: the numbers, of the release build, natively and in the page.

use crate::process::{self, Outcome};
use crate::{dist, install, test, tools};

/// The measurement that needs a browser; the others are `src/tools/bench`.
const PAGE: &str = "page";

pub fn run(args: &[String]) -> Outcome {
    let native: Vec<String> = args.iter().filter(|arg| *arg != PAGE).cloned().collect();
    if args.is_empty() || !native.is_empty() {
        tools::run_released("bench", &native)?;
    }
    if args.is_empty() || args.iter().any(|arg| arg == PAGE) {
        page()?;
    }
    Ok(())
}

fn page() -> Outcome {
    install::ensure(install::EVERYTHING)?;
    dist::build(&test::site_dir(), true)?;
    let mut drive = test::drive("bench", "browser::bench::", &["--nocapture"])?;
    // One browser at a time: they are measured.
    drive.command.env("RUST_TEST_THREADS", "1");
    println!("\npage: the release build in Chromium");
    process::run(&mut drive.command)
}
