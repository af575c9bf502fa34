//! What the Tab key offers: verbs, flags and their values, types, and names asked of the live cluster.
//!
//! All of it comes from the verbs' tables and from discovery.

use api::order::Order;
use serde_json::Value;

use crate::client::Client;
use crate::commands::{list_at, text_at};
use crate::coroutine::Cx;
use crate::dispatch::{self, Found};
use crate::flags::{Args, Flag};
use crate::shell;
use crate::verb::{Complete, Verb};

/// Where the word under the cursor begins; the cursor stands at the end of the line.
pub fn word_start(line: &str) -> usize {
    let start = line.rfind([' ', '\t', '\n', '|', ';', '&', '(', '<', '>']).map_or(0, |at| at + 1);
    // `--output=js`, `a,b` and `pod/we` are completed behind the sign.
    let word = &line[start..];
    match word.find('=').filter(|_| word.starts_with("--")) {
        Some(at) => start + at + 1,
        None => start + word.rfind([',']).map_or(0, |at| at + 1),
    }
}

/// The words of the last simple command before the cursor, the last one possibly empty.
fn words(line: &str) -> Vec<String> {
    let begin = line.rfind(['|', ';', '&', '(', '\n']).map_or(0, |at| at + 1);
    let mut words: Vec<String> = Vec::new();
    let (mut word, mut quote, mut open) = (String::new(), None, false);
    for letter in line[begin..].chars() {
        match (quote, letter) {
            (Some(mark), _) if mark == letter => quote = None,
            (None, '\'' | '"') => (quote, open) = (Some(letter), true),
            (None, ' ' | '\t') => {
                if open || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                open = false;
            }
            _ => word.push(letter),
        }
    }
    words.push(word);
    words
}

/// Prints the candidates for the end of a line, one a line, sorted.
pub async fn run(cx: &Cx, line: &str) -> i32 {
    let words = words(line);
    let (partial, before) = words.split_last().expect("there is always a last word");
    let mut candidates = match before.split_first() {
        None => shell::BUILTINS.iter().map(ToString::to_string).collect(),
        Some((first, rest)) => {
            let alias = cx.env.session.borrow().aliases.get(first).cloned().unwrap_or_else(|| first.clone());
            let mut alias = alias.split_whitespace().map(String::from);
            match alias.next().as_deref() {
                Some("kubectl" | "k") => {
                    let all: Vec<String> = alias.chain(rest.iter().cloned()).collect();
                    kubectl(cx, &all, partial).await
                }
                _ => cx.env.files.names(),
            }
        }
    };
    let typed = &line[word_start(line)..];
    candidates.retain(|candidate| candidate.starts_with(typed));
    candidates.order();
    candidates.dedup();
    cx.out(candidates.iter().map(|candidate| format!("{candidate}\n")).collect::<String>());
    0
}

async fn kubectl(cx: &Cx, before: &[String], partial: &str) -> Vec<String> {
    let (verb, path, rest) = match dispatch::find(before) {
        Found::Verb(verb, path, rest) => (verb, path, rest),
        Found::Root(_) if !partial.starts_with('-') => {
            return dispatch::verbs().map(|verb| verb.name.to_string()).collect();
        }
        Found::Root(_) | Found::Options | Found::Unknown(_) | Found::Topic(_) => return Vec::new(),
    };
    let Ok(args) = Args::parse(verb, &path, &complete_words(verb, &rest)) else { return Vec::new() };
    let Ok(client) = Client::new(cx, &args) else { return Vec::new() };
    if let Some((name, _)) = partial.strip_prefix("--").and_then(|flag| flag.split_once('=')) {
        return match verb.flag(name) {
            Some(flag) => values(&client, verb, flag, &args).await,
            None => Vec::new(),
        };
    }
    if let Some(flag) = rest.last().and_then(|word| waiting(verb, word)) {
        return values(&client, verb, flag, &args).await;
    }
    if partial.starts_with('-') {
        return verb
            .all_flags()
            .filter(|flag| !flag.hidden)
            .map(|flag| if flag.bare.is_some() { format!("--{}", flag.long) } else { format!("--{}=", flag.long) })
            .collect();
    }
    if !verb.subcommands.is_empty() && args.words.is_empty() {
        return verb.subcommands.iter().map(|verb| verb.name.to_string()).collect();
    }
    positional(&client, verb, &args, partial).await
}

