//! `kubectl config set | unset | set-cluster | set-credentials | set-context | delete-cluster | delete-user`: entries changed.
//!
//! Mirrors: kubectl/pkg/cmd/config/{set,unset,set_cluster,set_credentials,set_context,delete_cluster,delete_user}.go.
//! Left out: plugins and providers that would give credentials.

use base64::Engine as _;
use serde_json::{Map, Value};

use super::{change, helped};
use crate::client;
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag, parse_bool};
use crate::kubeconfig::{FILE, Kubeconfig};
use crate::verb::{Complete, VERB as BASE, Verb};

pub static SET: Verb = Verb {
    name: "set",
    short: "Set an individual value in a kubeconfig file",
    long: "Set an individual value in a kubeconfig file.

 PROPERTY_NAME is a dot delimited name where each token represents either an attribute name or a map key.  Map keys may not contain dots.

 PROPERTY_VALUE is the new value you want to set. Binary fields such as 'certificate-authority-data' expect a base64 encoded string unless the --set-raw-bytes flag is used.

 Specifying an attribute name that already exists will merge new fields on top of existing values.",
    examples: "# Set the server field on the my-cluster cluster to https://1.2.3.4
kubectl config set clusters.my-cluster.server https://1.2.3.4

# Set the certificate-authority-data field on the my-cluster cluster
kubectl config set clusters.my-cluster.certificate-authority-data $(echo \"cert_data_here\" | base64 -i -)

# Set the cluster field in the my-context context to my-cluster
kubectl config set contexts.my-context.cluster my-cluster

# Set the client-key-data field in the cluster-admin user using --set-raw-bytes option
kubectl config set users.cluster-admin.client-key-data cert_data_here --set-raw-bytes=true",
    usage: "PROPERTY_NAME PROPERTY_VALUE",
    flags: &[&[Flag::bool(
        "set-raw-bytes",
        false,
        "When writing a []byte PROPERTY_VALUE, write the given string directly without base64 decoding.",
    )]],
    run: Some(|cx, args| Box::pin(set(cx, args))),
    ..BASE
};

pub static UNSET: Verb = Verb {
    name: "unset",
    short: "Unset an individual value in a kubeconfig file",
    long: "Unset an individual value in a kubeconfig file.

 PROPERTY_NAME is a dot delimited name where each token represents either an attribute name or a map key.  Map keys may not contain dots.",
    examples: "# Unset the current-context
kubectl config unset current-context

# Unset namespace in foo context
kubectl config unset contexts.foo.namespace",
    usage: "PROPERTY_NAME",
    run: Some(|cx, args| Box::pin(unset(cx, args))),
    ..BASE
};

pub static SET_CLUSTER: Verb = Verb {
    name: "set-cluster",
    short: "Set a cluster entry in kubeconfig",
    long: "Set a cluster entry in kubeconfig.

 Specifying a name that already exists will merge new fields on top of existing values for those fields.",
    examples: "# Set only the server field on the e2e cluster entry without touching other values
kubectl config set-cluster e2e --server=https://1.2.3.4

# Embed certificate authority data for the e2e cluster entry
kubectl config set-cluster e2e --embed-certs --certificate-authority=~/.kube/e2e/kubernetes.ca.crt

# Disable cert checking for the e2e cluster entry
kubectl config set-cluster e2e --insecure-skip-tls-verify=true

# Set the custom TLS server name to use for validation for the e2e cluster entry
kubectl config set-cluster e2e --tls-server-name=my-cluster-name

# Set the proxy URL for the e2e cluster entry
kubectl config set-cluster e2e --proxy-url=https://1.2.3.4",
    usage: "NAME [--server=server] [--certificate-authority=path/to/certificate/authority] [--insecure-skip-tls-verify=true] [--tls-server-name=example.com]",
    flags: &[&[
        Flag::text(
            "certificate-authority",
            "",
            "Path to certificate-authority file for the cluster entry in kubeconfig",
        ),
        Flag::bool("embed-certs", false, "embed-certs for the cluster entry in kubeconfig"),
        Flag::bool("insecure-skip-tls-verify", false, "insecure-skip-tls-verify for the cluster entry in kubeconfig"),
        Flag::text("proxy-url", "", "proxy-url for the cluster entry in kubeconfig"),
        Flag::text("server", "", "server for the cluster entry in kubeconfig"),
        Flag::text("tls-server-name", "", "tls-server-name for the cluster entry in kubeconfig"),
    ]],
    run: Some(|cx, args| Box::pin(set_cluster(cx, args))),
    ..BASE
};

pub static SET_CREDENTIALS: Verb = Verb {
    name: "set-credentials",
    short: "Set a user entry in kubeconfig",
    long: "Set a user entry in kubeconfig.

 Specifying a name that already exists will merge new fields on top of existing values.

        Client-certificate flags:
        --client-certificate=certfile --client-key=keyfile
        
        Bearer token flags:
        --token=bearer_token
        
        Basic auth flags:
        --username=basic_user --password=basic_password
        
 Bearer token and basic auth are mutually exclusive.",
    examples: "# Set only the \"client-key\" field on the \"cluster-admin\"
# entry, without touching other values
kubectl config set-credentials cluster-admin --client-key=~/.kube/admin.key

# Set basic auth for the \"cluster-admin\" entry
kubectl config set-credentials cluster-admin --username=admin --password=uXFGweU9l35qcif

# Embed client certificate data in the \"cluster-admin\" entry
kubectl config set-credentials cluster-admin --client-certificate=~/.kube/admin.crt --embed-certs=true",
    usage: "NAME [--client-certificate=path/to/certfile] [--client-key=path/to/keyfile] [--token=bearer_token] [--username=basic_user] [--password=basic_password]",
    flags: &[&[
        Flag::text("client-certificate", "", "Path to client-certificate file for the user entry in kubeconfig"),
        Flag::text("client-key", "", "Path to client-key file for the user entry in kubeconfig"),
        Flag::bool("embed-certs", false, "Embed client cert/key for the user entry in kubeconfig"),
        Flag::text("password", "", "password for the user entry in kubeconfig"),
        Flag::text("token", "", "token for the user entry in kubeconfig"),
        Flag::text("username", "", "username for the user entry in kubeconfig"),
    ]],
    run: Some(|cx, args| Box::pin(set_credentials(cx, args))),
    ..BASE
};

pub static SET_CONTEXT: Verb = Verb {
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

pub static DELETE_CLUSTER: Verb = Verb {
    name: "delete-cluster",
    short: "Delete the specified cluster from the kubeconfig",
    long: "Delete the specified cluster from the kubeconfig.",
    examples: "# Delete the minikube cluster
kubectl config delete-cluster minikube",
    usage: "NAME",
    run: Some(|cx, args| Box::pin(delete_cluster(cx, args))),
    ..BASE
};

pub static DELETE_USER: Verb = Verb {
    name: "delete-user",
    short: "Delete the specified user from the kubeconfig",
    long: "Delete the specified user from the kubeconfig.",
    examples: "# Delete the minikube user
kubectl config delete-user minikube",
    usage: "NAME",
    run: Some(|cx, args| Box::pin(delete_user(cx, args))),
    ..BASE
};

/// What an attribute takes.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Bool,
    Bytes,
    /// A struct that is not reached from here.
    Whole,
}

/// The attributes of clusters, users and contexts.
const ATTRIBUTES: &[(&str, &[(&str, Kind)])] = &[
    (
        "clusters",
        &[
            ("server", Kind::Text),
            ("tls-server-name", Kind::Text),
            ("insecure-skip-tls-verify", Kind::Bool),
            ("certificate-authority", Kind::Text),
            ("certificate-authority-data", Kind::Bytes),
            ("proxy-url", Kind::Text),
            ("disable-compression", Kind::Bool),
        ],
    ),
    (
        "users",
        &[
            ("client-certificate", Kind::Text),
            ("client-certificate-data", Kind::Bytes),
            ("client-key", Kind::Text),
            ("client-key-data", Kind::Bytes),
            ("token", Kind::Text),
            ("tokenFile", Kind::Text),
            ("act-as", Kind::Text),
            ("act-as-uid", Kind::Text),
            ("username", Kind::Text),
            ("password", Kind::Text),
            ("auth-provider", Kind::Whole),
            ("exec", Kind::Whole),
        ],
    ),
    ("contexts", &[("cluster", Kind::Text), ("user", Kind::Text), ("namespace", Kind::Text)]),
];

/// Where a property is.
enum Property<'a> {
    Current,
    /// Stored nowhere: what kind of file it is.
    Header,
    /// All entries of a kind, one of them, or an attribute of one.
    Entry {
        all: &'static str,
        name: Option<&'a str>,
        attribute: Option<(&'a str, Kind)>,
    },
}

fn property(path: &str) -> Result<Property<'_>> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    if let "kind" | "apiVersion" | "preferences" = first {
        return Ok(Property::Header);
    }
    if path == "current-context" {
        return Ok(Property::Current);
    }
    let Some((all, attributes)) = ATTRIBUTES.iter().find(|(all, _)| *all == first) else {
        return Err(Failure::plain(format!("unable to parse {path} after [] at api.Config")));
    };
    let Some(rest) = rest else { return Ok(Property::Entry { all, name: None, attribute: None }) };
    // A name may have dots; an attribute ends it.
    let found = attributes.iter().find_map(|(attribute, kind)| {
        let at = rest.find(&format!(".{attribute}")).filter(|at| {
            let end = at + 1 + attribute.len();
            end == rest.len() || rest[end..].starts_with('.')
        })?;
        Some((&rest[..at], (*attribute, *kind)))
    });
    Ok(match found {
        Some((name, attribute)) => Property::Entry { all, name: Some(name), attribute: Some(attribute) },
        None => Property::Entry { all, name: Some(rest), attribute: None },
    })
}

