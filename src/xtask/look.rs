//! `cargo xtask look`: pictures of every page, for the eye of a designer.

use crate::process::{self, Outcome, root};
use crate::{dist, install, option, test};

pub fn run(args: &[String]) -> Outcome {
    install::ensure(install::EVERYTHING)?;
    dist::build(&test::site_dir(), false)?;
    let folder = root().join("look");
    let mut drive = test::drive("look", "browser::look::", &["--nocapture"])?;
    drive.command.env("PILOTHOUSE_LOOK", &folder);
    if let Some(part) = option(args, "--only") {
        drive.command.env("PILOTHOUSE_LOOK_ONLY", part);
    }
    process::run(&mut drive.command)?;
    println!("the pictures are in look/");
    Ok(())
}
