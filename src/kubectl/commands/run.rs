//! `kubectl run`: one pod from an image.
//!
//! Mirrors: kubectl/pkg/cmd/run/run.go, kubectl/pkg/generate/versioned/run.go.

use api::order::Gather;
use serde_json::{Map, Value, json};

use super::pods;
use super::{create, delete, dry_run, list_at, logs, text_at, with_last_applied_typed, write_query};
use crate::client::{Client, DryRun};
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::output::Output;
use crate::resource::Info;
use crate::verb::{VERB as BASE, Verb};

const FLAGS: &[Flag] = &[
    Flag::list("annotations", "Annotations to apply to the pod."),
    Flag::bool(
        "attach",
        false,
        "If true, wait for the Pod to start running, and then attach to the Pod as if 'kubectl attach ...' were called.  Default false, unless '-i/--stdin' is set, in which case the default is true. With '--restart=Never' the exit code of the container process is returned.",
    ),
    Flag::bool(
        "command",
        false,
        "If true and extra arguments are present, use them as the 'command' field in the container, rather than the 'args' field which is the default.",
    ),
    Flag::list("env", "Environment variables to set in the container."),
    Flag::bool("expose", false, "If true, create a ClusterIP service associated with the pod.  Requires `--port`."),
    Flag::text("image", "", "The image for the container to run."),
    Flag::text(
        "image-pull-policy",
        "",
        "The image pull policy for the container.  If left empty, this value will not be specified by the client and defaulted by the server.",
    ),
    Flag::text("labels", "", "Comma separated labels to apply to the pod. Will override previous values.").short('l'),
    Flag::bool(
        "leave-stdin-open",
        false,
        "If the pod is started in interactive mode or with stdin, leave stdin open after the first attach completes. By default, stdin will be closed after the first attach completes.",
    ),
    Flag::text(
        "override-type",
        "merge",
        "The method used to override the generated object: json, merge, or strategic.",
    ),
    Flag::text(
        "overrides",
        "",
        "An inline JSON override for the generated object. If this is non-empty, it is used to override the generated object. Requires that the object supply a valid apiVersion field.",
    ),
    Flag::duration(
        "pod-running-timeout",
        "1m0s",
        "The length of time (like 5s, 2m, or 3h, higher than zero) to wait until at least one pod is running",
    ),
    Flag::text("port", "", "The port that this container exposes."),
    Flag::bool("privileged", false, "If true, run the container in privileged mode."),
    Flag::bool("quiet", false, "If true, suppress prompt messages.").short('q'),
    Flag::text("restart", "Always", "The restart policy for this Pod.  Legal values [Always, OnFailure, Never].")
        .values(&["Always", "OnFailure", "Never"]),
    Flag::bool(
        "rm",
        false,
        "If true, delete the pod after it exits.  Only valid when attaching to the container, e.g. with '--attach' or with '-i/--stdin'.",
    ),
    Flag::bool("stdin", false, "Keep stdin open on the container in the pod, even if nothing is attached.").short('i'),
    Flag::bool("tty", false, "Allocate a TTY for the container in the pod.").short('t'),
    Flag::text("cascade", "background", "Must be \"background\", \"orphan\", or \"foreground\". Selects the deletion cascading strategy for the dependents (e.g. Pods created by a ReplicationController). Defaults to background.").bare("background"),
    Flag::text("detach-keys", "", "Override the key sequence for detaching a session. Format is a single character [a-Z] or ctrl-<value> where <value> is one of: a-z, @, ^, [, , or _.").ignored(),
    Flag::bool("force", false, "If true, immediately remove resources from API and bypass graceful deletion. Note that immediate deletion of some resources may result in inconsistency or data loss and requires confirmation.").ignored(),
    Flag::int("grace-period", "-1", "Period of time in seconds given to the resource to terminate gracefully. Ignored if negative. Set to 1 for immediate shutdown. Can only be set to 0 when --force is true (force deletion).").ignored(),
    Flag::duration("timeout", "0s", "The length of time to wait before giving up on a delete, zero means determine a timeout from the size of the object").ignored(),
    Flag::bool("wait", false, "If true, wait for resources to be gone before returning. This waits for finalizers.").ignored(),
    global::manager("kubectl-run"),
];

