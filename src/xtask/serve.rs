//! `cargo xtask serve`: the page on this machine, rebuilt at every change.

use crate::install;
use crate::process::{self, Outcome, free_port, program};
use crate::{flag, option};

const PORT: u16 = 8080;

pub fn run(args: &[String]) -> Outcome {
    let wished = match option(args, "--port") {
        Some(text) => text.parse().map_err(|_| format!("{text:?} is no port"))?,
        None => PORT,
    };
    install::ensure(install::TO_BUILD)?;
    process::room_for("the page", 3)?;
    let port = free_port(wished)?;
    println!("Building the page: minutes the first time, seconds at a change.");
    println!("When it says so, open http://127.0.0.1:{port}/ (Ctrl-C ends it).\n");
    let mut trunk = program("trunk");
    trunk.args(["serve", "--port", &port.to_string()]);
    if flag(args, "--release") {
        trunk.arg("--release");
    }
    process::run(&mut trunk)
}
