//! `create configmap | secret`.
//!
//! Mirrors: kubectl/pkg/cmd/create/create_{configmap,secret,secret_docker,secret_tls}.go.

use api::order::Gather;
use base64::Engine as _;
use serde_json::{Map, Value, json};

use super::{GENERATOR, finish, one_name};
use crate::client::Client;
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::output::json::{self, quote};
use crate::verb::{VERB as BASE, Verb};

const SOURCES: &[Flag] = &[
    Flag::bool("append-hash", false, "Append a hash of the configmap to its name."),
    Flag::csv("from-env-file", "Specify the path to a file to read lines of key=val pairs to create a configmap."),
    Flag::csv(
        "from-file",
        "Key file can be specified using its file path, in which case file basename will be used as configmap key, or optionally with a key and file path, in which case the given key will be used.  Specifying a directory will iterate each named file in the directory whose basename is a valid configmap key.",
    ),
    Flag::list("from-literal", "Specify a key and literal value to insert in configmap (i.e. mykey=somevalue)"),
];

pub static CONFIG_MAP: Verb = Verb {
    name: "configmap",
    aliases: &["cm"],
    short: "Create a config map from a local file, directory or literal value",
    long: "Create a config map based on a file, directory, or specified literal value.

 A single config map may package one or more key/value pairs.",
    examples: "# Create a new config map named my-config based on folder bar
kubectl create configmap my-config --from-file=path/to/bar

# Create a new config map named my-config with key1=config1 and key2=config2
kubectl create configmap my-config --from-literal=key1=config1 --from-literal=key2=config2

# Create a new config map named my-config from an env file
kubectl create configmap my-config --from-env-file=path/to/foo.env",
    usage: "NAME [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none]",
    flags: &[SOURCES, GENERATOR[0], GENERATOR[1], GENERATOR[2], GENERATOR[3], GENERATOR[4]],
    run: Some(|cx, args| Box::pin(config_map(cx, args))),
    ..BASE
};

pub static SECRET: Verb = Verb {
    name: "secret",
    short: "Create a secret using a specified subcommand",
    long: "Create a secret with specified type.

 A docker-registry type secret is for accessing a container registry.

 A generic type secret indicate an Opaque secret type.

 A tls type secret holds TLS certificate and its associated key.",
    usage: "(docker-registry | generic | tls)",
    subcommands: &[&DOCKER, &GENERIC, &TLS],
    ..BASE
};

const SECRET_SOURCES: &[Flag] = &[
    HASH,
    Flag::csv("from-env-file", "Specify the path to a file to read lines of key=val pairs to create a secret."),
    Flag::csv(
        "from-file",
        "Key files can be specified using their file path, in which case a default name will be given to them, or optionally with a name and file path, in which case the given name will be used.  Specifying a directory will iterate each named file in the directory that is a valid secret key.",
    ),
    Flag::list("from-literal", "Specify a key and literal value to insert in secret (i.e. mykey=somevalue)"),
];

static GENERIC: Verb = Verb {
    name: "generic",
    short: "Create a secret from a local file, directory, or literal value",
    long: "Create a secret based on a file, directory, or specified literal value.",
    examples: "# Create a new secret named my-secret with key1=supersecret and key2=topsecret
kubectl create secret generic my-secret --from-literal=key1=supersecret --from-literal=key2=topsecret",
    usage: "NAME [--type=string] [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none]",
    flags: &[
        SECRET_SOURCES,
        &[Flag::text("type", "", "The type of secret to create")],
        GENERATOR[0],
        GENERATOR[1],
        GENERATOR[2],
        GENERATOR[3],
        GENERATOR[4],
    ],
    run: Some(|cx, args| Box::pin(generic(cx, args))),
    ..BASE
};

const HASH: Flag = Flag::bool("append-hash", false, "Append a hash of the secret to its name.");

static TLS: Verb = Verb {
    name: "tls",
    short: "Create a TLS secret",
    long: "Create a TLS secret from the given public/private key pair.

 The public/private key pair must exist beforehand. The public key certificate must be .PEM encoded and match the given private key.",
    usage: "NAME --cert=path/to/cert/file --key=path/to/key/file [--dry-run=server|client|none]",
    flags: &[
        &[
            HASH,
            Flag::text("cert", "", "Path to PEM encoded public key certificate."),
            Flag::text("key", "", "Path to private key associated with given certificate."),
        ],
        GENERATOR[0],
        GENERATOR[1],
        GENERATOR[2],
        GENERATOR[3],
        GENERATOR[4],
    ],
    run: Some(|cx, args| Box::pin(tls(cx, args))),
    ..BASE
};