/// The flag whose value the next word is.
fn waiting(verb: &'static Verb, word: &str) -> Option<&'static Flag> {
    let flag = if let Some(long) = word.strip_prefix("--") {
        verb.flag(long)?
    } else {
        let letters = word.strip_prefix('-')?;
        verb.shorthand(letters.chars().last().filter(|_| letters.chars().count() == 1)?)?
    };
    flag.bare.is_none().then_some(flag)
}

/// The words without a last flag that still waits for its value.
fn complete_words(verb: &'static Verb, words: &[String]) -> Vec<String> {
    match words.split_last() {
        Some((last, rest)) if waiting(verb, last).is_some() => rest.to_vec(),
        _ => words.to_vec(),
    }
}

async fn values(client: &Client<'_>, verb: &Verb, flag: &Flag, args: &Args) -> Vec<String> {
    match flag.long {
        "namespace" => names(client, "namespaces").await,
        "context" => client.kubeconfig.contexts.keys().cloned().collect(),
        "filename" | "patch-file" | "from-file" | "from-env-file" => client.cx.env.files.names(),
        "container" => containers(client, verb, args).await,
        "as" => Vec::new(),
        "image" => images(client).await,
        _ => flag.values.iter().map(ToString::to_string).collect(),
    }
}

async fn positional(client: &Client<'_>, verb: &Verb, args: &Args, partial: &str) -> Vec<String> {
    let words = &args.words;
    if args.before_dash.is_some() {
        return Vec::new();
    }
    match verb.complete {
        Complete::Nothing => Vec::new(),
        Complete::Contexts => client.kubeconfig.contexts.keys().cloned().collect(),
        Complete::Nodes => names(client, "nodes").await,
        Complete::Pod if words.is_empty() => names(client, "pods").await,
        Complete::PodOrWorkload if words.is_empty() => match partial.split_once('/') {
            Some((kind, _)) => slashed(client, kind).await,
            None => {
                let mut all = names(client, "pods").await;
                all.extend(["deployment/", "job/", "service/", "statefulset/"].map(String::from));
                all
            }
        },
        Complete::Pod | Complete::PodOrWorkload if verb.name == "logs" && words.len() == 1 => {
            containers(client, verb, args).await
        }
        Complete::Types if words.len() == usize::from(verb.name == "can-i") => types(client).await,
        Complete::Pod | Complete::PodOrWorkload | Complete::Types => Vec::new(),
        Complete::TypeThenNames | Complete::Workloads => match (words.as_slice(), partial.split_once('/')) {
            ([], Some((kind, _))) => slashed(client, kind).await,
            ([], None) => types(client).await,
            ([first, ..], _) if first.contains('/') => Vec::new(),
            ([kind, ..], _) => names(client, kind).await,
        },
    }
}

/// Types that can be listed, by their plural names.
async fn types(client: &Client<'_>) -> Vec<String> {
    let Ok(discovery) = client.discovery().await else { return Vec::new() };
    let listed = |mapping: &&std::rc::Rc<crate::discovery::Mapping>| mapping.can("list");
    discovery.resources.iter().filter(listed).map(|mapping| mapping.plural.clone()).collect()
}

/// Names of a type's objects in the namespace.
async fn names(client: &Client<'_>, word: &str) -> Vec<String> {
    let objects = client.select(word, &client.namespace, "").await.unwrap_or_default();
    objects.iter().map(|object| text_at(object, "/metadata/name").to_string()).collect()
}

async fn slashed(client: &Client<'_>, kind: &str) -> Vec<String> {
    names(client, kind).await.into_iter().map(|name| format!("{kind}/{name}")).collect()
}

async fn containers(client: &Client<'_>, _verb: &Verb, args: &Args) -> Vec<String> {
    let Some(word) = args.words.first() else { return Vec::new() };
    let (kind, name) = word.split_once('/').unwrap_or(("pods", word));
    let Ok(object) = client.fetch(kind, &client.namespace, name).await else { return Vec::new() };
    let spec = if object.pointer("/spec/template").is_some() { "/spec/template/spec" } else { "/spec" };
    ["containers", "initContainers"]
        .iter()
        .flat_map(|field| list_at(&object, &format!("{spec}/{field}")))
        .map(|container| text_at(container, "/name").to_string())
        .collect()
}

/// Images that nodes already have.
async fn images(client: &Client<'_>) -> Vec<String> {
    let nodes = client.select("nodes", "", "").await.unwrap_or_default();
    nodes
        .iter()
        .flat_map(|node| list_at(node, "/status/images"))
        .flat_map(|image| list_at(image, "/names"))
        .filter_map(Value::as_str)
        .filter(|name| !name.contains('@'))
        .map(String::from)
        .collect()
}
