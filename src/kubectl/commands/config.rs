//! `kubectl config`: looks at and changes the session's kubeconfig. No requests.
//!
//! Mirrors: kubectl/pkg/cmd/config.

mod set;

use api::order::Order;
use serde_json::{Map, Value, json};

use crate::client;
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::kubeconfig::{FILE, Kubeconfig};
use crate::output::table::TabWriter;
use crate::output::{Output, Printer};
use crate::verb::{Complete, VERB as BASE, Verb};

pub static VERB: Verb = Verb {
    name: "config",
    short: "Modify kubeconfig files",
    long: "Modify kubeconfig files using subcommands like \"kubectl config set current-context my-context\".

 The loading order follows these rules:

  1.  If the --kubeconfig flag is set, then only that file is loaded. The flag may only be set once and no merging takes place.
  2.  If $KUBECONFIG environment variable is set, then it is used as a list of paths (normal path delimiting rules for your system). These paths are merged. When a value is modified, it is modified in the file that defines the stanza. When a value is created, it is created in the first file that exists. If no files in the chain exist, then it creates the last file in the list.
  3.  Otherwise, ${HOME}/.kube/config is used and no merging takes place.",
    usage: "SUBCOMMAND",
    subcommands: &[
        &CURRENT_CONTEXT,
        &set::DELETE_CLUSTER,
        &DELETE_CONTEXT,
        &set::DELETE_USER,
        &GET_CLUSTERS,
        &GET_CONTEXTS,
        &GET_USERS,
        &RENAME_CONTEXT,
        &set::SET,
        &set::SET_CLUSTER,
        &set::SET_CONTEXT,
        &set::SET_CREDENTIALS,
        &set::UNSET,
        &USE_CONTEXT,
        &VIEW,
    ],
    ..BASE
};

static CURRENT_CONTEXT: Verb = Verb {
    name: "current-context",
    short: "Display the current-context",
    long: "Display the current-context.",
    examples: "# Display the current-context
kubectl config current-context",
    usage: "[flags]",
    run: Some(|cx, args| Box::pin(current_context(cx, args))),
    ..BASE
};

static GET_CONTEXTS: Verb = Verb {
    name: "get-contexts",
    short: "Describe one or many contexts",
    long: "Display one or many contexts from the kubeconfig file.",
    usage: "[(-o|--output=)name)]",
    flags: &[&[
        Flag::bool(
            "no-headers",
            false,
            "When using the default or custom-column output format, don't print headers (default print headers).",
        ),
        Flag::text("output", "", "Output format. One of: (name).").short('o').values(&["name"]),
    ]],
    complete: Complete::Contexts,
    run: Some(|cx, args| Box::pin(get_contexts(cx, args))),
    ..BASE
};

static GET_CLUSTERS: Verb = Verb {
    name: "get-clusters",
    short: "Display clusters defined in the kubeconfig",
    long: "Display clusters defined in the kubeconfig.",
    examples: "# List the clusters that kubectl knows about
kubectl config get-clusters",
    usage: "[flags]",
    run: Some(|cx, args| Box::pin(names(cx, args, |config| config.clusters))),
    ..BASE
};

static GET_USERS: Verb = Verb {
    name: "get-users",
    short: "Display users defined in the kubeconfig",
    long: "Display users defined in the kubeconfig.",
    examples: "# List the users that kubectl knows about
kubectl config get-users",
    usage: "[flags]",
    run: Some(|cx, args| Box::pin(names(cx, args, |config| config.users))),
    ..BASE
};

static USE_CONTEXT: Verb = Verb {
    name: "use-context",
    aliases: &["use"],
    short: "Set the current-context in a kubeconfig file",
    long: "Set the current-context in a kubeconfig file.",
    examples: "# Use the context for the minikube cluster
kubectl config use-context minikube",
    usage: "CONTEXT_NAME",
    complete: Complete::Contexts,
    run: Some(|cx, args| Box::pin(use_context(cx, args))),
    ..BASE
};

