//! Starting other programs, and making sure that none outlives us.

use std::env;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A sentence for the user when it fails.
pub type Outcome<T = ()> = Result<T, String>;

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the sources this was built from")
}

/// A program started in the root of the repository.
///
/// Cargo's own bin directory comes first on its PATH: what we install is then found
/// even where the user's profile does not name it yet.
pub fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root()).env("PATH", search_path());
    command
}

/// Cargo, without the variables of the `cargo run` that started us: they would make
/// every later build believe that its environment changed.
pub fn cargo(args: &[&str]) -> Command {
    let mut command = program("cargo");
    let inherited = env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
    });
    for name in inherited {
        command.env_remove(name);
    }
    // A clone that is thrown away after one build gains nothing from remembering half of it.
    if env::var_os("CI").is_some() {
        command.env("CARGO_INCREMENTAL", "0");
    }
    command.args(args);
    command
}

fn search_path() -> std::ffi::OsString {
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo"));
    let own = cargo_home.or(home).map(|dir| dir.join("bin"));
    let inherited = env::var_os("PATH").unwrap_or_default();
    env::join_paths(own.into_iter().chain(env::split_paths(&inherited))).unwrap_or(inherited)
}

/// Runs a program to its end, with its output on ours.
pub fn run(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|error| format!("cannot start {}: {error}", line(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{} ended with {status}", line(command))) }
}

/// Says so before a long build when the disk will not hold it: compilers report that late and oddly.
///
/// # Errors
/// Less than a gigabyte is free: nothing can be built.
pub fn room_for(what: &str, gigabytes: u64) -> Outcome {
    let listed = output(program("df").args(["-Pk", "."])).unwrap_or_default();
    let free = listed.lines().nth(1).and_then(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok());
    // What was built before counts as room: it is built over.
    let built = root().join("target/debug").is_dir();
    match free.map(|kilobytes| kilobytes >> 20) {
        Some(0) => Err(format!("the disk is full: less than 1 GB is free, {what} needs {gigabytes} GB")),
        Some(free) if free < gigabytes && !built => {
            eprintln!("only {free} GB are free on this disk; {what} needs {gigabytes} GB and may stop half-way");
            Ok(())
        }
        _ => Ok(()),
    }
}

/// What a program prints; nothing when it is missing or fails.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs a program to its end and shows each line of its output, to us as well as to the user.
///
/// Standard output only; errors go straight to the terminal, progress bars and all.
pub fn run_watching(command: &mut Command, mut each: impl FnMut(&str)) -> Outcome {
    command.stdout(Stdio::piped());
    let shown = line(command);
    let mut child = Background::start(command)?;
    let stdout = child.0.stdout.take().expect("stdout was piped above");
    for text in BufReader::new(stdout).lines().map_while(Result::ok) {
        println!("{text}");
        each(&text);
    }
    let status = child.0.wait().map_err(|error| format!("{shown}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{shown} ended with {status}")) }
}

/// A command as one would type it.
pub fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// A program that runs beside us and is ended with us.
pub struct Background(pub Child);

impl Background {
    pub fn start(command: &mut Command) -> Outcome<Background> {
        command.spawn().map(Background).map_err(|error| format!("cannot start {}: {error}", line(command)))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // Already gone is as good as ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port nobody listens on: the wished one when it is free.
pub fn free_port(wished: u16) -> Outcome<u16> {
    let listener = TcpListener::bind(("127.0.0.1", wished)).or_else(|_| TcpListener::bind(("127.0.0.1", 0)));
    let address = listener.and_then(|listener| listener.local_addr());
    address.map(|address| address.port()).map_err(|error| format!("no free port on this machine: {error}"))
}
