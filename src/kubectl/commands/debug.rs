//! `kubectl debug`: an ephemeral container beside a pod's own, a copy of a pod, or a pod on a node.
//!
//! Mirrors: kubectl/pkg/cmd/debug/debug.go.

use api::wire::Body;
mod profile;

use serde_json::{Value, json};

use super::pods;
use super::{create, list_at, logs, text_at};
use crate::client::{Client, PatchType, Query};
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::resource::Info;
use crate::verb::{Complete, VERB as BASE, Verb};
use profile::Style;

const FLAGS: &[Flag] = &[
    Flag::bool(
        "arguments-only",
        false,
        "If specified, everything after -- will be passed to the new container as Args instead of Command.",
    ),
    Flag::bool(
        "attach",
        false,
        "If true, wait for the container to start running, and then attach as if 'kubectl attach ...' were called.  Default false, unless '-i/--stdin' is set, in which case the default is true.",
    ),
    Flag::text("container", "", "Container name to use for debug container.").short('c'),
    Flag::text("copy-to", "", "Create a copy of the target Pod with this name."),
    Flag::text(
        "custom",
        "",
        "Path to a JSON or YAML file containing a partial container spec to customize built-in debug profiles.",
    ),
    Flag::pairs("env", "Environment variables to set in the container."),
    Flag::text("image", "", "Container image to use for debug container."),
    Flag::text(
        "image-pull-policy",
        "",
        "The image pull policy for the container. If left empty, this value will not be specified by the client and defaulted by the server.",
    ),
    Flag::bool(
        "keep-annotations",
        false,
        "If true, keep the original pod annotations.(This flag only works when used with '--copy-to')",
    ),
    Flag::bool(
        "keep-init-containers",
        true,
        "Run the init containers for the pod. Defaults to true.(This flag only works when used with '--copy-to')",
    ),
    Flag::bool(
        "keep-labels",
        false,
        "If true, keep the original pod labels.(This flag only works when used with '--copy-to')",
    ),
    Flag::bool(
        "keep-liveness",
        false,
        "If true, keep the original pod liveness probes.(This flag only works when used with '--copy-to')",
    ),
    Flag::bool(
        "keep-readiness",
        false,
        "If true, keep the original pod readiness probes.(This flag only works when used with '--copy-to')",
    ),
    Flag::bool(
        "keep-startup",
        false,
        "If true, keep the original startup probes.(This flag only works when used with '--copy-to')",
    ),
    Flag::pairs(
        "set-image",
        "When used with '--copy-to', a list of name=image pairs for changing container images, similar to how 'kubectl set image' works.",
    ),
    Flag::text(
        "profile",
        "general",
        "Options are \"general\", \"baseline\", \"restricted\", \"netadmin\" or \"sysadmin\". Defaults to \"general\"",
    )
    .values(&["general", "baseline", "restricted", "netadmin", "sysadmin"]),
    Flag::bool("quiet", false, "If true, suppress informational messages.").short('q'),
    Flag::bool("replace", false, "When used with '--copy-to', delete the original Pod."),
    Flag::bool("same-node", false, "When used with '--copy-to', schedule the copy of target Pod on the same node."),
    Flag::bool("share-processes", true, "When used with '--copy-to', enable process namespace sharing in the copy."),
    Flag::bool("stdin", false, "Keep stdin open on the container(s) in the pod, even if nothing is attached.")
        .short('i'),
    Flag::text("target", "", "When using an ephemeral container, target processes in this container name."),
    Flag::bool("tty", false, "Allocate a TTY for the debugging container.").short('t'),
];

