//! Native command-line tools on the simulated cluster: one file each, dispatched here.

mod bench;
mod cluster;
mod history;
mod http;
mod lessons;
mod schedule;
mod shell;
mod timeline;

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (tool, rest) = match words.split_first() {
        Some((tool, rest)) => (tool.as_str(), rest),
        None => ("", &[][..]),
    };
    let done = match tool {
        "bench" => bench::main(rest),
        "cluster" => cluster::main(rest),
        "history" => history::main(rest),
        "fuzz" => tools::fuzz::main(rest),
        "replay-http" => http::main(rest),
        "replay" => tools::replay::main(rest),
        "schedule" => schedule::main(rest),
        "lessons" => lessons::main(rest),
        "shell" => shell::main(rest),
        "swarm" => tools::swarm::main(rest),
        "timeline" => timeline::main(rest),
        _ => Err(format!(
            "unknown tool {tool:?}; there are: bench, cluster, fuzz, history, lessons, replay, replay-http, schedule, shell, swarm, timeline"
        )),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
