//! `kubectl config`: looks at and changes the session's kubeconfig. No requests.
//!
//! Mirrors: kubectl/pkg/cmd/config.

use api::order::Order;
use serde_json::{Value, json};

use crate::client;
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::kubeconfig::{Context, Kubeconfig};
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
        &DELETE_CONTEXT,
        &GET_CLUSTERS,
        &GET_CONTEXTS,
        &GET_USERS,
        &RENAME_CONTEXT,
        &SET_CONTEXT,
        &USE_CONTEXT,
        &VIEW,
    ],
    ..BASE
};

static CURRENT_CONTEXT: Verb = Verb {
    name: "current-context",
    short: "Display the current-context",
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
    run: Some(|cx, args| {
        Box::pin(async move {
            let config = client::kubeconfig(cx, args);
            cx.out(format!("NAME\n{}\n", config.cluster));
            Ok(())
        })
    }),
    ..BASE
};

static GET_USERS: Verb = Verb {
    name: "get-users",
    short: "Display users defined in the kubeconfig",
    run: Some(|cx, args| {
        Box::pin(async move {
            let config = client::kubeconfig(cx, args);
            cx.out(format!("NAME\n{}\n", config.user));
            Ok(())
        })
    }),
    ..BASE
};

static SET_CONTEXT: Verb = Verb {
    name: "set-context",
    short: "Set a context entry in kubeconfig",
    long: "Set a context entry in kubeconfig.

 Specifying a name that already exists will merge new fields on top of existing values for those fields.",
    examples: "# Set the user field on the gce context entry without touching other values
kubectl config set-context gce --user=cluster-admin",
    usage: "[NAME | --current] [--cluster=cluster_nickname] [--user=user_nickname] [--namespace=namespace]",
    flags: &[&[Flag::bool("current", false, "Modify the current context")]],
    complete: Complete::Contexts,
    run: Some(|cx, args| Box::pin(set_context(cx, args))),
    ..BASE
};

static USE_CONTEXT: Verb = Verb {
    name: "use-context",
    aliases: &["use"],
    short: "Set the current-context in a kubeconfig file",
    usage: "CONTEXT_NAME",
    complete: Complete::Contexts,
    run: Some(|cx, args| Box::pin(use_context(cx, args))),
    ..BASE
};

static RENAME_CONTEXT: Verb = Verb {
    name: "rename-context",
    short: "Rename a context from the kubeconfig file",
    usage: "CONTEXT_NAME NEW_NAME",
    complete: Complete::Contexts,
    run: Some(|cx, args| Box::pin(rename_context(cx, args))),
    ..BASE
};

