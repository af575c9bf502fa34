//! `kubectl describe`: finds objects and prints their pages, by exact name or else by the name's beginning.
//!
//! What a page says is [`crate::describe`]'s.
//! Mirrors: kubectl/pkg/cmd/describe/describe.go.

use super::check_files;
use crate::client::Client;
use crate::coroutine::Cx;
use crate::describe;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::resource::{Info, Selection};
use crate::verb::{Complete, VERB as BASE, Verb};

const FLAGS: &[Flag] = &[
    Flag::int("chunk-size", "500", "Return large lists in chunks rather than all at once. Pass 0 to disable."),
    Flag::bool(
        "show-events",
        true,
        "If true, display events related to the described object. Defaults to true for a single object, false for multiple objects and prefix matching.",
    ),
];

pub static VERB: Verb = Verb {
    name: "describe",
    short: "Show details of a specific resource or group of resources",
    long: "Show details of a specific resource or group of resources.

 Print a detailed description of the selected resources, including related resources such as events or controllers. You may select a single object by name, all objects of that type, provide a name prefix, or label selector. For example:

  $ kubectl describe TYPE NAME_PREFIX

 will first check for an exact match on TYPE and NAME_PREFIX. If no such resource exists, it will output details for every resource that has a name prefixed with NAME_PREFIX.

Use \"kubectl api-resources\" for a complete list of supported resources.",
    examples: "# Describe a node
kubectl describe nodes kubernetes-node-emt8.c.myproject.internal

# Describe a pod
kubectl describe pods/nginx

# Describe a pod identified by type and name in \"pod.json\"
kubectl describe -f pod.json

# Describe all pods
kubectl describe pods

# Describe pods by label name=myLabel
kubectl describe pods -l name=myLabel

# Describe all pods managed by the 'frontend' replication controller
# (rc-created pods get the name of the rc as a prefix in the pod name)
kubectl describe pods frontend",
    usage: "(-f FILENAME | TYPE [NAME_PREFIX | -l label] | TYPE/NAME)",
    flags: &[FLAGS, global::FILES, global::SELECTOR, global::ALL_NAMESPACES],
    complete: Complete::TypeThenNames,
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    check_files(args)?;
    if args.words.is_empty() && args.list("filename").is_empty() {
        return Err(Failure::plain(
            "You must specify the type of resource to describe. Use \"kubectl api-resources\" for a complete list of supported resources.\n",
        ));
    }
    let selection = Selection { type_alone: true, ..Selection::of(args, &args.words) };
    let (infos, mut failures) = selection.resolve(&client).await?.split();
    // A page among others shows events only when asked to.
    let alone = failures.is_empty() && infos.len() <= 1;
    let show_events = args.flag("show-events") && (alone || args.changed("show-events"));
    if let ([Failure::Api(_)], [word, prefix]) = (failures.as_slice(), args.words.as_slice())
        && failures[0].is_not_found()
    {
        // Two words are taken for a type and the beginning of a name, even where both name objects.
        if word.contains('/') || prefix.contains('/') {
            return Failure::aggregate(failures);
        }
        let not_found = failures.remove(0);
        return by_prefix(&client, &selection, word, prefix, show_events, not_found).await;
    }
    let nothing = infos.is_empty() && failures.is_empty();
    let mut first = true;
    for info in infos {
        match page(&client, &info, show_events).await {
            Ok(page) => {
                cx.out(if first { page } else { format!("\n\n{page}") });
                first = false;
            }
            Err(failure) if failures.contains(&failure) => {}
            Err(failure) => failures.push(failure),
        }
    }
    if nothing {
        cx.err(match args.flag("all-namespaces") {
            true => "No resources found\n".to_string(),
            false => format!("No resources found in {} namespace.\n", client.namespace),
        });
    }
    Failure::aggregate(failures)
}

/// Every object whose name begins so; the refusal of the exact name if there is none.
async fn by_prefix(
    client: &Client<'_>,
    selection: &Selection,
    word: &str,
    prefix: &str,
    show_events: bool,
    not_found: Failure,
) -> Result {
    let all = Selection { words: vec![word.into()], ..selection.clone() };
    let infos = all.resolve(client).await?.all()?;
    let mut found = false;
    for info in infos.iter().filter(|info| info.name.starts_with(prefix)) {
        found = true;
        client.cx.out(format!("{}\n", page(client, info, show_events).await?));
    }
    if found { Ok(()) } else { Err(not_found) }
}

async fn page(client: &Client<'_>, info: &Info, show_events: bool) -> Result<String> {
    // A manifest says what was wanted: the page is about what is.
    let object = match info.source.is_empty() {
        true => info.object.clone(),
        false => client.get(&info.mapping, &info.namespace, &info.name).await?,
    };
    describe::page(client, &info.mapping, &object, show_events).await
}