static RENAME_CONTEXT: Verb = Verb {
    name: "rename-context",
    short: "Rename a context from the kubeconfig file",
    long: "Renames a context from the kubeconfig file.

 CONTEXT_NAME is the context name that you want to change.

 NEW_NAME is the new name you want to set.

 Note: If the context being renamed is the 'current-context', this field will also be updated.",
    examples: "# Rename the context 'old-name' to 'new-name' in your kubeconfig file
kubectl config rename-context old-name new-name",
    usage: "CONTEXT_NAME NEW_NAME",
    complete: Complete::Contexts,
    run: Some(|cx, args| Box::pin(rename_context(cx, args))),
    ..BASE
};

static DELETE_CONTEXT: Verb = Verb {
    name: "delete-context",
    short: "Delete the specified context from the kubeconfig",
    long: "Delete the specified context from the kubeconfig.",
    examples: "# Delete the context for the minikube cluster
kubectl config delete-context minikube",
    usage: "NAME",
    complete: Complete::Contexts,
    run: Some(|cx, args| Box::pin(delete_context(cx, args))),
    ..BASE
};

static VIEW: Verb = Verb {
    name: "view",
    short: "Display merged kubeconfig settings or a specified kubeconfig file",
    long: "Display merged kubeconfig settings or a specified kubeconfig file.

 You can use --output jsonpath={...} to extract specific values using a jsonpath expression.",
    usage: "[flags]",
    flags: &[
        &[
            Flag::bool(
                "flatten",
                false,
                "Flatten the resulting kubeconfig file into self-contained output (useful for creating portable kubeconfig files)",
            ),
            Flag::bool("minify", false, "Remove all information not used by current-context from the output"),
            Flag::bool("raw", false, "Display raw byte data and sensitive data"),
        ],
        global::PRINT,
    ],
    run: Some(|cx, args| Box::pin(view(cx, args))),
    ..BASE
};

fn change(cx: &Cx, edit: impl FnOnce(&mut Kubeconfig)) {
    edit(&mut cx.env.session.borrow_mut().kubeconfig);
}

/// A call with too few words, or too many: shows the help, and fails.
fn helped(cx: &Cx, args: &Args, why: &str) -> Failure {
    cx.out(crate::help::verb(args.verb, &args.path));
    Failure::plain(format!("{why}: {}", super::apply::brackets(&args.words)))
}

async fn names(cx: &Cx, args: &Args, all: fn(Kubeconfig) -> Map<String, Value>) -> Result {
    let names: String = all(client::kubeconfig(cx, args)).keys().map(|name| format!("{name}\n")).collect();
    cx.out(format!("NAME\n{names}"));
    Ok(())
}

async fn current_context(cx: &Cx, args: &Args) -> Result {
    let config = client::kubeconfig(cx, args);
    if config.current.is_empty() {
        return Err(Failure::plain("current-context is not set"));
    }
    cx.out(format!("{}\n", config.current));
    Ok(())
}

async fn get_contexts(cx: &Cx, args: &Args) -> Result {
    let config = client::kubeconfig(cx, args);
    let mut failures = Vec::new();
    let mut contexts: Vec<&String> = Vec::new();
    if args.words.is_empty() {
        contexts.extend(config.contexts.keys());
    }
    for name in &args.words {
        match config.contexts.get_key_value(name) {
            Some((name, _)) => contexts.push(name),
            None => failures.push(Failure::plain(format!("context {name} not found"))),
        }
    }
    contexts.order();
    if args.text("output") == "name" {
        cx.out(contexts.iter().map(|name| format!("{name}\n")).collect::<String>());
        return Failure::aggregate(failures);
    }
    let mut rows: Vec<Vec<String>> = Vec::new();
    if !args.flag("no-headers") {
        rows.push(["CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"].map(String::from).to_vec());
    }
    for name in contexts {
        let mark = if *name == config.current { "*" } else { "" };
        let [cluster, user, namespace] = ["cluster", "user", "namespace"].map(|word| config.of_context(name, word));
        rows.push([mark, name, cluster, user, namespace].map(String::from).to_vec());
    }
    cx.out(TabWriter::default().render(&rows));
    Failure::aggregate(failures)
}

