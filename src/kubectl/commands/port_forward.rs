//! `kubectl port-forward`: local ports that lead into a pod, until Ctrl-C.
//!
//! Mirrors: kubectl/pkg/cmd/portforward/portforward.go. Connections themselves are
//! made by whoever drives the command: it sends `Upstream::Http` into the stream.

use api::wire::{Chunk, Method, Request};
use serde_json::Value;

use super::pods::{self, Rank};
use super::{list_at, text_at};
use crate::client::Client;
use crate::coroutine::{Cx, Wake};
use crate::duration;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::resource::Info;
use crate::verb::{Complete, VERB as BASE, Verb};

const FLAGS: &[Flag] = &[
    Flag::csv(
        "address",
        "Addresses to listen on (comma separated). Only accepts IP addresses or localhost as a value. When localhost is supplied, kubectl will try to bind on both 127.0.0.1 and ::1 and will fail if neither of these addresses are available to bind.",
    ),
    Flag::duration(
        "pod-running-timeout",
        "1m0s",
        "The length of time (like 5s, 2m, or 3h, higher than zero) to wait until at least one pod is running",
    ),
];

pub static VERB: Verb = Verb {
    name: "port-forward",
    short: "Forward one or more local ports to a pod",
    long: "Forward one or more local ports to a pod.

 Use resource type/name such as deployment/mydeployment to select a pod. Resource type defaults to 'pod' if omitted.

 If there are multiple pods matching the criteria, a pod will be selected automatically. The forwarding session ends when the selected pod terminates, and a rerun of the command is needed to resume forwarding.",
    examples: "# Listen on ports 5000 and 6000 locally, forwarding data to/from ports 5000 and 6000 in the pod
kubectl port-forward pod/mypod 5000 6000

# Listen on port 8443 locally, forwarding to the targetPort of the service's port named \"https\" in a pod selected by the service
kubectl port-forward service/myservice 8443:https

# Listen on port 8888 locally, forwarding to 5000 in the pod
kubectl port-forward pod/mypod 8888:5000",
    usage: "TYPE/NAME [options] [LOCAL_PORT:]REMOTE_PORT [...[LOCAL_PORT_N:]REMOTE_PORT_N]",
    flags: &[FLAGS],
    complete: Complete::PodOrWorkload,
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let timeout = pods::running_timeout(args)?;
    let Some((word, specs)) = args.words.split_first().filter(|(_, specs)| !specs.is_empty()) else {
        return Err(Failure::usage(&args.path, "TYPE/NAME and list of ports are required for port-forward"));
    };
    let info = pods::target(&client, args, Some(word)).await?;
    let (pod, _) = pods::pod_of(&client, &info, Rank::Active, timeout).await?;
    for address in args.list("address") {
        if address != "localhost" && address.parse::<std::net::IpAddr>().is_err() {
            return Err(Failure::plain(format!("{address} is not a valid IP")));
        }
    }
    let mut ports = Vec::new();
    for spec in specs {
        if spec.bytes().all(|byte| byte.is_ascii_digit()) && spec.parse::<u16>().is_err() {
            return Err(bad_port("local", spec));
        }
        let (local, remote) = spec.split_once(':').unwrap_or((spec, spec));
        let remote = remote_port(&info, &pod, remote)?;
        let local = match local {
            "" | "0" => 30_000 + remote % 10_000,
            _ => match local.parse::<u16>() {
                Ok(local) => local,
                // `port-forward pod/web http` listens on the named port's number.
                Err(_) if !spec.contains(':') => remote,
                Err(_) => return Err(bad_port("local", local)),
            },
        };
        ports.push((local, remote));
    }
    let phase = text_at(&pod, "/status/phase");
    if phase != "Running" {
        return Err(Failure::plain(format!(
            "unable to forward port because pod is not running. Current status={phase}"
        )));
    }
    let path = format!(
        "/api/v1/namespaces/{}/pods/{}/portforward",
        text_at(&pod, "/metadata/namespace"),
        text_at(&pod, "/metadata/name")
    );
    let mut request = Request::new(Method::Post, path);
    for (_, remote) in &ports {
        request = request.with_query("ports", remote.to_string());
    }
    let stream = client.upgrade(request).await?;
    let addresses = match args.list("address") {
        [] => vec!["localhost".to_string()],
        addresses => addresses.to_vec(),
    };
    for (local, remote) in &ports {
        for address in &addresses {
            if address == "localhost" {
                cx.out(format!(
                    "Forwarding from 127.0.0.1:{local} -> {remote}\nForwarding from [::1]:{local} -> {remote}\n"
                ));
            } else {
                cx.out(format!("Forwarding from {address}:{local} -> {remote}\n"));
            }
        }
    }
    loop {
        let Wake::Chunks(_, chunks) = cx.next(&[stream], None).await else { continue };
        for chunk in chunks {
            match chunk {
                Chunk::Http { port, .. } => {
                    let local = ports.iter().find(|(_, remote)| *remote == port).map_or(port, |(local, _)| *local);
                    cx.out(format!("Handling connection for {local}\n"));
                }
                Chunk::Stderr(bytes) => cx.err(String::from_utf8_lossy(&bytes)),
                Chunk::Error(status) => return Err(broken(cx, &ports, &status.message)),
                Chunk::Closed | Chunk::Exit(_) => return Err(Failure::plain("lost connection to pod")),
                Chunk::Event(..) | Chunk::Stdout(_) | Chunk::Tcp(..) => {}
            }
        }
    }
}