static DOCKER: Verb = Verb {
    name: "docker-registry",
    short: "Create a secret for use with a Docker registry",
    long: "Create a new secret for use with Docker registries.

 Dockercfg secrets are used to authenticate against Docker registries.",
    usage: "NAME --docker-username=user --docker-password=password --docker-email=email [--docker-server=string] [--from-file=[key=]source] [--dry-run=server|client|none]",
    flags: &[
        &[
            HASH,
            Flag::csv(
                "from-file",
                "Key files can be specified using their file path, in which case a default name of .dockerconfigjson will be given to them, or optionally with a name and file path, in which case the given name will be used. Specifying a directory will iterate each named file in the directory that is a valid secret key. For this command, the key should always be .dockerconfigjson.",
            ),
            Flag::text("docker-email", "", "Email for Docker registry"),
            Flag::text("docker-password", "", "Password for Docker registry authentication"),
            Flag::text("docker-server", "https://index.docker.io/v1/", "Server location for Docker registry"),
            Flag::text("docker-username", "", "Username for Docker registry authentication"),
        ],
        GENERATOR[0],
        GENERATOR[1],
        GENERATOR[2],
        GENERATOR[3],
        GENERATOR[4],
    ],
    run: Some(|cx, args| Box::pin(docker(cx, args))),
    ..BASE
};

/// The keys and values that `--from-…` flags name.
fn data(cx: &Cx, args: &Args, owner: &str) -> Result<Map<String, Value>> {
    let mut data = Map::new();
    // The two kinds complain in words of their own.
    let secret = owner.starts_with("Secret ");
    let mut add = |key: &str, value: String| -> Result {
        if let Some(why) = api::meta::names::config_map_key(key).first() {
            return Err(Failure::plain(match secret {
                true => format!("{key:?} is not valid key name for a Secret {why}"),
                false => format!("{key:?} is not a valid key name for a ConfigMap: {why}"),
            }));
        }
        if data.contains_key(key) {
            return Err(Failure::plain(match secret {
                true => format!("cannot add key {key}, another key by that name already exists"),
                false => {
                    format!("cannot add key {key:?}, another key by that name already exists in Data for {owner}")
                }
            }));
        }
        data.insert(key.into(), value.into());
        Ok(())
    };
    let missing = |path: &str| Failure::plain(format!("error reading {path}: no such file or directory"));
    for source in args.list("from-file") {
        let (key, path) = match source.split_once('=') {
            Some((key, path)) if !key.is_empty() && path.contains('=') => {
                return Err(Failure::plain("key names or file paths cannot contain '='"));
            }
            Some((key, path)) if !key.is_empty() && !path.is_empty() => (Some(key), path),
            Some(("", _)) => {
                return Err(Failure::plain(format!(
                    "key name for file path {} missing",
                    source.trim_start_matches('=')
                )));
            }
            Some((key, _)) => return Err(Failure::plain(format!("file path for key name {key} missing"))),
            None => (None, source.as_str()),
        };
        match (cx.env.read(path), key) {
            (Some(text), _) => add(key.unwrap_or_else(|| path.rsplit('/').next().unwrap_or(path)), text)?,
            (None, None) => {
                let files = cx.env.directory(path, false).ok_or_else(|| missing(path))?;
                for file in files {
                    let base = file.rsplit('/').next().unwrap_or(&file);
                    if api::meta::names::config_map_key(base).is_empty() {
                        add(base, cx.env.read(&file).unwrap_or_default())?;
                    }
                }
            }
            (None, Some(_)) => return Err(missing(path)),
        }
    }
    for literal in args.list("from-literal") {
        let Some((key, value)) = literal.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            return Err(Failure::plain(format!("invalid literal source {literal}, expected key=value")));
        };
        add(key, value.trim_matches(['"', '\'']).into())?;
    }
    for path in args.list("from-env-file") {
        let text = cx.env.read(path).ok_or_else(|| missing(path))?;
        for line in text.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            if let Some(why) = api::meta::names::strict_env_var_name(key).first() {
                return Err(Failure::plain(format!("{key:?} is not a valid key name: {why}")));
            }
            add(key, value.into())?;
        }
    }
    Ok(data)
}

async fn config_map(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let name = one_name(args)?;
    check_sources(args)?;
    let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    let data = data(cx, args, &format!("ConfigMap {name:?}"))?;
    if args.flag("append-hash") {
        let named = hash(&json!({"kind": "ConfigMap", "name": name, "data": data}));
        object["metadata"]["name"] = format!("{name}-{named}").into();
    }
    if !data.is_empty() {
        object["data"] = Value::Object(data);
    }
    finish(&client, args, object, "failed to create configmap: ").await
}