async fn use_context(cx: &Cx, args: &Args) -> Result {
    let [name] = args.words.as_slice() else { return Err(helped(cx, args, "Unexpected args")) };
    if !client::kubeconfig(cx, args).contexts.contains_key(name) {
        return Err(Failure::plain(format!("no context exists with the name: {name:?}")));
    }
    change(cx, |config| config.current.clone_from(name));
    cx.out(format!("Switched to context {name:?}.\n"));
    Ok(())
}

async fn rename_context(cx: &Cx, args: &Args) -> Result {
    let [from, to] = args.words.as_slice() else { return Err(helped(cx, args, "Unexpected args")) };
    let mut config = client::kubeconfig(cx, args);
    let Some(context) = config.contexts.get(from).cloned() else {
        return Err(Failure::plain(format!("cannot rename the context {from:?}, it's not in {FILE}")));
    };
    if config.contexts.contains_key(to) {
        return Err(Failure::plain(format!(
            "cannot rename the context {from:?}, the context {to:?} already exists in {FILE}"
        )));
    }
    config.contexts.remove(from);
    config.contexts.insert(to.clone(), context);
    if config.current == *from {
        config.current.clone_from(to);
    }
    change(cx, |known| *known = config);
    cx.out(format!("Context {from:?} renamed to {to:?}.\n"));
    Ok(())
}

async fn delete_context(cx: &Cx, args: &Args) -> Result {
    let [name] = args.words.as_slice() else {
        cx.out(crate::help::verb(args.verb, &args.path));
        return Ok(());
    };
    set::delete(cx, args, "context", name)
}

async fn view(cx: &Cx, args: &Args) -> Result {
    if !args.words.is_empty() {
        let why = format!("unexpected arguments: {}", super::apply::brackets(&args.words));
        return Err(Failure::usage(&args.path, why));
    }
    let mut config = client::kubeconfig(cx, args);
    let mut output = Output::choose(cx, args, Printer::Yaml, &[])?;
    if !args.text("context").is_empty() {
        config.current = args.text("context").into();
    }
    if args.flag("minify") {
        minify(&mut config)?;
    }
    if !args.flag("raw") {
        hide(&mut config.clusters, &[("certificate-authority-data", "DATA+OMITTED")]);
        let secrets = ["token", "password"].map(|key| (key, "REDACTED"));
        let data = ["client-certificate-data", "client-key-data"].map(|key| (key, "DATA+OMITTED"));
        hide(&mut config.users, &[secrets, data].concat());
    }
    for (name, always) in [("cluster", ""), ("user", "")] {
        config.contexts.values_mut().filter(|context| context[name].is_null()).for_each(|c| c[name] = always.into());
    }
    config.clusters.values_mut().filter(|c| c["server"].is_null()).for_each(|c| c["server"] = "".into());
    let list = |all: Map<String, Value>, kind: &str| match all.is_empty() {
        true => Value::Null,
        false => all.into_iter().map(|(name, entry)| json!({kind: entry, "name": name})).collect(),
    };
    let whole = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": list(config.clusters, "cluster"),
        "contexts": list(config.contexts, "context"),
        "current-context": config.current,
        "users": list(config.users, "user"),
    });
    cx.out(output.print(&whole)?);
    Ok(())
}

/// Leaves what the current context leads to.
///
/// # Errors
/// It leads nowhere.
fn minify(config: &mut Kubeconfig) -> Result {
    let [cluster, user] = ["cluster", "user"].map(|word| config.of_context("", word).to_owned());
    let lost = |kind: &str, name: &str| Err(Failure::plain(format!("cannot locate {kind} {name}")));
    let current = config.current.clone();
    for (kind, all, name) in [
        ("context", &mut config.contexts, &current),
        ("user", &mut config.users, &user),
        ("cluster", &mut config.clusters, &cluster),
    ] {
        if !name.is_empty() && !all.contains_key(name) {
            return lost(kind, name);
        }
        all.retain(|known, _| known == name);
    }
    Ok(())
}

/// Shows of secrets only that they are there.
fn hide(entries: &mut Map<String, Value>, secrets: &[(&str, &str)]) {
    for entry in entries.values_mut().filter_map(Value::as_object_mut) {
        for (key, shown) in secrets {
            if let Some(value) = entry.get_mut(*key) {
                *value = (*shown).into();
            }
        }
    }
}