pub static VERB: Verb = Verb {
    name: "debug",
    short: "Create debugging sessions for troubleshooting workloads and nodes",
    long: "Debug cluster resources using interactive debugging containers.

 'debug' provides automation for common debugging tasks for cluster objects identified by resource and name. Pods will be used by default if no resource is specified.

 The action taken by 'debug' varies depending on what resource is specified. Supported actions include:

  *  Workload: Create a copy of an existing pod with certain attributes changed, for example changing the image tag to a new version.
  *  Workload: Add an ephemeral container to an already running pod, for example to add debugging utilities without restarting the pod.
  *  Node: Create a new pod that runs in the node's host namespaces and can access the node's filesystem.",
    examples: "# Create an interactive debugging session in pod mypod and immediately attach to it.
kubectl debug mypod -it --image=busybox

# Create a debug container named debugger using a custom automated debugging image.
kubectl debug --image=myproj/debug-tools -c debugger mypod

# Create an interactive debugging session on a node and immediately attach to it.
kubectl debug node/mynode -it --image=busybox",
    usage: "(POD | TYPE[[.VERSION].GROUP]/NAME) [ -- COMMAND [args...] ]",
    flags: &[FLAGS],
    complete: Complete::PodOrWorkload,
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let at = args.before_dash.unwrap_or(args.words.len());
    let names = &args.words[..at];
    check(cx, args, names)?;
    let info = pods::target(&client, args, Some(&names.join("/"))).await?;
    // Names are made unique by what the cluster says, not by chance.
    let suffix: String = {
        let seed = format!("{}{}", text_at(&info.object, "/metadata/uid"), cx.now());
        let hash = api::meta::hash::fnv32a(seed.bytes()).to_string();
        api::meta::hash::safe_encode(&format!("{hash}00000")).chars().take(5).collect()
    };
    match info.mapping.kind.as_str() {
        "Node" => on_node(&client, args, &info, &suffix).await,
        "Pod" if args.text("copy-to").is_empty() => beside(&client, args, &info, &suffix).await,
        "Pod" => copied(&client, args, &info, &suffix).await,
        _ => Err(Failure::plain(format!("{:?} not supported by debug", info.mapping.gvk()))),
    }
}

/// What the flags alone are refused for.
fn check(cx: &Cx, args: &Args, names: &[String]) -> Result {
    let fail = |why: &str| Err(Failure::plain(why));
    let (image, copy, custom) = (args.text("image"), args.text("copy-to"), args.text("custom"));
    let images = args.list("set-image");
    let command = args.before_dash.is_some_and(|at| at < args.words.len());
    if !profile::NAMES.contains(&args.text("profile")) {
        return fail(&format!("unknown profile: {}", args.text("profile")));
    }
    if !custom.is_empty() {
        return match cx.env.read(custom) {
            None => fail(&format!(
                "must pass a container spec json file for custom profile: open {custom}: no such file or directory"
            )),
            Some(_) => fail("--custom is not part of this simulated kubectl; choose a --profile"),
        };
    }
    if args.changed("attach") && args.flag("attach") && image.is_empty() && args.text("container").is_empty() {
        return fail("you must specify --container or create a new container using --image in order to attach.");
    }
    if !copy.is_empty() {
        if image.is_empty() && images.is_empty() && !command {
            return fail("you must specify --image, --set-image or command arguments.");
        }
        if command && args.text("container").is_empty() && image.is_empty() {
            return fail("you must specify an existing container or a new image when specifying args.");
        }
    } else if args.flag("replace") {
        return fail("--replace may only be used with --copy-to.");
    } else if args.flag("same-node") {
        return fail("--same-node may only be used with --copy-to.");
    } else if !images.is_empty() {
        return fail("--set-image may only be used with --copy-to.");
    } else if image.is_empty() {
        return fail("you must specify --image when not using --copy-to.");
    }
    if !image.is_empty() && !super::run::valid_image(image) {
        return fail(&format!("invalid image name {image:?}: invalid reference format"));
    }
    if names.is_empty() {
        return fail("NAME or filename is required for debug");
    }
    let policy = args.text("image-pull-policy");
    if !matches!(policy, "" | "Always" | "IfNotPresent" | "Never") {
        return fail(&format!("invalid image pull policy: {policy}"));
    }
    for (name, image) in images.iter().filter_map(|pair| pair.split_once('=')) {
        if !super::run::valid_image(image) {
            return fail(&format!("invalid image name {image:?} for container {name:?}: invalid reference format"));
        }
    }
    let target = args.text("target");
    if !target.is_empty() {
        if !copy.is_empty() {
            return fail("--target is incompatible with --copy-to. Use --share-processes instead.");
        }
        if !args.flag("quiet") {
            cx.out(format!("Targeting container {target:?}. If you don't see processes from this container it may be because the container runtime doesn't support this feature.\n"));
        }
    }
    if args.flag("tty") && !args.flag("stdin") {
        return fail("-i/--stdin is required for containers with -t/--tty=true");
    }
    Ok(())
}

