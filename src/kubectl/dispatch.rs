//! From words to a verb: finds it, reads its flags, runs it, renders its failure.
//!
//! The list of verbs lives here; each verb's table lives in `commands/<verb>.rs`.
//! Mirrors: spf13/cobra's lookup and suggestions, kubectl/pkg/cmd/cmd.go.

use crate::commands as c;
use crate::coroutine::Cx;
use crate::failure::Failure;
use crate::flags::Args;
use crate::global;
use crate::help;
use crate::verb::Verb;
use api::order::Order;

/// The verbs in the groups of `kubectl --help`.
pub const GROUPS: &[(&str, &[&Verb])] = &[
    ("Basic Commands (Beginner)", &[&c::create::VERB, &c::expose::VERB, &c::run::VERB, &c::set::VERB]),
    ("Basic Commands (Intermediate)", &[&c::explain::VERB, &c::get::VERB, &c::edit::VERB, &c::delete::VERB]),
    ("Deploy Commands", &[&c::rollout::VERB, &c::scale::VERB, &c::autoscale::VERB]),
    (
        "Cluster Management Commands",
        &[
            &c::certificate::VERB,
            &c::cluster_info::VERB,
            &c::top::VERB,
            &c::cordon::CORDON,
            &c::cordon::UNCORDON,
            &c::drain::VERB,
            &c::taint::VERB,
        ],
    ),
    (
        "Troubleshooting and Debugging Commands",
        &[
            &c::describe::VERB,
            &c::logs::VERB,
            &c::attach::VERB,
            &c::exec::VERB,
            &c::port_forward::VERB,
            &c::absent::PROXY,
            &c::cp::VERB,
            &c::auth::VERB,
            &c::debug::VERB,
            &c::events::VERB,
        ],
    ),
    (
        "Advanced Commands",
        &[&c::diff::VERB, &c::apply::VERB, &c::patch::VERB, &c::replace::VERB, &c::wait::VERB, &c::absent::KUSTOMIZE],
    ),
    ("Settings Commands", &[&c::label::LABEL, &c::label::ANNOTATE, &c::absent::COMPLETION]),
    ("Subcommands provided by plugins", &[]),
    (
        "Other Commands",
        &[
            &c::api_resources::RESOURCES,
            &c::api_resources::VERSIONS,
            &c::config::VERB,
            &c::absent::KUBERC,
            &c::absent::PLUGIN,
            &c::version::VERB,
        ],
    ),
];

/// Every verb at the top.
pub fn verbs() -> impl Iterator<Item = &'static Verb> {
    GROUPS.iter().flat_map(|(_, verbs)| verbs.iter().copied())
}

/// What a line's words lead to.
pub enum Found {
    /// The verb, its path, and the words that remain.
    Verb(&'static Verb, String, Vec<String>),
    /// `kubectl options`.
    Options,
    /// No verb was named; the words are global flags.
    Root(Vec<String>),
    Unknown(String),
    /// `kubectl help` of what there is not.
    Topic(String),
}

/// Finds the verb; flags may stand before it.
pub fn find(words: &[String]) -> Found {
    let mut rest = words.to_vec();
    let Some(at) = first_word(&rest, None) else { return Found::Root(rest) };
    let name = rest.remove(at);
    if name == "options" {
        return Found::Options;
    }
    if name == "help" {
        let mut inner = rest;
        inner.push("--help".into());
        return match find(&inner) {
            Found::Unknown(name) => Found::Topic(name),
            found => found,
        };
    }
    let Some(mut verb) = verbs().find(|verb| verb.is_called(&name)) else { return Found::Unknown(name) };
    let mut path = format!("kubectl {}", verb.name);
    while let Some(at) = first_word(&rest, Some(verb)) {
        let Some(inner) = verb.subcommand(&rest[at]) else { break };
        rest.remove(at);
        path = format!("{path} {}", inner.name);
        verb = inner;
    }
    Found::Verb(verb, path, rest)
}

/// The first word that is neither a flag nor a flag's value.
fn first_word(words: &[String], verb: Option<&Verb>) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if word == "--" {
            return None;
        }
        let takes_value = |long: Option<&str>, short: Option<char>| {
            let own = verb.map(|verb| verb.flags).unwrap_or_default().iter().flat_map(|group| group.iter());
            own.chain(global::FLAGS)
                .find(|flag| Some(flag.long) == long || (short.is_some() && flag.short == short))
                .is_some_and(|flag| flag.bare.is_none())
        };
        if let Some(long) = word.strip_prefix("--") {
            at += if !long.contains('=') && takes_value(Some(long), None) { 2 } else { 1 };
        } else if word.len() > 1 && word.starts_with('-') {
            let letters = word.chars().count();
            let last = word.chars().last().filter(|_| letters == 2);
            at += if last.is_some() && takes_value(None, last) { 2 } else { 1 };
        } else {
            return Some(at);
        }
    }
    None
}