/// A connection that failed inside the pod is logged, and ends the others with it.
fn broken(cx: &Cx, ports: &[(u16, u16)], message: &str) -> Failure {
    let remote = message.strip_prefix("error forwarding port ").and_then(|rest| rest.split(' ').next()?.parse().ok());
    let Some((local, remote)) = ports.iter().find(|(_, port)| Some(*port) == remote) else {
        return Failure::plain(message);
    };
    cx.out(format!("Handling connection for {local}\n"));
    let time = duration::rfc3339(cx.now());
    let part = |range: std::ops::Range<usize>| time.get(range).unwrap_or_default();
    let said = format!("an error occurred forwarding {local} -> {remote}: {message}");
    cx.err(format!(
        "E{}{} {}.000000       1 portforward.go:424] \"Unhandled Error\" err={said:?}\n",
        part(5..7),
        part(8..10),
        part(11..19)
    ));
    Failure::plain("lost connection to pod")
}

/// The pod's port behind a word: a number or a name, through a Service's ports if it is one.
fn remote_port(info: &Info, pod: &Value, word: &str) -> Result<u16> {
    let name = &info.name;
    if info.mapping.kind == "Service" {
        let ports = list_at(&info.object, "/spec/ports");
        let found = ports.iter().find(|port| match word.parse::<i64>() {
            Ok(number) => port.get("port").and_then(Value::as_i64) == Some(number),
            Err(_) => text_at(port, "/name") == word,
        });
        let Some(port) = found else {
            return Err(Failure::plain(match word.parse::<i64>() {
                Ok(_) => format!("Service {name} does not have a service port {word}"),
                Err(_) => format!("Service '{name}' does not have a named port '{word}'"),
            }));
        };
        let service_port = port.get("port").and_then(Value::as_u64).unwrap_or(0) as u16;
        return match port.get("targetPort") {
            Some(Value::String(target)) => container_port(pod, target).ok_or_else(|| {
                Failure::plain(format!(
                    "Pod '{}' does not have a named port '{target}'",
                    text_at(pod, "/metadata/name")
                ))
            }),
            Some(target) if text_at(&info.object, "/spec/clusterIP") != "None" => {
                Ok(target.as_u64().map_or(service_port, |target| target as u16))
            }
            _ => Ok(service_port),
        };
    }
    if let Ok(number) = word.parse::<u16>() {
        return Ok(number);
    }
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad_port("remote", word));
    }
    container_port(pod, word).ok_or_else(|| {
        Failure::plain(format!("Pod '{}' does not have a named port '{word}'", text_at(pod, "/metadata/name")))
    })
}

fn bad_port(which: &str, word: &str) -> Failure {
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let why = if digits { "value out of range" } else { "invalid syntax" };
    Failure::plain(format!("error parsing {which} port '{word}': strconv.ParseUint: parsing {word:?}: {why}"))
}

fn container_port(pod: &Value, name: &str) -> Option<u16> {
    list_at(pod, "/spec/containers")
        .iter()
        .flat_map(|container| list_at(container, "/ports"))
        .find(|port| text_at(port, "/name") == name)
        .and_then(|port| port.get("containerPort").and_then(Value::as_u64))
        .map(|port| port as u16)
}