static DELETE_CONTEXT: Verb = Verb {
    name: "delete-context",
    short: "Delete the specified context from the kubeconfig",
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

const FILE: &str = "/root/.kube/config";

fn change(cx: &Cx, edit: impl FnOnce(&mut Kubeconfig)) {
    edit(&mut cx.env.session.borrow_mut().kubeconfig);
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
    let mut contexts: Vec<&Context> = Vec::new();
    if args.words.is_empty() {
        contexts.extend(&config.contexts);
    }
    for name in &args.words {
        match config.context(name) {
            Some(context) => contexts.push(context),
            None => failures.push(Failure::plain(format!("context {name} not found"))),
        }
    }
    contexts.order_by(|a, b| a.name.cmp(&b.name));
    if args.text("output") == "name" {
        cx.out(contexts.iter().map(|context| format!("{}\n", context.name)).collect::<String>());
        return Failure::aggregate(failures);
    }
    let mut rows: Vec<Vec<String>> = Vec::new();
    if !args.flag("no-headers") {
        rows.push(["CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"].map(String::from).to_vec());
    }
    for context in contexts {
        let mark = if context.name == config.current { "*" } else { "" };
        rows.push(
            [mark, &context.name, &context.cluster, &context.user, &context.namespace].map(String::from).to_vec(),
        );
    }
    cx.out(TabWriter::default().render(&rows));
    Failure::aggregate(failures)
}

async fn set_context(cx: &Cx, args: &Args) -> Result {
    let config = client::kubeconfig(cx, args);
    let name = match args.words.as_slice() {
        [] if args.flag("current") && config.current.is_empty() => {
            return Err(Failure::plain("no current context is set"));
        }
        [] if args.flag("current") => config.current.clone(),
        [name] if !args.flag("current") => name.clone(),
        [_] => return Err(Failure::plain("you cannot specify both a context name and --current")),
        _ => return Err(Failure::plain("you must specify a non-empty context name or --current")),
    };
    let exists = config.context(&name).is_some();
    change(cx, |config| {
        if !exists {
            config.contexts.push(Context {
                name: name.clone(),
                cluster: String::new(),
                user: String::new(),
                namespace: String::new(),
            });
        }
        if let Some(context) = config.context_mut(&name) {
            for (flag, field) in
                [("cluster", &mut context.cluster), ("user", &mut context.user), ("namespace", &mut context.namespace)]
            {
                if args.changed(flag) {
                    *field = args.text(flag).into();
                }
            }
        }
    });
    cx.out(format!("Context {name:?} {}.\n", if exists { "modified" } else { "created" }));
    Ok(())
}

async fn use_context(cx: &Cx, args: &Args) -> Result {
    let [name] = args.words.as_slice() else {
        return Err(Failure::usage(&args.path, format!("Unexpected args: {}", super::apply::brackets(&args.words))));
    };
    if client::kubeconfig(cx, args).context(name).is_none() {
        return Err(Failure::plain(format!("no context exists with the name: {name:?}")));
    }
    change(cx, |config| config.current.clone_from(name));
    cx.out(format!("Switched to context {name:?}.\n"));
    Ok(())
}

async fn rename_context(cx: &Cx, args: &Args) -> Result {
    let [from, to] = args.words.as_slice() else {
        return Err(Failure::usage(&args.path, "rename-context requires two arguments"));
    };
    let config = client::kubeconfig(cx, args);
    if config.context(from).is_none() {
        return Err(Failure::plain(format!("cannot rename the context {from:?}, it's not in {FILE}")));
    }
    if config.context(to).is_some() {
        return Err(Failure::plain(format!(
            "cannot rename the context {from:?}, the context {to:?} already exists in {FILE}"
        )));
    }
    change(cx, |config| {
        if let Some(context) = config.context_mut(from) {
            context.name.clone_from(to);
        }
        if config.current == *from {
            config.current.clone_from(to);
        }
    });
    cx.out(format!("Context {from:?} renamed to {to:?}.\n"));
    Ok(())
}

async fn delete_context(cx: &Cx, args: &Args) -> Result {
    let [name] = args.words.as_slice() else {
        return Err(Failure::usage(&args.path, format!("Unexpected args: {}", super::apply::brackets(&args.words))));
    };
    let config = client::kubeconfig(cx, args);
    if config.context(name).is_none() {
        return Err(Failure::plain(format!("cannot delete context {name}, not in {FILE}")));
    }
    if config.current == *name {
        cx.err(
            "warning: this removed your active context, use \"kubectl config use-context\" to select a different one\n",
        );
    }
    change(cx, |config| config.contexts.retain(|context| context.name != *name));
    cx.out(format!("deleted context {name} from {FILE}\n"));
    Ok(())
}

async fn view(cx: &Cx, args: &Args) -> Result {
    if !args.words.is_empty() {
        let why = format!("unexpected arguments: {}", super::apply::brackets(&args.words));
        return Err(Failure::usage(&args.path, why));
    }
    let config = client::kubeconfig(cx, args);
    let mut output = Output::choose(cx, args, Printer::Yaml, &[])?;
    let or_null = |list: Vec<Value>| if list.is_empty() { Value::Null } else { json!(list) };
    let raw = args.flag("raw");
    let mut contexts = config.contexts.clone();
    if args.flag("minify") {
        contexts.retain(|context| context.name == config.current);
    }
    let contexts: Vec<Value> = contexts
        .iter()
        .map(|context| {
            let mut inner = json!({"cluster": context.cluster, "user": context.user});
            if !context.namespace.is_empty() {
                inner["namespace"] = context.namespace.clone().into();
            }
            json!({"context": inner, "name": context.name})
        })
        .collect();
    let mut clusters = Vec::new();
    let mut users = Vec::new();
    if !config.cluster.is_empty() {
        let authority = if raw { "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==" } else { "DATA+OMITTED" };
        clusters.push(json!({
            "cluster": {"certificate-authority-data": authority, "server": config.server},
            "name": config.cluster,
        }));
        users.push(json!({"name": config.user, "user": {"token": if raw { "simulated" } else { "REDACTED" }}}));
    }
    let whole = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": or_null(clusters),
        "contexts": or_null(contexts),
        "current-context": config.current,
        "users": or_null(users),
    });
    cx.out(output.print(&whole)?);
    Ok(())
}
