//! Real verbs of kubectl that a simulated cluster cannot have. They say so plainly.

use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::Args;
use crate::verb::{VERB as BASE, Verb};

pub static CERTIFICATE: Verb = absent("certificate", "Modify certificate resources");
pub static PROXY: Verb = absent("proxy", "Run a proxy to the Kubernetes API server");
pub static KUSTOMIZE: Verb = absent("kustomize", "Build a kustomization target from a directory or URL");
pub static COMPLETION: Verb =
    absent("completion", "Output shell completion code for the specified shell (bash, zsh, fish, or powershell)");
pub static KUBERC: Verb = absent("kuberc", "Manage kuberc configuration files");
pub static PLUGIN: Verb = absent("plugin", "Provides utilities for interacting with plugins");

const fn absent(name: &'static str, short: &'static str) -> Verb {
    Verb { name, short, run: Some(|cx, args| Box::pin(run(cx, args))), ..BASE }
}

async fn run(_cx: &Cx, args: &Args) -> Result {
    Err(Failure::plain(format!("{:?} is not part of this simulated cluster", args.path)))
}
