//! A container's environment: service links, `envFrom`, `env`, the downward API and `$(VAR)`.
//!
//! In order: variables of the Services in the pod's namespace, then what `envFrom` brings (later sources
//! win), then `env`, one after the other. `$(VAR)` in a value means what was declared before it, `$$` a
//! dollar; a name nobody declared stays as it is written. What must be there and is not is the message of
//! `CreateContainerConfigError`; what is optional is left away. A key that is no name for a variable is
//! taken as it is: all but `=` may be in one.
//! Mirrors: pkg/kubelet/kubelet_pods.go `makeEnvironmentVariables`, pkg/kubelet/envvars,
//! pkg/kubelet/util/env `ParseEnv`, pkg/api/v1/resource/helpers.go. Left out: hugepages in
//! `resourceFieldRef`.

use std::collections::BTreeMap;

use api::k8s_openapi::api::core::v1::{
    ConfigMap, Container, EnvVarSource, FileKeySelector, ObjectFieldSelector, Pod, ResourceFieldSelector, Secret,
    Service,
};
use api::k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use api::meta::quantity::amount;

use super::agent::Machine;
use super::runtime::Volumes;
use super::runtime::fs::FileNode;
use crate::client::Client;

pub type Env = BTreeMap<String, String>;

/// What the pod's environment is made from.
pub struct Facts<'a, 'c> {
    pub api: &'a Client<'c>,
    pub machine: &'a Machine,
    pub pod: &'a Pod,
    pub pod_ip: &'a str,
    pub volumes: &'a Volumes,
}

/// # Errors
/// The message of `CreateContainerConfigError`.
pub fn make(facts: &Facts, container: &Container) -> Result<Env, String> {
    let mut env = Env::new();
    let links = facts.pod.spec.as_ref().and_then(|spec| spec.enable_service_links).unwrap_or(true);
    let services = service_env(facts, links);
    from_objects(facts, container, &mut env)?;
    let mut declared = services.clone();
    declared.extend(env.clone());
    for var in container.env.iter().flatten() {
        let value = match &var.value_from {
            None => expand(var.value.as_deref().unwrap_or_default(), &declared),
            Some(source) => match from_source(facts, container, source)? {
                Some(value) => value,
                None => continue,
            },
        };
        declared.insert(var.name.clone(), value.clone());
        env.insert(var.name.clone(), value);
    }
    // What the pod says itself wins over the service variables.
    let mut all = services;
    all.extend(env);
    Ok(all)
}

fn namespace<'a>(facts: &'a Facts) -> &'a str {
    facts.pod.metadata.namespace.as_deref().unwrap_or_default()
}

fn from_objects(facts: &Facts, container: &Container, env: &mut Env) -> Result<(), String> {
    for source in container.env_from.iter().flatten() {
        let prefix = source.prefix.as_deref().unwrap_or_default();
        if let Some(reference) = &source.config_map_ref {
            match facts.api.get::<ConfigMap>(namespace(facts), &reference.name) {
                Some(map) => {
                    env.extend(map.data.iter().flatten().map(|(key, value)| (format!("{prefix}{key}"), value.clone())))
                }
                None if reference.optional == Some(true) => {}
                None => return Err(format!("configmap \"{}\" not found", reference.name)),
            }
        }
        if let Some(reference) = &source.secret_ref {
            match facts.api.get::<Secret>(namespace(facts), &reference.name) {
                Some(secret) => {
                    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                    env.extend(
                        secret.data.iter().flatten().map(|(key, value)| (format!("{prefix}{key}"), text(&value.0))),
                    );
                }
                None if reference.optional == Some(true) => {}
                None => return Err(format!("secret \"{}\" not found", reference.name)),
            }
        }
    }
    Ok(())
}

/// `Ok(None)` when an optional source is missing.
fn from_source(facts: &Facts, container: &Container, source: &EnvVarSource) -> Result<Option<String>, String> {
    if let Some(reference) = &source.config_map_key_ref {
        let optional = reference.optional == Some(true);
        let map = facts.api.get::<ConfigMap>(namespace(facts), &reference.name);
        let Some(map) = map else {
            return if optional { Ok(None) } else { Err(format!("configmap \"{}\" not found", reference.name)) };
        };
        return match map.data.as_ref().and_then(|data| data.get(&reference.key)) {
            Some(value) => Ok(Some(value.clone())),
            None if optional => Ok(None),
            None => {
                Err(format!("couldn't find key {} in ConfigMap {}/{}", reference.key, namespace(facts), reference.name))
            }
        };
    }
    if let Some(reference) = &source.secret_key_ref {
        let optional = reference.optional == Some(true);
        let secret = facts.api.get::<Secret>(namespace(facts), &reference.name);
        let Some(secret) = secret else {
            return if optional { Ok(None) } else { Err(format!("secret \"{}\" not found", reference.name)) };
        };
        return match secret.data.as_ref().and_then(|data| data.get(&reference.key)) {
            Some(value) => Ok(Some(String::from_utf8_lossy(&value.0).into_owned())),
            None if optional => Ok(None),
            None => {
                Err(format!("couldn't find key {} in Secret {}/{}", reference.key, namespace(facts), reference.name))
            }
        };
    }
    if let Some(reference) = &source.file_key_ref {
        return from_file(facts, reference);
    }
    if let Some(field) = &source.field_ref {
        return Ok(Some(pod_field(facts.pod, facts.machine, facts.pod_ip, field)));
    }
    if let Some(field) = &source.resource_field_ref {
        return Ok(Some(resource_field(facts.machine, facts.pod, container, field)));
    }
    Ok(None)
}