/// What `--append-hash` appends: the first forty bits, in letters that make no word.
///
/// Mirrors: kubectl/pkg/util/hash.
fn hash(content: &Value) -> String {
    let digest = api::meta::hash::sha256(json::compact(content).as_bytes());
    let hex = digest.iter().take(5).flat_map(|byte| [byte >> 4, byte & 15]);
    let letter = |nibble: u8| match nibble {
        0 => 'g',
        1 => 'h',
        3 => 'k',
        10 => 'm',
        14 => 't',
        other => char::from_digit(other.into(), 16).unwrap_or('g'),
    };
    hex.map(letter).collect()
}

fn check_sources(args: &Args) -> Result {
    if args.changed("from-env-file") && (args.changed("from-file") || args.changed("from-literal")) {
        return Err(Failure::plain("from-env-file cannot be combined with from-file or from-literal"));
    }
    Ok(())
}

fn encode(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

async fn secret(client: &Client<'_>, args: &Args, name: &str, kind: &str, data: Map<String, Value>) -> Result {
    let mut object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}});
    let encode_all = |data: &Map<String, Value>| {
        data.iter().map(|(key, value)| (key.clone(), encode(value.as_str().unwrap_or_default()).into())).into_object()
    };
    if args.flag("append-hash") {
        let named = hash(&json!({"kind": "Secret", "type": kind, "name": name, "data": encode_all(&data)}));
        object["metadata"]["name"] = format!("{name}-{named}").into();
    }
    if !data.is_empty() {
        let encoded = data.into_iter().map(|(key, value)| (key, encode(value.as_str().unwrap_or_default()).into()));
        object["data"] = Value::Object(encoded.into_object());
    }
    if !kind.is_empty() {
        object["type"] = kind.into();
    }
    finish(client, args, object, "failed to create secret ").await
}

async fn generic(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let name = one_name(args)?;
    check_sources(args)?;
    let data = data(cx, args, &format!("Secret {name:?}"))?;
    secret(&client, args, &name, args.text("type"), data).await
}

async fn tls(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let name = one_name(args)?;
    super::check(cx, args)?;
    let read = |long: &str| {
        let path = args.text(long);
        cx.env
            .read(path)
            .ok_or_else(|| Failure::plain(format!("Cannot read file {path}, open {path}: no such file or directory")))
    };
    if args.text("cert").is_empty() || args.text("key").is_empty() {
        return Err(Failure::plain("key and cert must be specified"));
    }
    let mut data = Map::new();
    // Whether the two belong together is not looked at.
    let (cert, key) = (read("cert")?, read("key")?);
    for (text, entry, what) in [(cert, "tls.crt", "certificate"), (key, "tls.key", "key")] {
        if !text.contains("-----BEGIN ") {
            return Err(Failure::plain(format!("tls: failed to find any PEM data in {what} input")));
        }
        data.insert(entry.into(), text.into());
    }
    secret(&client, args, &name, "kubernetes.io/tls", data).await
}

async fn docker(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let name = one_name(args)?;
    let (user, password, server) =
        (args.text("docker-username"), args.text("docker-password"), args.text("docker-server"));
    if args.changed("from-file") {
        let read = data(cx, args, &format!("Secret {name:?}"))?;
        let mut named = Map::new();
        for (source, (key, text)) in args.list("from-file").iter().zip(read) {
            let key = if source.contains('=') { key } else { ".dockerconfigjson".into() };
            named.insert(key, text);
        }
        return secret(&client, args, &name, "kubernetes.io/dockerconfigjson", named).await;
    }
    if user.is_empty() || password.is_empty() || server.is_empty() {
        return Err(Failure::plain(
            "either --from-file or the combination of --docker-username, --docker-password and --docker-server is required",
        ));
    }
    // The order of the fields is Go's, not the alphabet's.
    let email = match args.text("docker-email") {
        "" => String::new(),
        email => format!("\"email\":{},", quote(email)),
    };
    let entry = format!(
        "{{\"username\":{},\"password\":{},{email}\"auth\":{}}}",
        quote(user),
        quote(password),
        quote(&encode(&format!("{user}:{password}")))
    );
    let text = format!("{{\"auths\":{{{}:{entry}}}}}", quote(server));
    let mut data = Map::new();
    data.insert(".dockerconfigjson".into(), text.into());
    secret(&client, args, &name, "kubernetes.io/dockerconfigjson", data).await
}