fn entries<'a>(config: &'a mut Kubeconfig, all: &str) -> &'a mut Map<String, Value> {
    match all {
        "clusters" => &mut config.clusters,
        "users" => &mut config.users,
        _ => &mut config.contexts,
    }
}

/// An entry, made if it is not there.
fn entry<'a>(config: &'a mut Kubeconfig, all: &str, name: &str) -> &'a mut Value {
    entries(config, all).entry(name.to_string()).or_insert_with(|| Value::Object(Map::new()))
}

async fn set(cx: &Cx, args: &Args) -> Result {
    let [path, text] = args.words.as_slice() else { return Err(helped(cx, args, "Unexpected args")) };
    match property(path)? {
        Property::Header => {}
        Property::Current => change(cx, |config| config.current.clone_from(text)),
        Property::Entry { all, name: Some(name), attribute: Some((attribute, kind)) } => {
            let value = match kind {
                Kind::Text => text.clone().into(),
                Kind::Bool => parse_bool(text)
                    .map(Value::Bool)
                    .ok_or_else(|| Failure::plain(format!("strconv.ParseBool: parsing {text:?}: invalid syntax")))?,
                Kind::Bytes if args.flag("set-raw-bytes") => encoded(text).into(),
                Kind::Bytes => match base64::engine::general_purpose::STANDARD.decode(text) {
                    Ok(_) => text.clone().into(),
                    Err(_) => {
                        let at = text.len() & !3;
                        return Err(Failure::plain(format!(
                            "error decoding input value: illegal base64 data at input byte {at}"
                        )));
                    }
                },
                Kind::Whole => {
                    return Err(Failure::plain(format!("unable to parse one or more field values of {path}")));
                }
            };
            change(cx, |config| entry(config, all, name)[attribute] = value);
        }
        Property::Entry { all, name, .. } => {
            let mut config = client::kubeconfig(cx, args);
            if let Some(name) = name {
                entry(&mut config, all, name);
            }
            // Go shows where each entry is in memory, which nobody can use.
            let shown: Vec<String> =
                entries(&mut config, all).keys().map(|name| format!("{name}:0xc000000000")).collect();
            return Err(Failure::plain(format!("can't set a map to a value: map[{}]", shown.join(" "))));
        }
    }
    cx.out(format!("Property {path:?} set.\n"));
    Ok(())
}

