//! Containers of pods and pod templates.

use api::meta::quantity::Amount;
use api::order::Order;
use serde_json::Value;

use super::common::{boolean, date, or_none};
use super::page::Page;
use super::value::{Fields as _, go_list};

/// Writes `title:` and the containers. A template has neither `statuses` nor a `pod`, and an `indent`.
pub fn write(
    page: &mut Page,
    title: &str,
    containers: &[Value],
    statuses: &[Value],
    pod: Option<&Value>,
    indent: &str,
) {
    let none = if containers.is_empty() { " <none>" } else { "" };
    page.line(0, format!("{indent}{title}:{none}"));
    for container in containers {
        let status = statuses.iter().rfind(|status| status.text("/name") == container.text("/name"));
        basics(page, container, status, indent);
        words(page, "Command", &container.texts("/command"));
        words(page, "Args", &container.texts("/args"));
        if let Some(status) = status {
            state(page, "State", status.at("/state"));
            if status.has("/lastState/terminated") {
                state(page, "Last State", status.at("/lastState"));
            }
            page.field(2, "Ready", boolean(status.flag("/ready")));
            page.field(2, "Restart Count", status.int("/restartCount"));
        }
        resources(page, 2, container.at("/resources"));
        for (label, pointer) in
            [("Liveness", "/livenessProbe"), ("Readiness", "/readinessProbe"), ("Startup", "/startupProbe")]
        {
            if container.has(pointer) {
                page.field(2, label, probe(container.at(pointer)));
            }
        }
        environment_sources(page, container);
        environment(page, container, pod);
        mounts(page, container);
    }
}

fn basics(page: &mut Page, container: &Value, status: Option<&Value>, indent: &str) {
    // Templates indent names by one blank only.
    let blank = if indent.is_empty() { "" } else { " " };
    page.line(1, format!("{blank}{}:", container.text("/name")));
    if let Some(status) = status {
        page.field(2, "Container ID", status.text("/containerID"));
    }
    page.field(2, "Image", container.text("/image"));
    if let Some(status) = status {
        page.field(2, "Image ID", status.text("/imageID"));
    }
    for (label, pointer) in [("Port", "/containerPort"), ("Host Port", "/hostPort")] {
        let ports: Vec<_> = container.list("/ports").iter().map(|port| one_port(port, pointer)).collect();
        let plural = if ports.len() > 1 { "s" } else { "" };
        page.field(2, &format!("{label}{plural}"), or_none(&ports.join(", ")));
    }
    seccomp(page, 2, container.at("/securityContext/seccompProfile"));
}

/// A seccomp profile, if there is one. Its file stands one level deeper in containers.
pub fn seccomp(page: &mut Page, level: usize, profile: &Value) {
    if profile.is_null() {
        return;
    }
    page.field(level, "SeccompProfile", profile.text("/type"));
    if profile.text("/type") == "Localhost" {
        let level = if level == 0 { 0 } else { level + 1 };
        page.field(level, "LocalhostProfile", profile.text("/localhostProfile"));
    }
}

fn one_port(port: &Value, number: &str) -> String {
    let text = format!("{}/{}", port.int(number), port.text("/protocol"));
    match port.text("/name") {
        "" => text,
        name => format!("{text} ({name})"),
    }
}

/// A word a line; a word of several lines takes several.
fn words(page: &mut Page, title: &str, words: &[&str]) {
    if words.is_empty() {
        return;
    }
    page.line(2, format!("{title}:"));
    for line in words.iter().flat_map(|word| word.split('\n')) {
        page.line(3, line);
    }
}

fn state(page: &mut Page, title: &str, state: &Value) {
    let reason = |page: &mut Page, of: &Value| {
        if !of.text("/reason").is_empty() {
            page.field(3, "Reason", of.text("/reason"));
        }
    };
    if state.has("/running") {
        page.field(2, title, "Running");
        page.field(3, "Started", date(state.text("/running/startedAt")));
    } else if state.has("/terminated") {
        let ended = state.at("/terminated");
        page.field(2, title, "Terminated");
        reason(page, ended);
        if !ended.text("/message").is_empty() {
            page.field(3, "Message", ended.text("/message"));
        }
        page.field(3, "Exit Code", ended.int("/exitCode"));
        if ended.int("/signal") > 0 {
            page.field(3, "Signal", ended.int("/signal"));
        }
        page.field(3, "Started", date(ended.text("/startedAt")));
        page.field(3, "Finished", date(ended.text("/finishedAt")));
    } else {
        page.field(2, title, "Waiting");
        reason(page, state.at("/waiting"));
    }
}

/// Limits and requests, where there are any.
pub fn resources(page: &mut Page, level: usize, resources: &Value) {
    for (title, pointer) in [("Limits", "/limits"), ("Requests", "/requests")] {
        let entries = resources.entries(pointer);
        if !entries.is_empty() {
            page.line(level, format!("{title}:"));
        }
        for (name, quantity) in entries {
            page.field(level + 1, name, quantity.written(""));
        }
    }
}