/// A variable from a file that an earlier container of the pod wrote. Only the variable is optional, never the file.
fn from_file(facts: &Facts, reference: &FileKeySelector) -> Result<Option<String>, String> {
    let FileKeySelector { key, path, volume_name, optional } = reference;
    let mut known = facts.pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    if !known.any(|volume| volume.name == *volume_name) {
        return Err(format!("cannot find the volume {volume_name:?} referenced by FileKeyRef"));
    }
    let tree = facts.volumes.get(volume_name);
    let file = tree.and_then(|tree| tree.get(&tree.resolve(&format!("/{}", path.trim_start_matches('/')))));
    let Some(FileNode::File { data, .. }) = file else { return Err("couldn't parse env file".to_owned()) };
    let value = parse(&String::from_utf8_lossy(data), key).ok_or("couldn't parse env file")?;
    if !value.is_empty() || *optional == Some(true) {
        return Ok(Some(value).filter(|value| !value.is_empty()));
    }
    let uid = facts.pod.metadata.uid.as_deref().unwrap_or_default();
    let place = format!("/var/lib/kubelet/pods/{uid}/volumes/kubernetes.io~empty-dir/{volume_name}/{path}");
    Err(format!("environment variable key {key:?} not found in file {place:?}"))
}

/// The value of a variable in a file of lines `NAME='value'`: empty if it is not there, nothing if the
/// file is written otherwise before it. A value may have several lines.
fn parse(text: &str, key: &str) -> Option<String> {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n']);
        if rest.is_empty() {
            return Some(String::new());
        }
        if rest.starts_with('#') {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
            continue;
        }
        let (name, after) = rest.split_once('=')?;
        if name.is_empty() || name.contains([' ', '\t', '\n']) {
            return None;
        }
        let (value, after) = match after.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'')?,
            None if after.starts_with([' ', '\t', '\n']) || after.is_empty() => ("", after),
            None => return None,
        };
        if name == key {
            return Some(value.to_owned());
        }
        rest = after.split_once('\n').map_or("", |(_, rest)| rest);
    }
}

/// A field of the pod as the downward API gives it.
pub fn pod_field(pod: &Pod, machine: &Machine, pod_ip: &str, field: &ObjectFieldSelector) -> String {
    let meta = &pod.metadata;
    let spec = pod.spec.as_ref();
    let path = field.field_path.as_str();
    if let Some((map, key)) = path.split_once('[') {
        let key = key.trim_end_matches(']').trim_matches(['\'', '"']);
        let map = if map == "metadata.labels" { &meta.labels } else { &meta.annotations };
        return map.as_ref().and_then(|map| map.get(key)).cloned().unwrap_or_default();
    }
    let value = match path {
        "metadata.name" => meta.name.clone(),
        "metadata.namespace" => meta.namespace.clone(),
        "metadata.uid" => meta.uid.clone(),
        "metadata.labels" => Some(format_map(meta.labels.as_ref())),
        "metadata.annotations" => Some(format_map(meta.annotations.as_ref())),
        "spec.nodeName" => spec.and_then(|spec| spec.node_name.clone()),
        "spec.serviceAccountName" => spec.and_then(|spec| spec.service_account_name.clone()),
        "status.podIP" | "status.podIPs" => Some(pod_ip.to_owned()),
        "status.hostIP" | "status.hostIPs" => Some(machine.host_ip.clone()),
        _ => None,
    };
    value.unwrap_or_default()
}

/// `key="value"` lines, sorted, as downward API files hold maps.
fn format_map(map: Option<&BTreeMap<String, String>>) -> String {
    map.into_iter().flatten().map(|(key, value)| format!("{key}={value:?}")).collect::<Vec<_>>().join("\n")
}