fn encoded(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

async fn unset(cx: &Cx, args: &Args) -> Result {
    let [path] = args.words.as_slice() else { return Err(helped(cx, args, "Unexpected args")) };
    let mut config = client::kubeconfig(cx, args);
    match property(path)? {
        Property::Header => {}
        Property::Current => config.current.clear(),
        Property::Entry { all, name: None, .. } => entries(&mut config, all).clear(),
        Property::Entry { all, name: Some(name), attribute } => {
            let all = entries(&mut config, all);
            let Some(entry) = all.get_mut(name) else {
                return Err(Failure::plain(format!("current map key `{name}` is invalid")));
            };
            match (attribute, entry.as_object_mut()) {
                (Some((attribute, _)), Some(entry)) => drop(entry.remove(attribute)),
                _ => drop(all.remove(name)),
            }
        }
    }
    change(cx, |known| *known = config);
    cx.out(format!("Property {path:?} unset.\n"));
    Ok(())
}

/// A file of the learner's that is to be embedded.
fn embedded(cx: &Cx, args: &Args, flag: &str) -> Result<Value> {
    let file = args.text(flag);
    match cx.env.files.read(file) {
        Some(text) => Ok(encoded(&text).into()),
        None => {
            Err(Failure::plain(format!("could not stat {flag} file {file}: stat {file}: no such file or directory")))
        }
    }
}

async fn set_cluster(cx: &Cx, args: &Args) -> Result {
    let [name] = args.words.as_slice() else { return Err(helped(cx, args, "Unexpected args")) };
    let authority = args.text("certificate-authority");
    let (embeds, insecure) = (args.flag("embed-certs"), args.flag("insecure-skip-tls-verify"));
    let why = match () {
        () if name.is_empty() => "you must specify a non-empty cluster name",
        () if insecure && !authority.is_empty() => {
            "you cannot specify a certificate authority and insecure mode at the same time"
        }
        () if embeds && authority.is_empty() => "you must specify a --certificate-authority to embed",
        () => "",
    };
    if !why.is_empty() {
        return Err(Failure::plain(why));
    }
    let data = if embeds { Some(embedded(cx, args, "certificate-authority")?) } else { None };
    change(cx, |config| {
        let Value::Object(entry) = entry(config, "clusters", name) else { return };
        let authorities = ["certificate-authority", "certificate-authority-data", "insecure-skip-tls-verify"];
        if args.changed("server") {
            // Another server is not called what this one was.
            entry.remove("tls-server-name");
        }
        if insecure || !authority.is_empty() {
            authorities.iter().for_each(|key| drop(entry.remove(*key)));
        }
        for flag in ["server", "tls-server-name", "proxy-url"].into_iter().filter(|flag| args.changed(flag)) {
            entry.insert(flag.into(), args.text(flag).into());
        }
        if insecure {
            entry.insert("insecure-skip-tls-verify".into(), true.into());
        }
        match data {
            Some(data) => drop(entry.insert("certificate-authority-data".into(), data)),
            None if !authority.is_empty() => drop(entry.insert("certificate-authority".into(), authority.into())),
            None => {}
        }
        entry.entry("server").or_insert_with(|| "".into());
    });
    cx.out(format!("Cluster {name:?} set.\n"));
    Ok(())
}

async fn set_credentials(cx: &Cx, args: &Args) -> Result {
    let [name] = args.words.as_slice() else { return Err(helped(cx, args, "unexpected args")) };
    let (embeds, files) = (args.flag("embed-certs"), ["client-certificate", "client-key"]);
    let (token, basic) = (args.text("token"), [args.text("username"), args.text("password")].concat());
    let why = match () {
        () if name.is_empty() => "you must specify a non-empty user name",
        () if !token.is_empty() && !basic.is_empty() => {
            "you cannot specify more than one authentication method at the same time: --token, --username/--password"
        }
        () if embeds && files.iter().all(|flag| args.text(flag).is_empty()) => {
            "you must specify a --client-certificate or --client-key to embed"
        }
        () => "",
    };
    if !why.is_empty() {
        return Err(Failure::plain(why));
    }
    let mut found = Map::new();
    for flag in files.into_iter().filter(|flag| args.changed(flag)) {
        let (key, value) = if embeds {
            (format!("{flag}-data"), embedded(cx, args, flag)?)
        } else {
            (flag.to_string(), args.text(flag).into())
        };
        found.insert(key, value);
    }
    change(cx, |config| {
        let Value::Object(entry) = entry(config, "users", name) else { return };
        for flag in files.iter().filter(|flag| args.changed(flag)) {
            entry.remove(*flag);
            entry.remove(&format!("{flag}-data"));
        }
        entry.extend(found);
        for flag in ["token", "username", "password"].into_iter().filter(|flag| args.changed(flag)) {
            entry.insert(flag.into(), args.text(flag).into());
        }
        // One way to say who it is ends the other.
        let ended: &[&str] = match () {
            () if !token.is_empty() => &["username", "password"],
            () if !basic.is_empty() => &["token"],
            () => &[],
        };
        ended.iter().for_each(|key| drop(entry.remove(*key)));
    });
    cx.out(format!("User {name:?} set.\n"));
    Ok(())
}

async fn set_context(cx: &Cx, args: &Args) -> Result {
    let config = client::kubeconfig(cx, args);
    let name = match args.words.as_slice() {
        [] if args.flag("current") && config.current.is_empty() => {
            return Err(Failure::plain("no current context is set"));
        }
        [] if args.flag("current") => config.current.clone(),
        [name] if !args.flag("current") && !name.is_empty() => name.clone(),
        [_] if args.flag("current") => {
            return Err(Failure::plain("you cannot specify both a context name and --current"));
        }
        _ => return Err(Failure::plain("you must specify a non-empty context name or --current")),
    };
    let exists = config.contexts.contains_key(&name);
    change(cx, |config| {
        let context = entry(config, "contexts", &name);
        for flag in ["cluster", "user", "namespace"] {
            if args.changed(flag) {
                context[flag] = args.text(flag).into();
            }
        }
    });
    cx.out(format!("Context {name:?} {}.\n", if exists { "modified" } else { "created" }));
    Ok(())
}

async fn delete_cluster(cx: &Cx, args: &Args) -> Result {
    let [name] = args.words.as_slice() else {
        cx.out(crate::help::verb(args.verb, &args.path));
        return Ok(());
    };
    delete(cx, args, "cluster", name)
}

async fn delete_user(cx: &Cx, args: &Args) -> Result {
    let [name] = args.words.as_slice() else {
        return Err(Failure::usage(&args.path, "user to delete is required"));
    };
    delete(cx, args, "user", name)
}

/// Takes an entry out and says so.
///
/// # Errors
/// It is not there.
pub fn delete(cx: &Cx, args: &Args, kind: &str, name: &str) -> Result {
    let (mut config, all) = (client::kubeconfig(cx, args), format!("{kind}s"));
    if entries(&mut config, &all).remove(name).is_none() {
        return Err(Failure::plain(format!("cannot delete {kind} {name}, not in {FILE}")));
    }
    if kind == "context" && config.current == name {
        cx.err(
            "warning: this removed your active context, use \"kubectl config use-context\" to select a different one\n",
        );
    }
    change(cx, |known| *known = config);
    cx.out(format!("deleted {kind} {name} from {FILE}\n"));
    Ok(())
}