pub static VERB: Verb = Verb {
    name: "run",
    short: "Run a particular image on the cluster",
    long: "Create and run a particular image in a pod.",
    examples: "# Start a nginx pod
kubectl run nginx --image=nginx

# Start a hazelcast pod and let the container expose port 5701
kubectl run hazelcast --image=hazelcast/hazelcast --port=5701

# Dry run; print the corresponding API objects without creating them
kubectl run nginx --image=nginx --dry-run=client

# Start a busybox pod and keep it in the foreground, don't restart it if it exits
kubectl run -i -t busybox --image=busybox --restart=Never

# Start the nginx pod using the default command, but use custom arguments (arg1 .. argN) for that command
kubectl run nginx --image=nginx -- <arg1> <arg2> ... <argN>",
    usage: "NAME --image=image [--env=\"key=value\"] [--port=port] [--dry-run=server|client] [--overrides=inline-json] [--command] -- [COMMAND] [args...]",
    flags: &[FLAGS, global::PRINT, global::DRY_RUN, global::FILES, global::SAVE_CONFIG],
    required: &["image"],
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

/// Whether an image reference is one.
pub fn valid_image(image: &str) -> bool {
    let (name, digest) = image.split_once('@').unwrap_or((image, "sha256:0"));
    let last = name.rsplit('/').next().unwrap_or(name);
    let (last_name, tag) = last.split_once(':').unwrap_or((last, "latest"));
    let path = &name[..name.len() - last.len()];
    let word = |text: &str| {
        !text.is_empty()
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':'))
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.ends_with(|c: char| c.is_ascii_alphanumeric())
    };
    let lower = |text: &str| word(text) && !text.chars().any(|c| c.is_ascii_uppercase());
    let mut parts = path.trim_end_matches('/').split('/').filter(|_| !path.is_empty());
    let domain_or_part = parts.next();
    domain_or_part.is_none_or(word)
        && parts.all(lower)
        && lower(last_name)
        && !tag.is_empty()
        && tag.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
        && digest.contains(':')
}

/// `a=b,c=d` as a map.
///
/// # Errors
/// A pair that is none.
pub fn labels(text: &str) -> Result<Map<String, Value>> {
    let mut labels = Map::new();
    for pair in text.split(',') {
        let Some((key, value)) = pair.split_once('=').filter(|(_, value)| !value.contains('=')) else {
            return Err(Failure::plain(format!("unexpected label spec: {pair}")));
        };
        if key.is_empty() {
            return Err(Failure::plain("unexpected empty label key"));
        }
        labels.insert(key.into(), value.into());
    }
    Ok(labels)
}

fn pod(args: &Args, name: &str, command: &[String]) -> Result<Value> {
    let labels = if args.text("labels").is_empty() {
        [("run".to_string(), json!(name))].into_iter().into_object()
    } else {
        labels(args.text("labels"))?
    };
    let mut container = json!({"name": name, "image": args.text("image"), "resources": {}});
    if !args.text("image-pull-policy").is_empty() {
        container["imagePullPolicy"] = args.text("image-pull-policy").into();
    }
    if !command.is_empty() {
        container[if args.flag("command") { "command" } else { "args" }] = json!(command);
    }
    if !args.list("env").is_empty() {
        let mut env = Vec::new();
        for pair in args.list("env") {
            let Some((key, value)) = pair.split_once('=').filter(|(key, _)| !key.is_empty()) else {
                return Err(Failure::plain(format!("invalid env: {pair}")));
            };
            env.push(json!({"name": key, "value": value}));
        }
        container["env"] = json!(env);
    }
    if !args.text("port").is_empty() {
        let port = args.text("port");
        let number: i64 =
            port.parse().map_err(|_| Failure::plain(format!("strconv.Atoi: parsing {port:?}: invalid syntax")))?;
        container["ports"] = json!([{"containerPort": number}]);
    }
    for (flag, field) in [("stdin", "stdin"), ("tty", "tty")] {
        if args.flag(flag) {
            container[field] = true.into();
        }
    }
    if args.flag("stdin") && !args.flag("leave-stdin-open") {
        container["stdinOnce"] = true.into();
    }
    if args.flag("privileged") {
        container["securityContext"] = json!({"privileged": true});
    }
    let mut metadata = json!({"name": name, "labels": labels});
    if !args.list("annotations").is_empty() {
        if let Some(wrong) = args.list("annotations").iter().find(|pair| !pair.contains('=')) {
            return Err(Failure::plain(format!("invalid annotations format: {wrong}")));
        }
        let pairs = args.list("annotations").iter().filter_map(|pair| pair.split_once('='));
        metadata["annotations"] =
            Value::Object(pairs.map(|(key, value)| (key.to_string(), json!(value))).into_object());
    }
    Ok(json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [container], "dnsPolicy": "ClusterFirst", "restartPolicy": args.text("restart")},
        "status": {},
    }))
}

