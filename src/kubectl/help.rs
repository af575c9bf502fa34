//! Help texts, laid out from the verbs' tables. Pure.
//!
//! Mirrors: kubectl/pkg/util/templates.

use crate::flags::{Flag, Kind};
use crate::global;
use crate::verb::Verb;
use api::order::Order;

const GLOBAL_HINT: &str =
    "Use \"kubectl options\" for a list of global command-line options (applies to all commands).\n";

/// `kubectl PATH --help`.
pub fn verb(verb: &Verb, path: &str) -> String {
    let mut text = String::new();
    text.push_str(if verb.long.is_empty() { verb.short } else { verb.long });
    text.push_str("\n\n");
    if !verb.aliases.is_empty() {
        text.push_str(&format!("Aliases:\n{}, {}\n\n", verb.name, verb.aliases.join(", ")));
    }
    if !verb.examples.is_empty() {
        text.push_str("Examples:\n");
        for line in verb.examples.lines() {
            text.push_str(&if line.is_empty() { "\n".into() } else { format!("  {line}\n") });
        }
        text.push('\n');
    }
    if !verb.subcommands.is_empty() {
        text.push_str("Available Commands:\n");
        text.push_str(&list(verb.subcommands, 11));
        text.push('\n');
    }
    let own = verb.flags.iter().flat_map(|group| group.iter());
    let options = options(own);
    if !options.is_empty() {
        text.push_str(&format!("Options:\n{options}"));
    }
    let usage = if verb.usage.is_empty() { String::new() } else { format!(" {}", verb.usage) };
    text.push_str(&format!("Usage:\n  {path}{usage} [options]\n\n"));
    if !verb.subcommands.is_empty() {
        text.push_str(&format!("Use \"{path} <command> --help\" for more information about a given command.\n"));
    }
    text.push_str(GLOBAL_HINT);
    text
}

/// `kubectl options`.
pub fn globals() -> String {
    format!("The following options can be passed to any command:\n\n{}", options(global::FLAGS.iter()))
}

/// `kubectl --help`: the verbs in their groups.
pub fn root(groups: &[(&str, &[&Verb])]) -> String {
    let mut text = String::from(
        "kubectl controls the Kubernetes cluster manager.\n\n Find more information at: https://kubernetes.io/docs/reference/kubectl/\n\n",
    );
    let width = groups.iter().flat_map(|(_, verbs)| verbs.iter()).map(|verb| verb.name.len()).max().unwrap_or(0);
    for (title, verbs) in groups {
        text.push_str(&format!("{title}:\n{}\n", list(verbs, width)));
    }
    text.push_str("Usage:\n  kubectl [flags] [options]\n\n");
    text.push_str("Use \"kubectl <command> --help\" for more information about a given command.\n");
    text.push_str(GLOBAL_HINT);
    text
}

fn list(verbs: &[&Verb], least: usize) -> String {
    let width = verbs.iter().map(|verb| verb.name.len()).max().unwrap_or(0).max(least);
    verbs.iter().map(|verb| format!("  {:width$}   {}\n", verb.name, verb.short)).collect()
}

fn options<'a>(flags: impl Iterator<Item = &'a Flag>) -> String {
    let mut flags: Vec<&Flag> = flags.filter(|flag| !flag.hidden).collect();
    flags.order_by_key(|flag| flag.long);
    flags.dedup_by_key(|flag| flag.long);
    flags
        .iter()
        .map(|flag| {
            let short = flag.short.map(|letter| format!("-{letter}, ")).unwrap_or_default();
            let default = match flag.kind {
                Kind::Text if flag.long == "vmodule" => String::new(),
                Kind::Text => format!("'{}'", flag.default),
                Kind::List | Kind::Csv => "[]".into(),
                Kind::Pairs => "[]".into(),
                Kind::Map => String::new(),
                Kind::Bool | Kind::Int | Kind::Int32 | Kind::Duration => flag.default.into(),
            };
            // `-v, --v` and friends align with the long forms below them.
            format!("    {short}--{}={default}:\n\t{}\n\n", flag.long, flag.help)
        })
        .collect()
}
