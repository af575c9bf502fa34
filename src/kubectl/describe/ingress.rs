//! Ingresses and IngressClasses.

use std::collections::{BTreeMap, BTreeSet};

use api::order::Gather;
use serde_json::Value;

use super::common::{annotations, heading, labels};
use super::events::{self, Events};
use super::page::Page;
use super::service::endpoint_list;
use super::value::Fields as _;

/// What is known of a Service that an Ingress sends to: itself and its slices, or an error's text.
pub type Backends = BTreeMap<String, Result<(Value, Vec<Value>), String>>;

/// The Services that the Ingress names, whose [`Backends`] its page needs.
pub fn services(ingress: &Value) -> BTreeSet<String> {
    let paths = ingress.list("/spec/rules").iter().flat_map(|rule| rule.list("/http/paths"));
    let backends = paths.map(|path| path.at("/backend")).chain([ingress.at("/spec/defaultBackend")]);
    let names = backends.map(|backend| backend.text("/service/name")).filter(|name| !name.is_empty());
    names.map(str::to_string).collect()
}

pub fn ingress(ingress: &Value, backends: &Backends, events: Events<'_>, now_ms: u64) -> String {
    let mut page = Page::default();
    page.field(0, "Name", ingress.name());
    labels(&mut page, "Labels", ingress.at("/metadata/labels"));
    page.field(0, "Namespace", ingress.namespace());
    page.field(0, "Address", address(ingress));
    let class = if ingress.has("/spec/ingressClassName") { ingress.text("/spec/ingressClassName") } else { "<none>" };
    page.field(0, "Ingress Class", class);
    let default = match ingress.has("/spec/defaultBackend") {
        true => backend(ingress.at("/spec/defaultBackend"), backends),
        false => "<default>".into(),
    };
    page.field(0, "Default backend", &default);
    tls(&mut page, ingress.list("/spec/tls"));
    page.line(0, "Rules:\n  Host\tPath\tBackends");
    page.line(1, "----\t----\t--------");
    let mut any = false;
    for rule in ingress.list("/spec/rules").iter().filter(|rule| rule.has("/http")) {
        any = true;
        page.line(1, format!("{}\t", rule.text_or("/host", "*")));
        for path in rule.list("/http/paths") {
            page.line(2, format!("\t{} \t{}", path.text("/path"), backend(path.at("/backend"), backends)));
        }
    }
    if !any {
        page.line(1, format!("*\t*\t{default}"));
    }
    annotations(&mut page, "Annotations", ingress.at("/metadata/annotations"));
    events::write(&mut page, events, now_ms);
    page.finish()
}

fn address(ingress: &Value) -> String {
    let points = ingress.list("/status/loadBalancer/ingress").iter();
    let addresses: BTreeSet<_> =
        points.map(|point| point.text_or("/ip", point.text("/hostname"))).filter(|text| !text.is_empty()).into_set();
    addresses.into_iter().collect::<Vec<_>>().join(",")
}

fn tls(page: &mut Page, entries: &[Value]) {
    if entries.is_empty() {
        return;
    }
    page.line(0, "TLS:");
    for entry in entries {
        let hosts = entry.texts("/hosts").join(",");
        match entry.text("/secretName") {
            "" => page.line(1, format!("SNI routes {hosts}")),
            secret => page.line(1, format!("{secret} terminates {hosts}")),
        }
    }
}

/// `web:80 (10.0.0.1:8080)`: the Service, its port and the endpoints behind it.
fn backend(backend: &Value, backends: &Backends) -> String {
    if backend.has("/resource") {
        let resource = backend.at("/resource");
        let group = if resource.has("/apiGroup") { resource.text("/apiGroup") } else { "<none>" };
        return format!("APIGroup: {group}, Kind: {}, Name: {}", resource.text("/kind"), resource.text("/name"));
    }
    if !backend.has("/service") {
        return String::new();
    }
    let name = backend.text("/service/name");
    let (number, port_name) = (backend.int("/service/port/number"), backend.text("/service/port/name"));
    let shown = match number {
        0 => format!("{name}:{port_name}"),
        number => format!("{name}:{number}"),
    };
    match backends.get(name) {
        Some(Ok((service, slices))) => {
            let ports = service.list("/spec/ports").iter().rev();
            let mut matching = ports.filter(|port| match number {
                0 => !port_name.is_empty() && port.text("/name") == port_name,
                number => port.int("/port") == number,
            });
            let port = matching.next().map_or("", |port| port.text("/name"));
            format!("{shown} ({})", endpoint_list(slices, port))
        }
        Some(Err(error)) => format!("{shown} (<error: {error}>)"),
        None => shown,
    }
}

pub fn class(class: &Value, events: Events<'_>, now_ms: u64) -> String {
    let mut page = Page::default();
    heading(&mut page, class, false);
    page.field(0, "Controller", class.text("/spec/controller"));
    let parameters = class.at("/spec/parameters");
    if !parameters.is_null() {
        page.line(0, "Parameters:");
        if parameters.has("/apiGroup") {
            page.field(1, "APIGroup", parameters.text("/apiGroup"));
        }
        page.field(1, "Kind", parameters.text("/kind"));
        page.field(1, "Name", parameters.text("/name"));
    }
    events::write(&mut page, events, now_ms);
    page.finish()
}
