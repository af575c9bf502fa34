//! The front door: `cargo xtask serve` and `cargo xtask test` work as the first command on a fresh clone.
//!
//! This crate depends on nothing, so that it compiles in seconds; what needs the
//! simulated cluster lives in `src/tools` and is started with `cargo run`.
//! A new command is one row of [`COMMANDS`] and one module here.

mod bench;
mod dist;
mod editor;
mod install;
mod look;
mod process;
mod serve;
mod site;
mod split;
mod test;
mod tools;
mod wasm;
mod webdriver;
mod why;

use process::Outcome;

/// One word after `cargo xtask`.
struct Command {
    name: &'static str,
    usage: &'static str,
    about: &'static str,
    run: Run,
}

/// Who reads the words after a command.
enum Run {
    /// This crate: flags that the usage does not name are refused before anything begins.
    Here(fn(&[String]) -> Outcome),
    /// The tool of that name, which reads them itself, and refuses what it does not know.
    There(fn(&str, &[String]) -> Outcome),
}

use Run::{Here, There};

impl Command {
    /// Whether a word may follow the command: all but flags that its usage does not name.
    fn takes(&self, word: &str) -> bool {
        let known = self.usage.split(['[', ']', '|', ' ']).any(|known| known == word);
        known || !word.starts_with("--")
    }
}

/// The commands, in the order the help prints them.
const COMMANDS: &[Command] = &[
    Command {
        name: "serve",
        usage: "[--port N] [--release]",
        about: "install what is missing, build the page, serve it and rebuild on change",
        run: Here(serve::run),
    },
    Command {
        name: "test",
        usage: "[--only STEP] [--list]",
        about: "everything CI runs: format, lints, tests, wasm tests, the real page in Chromium",
        run: Here(test::run),
    },
    Command {
        name: "dist",
        usage: "[--preview] [--why]",
        about: "a release dist/ that works under any sub-path; prints its sizes, and what they are made of",
        run: Here(dist::run),
    },
    Command {
        name: "look",
        usage: "[--only TEXT]",
        about: "screenshots of every page, in both languages and themes, into look/",
        run: Here(look::run),
    },
    Command {
        name: "install",
        usage: "",
        about: "only install the tools that the other commands need",
        run: Here(|_| install::ensure(install::EVERYTHING)),
    },
    Command {
        name: "editor",
        usage: "",
        about: "regenerate src/app/js/editor.js from its pinned npm packages",
        run: Here(|_| editor::run()),
    },
    Command {
        name: "shell",
        usage: "[CLUSTER] [--seed N]",
        about: "the page's shell on a simulated cluster, in your terminal",
        run: There(tools::run_quickly),
    },
    Command {
        name: "cluster",
        usage: "[--nodes N] [--port P] [--speed N] [--seed N] [--kubeconfig FILE] [--admin]",
        about: "serve a simulated cluster on loopback, for a real kubectl",
        run: There(tools::run_quickly),
    },
    Command {
        name: "replay",
        usage: "--cases DIR --out DIR [--only GLOB] [--via-kubectl PATH] [--seed S] [--runs N]",
        about: "play .case files through the in-page kubectl or a real one and write their outputs",
        run: There(tools::run_optimised),
    },
    Command {
        name: "replay-http",
        usage: "--cases DIR --out DIR [--only TEXT]",
        about: "play .http files against the API server and write its answers",
        run: There(tools::run_optimised),
    },
    Command {
        name: "timeline",
        usage: "NAME | --list [--beside FILE] [--runs N] [--seed N] [--jitter off]",
        about: "who wrote what, when, in answer to what, with every patch; beside a recording, if there is one",
        run: There(tools::run_quickly),
    },
    Command {
        name: "swarm",
        usage: "[--seeds N] [--seconds S] [--from SEED] [--minutes M] [--threads T] [--keep 1,2,…] [--list]",
        about: "random workloads under random faults, and what must hold regardless",
        run: There(tools::run_optimised),
    },
    Command {
        name: "fuzz",
        usage: "[--seconds N] [--seed S] [--cases N] [--only TEXT] [--last FILE]",
        about: "odd and long requests and command lines: nothing panics, hangs, takes 50 ms or breaks the store",
        run: There(tools::run_optimised),
    },
    Command {
        name: "schedule",
        usage: "--scenarios DIR --out DIR [--expected DIR] [--alone]",
        about: "schedule recorded cases and print every decision",
        run: There(tools::run_optimised),
    },
    Command {
        name: "bench",
        usage: "[rollout] [api] [idle] [scheduling] [page] [--keep]",
        about: "the numbers, of the release build: natively, and of the page in Chromium",
        run: Here(bench::run),
    },
    Command {
        name: "lessons",
        usage: "[ID…]",
        about: "prove every lesson in every language and print the proof as a table",
        run: There(tools::run_optimised),
    },
    Command {
        name: "bless",
        usage: "",
        about: "rewrite the expected outputs of our own transcripts",
        run: Here(|args| tools::bless("bless", args)),
    },
    Command {
        name: "schema",
        usage: "[--check]",
        about: "regenerate the field schema from Kubernetes' own types",
        run: Here(|args| tools::schema("schema", args)),
    },
];

fn main() -> std::process::ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some(name) = args.first().filter(|name| !matches!(name.as_str(), "help" | "-h" | "--help")) else {
        help();
        return std::process::ExitCode::SUCCESS;
    };
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprintln!("there is no command {name:?}\n");
        help();
        return std::process::ExitCode::from(2);
    };
    let args = &args[1..];
    if args.iter().any(|arg| matches!(arg.as_str(), "-h" | "--help")) {
        println!("usage: cargo xtask {name} {}\n\n{}", command.usage, command.about);
        return std::process::ExitCode::SUCCESS;
    }
    let outcome = match command.run {
        // It must not start an hour's work without what was asked for.
        Here(run) => match args.iter().find(|arg| !command.takes(arg)) {
            Some(unknown) => {
                eprintln!("xtask {name}: there is no flag {unknown}\nusage: cargo xtask {name} {}", command.usage);
                return std::process::ExitCode::from(2);
            }
            None => run(args),
        },
        There(run) => run(name, args),
    };
    match outcome {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask {name}: {message}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn help() {
    println!("usage: cargo xtask COMMAND\n");
    for Command { name, usage, about, .. } in COMMANDS {
        println!("  {:<12} {about}{}", name, if usage.is_empty() { String::new() } else { format!("  ({usage})") });
    }
}

/// The value after `--name`, or nothing.
fn option<'a>(args: &'a [String], name: &str) -> Option<&'a str> {
    args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1)).map(String::as_str)
}

/// Whether `--name` was given.
fn flag(args: &[String], name: &str) -> bool {
    args.iter().any(|arg| arg == name)
}
