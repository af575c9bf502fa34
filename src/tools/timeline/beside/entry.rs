//! A request, reduced to what two runs can share: who did what to which object, and what it came to.

use std::collections::BTreeMap;

use super::super::player::{Line, What};

/// One request of a recording or of ours, or a command.
pub struct Entry {
    pub at: f64,
    pub component: String,
    verb: String,
    /// `pods/status`: what the object is, and what of it was meant.
    resource: String,
    /// The object's name as it was; empty where the recording does not know it.
    pub name: String,
    code: u16,
    /// Of an event its reason, or what its count became.
    said: String,
    /// The name without its generated parts.
    pub family: String,
}

impl Entry {
    /// A recorded line: `    0.065  kubectl      create  deployments/web 201  …`.
    pub fn recorded(line: &str) -> Option<Self> {
        let (seconds, rest) = line.trim_start().split_once("  ")?;
        let at = seconds.parse().ok()?;
        if rest.starts_with("$ ") {
            return Some(Self::command(at, rest));
        }
        let mut words = rest.split_whitespace();
        let (component, verb, object, code) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let code: u16 = code.parse().ok().filter(|_| !rest.starts_with(' '))?;
        let body: Vec<&str> = words.collect();
        Some(Self::request(at, component, verb, object, code, &body.join(" ")))
    }

    /// A kubelet's word on nothing but its own machine's cgroups: their limits, which differ from machine to
    /// machine, and which one that sets no limits does not tell; and that they are of the old kind, as ours are not.
    pub fn tells_of_the_machine(line: &str) -> bool {
        if line.contains("  Warning CgroupV1 on node/") {
            return true;
        }
        let body = line.split_once("  {").map(|(_, body)| format!("{{{body}"));
        let body: Option<serde_json::Value> = body.and_then(|body| serde_json::from_str(&body).ok());
        let status = body.as_ref().and_then(|body| body["status"].as_object());
        status.is_some_and(|status| status.keys().all(|key| key == "resources"))
    }

    pub fn ours(line: &Line) -> Option<Self> {
        let at = line.at as f64 / 1000.0;
        match &line.what {
            What::Said(text) => text.starts_with("$ ").then(|| Self::command(at, text)),
            What::Request { component, verb, object, code, body } => {
                Some(Self::request(at, component, verb, object, *code, body))
            }
        }
    }

    fn command(at: f64, text: &str) -> Self {
        Self {
            at,
            component: "$".into(),
            verb: String::new(),
            resource: String::new(),
            name: String::new(),
            code: 0,
            said: text.to_owned(),
            family: String::new(),
        }
    }

    fn request(at: f64, component: &str, verb: &str, object: &str, code: u16, body: &str) -> Self {
        let (resource, name) = object.rsplit_once('/').unwrap_or((object, ""));
        let mut name = name.to_owned();
        let mut said = String::new();
        if resource == "events" {
            // The time in an event's name is another one; its reason is not.
            name = name.rsplit_once('.').map_or(name.clone(), |(name, _)| name.to_owned());
        }
        if resource == "events" && verb != "deletecollection" && code < 400 {
            let reason = || body.split_whitespace().nth(1).unwrap_or_default().to_owned();
            said = if verb == "create" { reason() } else { body.into() };
        }
        Self {
            at,
            component: component.to_owned(),
            verb: verb.to_owned(),
            resource: resource.to_owned(),
            name,
            code,
            said,
            family: String::new(),
        }
    }

    /// The kind it is about: `pods`.
    pub fn kind(&self) -> &str {
        self.resource.split('/').next().unwrap_or_default()
    }

    /// An object came to be under a name that the server made up: which of its like it is, nobody can say yet.
    pub fn is_birth(&self) -> bool {
        self.verb == "create" && self.resource == self.kind() && self.kind() != "events" && self.is_generated()
    }

    /// Whether the name is, in part, of chance.
    pub fn is_generated(&self) -> bool {
        self.name.is_empty() || self.family.contains(['…', '#'])
    }

    /// What must be equal in both runs.
    pub fn text(&self) -> String {
        let Self { component, verb, resource, code, said, .. } = self;
        if component == "$" {
            return said.clone();
        }
        let name = if self.is_birth() { "…" } else { &self.family };
        format!("{component:<18} {verb:<7} {resource}/{name} {code}  {said}").trim_end().to_owned()
    }
}

/// Gives every entry of one run its family. Hashes of templates are numbered as they appear.
pub fn name_families(entries: &mut [Entry]) {
    let mut hashes = BTreeMap::new();
    for entry in entries {
        entry.family = without_chance(&entry.name, &mut hashes);
    }
}

/// A name whose generated parts are left out: hashes, random endings, times, addresses.
fn without_chance(name: &str, hashes: &mut BTreeMap<String, usize>) -> String {
    if name.split('.').count() == 4 && name.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return "…".into();
    }
    let parts = name.split('-').map(|part| {
        let random = part.chars().all(|c| "bcdfghjklmnpqrstvwxz2456789".contains(c));
        if random && matches!(part.len(), 8..=10) {
            let next = hashes.len() + 1;
            format!("#{}", hashes.entry(part.to_owned()).or_insert(next))
        } else if (random && part.len() == 5) || (part.len() >= 8 && part.chars().all(|c| c.is_ascii_digit())) {
            "…".into()
        } else {
            part.to_owned()
        }
    });
    parts.collect::<Vec<_>>().join("-")
}