/// A probe on one line.
pub fn probe(probe: &Value) -> String {
    let attributes = format!(
        "delay={}s timeout={}s period={}s #success={} #failure={}",
        probe.int("/initialDelaySeconds"),
        probe.int("/timeoutSeconds"),
        probe.int("/periodSeconds"),
        probe.int("/successThreshold"),
        probe.int("/failureThreshold"),
    );
    let action = if probe.has("/exec") {
        format!("exec {}", go_list(&probe.texts("/exec/command")))
    } else if probe.has("/httpGet") {
        let get = probe.at("/httpGet");
        let host = match get.text("/host") {
            host if host.contains(':') => format!("[{host}]"),
            host => host.into(),
        };
        // Written as a URL: a path without a slash gets one.
        let path = match get.text("/path") {
            path if path.is_empty() || path.starts_with('/') => path.into(),
            path => format!("/{path}"),
        };
        format!("http-get {}://{host}:{}{path}", get.text("/scheme").to_lowercase(), get.written("/port"))
    } else if probe.has("/tcpSocket") {
        format!("tcp-socket {}:{}", probe.text("/tcpSocket/host"), probe.written("/tcpSocket/port"))
    } else if probe.has("/grpc") {
        format!("grpc <pod>:{} {}", probe.int("/grpc/port"), probe.text("/grpc/service"))
    } else {
        "unknown".into()
    };
    format!("{action} {attributes}")
}

fn environment_sources(page: &mut Page, container: &Value) {
    let sources = container.list("/envFrom");
    if sources.is_empty() {
        return;
    }
    page.line(2, "Environment Variables from:");
    for source in sources {
        let (kind, reference) = if source.has("/configMapRef") {
            ("ConfigMap", source.at("/configMapRef"))
        } else if source.has("/secretRef") {
            ("Secret", source.at("/secretRef"))
        } else {
            ("", &Value::Null)
        };
        let prefix = match source.text("/prefix") {
            "" => String::new(),
            prefix => format!(" with prefix '{prefix}'"),
        };
        let (name, optional) = (reference.text("/name"), reference.flag("/optional"));
        page.line(3, format!("{name}\t{kind}{prefix}\tOptional: {optional}"));
    }
}

fn environment(page: &mut Page, container: &Value, pod: Option<&Value>) {
    let variables = container.list("/env");
    if variables.is_empty() {
        page.line(2, "Environment:\t<none>");
        return;
    }
    page.line(2, "Environment:");
    for variable in variables {
        let name = variable.text("/name");
        let from = variable.at("/valueFrom");
        if from.is_null() {
            for (index, line) in variable.text("/value").split('\n').enumerate() {
                match index {
                    0 => page.field(3, name, line),
                    _ => page.line(3, format!("\t{line}")),
                }
            }
        } else if from.has("/fieldRef") {
            let path = from.text("/fieldRef/fieldPath");
            let value = pod.map(|pod| metadata_field(pod, path)).unwrap_or_default();
            page.field(3, name, format!("{value} ({}:{path})", from.text("/fieldRef/apiVersion")));
        } else if from.has("/resourceFieldRef") {
            let reference = from.at("/resourceFieldRef");
            page.field(3, name, format!("{} ({})", resource_field(reference, container), reference.text("/resource")));
        } else {
            let (pointer, preposition, kind) = match from.has("/secretKeyRef") {
                true => ("/secretKeyRef", "in", "secret"),
                false => ("/configMapKeyRef", "of", "config map"),
            };
            let reference = from.at(pointer);
            if reference.is_null() {
                continue;
            }
            let (key, of, optional) = (reference.text("/key"), reference.text("/name"), reference.flag("/optional"));
            page.field(3, name, format!("<set to the key '{key}' {preposition} {kind} '{of}'>\tOptional: {optional}"));
        }
    }
}

/// The fields that kubectl looks up by itself; others stay empty.
///
/// Mirrors: kubectl/pkg/describe `resolverFn`: the field must be one that field selectors know everywhere.
fn metadata_field(pod: &Value, path: &str) -> String {
    match path {
        "metadata.name" => pod.name().into(),
        "metadata.namespace" => pod.namespace().into(),
        _ => String::new(),
    }
}

/// A resource of the container in units of the divisor.
///
/// Mirrors: kubectl/pkg/util/resource `ExtractContainerResourceValue`.
fn resource_field(reference: &Value, container: &Value) -> String {
    let Some((list, resource)) = reference.text("/resource").split_once('.') else { return String::new() };
    let amount = |text: String| text.parse::<Amount>().unwrap_or(Amount::ZERO);
    let quantity = amount(container.at("/resources").at(&format!("/{list}/{resource}")).written(""));
    let divisor = amount(reference.written("/divisor"));
    let ceiling = |value: i64, by: i64| if by <= 0 { value } else { value / by + i64::from(value % by > 0) };
    let value = match resource {
        "cpu" => ceiling(quantity.milli_value(), if divisor.is_zero() { 1000 } else { divisor.milli_value() }),
        _ => ceiling(quantity.value(), divisor.value()),
    };
    match (list, resource, value) {
        ("limits", "cpu" | "memory", 0) => "node allocatable".into(),
        (_, _, value) => value.to_string(),
    }
}

fn mounts(page: &mut Page, container: &Value) {
    let mut mounts: Vec<&Value> = container.list("/volumeMounts").iter().collect();
    mounts.order_by_key(|mount| mount.text("/mountPath"));
    let none = if mounts.is_empty() { "\t<none>" } else { "" };
    page.line(2, format!("Mounts:{none}"));
    for mount in mounts {
        let mut flags = vec![if mount.flag("/readOnly") { "ro".to_string() } else { "rw".to_string() }];
        if !mount.text("/subPath").is_empty() {
            flags.push(format!("path={:?}", mount.text("/subPath")));
        }
        page.line(3, format!("{} from {} ({})", mount.text("/mountPath"), mount.text("/name"), flags.join(",")));
    }
    let mut devices: Vec<&Value> = container.list("/volumeDevices").iter().collect();
    if devices.is_empty() {
        return;
    }
    devices.order_by_key(|device| device.text("/devicePath"));
    page.line(2, format!("Devices:{none}"));
    for device in devices {
        page.line(3, format!("{} from {}", device.text("/devicePath"), device.text("/name")));
    }
}