fn container(args: &Args, name: &str) -> Value {
    let mut container =
        json!({"name": name, "image": args.text("image"), "resources": {}, "terminationMessagePolicy": "File"});
    if let Some(at) = args.before_dash.filter(|at| *at < args.words.len()) {
        container[if args.flag("arguments-only") { "args" } else { "command" }] = json!(args.words[at..]);
    }
    if !args.text("image-pull-policy").is_empty() {
        container["imagePullPolicy"] = args.text("image-pull-policy").into();
    }
    let env: Vec<Value> = args
        .list("env")
        .iter()
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    if !env.is_empty() {
        container["env"] = json!(env);
    }
    for flag in ["stdin", "tty"] {
        if args.flag(flag) {
            container[flag] = true.into();
        }
    }
    container
}

fn debugger_name(client: &Client<'_>, args: &Args, suffix: &str) -> String {
    match args.text("container") {
        "" => {
            let name = format!("debugger-{suffix}");
            if !args.flag("quiet") {
                client.cx.out(format!("Defaulting debug container name to {name}.\n"));
            }
            name
        }
        name => name.into(),
    }
}

async fn beside(client: &Client<'_>, args: &Args, info: &Info, suffix: &str) -> Result {
    let name = debugger_name(client, args, suffix);
    let mut new = container(args, &name);
    if !args.text("target").is_empty() {
        new["targetContainerName"] = args.text("target").into();
    }
    if let Some(map) = new.as_object_mut() {
        map.remove("resources");
    }
    let mut all = list_at(&info.object, "/spec/ephemeralContainers").to_vec();
    all.push(new);
    let mut changed = json!({"spec": {"ephemeralContainers": all}});
    profile::apply(args, &mut changed, &name, Style::Ephemeral);
    let all = list_at(&changed, "/spec/ephemeralContainers").to_vec();
    let patch = Body::Json(json!({"spec": {"ephemeralContainers": all}}).into());
    client
        .patch_sub(
            &info.mapping,
            &info.namespace,
            &info.name,
            "ephemeralcontainers",
            (PatchType::Strategic, patch),
            Query::new(),
        )
        .await?;
    attach(client, args, info, &name).await
}

async fn copied(client: &Client<'_>, args: &Args, info: &Info, suffix: &str) -> Result {
    let mut spec = info.object.get("spec").cloned().unwrap_or_default();
    if let Some(map) = spec.as_object_mut() {
        if !args.flag("same-node") {
            map.remove("nodeName");
        }
        map.remove("ephemeralContainers");
        if args.changed("share-processes") {
            map.insert("shareProcessNamespace".into(), args.flag("share-processes").into());
        }
    }
    let images: Vec<(&str, &str)> = args.list("set-image").iter().filter_map(|pair| pair.split_once('=')).collect();
    for container in spec.get_mut("containers").and_then(Value::as_array_mut).into_iter().flatten() {
        let of = |name: &str| images.iter().rfind(|(known, _)| *known == name).map(|(_, image)| *image);
        if let Some(image) = of(text_at(container, "/name")).or_else(|| of("*")) {
            container["image"] = image.into();
        }
    }
    let existing = list_at(&spec, "/containers").iter().any(|c| text_at(c, "/name") == args.text("container"));
    let mut name = args.text("container").to_string();
    let command = args.before_dash.filter(|at| *at < args.words.len()).map(|at| args.words[at..].to_vec());
    if existing || (args.text("image").is_empty() && command.is_some()) {
        let first = text_at(&spec, "/containers/0/name").to_string();
        if name.is_empty() {
            name = first;
        }
        for container in spec.get_mut("containers").and_then(Value::as_array_mut).into_iter().flatten() {
            if text_at(container, "/name") != name {
                continue;
            }
            if !args.text("image").is_empty() {
                container["image"] = args.text("image").into();
            }
            if let Some(command) = &command {
                container["command"] = json!(command);
            }
        }
    } else if !args.text("image").is_empty() {
        name = debugger_name(client, args, suffix);
        let new = container(args, &name);
        if let Some(list) = spec.get_mut("containers").and_then(Value::as_array_mut) {
            list.push(new);
        }
    }
    let mut metadata = json!({"name": args.text("copy-to")});
    for field in ["labels", "annotations"] {
        if let Some(map) = info.object.pointer(&format!("/metadata/{field}")) {
            metadata[field] = map.clone();
        }
    }
    let mut object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec});
    // Where only images change there is no container to debug with.
    if !name.is_empty() {
        profile::apply(args, &mut object, &name, Style::PodCopy);
    }
    if args.flag("replace") {
        let options = super::delete::options(-1, "Background", crate::client::DryRun::None);
        client.delete(&info.mapping, &info.namespace, &info.name, &options).await?;
    }
    let created = client.create(&info.mapping, &info.namespace, &object, Query::new()).await?;
    let copy = Info { name: text_at(&created, "/metadata/name").into(), object: created, ..info.clone() };
    attach(client, args, &copy, &name).await
}

