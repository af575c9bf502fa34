//! Roles and their bindings, of a namespace or of the cluster.
//!
//! Mirrors also: kubectl/pkg/util/rbac (rules broken down to one verb, then compacted again).

use api::order::Order;
use serde_json::Value;

use super::common::heading;
use super::page::Page;
use super::value::{Fields as _, go_list};

pub fn role(role: &Value) -> String {
    let mut page = Page::default();
    heading(&mut page, role, false);
    page.line(0, "PolicyRule:");
    page.line(1, "Resources\tNon-Resource URLs\tResource Names\tVerbs");
    page.line(1, "---------\t-----------------\t--------------\t-----");
    let mut rules = compact(role.list("/rules"));
    rules.order_by_key(Rule::sort_key);
    for rule in rules {
        let names: Vec<_> = rule.name.into_iter().collect();
        let urls: Vec<_> = rule.url.into_iter().collect();
        let resource = rule.resource.map(|(group, resource)| full_name(group, resource)).unwrap_or_default();
        page.line(1, format!("{resource}\t{}\t{}\t{}", go_list(&urls), go_list(&names), go_list(&rule.verbs)));
    }
    page.finish()
}

/// A rule for one resource (of at most one name) or one path.
struct Rule<'a> {
    resource: Option<(&'a str, &'a str)>,
    name: Option<&'a str>,
    url: Option<&'a str>,
    verbs: Vec<&'a str>,
}

impl Rule<'_> {
    /// Rules are sorted by how Go prints them: by verbs before anything else.
    fn sort_key(&self) -> String {
        let one = |text: Option<&str>| go_list(&text.into_iter().collect::<Vec<_>>());
        format!(
            "Verbs:{},APIGroups:{},Resources:{},ResourceNames:{},NonResourceURLs:{},",
            go_list(&self.verbs),
            one(self.resource.map(|(group, _)| group)),
            one(self.resource.map(|(_, resource)| resource)),
            one(self.name),
            one(self.url),
        )
    }
}

fn compact(rules: &[Value]) -> Vec<Rule<'_>> {
    let mut compacted: Vec<Rule<'_>> = Vec::new();
    for rule in rules {
        let verbs = rule.texts("/verbs");
        let names: Vec<Option<&str>> = match rule.texts("/resourceNames") {
            none if none.is_empty() => vec![None],
            names => names.into_iter().map(Some).collect(),
        };
        for group in rule.texts("/apiGroups") {
            for resource in rule.texts("/resources") {
                for verb in &verbs {
                    for name in &names {
                        merge(&mut compacted, (group, resource), *name, verb);
                    }
                }
            }
        }
        // Paths are not compacted: a line for each verb.
        for url in rule.texts("/nonResourceURLs") {
            compacted.extend(verbs.iter().map(|verb| Rule {
                resource: None,
                name: None,
                url: Some(url),
                verbs: vec![verb],
            }));
        }
    }
    compacted
}

fn merge<'a>(rules: &mut Vec<Rule<'a>>, resource: (&'a str, &'a str), name: Option<&'a str>, verb: &'a str) {
    match rules.iter_mut().find(|rule| rule.resource == Some(resource) && rule.name == name) {
        Some(rule) if rule.verbs.contains(&verb) => {}
        Some(rule) => rule.verbs.push(verb),
        None => rules.push(Rule { resource: Some(resource), name, url: None, verbs: vec![verb] }),
    }
}

/// `deployments.apps/scale`.
fn full_name(group: &str, resource: &str) -> String {
    let (resource, subresource) = match resource.split_once('/') {
        Some((resource, subresource)) => (resource, format!("/{subresource}")),
        None => (resource, String::new()),
    };
    match group {
        "" => format!("{resource}{subresource}"),
        group => format!("{resource}.{group}{subresource}"),
    }
}

pub fn binding(binding: &Value) -> String {
    let mut page = Page::default();
    heading(&mut page, binding, false);
    page.line(0, "Role:");
    page.field(1, "Kind", binding.text("/roleRef/kind"));
    page.field(1, "Name", binding.text("/roleRef/name"));
    page.line(0, "Subjects:");
    page.line(1, "Kind\tName\tNamespace");
    page.line(1, "----\t----\t---------");
    for subject in binding.list("/subjects") {
        page.line(1, [subject.text("/kind"), subject.text("/name"), subject.text("/namespace")].join("\t"));
    }
    page.finish()
}