/// Runs `kubectl WORDS…` to its exit code.
pub async fn run(cx: &Cx, words: &[String]) -> i32 {
    let (verb, path, rest) = match find(words) {
        Found::Verb(verb, path, rest) => (verb, path, rest),
        Found::Options => {
            cx.out(help::globals());
            return 0;
        }
        Found::Topic(name) => {
            cx.err(format!("Unknown help topic [`{name}`]\n{}", help::root(GROUPS)));
            return 0;
        }
        Found::Unknown(name) if name == "alpha" => {
            cx.err("No alpha commands are available in this version of kubectl\n");
            return 0;
        }
        Found::Unknown(name) => {
            cx.err(format!("error: unknown command {name:?} for \"kubectl\"{}\n", suggest(&name)));
            return 1;
        }
        Found::Root(rest) => return root(cx, &rest),
    };
    let args = match Args::parse(verb, &path, &rest) {
        Ok(args) => args,
        // For `diff` 1 means a difference.
        Err(why) if verb.name == "diff" => {
            cx.err(Failure::usage(&path, why).render());
            return 2;
        }
        Err(why) => {
            cx.err(format!("error: {why}\nSee '{path} --help' for usage.\n"));
            return 1;
        }
    };
    if args.help {
        cx.out(help::verb(verb, &path));
        return 0;
    }
    for flag in args.given() {
        if let Some(why) = flag.deprecated {
            cx.err(format!("Flag --{} has been deprecated, {why}\n", flag.long));
        }
        if flag.ignored && cx.env.page {
            cx.err(format!("(--{} has no effect in this simulated cluster)\n", flag.long));
        }
    }
    if let Some(name) = unknown_profile(&args) {
        cx.err(format!("error: unknown profile '{name}'\n"));
        return 1;
    }
    let missing = args.missing();
    if !missing.is_empty() {
        let names: Vec<String> = missing.iter().map(|long| format!("{long:?}")).collect();
        cx.err(format!("error: required flag(s) {} not set\n", names.join(", ")));
        return 1;
    }
    let Some(body) = verb.run else {
        if let Some(word) = args.words.first().map(|_| args.words.join(" ")) {
            cx.err(Failure::usage(&path, format!("unknown command {word:?}")).render());
            return 1;
        }
        let text = help::verb(verb, &path);
        // Each group chose for itself where its help goes.
        if verb.name == "rollout" {
            cx.out(text)
        } else {
            cx.err(text)
        }
        return 1;
    };
    match body(cx, &args).await {
        Err(failure) => {
            cx.err(failure.render());
            failure.exit_code()
        }
        Ok(()) if args.flag("warnings-as-errors") && cx.warnings() > 0 => {
            let count = cx.warnings();
            cx.err(format!("error: {count} warning{} received\n", if count == 1 { "" } else { "s" }));
            1
        }
        Ok(()) => 0,
    }
}

/// `--profile` may name what nobody measures.
fn unknown_profile(args: &Args) -> Option<&str> {
    const PROFILES: &[&str] = &["none", "cpu", "heap", "goroutine", "threadcreate", "block", "mutex", "trace"];
    let name = args.global("profile");
    (!name.is_empty() && !PROFILES.contains(&name)).then_some(name)
}

/// `kubectl` with flags only.
fn root(cx: &Cx, words: &[String]) -> i32 {
    static ROOT: Verb = crate::verb::VERB;
    match Args::parse(&ROOT, "kubectl", words) {
        Ok(_) => {
            cx.out(help::root(GROUPS));
            0
        }
        Err(why) => {
            cx.err(format!("error: {why}\nSee 'kubectl --help' for usage.\n"));
            1
        }
    }
}

/// Names at most two edits away, or beginning with the word.
fn suggest(word: &str) -> String {
    let lower = word.to_lowercase();
    let names: Vec<&str> = verbs()
        .map(|verb| verb.name)
        .filter(|name| distance(word, name) <= 2 || name.to_lowercase().starts_with(&lower))
        .collect();
    if names.is_empty() {
        return String::new();
    }
    let mut names = names;
    names.order();
    let lines: String = names.iter().map(|name| format!("\t{name}\n")).collect();
    format!("\n\nDid you mean this?\n{lines}")
}

/// Edits between two words.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.to_lowercase().chars().enumerate() {
        let mut previous = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let insert = row[j].min(row[j + 1]) + 1;
            let replace = previous + usize::from(x != *y);
            previous = row[j + 1];
            row[j + 1] = insert.min(replace);
        }
    }
    row[b.len()]
}