/// `--overrides` and `--override-type`, applied to a made object of this kind.
///
/// # Errors
/// No JSON, or a patch that does not fit.
pub fn overridden(args: &Args, mut object: Value, kind: &str) -> Result<Value> {
    let text = args.text("overrides");
    if text.is_empty() {
        return Ok(object);
    }
    let patch: Value = serde_json::from_str(text).map_err(|_| Failure::plain("Invalid JSON Patch"))?;
    match args.text("override-type") {
        "merge" => api::patch::merge_patch(&mut object, &patch),
        "json" => object = api::patch::json_patch(&object, &patch).map_err(|why| Failure::plain(why.to_string()))?,
        "strategic" => {
            object = api::patch::strategic(&object, &patch, api::schema::for_kind("", "v1", kind))
                .map_err(|why| Failure::plain(why.to_string()))?;
        }
        other => {
            return Err(Failure::plain(format!("invalid override type: {other}")));
        }
    }
    Ok(object)
}

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let dry_run = dry_run(cx, args)?;
    let mut output = Output::success(cx, args, &format!("created{}", dry_run.suffix()))?.typed();
    delete::cascade(args)?;
    let at = args.before_dash.unwrap_or(args.words.len());
    let Some(name) = args.words.first().filter(|_| at > 0) else {
        return Err(Failure::usage(&args.path, "NAME is required for run"));
    };
    let command = &args.words[1..];
    let image = args.text("image");
    if image.is_empty() {
        return Err(Failure::plain("--image is required"));
    }
    if !valid_image(image) {
        return Err(Failure::plain(format!("Invalid image name {image:?}: invalid reference format")));
    }
    let attached = if args.changed("attach") { args.flag("attach") } else { args.flag("stdin") };
    if args.flag("tty") && !args.flag("stdin") {
        return Err(Failure::usage(&args.path, "-i/--stdin is required for containers with -t/--tty=true"));
    }
    if args.flag("expose") && args.text("port").is_empty() {
        return Err(Failure::usage(&args.path, "--port must be set when exposing a service"));
    }
    if !matches!(args.text("restart"), "Always" | "OnFailure" | "Never") {
        return Err(Failure::usage(&args.path, format!("invalid restart policy: {}", args.text("restart"))));
    }
    if args.flag("rm") && !attached {
        return Err(Failure::usage(&args.path, "--rm should only be used for attached containers"));
    }
    if attached && dry_run != DryRun::None {
        return Err(Failure::usage(
            &args.path,
            "--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)",
        ));
    }
    let policy = args.text("image-pull-policy");
    if !matches!(policy, "" | "Always" | "IfNotPresent" | "Never") {
        return Err(Failure::usage(&args.path, format!("invalid image pull policy: {policy}")));
    }
    let mut object = pod(args, name, command)?;
    if client.explicit {
        object["metadata"]["namespace"] = client.namespace.clone().into();
    }
    let object = overridden(args, object, "Pod")?;
    let mut shown = Vec::new();
    if args.flag("expose") {
        shown.push(expose(&client, args, name, &object, dry_run).await?);
    }
    let object = send(&client, args, object, dry_run).await?;
    if attached {
        return attach(&client, args, &object).await;
    }
    shown.push(object);
    let several = shown.len() > 1;
    for (at, object) in shown.into_iter().enumerate() {
        cx.out(output.print(&object)?);
        if several && at == 0 && args.text("output") == "yaml" {
            cx.out("---\n");
        }
    }
    Ok(())
}