/// A container's limit or request in units of the divisor, rounded up.
pub fn resource_field(machine: &Machine, pod: &Pod, container: &Container, field: &ResourceFieldSelector) -> String {
    let named = field.container_name.as_ref().and_then(|name| super::container::spec_of(pod, name));
    let container = named.as_deref().unwrap_or(container);
    let (kind, name) = field.resource.split_once('.').unwrap_or(("limits", &field.resource));
    let resources = container.resources.as_ref();
    let map = if kind == "limits" {
        resources.and_then(|r| r.limits.as_ref())
    } else {
        resources.and_then(|r| r.requests.as_ref())
    };
    let own = map.and_then(|map| map.get(name)).cloned();
    // Without a limit the node's allocatable is the limit.
    let fallback = || match (kind, name) {
        ("limits", "cpu") => Quantity(machine.cpu.clone()),
        ("limits", "memory") => Quantity(machine.memory.clone()),
        ("limits", "ephemeral-storage") => Quantity(machine.ephemeral_storage.clone()),
        _ => Quantity("0".to_owned()),
    };
    let value = amount(&own.unwrap_or_else(fallback));
    let divisor = field.divisor.as_ref().map(amount).filter(|divisor| divisor.milli_value() > 0);
    let (top, bottom) = match divisor {
        Some(divisor) => (i128::from(value.milli_value()), i128::from(divisor.milli_value())),
        None => (i128::from(value.milli_value()), 1_000),
    };
    ((top + bottom - 1) / bottom).to_string()
}

/// Replaces `$(NAME)`; `$$(NAME)` is left as `$(NAME)`, and so is a name nobody declared.
///
/// Mirrors: third_party/forked/golang/expansion.
pub fn expand(text: &str, env: &Env) -> String {
    expand_with(text, |name| env.get(name).cloned())
}

/// As [`expand`], asking for each name.
pub fn expand_with(text: &str, mut value_of: impl FnMut(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
            match value_of(name) {
                Some(value) => out.push_str(&value),
                None => out.push_str(&format!("$({name})")),
            }
            rest = after;
        } else {
            out.push('$');
        }
    }
    out + rest
}

/// Docker-link variables of the services in the pod's namespace, and always of `kubernetes`.
fn service_env(facts: &Facts, links: bool) -> Env {
    let mut env = Env::new();
    let own = namespace(facts).to_owned();
    let master = facts.api.get::<Service>("default", "kubernetes");
    let services = facts.api.list::<Service>(&own).filter(|_| links).cloned().chain(master);
    for service in services {
        let Some(spec) = &service.spec else { continue };
        let Some(ip) = spec.cluster_ip.as_ref().filter(|ip| !ip.is_empty() && *ip != "None") else { continue };
        let Some(ports) = spec.ports.as_ref().filter(|ports| !ports.is_empty()) else { continue };
        let name = service.metadata.name.as_deref().unwrap_or_default().to_uppercase().replace('-', "_");
        env.insert(format!("{name}_SERVICE_HOST"), ip.clone());
        env.insert(format!("{name}_SERVICE_PORT"), ports[0].port.to_string());
        for (index, port) in ports.iter().enumerate() {
            let protocol = port.protocol.as_deref().unwrap_or("TCP");
            let lower = protocol.to_lowercase();
            if let Some(label) = port.name.as_ref().filter(|label| !label.is_empty()) {
                env.insert(
                    format!("{name}_SERVICE_PORT_{}", label.to_uppercase().replace('-', "_")),
                    port.port.to_string(),
                );
            }
            let url = format!("{lower}://{ip}:{}", port.port);
            let prefix = format!("{name}_PORT_{}_{protocol}", port.port);
            if index == 0 {
                env.insert(format!("{name}_PORT"), url.clone());
            }
            env.insert(prefix.clone(), url);
            env.insert(format!("{prefix}_PROTO"), lower);
            env.insert(format!("{prefix}_PORT"), port.port.to_string());
            env.insert(format!("{prefix}_ADDR"), ip.clone());
        }
    }
    env
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_expand_and_escapes_do_not() {
        let env = Env::from([("COLOR".to_owned(), "blue".to_owned())]);
        let cases = [
            ("$(COLOR)-xl", "blue-xl"),
            ("$$(COLOR)", "$(COLOR)"),
            ("$(NOPE)", "$(NOPE)"),
            ("5$", "5$"),
            ("$(open", "$(open"),
        ];
        for (text, want) in cases {
            assert_eq!(expand(text, &env), want, "{text}");
        }
    }

    #[test]
    fn a_file_of_variables_is_read_strictly() {
        let file = "# made by init\n\n  A='one' # first\nB='two\nlines'\nC= 'no'\n";
        for (key, want) in [("A", Some("one")), ("B", Some("two\nlines")), ("C", Some("")), ("D", Some(""))] {
            assert_eq!(parse(file, key).as_deref(), want, "{key}");
        }
        for text in ["A=bare\n", "A = 'x'\n", "no sign\n", "A='open\n"] {
            assert_eq!(parse(text, "A"), None, "{text}");
        }
    }
}