async fn on_node(client: &Client<'_>, args: &Args, info: &Info, suffix: &str) -> Result {
    let name = match args.text("container") {
        "" => "debugger",
        name => name,
    };
    let pod_name = format!("node-debugger-{}-{suffix}", info.name);
    if !args.flag("quiet") {
        client.cx.out(format!("Creating debugging pod {pod_name} with container {name} on node {}.\n", info.name));
    }
    let new = container(args, name);
    let mut object = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": pod_name, "labels": {"app.kubernetes.io/managed-by": "kubectl-debug"}},
        "spec": {
            "containers": [new],
            "nodeName": info.name,
            "restartPolicy": "Never",
            "tolerations": [{"operator": "Exists"}],
        },
    });
    profile::apply(args, &mut object, name, Style::Node);
    let mapping = create::mapping_of(&object)?;
    let created = client.create(&mapping, &client.namespace, &object, Query::new()).await?;
    let pod =
        Info { mapping, namespace: client.namespace.clone(), name: pod_name, source: String::new(), object: created };
    attach(client, args, &pod, name).await
}

async fn attach(client: &Client<'_>, args: &Args, info: &Info, container: &str) -> Result {
    let wanted = if args.changed("attach") { args.flag("attach") } else { args.flag("stdin") };
    if !wanted {
        return Ok(());
    }
    let cx = client.cx;
    let state = |pod: &Value, is: &str| {
        ["/status/ephemeralContainerStatuses", "/status/containerStatuses"]
            .iter()
            .flat_map(|field| list_at(pod, field))
            .any(|status| text_at(status, "/name") == container && status.pointer(&format!("/state/{is}")).is_some())
    };
    // What it waits for is told with every news of the pod, and there is no end to the patience.
    let began = |pod: Option<&Value>| {
        let Some(pod) = pod else { return Ok(false) };
        let waits = ["/status/ephemeralContainerStatuses", "/status/containerStatuses"]
            .iter()
            .flat_map(|field| list_at(pod, field))
            .find(|status| text_at(status, "/name") == container)
            .map(|status| text_at(status, "/state/waiting/message"))
            .filter(|message| !message.is_empty() && !args.flag("quiet"));
        waits.iter().for_each(|message| cx.err(format!("Warning: container {container}: {message}\n")));
        Ok(state(pod, "running") || state(pod, "terminated"))
    };
    let pod = super::wait::until(client, info, u64::MAX, began).await?;
    // Over before anybody could attach: what it said is in its log.
    if state(&pod, "terminated") {
        return logs::print_all(client, &info.namespace, &info.name, container).await;
    }
    let how = pods::how(cx, args, &pod, container);
    pods::warn_of_log(cx, args);
    match pods::open(client, &pod, "attach", container, &[], how).await {
        Ok(stream) => pods::converse(cx, stream, how).await.map(|_| ()),
        Err(failure) => {
            cx.err(format!(
                "warning: couldn't attach to pod/{}, falling back to streaming logs: {}\n",
                info.name,
                failure.text()
            ));
            logs::print_all(client, &info.namespace, &info.name, container).await
        }
    }
}
