//! NetworkPolicies, ServiceCIDRs and IPAddresses.

use serde_json::Value;

use super::common::{heading, or_none, selector, timed_conditions};
use super::events::{self, Events};
use super::page::Page;
use super::value::Fields as _;

pub fn policy(policy: &Value) -> String {
    let mut page = Page::default();
    page.field(0, "Name", policy.name());
    page.field(0, "Namespace", policy.namespace());
    // Another form than every other date's: Go's own.
    page.field(0, "Created on", go_time(policy.text("/metadata/creationTimestamp")));
    super::common::metadata(&mut page, policy);
    let spec = policy.at("/spec");
    page.line(0, "Spec:");
    let pods = match selector(spec.at("/podSelector")) {
        all if all == "<none>" => "<none> (Allowing the specific traffic to all pods in this namespace)".into(),
        some => some,
    };
    // The selector is indented a second time, behind its label.
    page.line(1, format!("PodSelector:     {pods}"));
    let types = spec.texts("/policyTypes");
    for (direction, kind, rules, peers, word) in
        [("ingress", "Ingress", "/ingress", "/from", "From"), ("egress", "Egress", "/egress", "/to", "To")]
    {
        if types.contains(&kind) {
            page.line(1, format!("Allowing {direction} traffic:"));
            write_rules(&mut page, spec.list(rules), direction, peers, word);
        } else {
            page.line(1, format!("Not affecting {direction} traffic"));
        }
    }
    page.line(1, format!("Policy Types: {}", or_none(&types.join(", "))));
    page.finish()
}

fn go_time(time: &str) -> String {
    match time.parse::<jiff::Timestamp>() {
        Ok(instant) => instant.strftime("%Y-%m-%d %H:%M:%S +0000 UTC").to_string(),
        Err(_) => "0001-01-01 00:00:00 +0000 UTC".into(),
    }
}

fn write_rules(page: &mut Page, rules: &[Value], direction: &str, peers: &str, word: &str) {
    const INDENT: usize = 2;
    if rules.is_empty() {
        page.line(INDENT, format!("<none> (Selected pods are isolated for {direction} connectivity)"));
    }
    for (index, rule) in rules.iter().enumerate() {
        if index > 0 {
            page.line(INDENT, "----------");
        }
        let ports = rule.list("/ports");
        if ports.is_empty() {
            page.line(INDENT, "To Port: <any> (traffic allowed to all ports)");
        }
        for port in ports {
            let (from, protocol) = (or_nil(&port.written("/port")), port.text_or("/protocol", "TCP"));
            match port.has("/endPort") {
                false => page.line(INDENT, format!("To Port: {from}/{protocol}")),
                true => page.line(INDENT, format!("To Port Range: {from}-{}/{protocol}", port.int("/endPort"))),
            }
        }
        let peers = rule.list(peers);
        if peers.is_empty() {
            let restricted = if word == "From" { "source" } else { "destination" };
            page.line(INDENT, format!("{word}: <any> (traffic not restricted by {restricted})"));
        }
        for peer in peers {
            page.line(INDENT, format!("{word}:"));
            write_peer(page, INDENT + 1, peer);
        }
    }
}

fn or_nil(port: &str) -> String {
    if port.is_empty() { "<nil>".into() } else { port.into() }
}

fn write_peer(page: &mut Page, level: usize, peer: &Value) {
    let mut any = false;
    for (label, pointer) in [("NamespaceSelector", "/namespaceSelector"), ("PodSelector", "/podSelector")] {
        if peer.has(pointer) {
            any = true;
            page.line(level, format!("{label}: {}", selector(peer.at(pointer))));
        }
    }
    if !any && peer.has("/ipBlock") {
        page.line(level, "IPBlock:");
        page.line(level + 1, format!("CIDR: {}", peer.text("/ipBlock/cidr")));
        page.line(level + 1, format!("Except: {}", peer.texts("/ipBlock/except").join(", ")));
    }
}

pub fn service_cidr(cidr: &Value, events: Events<'_>, now_ms: u64) -> String {
    let mut page = Page::default();
    heading(&mut page, cidr, false);
    page.field(0, "CIDRs", cidr.texts("/spec/cidrs").join(", "));
    let conditions = cidr.list("/status/conditions");
    if !conditions.is_empty() {
        page.line(0, "Status:");
        timed_conditions(&mut page, conditions);
    }
    events::write(&mut page, events, now_ms);
    page.finish()
}

pub fn ip_address(address: &Value, events: Events<'_>, now_ms: u64) -> String {
    let mut page = Page::default();
    heading(&mut page, address, false);
    let parent = address.at("/spec/parentRef");
    if !parent.is_null() {
        page.line(0, "Parent Reference:");
        page.field(1, "Group", parent.text("/group"));
        page.field(1, "Resource", parent.text("/resource"));
        page.field(1, "Namespace", parent.text("/namespace"));
        page.field(1, "Name", parent.text("/name"));
    }
    events::write(&mut page, events, now_ms);
    page.finish()
}
