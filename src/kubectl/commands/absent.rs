//! Real verbs of kubectl that a simulated cluster cannot have, or has nothing to do for. They say so plainly.
//!
//! Mirrors, as far as they refuse: kubectl/pkg/cmd/{completion,plugin}, kustomize/v5/commands/build.

use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::verb::{VERB as BASE, Verb};

pub static PROXY: Verb = absent("proxy", "Run a proxy to the Kubernetes API server");
pub static KUBERC: Verb = absent("kuberc", "Manage kuberc configuration files");

pub static KUSTOMIZE: Verb = Verb {
    name: "kustomize",
    short: "Build a kustomization target from a directory or URL",
    usage: "DIR",
    run: Some(|cx, args| Box::pin(kustomize(cx, args))),
    ..BASE
};

pub static COMPLETION: Verb = Verb {
    name: "completion",
    short: "Output shell completion code for the specified shell (bash, zsh, fish, or powershell)",
    usage: "SHELL",
    run: Some(|cx, args| Box::pin(completion(cx, args))),
    ..BASE
};

pub static PLUGIN: Verb = Verb {
    name: "plugin",
    short: "Provides utilities for interacting with plugins",
    long: "Provides utilities for interacting with plugins.

 Plugins provide extended functionality that is not part of the major command-line distribution. Please refer to the documentation and examples for more information about how write your own plugins.

 The easiest way to discover and install plugins is via the kubernetes sub-project krew: [krew.sigs.k8s.io]. To install krew, visit https://krew.sigs.k8s.io/docs/user-guide/setup/install",
    examples: "# List all available plugins
kubectl plugin list

# List only binary names of available plugins without paths
kubectl plugin list --name-only",
    usage: "[flags]",
    subcommands: &[&PLUGIN_LIST],
    ..BASE
};

static PLUGIN_LIST: Verb = Verb {
    name: "list",
    short: "List all visible plugin executables on a user's PATH",
    long: "List all available plugin files on a user's PATH. To see plugins binary names without the full path use --name-only flag.

 Available plugin files are those that are: - executable - anywhere on the user's PATH - begin with \"kubectl-\"",
    examples: "# List all available plugins
kubectl plugin list

# List only binary names of available plugins without paths
kubectl plugin list --name-only",
    usage: "[flags]",
    flags: &[&[Flag::bool(
        "name-only",
        false,
        "If true, display only the binary name of each plugin, rather than its full path",
    )]],
    run: Some(|_cx, _args| {
        Box::pin(async { Err(Failure::plain("unable to find any kubectl plugins in your PATH")) })
    }),
    ..BASE
};

const fn absent(name: &'static str, short: &'static str) -> Verb {
    Verb { name, short, run: Some(|cx, args| Box::pin(run(cx, args))), ..BASE }
}

async fn run(_cx: &Cx, args: &Args) -> Result {
    Err(Failure::plain(format!("{:?} is not part of this simulated cluster", args.path)))
}

async fn completion(_cx: &Cx, args: &Args) -> Result {
    let why = match args.words.as_slice() {
        [] => "Shell not specified.".to_string(),
        [shell] if matches!(shell.as_str(), "bash" | "zsh" | "fish" | "powershell") => {
            return Err(Failure::plain("there is no such shell here to complete in; the Tab key completes by itself"));
        }
        [shell] => format!("Unsupported shell type {shell:?}."),
        _ => "Too many arguments. Expected only the shell type.".into(),
    };
    Err(Failure::usage(&args.path, why))
}

/// The learner's files are in one folder.
const FOLDER: &str = "/root";

async fn kustomize(cx: &Cx, args: &Args) -> Result {
    let names = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
    let folder = match args.words.as_slice() {
        [] => ".",
        [folder] => folder.as_str(),
        _ => return Err(Failure::plain("specify one path to kustomization.yaml")),
    };
    let why = match folder.trim_end_matches('/') {
        "." | "" if names.iter().any(|name| cx.env.files.read(name).is_some()) => {
            "kustomize is not part of this simulated kubectl".to_string()
        }
        "." | "" => format!(
            "unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '{FOLDER}'"
        ),
        folder => format!(
            "must build at directory: not a valid directory: evalsymlink failure on '{folder}' : lstat {FOLDER}/{folder}: no such file or directory"
        ),
    };
    Err(Failure::plain(why))
}