async fn send(client: &Client<'_>, args: &Args, object: Value, dry_run: DryRun) -> Result<Value> {
    if dry_run == DryRun::Client {
        return Ok(object);
    }
    let object = if args.flag("save-config") { with_last_applied_typed(&object) } else { object };
    let mapping = create::mapping_of(&object)?;
    client.create(&mapping, &client.namespace, &object, write_query(args, dry_run)).await
}

async fn expose(client: &Client<'_>, args: &Args, name: &str, pod: &Value, dry_run: DryRun) -> Result<Value> {
    let port: i64 = args.text("port").parse().unwrap_or(0);
    let mut service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {
            "ports": [{"port": port, "protocol": "TCP", "targetPort": port}],
            "selector": pod.pointer("/metadata/labels"),
        },
        "status": {"loadBalancer": {}},
    });
    if client.explicit {
        service["metadata"]["namespace"] = client.namespace.clone().into();
    }
    send(client, args, service, dry_run).await
}

/// Waits for the pod, shows its terminal, cleans up.
async fn attach(client: &Client<'_>, args: &Args, object: &Value) -> Result {
    let cx = client.cx;
    let mapping = create::mapping_of(object)?;
    let name = text_at(object, "/metadata/name").to_string();
    let info = Info {
        mapping,
        namespace: client.namespace.clone(),
        name: name.clone(),
        source: String::new(),
        object: object.clone(),
    };
    let outcome = attached(client, args, &info).await;
    if args.flag("rm") {
        let options = delete::options(-1, "Background", DryRun::None);
        match client.delete(&info.mapping, &info.namespace, &name, &options).await {
            Ok(_) if args.flag("quiet") => {}
            Ok(_) => cx.out(format!("pod {name:?} deleted from {} namespace\n", info.namespace)),
            Err(failure) if failure.is_not_found() => {}
            Err(failure) => return Err(failure),
        }
    }
    outcome
}

async fn attached(client: &Client<'_>, args: &Args, info: &Info) -> Result {
    let cx = client.cx;
    let deadline = cx.now() + args.duration("pod-running-timeout").max(0) as u64;
    let is_started = |pod: Option<&Value>| {
        Ok(pod.is_some_and(|pod| matches!(text_at(pod, "/status/phase"), "Running" | "Succeeded" | "Failed")))
    };
    let waited = super::wait::until(client, info, deadline, is_started).await;
    let pod = waited.map_err(|_| Failure::plain("timed out waiting for the condition"))?;
    let container = pods::container(cx, &pod, "", args.flag("quiet"))?;
    let how = pods::how(cx, args, &pod, &container);
    if text_at(&pod, "/status/phase") == "Running" {
        pods::warn_of_log(cx, args);
        match pods::open(client, &pod, "attach", &container, &[], how).await {
            Ok(stream) => {
                pods::converse(cx, stream, how).await?;
            }
            Err(failure) => {
                cx.err(format!(
                    "warning: couldn't attach to pod/{}, falling back to streaming logs: {}\n",
                    info.name,
                    failure.text()
                ));
                logs::print_all(client, &info.namespace, &info.name, &container).await?;
            }
        }
    } else {
        logs::print_all(client, &info.namespace, &info.name, &container).await?;
    }
    if args.text("restart") != "Never" {
        return Ok(());
    }
    let is_over =
        |pod: Option<&Value>| Ok(pod.is_none_or(|pod| matches!(text_at(pod, "/status/phase"), "Succeeded" | "Failed")));
    let last = super::wait::until(client, info, cx.now() + 60_000, is_over).await?;
    let code = list_at(&last, "/status/containerStatuses")
        .iter()
        .find_map(|status| status.pointer("/state/terminated/exitCode").and_then(Value::as_i64))
        .unwrap_or(0);
    match code {
        0 => Ok(()),
        code => {
            let reason = list_at(&last, "/status/containerStatuses")
                .first()
                .map_or("Error", |status| text_at(status, "/state/terminated/reason"));
            cx.err(format!("pod {}/{} terminated ({reason})\n", info.namespace, info.name));
            Err(Failure::Exit(code as i32))
        }
    }
}
