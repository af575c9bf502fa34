//! `kubectl version`.
//!
//! Mirrors: kubectl/pkg/cmd/version/version.go.

use api::wire::Request;
use serde_json::{Value, json};

use super::text_at;
use crate::client::Client;
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::output::json as go_json;
use crate::verb::{VERB as BASE, Verb};
use crate::yaml;

/// The kubectl that this is.
pub const CLIENT: &str = "v1.36.2";
const KUSTOMIZE: &str = "v5.8.1";

const FLAGS: &[Flag] = &[
    Flag::bool("client", false, "If true, shows client version only (no server required)."),
    Flag::text("output", "", "One of 'yaml' or 'json'.").short('o').values(&["yaml", "json"]),
];

pub static VERB: Verb = Verb {
    name: "version",
    short: "Print the client and server version information",
    long: "Print the client and server version information for the current context.",
    examples: "# Print the client and server versions for the current context
kubectl version",
    usage: "[flags]",
    flags: &[FLAGS],
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

/// The fields as the Go structs have them.
const ORDER: &[&str] = &[
    "clientVersion",
    "kustomizeVersion",
    "serverVersion",
    "major",
    "minor",
    "emulationMajor",
    "emulationMinor",
    "minCompatibilityMajor",
    "minCompatibilityMinor",
    "gitVersion",
    "gitCommit",
    "gitTreeState",
    "buildDate",
    "goVersion",
    "compiler",
    "platform",
];

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    if !args.words.is_empty() {
        return Err(Failure::plain(format!("extra arguments: {}", super::apply::brackets(&args.words))));
    }
    if !matches!(args.text("output"), "" | "yaml" | "json") {
        return Err(Failure::plain("--output must be 'yaml' or 'json'"));
    }
    let server = match args.flag("client") {
        true => Value::Null,
        false => client.call(Request::get("/version")).await?.value().clone(),
    };
    let whole = || {
        let mut whole = json!({
            "clientVersion": {
                "major": "1",
                "minor": "36",
                "gitVersion": CLIENT,
                "gitCommit": "0000000000000000000000000000000000000000",
                "gitTreeState": "clean",
                "buildDate": "2026-06-09T00:00:00Z",
                "goVersion": "go1.26.4",
                "compiler": "gc",
                "platform": "linux/amd64",
            },
            "kustomizeVersion": KUSTOMIZE,
        });
        if !server.is_null() {
            whole["serverVersion"] = server.clone();
        }
        whole
    };
    match args.text("output") {
        "yaml" => cx.out(yaml::emit(&whole())),
        "json" => cx.out(format!("{}\n", go_json::indented(&go_json::in_order(&whole(), ORDER), "  "))),
        _ => {
            cx.out(format!("Client Version: {CLIENT}\nKustomize Version: {KUSTOMIZE}\n"));
            if !server.is_null() {
                cx.out(format!("Server Version: {}\n", text_at(&server, "/gitVersion")));
            }
        }
    }
    Ok(())
}
