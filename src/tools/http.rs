//! `replay-http`: plays recorded HTTP exchanges and writes our answers.
//!
//! The files hold `> METHOD /path` with headers and body, `@ let`, `@ settle`, `@ watch` and
//! `@ end`; recorded answers are dropped and ours written in their place, one line of JSON each.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use api::wire::{Backend, Body, Chunk, Method, Request, Response, StreamId};
use bridge::target;
use engine::{Cluster, ClusterConfig};
use serde_json::{Value, json};
use tools::args::Args;

const USAGE: &str = "replay-http --cases DIR --out DIR [--only TEXT]";

/// More events than any case causes.
const BUDGET: usize = 1_000_000;

/// # Errors
/// A sentence on a bad flag or an unreadable directory.
pub fn main(words: &[String]) -> Result<(), String> {
    let args = Args::read(USAGE, words)?;
    let (cases, out) = (PathBuf::from(args.needed("--cases")?), PathBuf::from(args.needed("--out")?));
    let only = args.text("--only").unwrap_or_default();
    let mut files = Vec::new();
    collect(&cases, &mut files)?;
    files.sort();
    let mut played = 0;
    for file in files {
        let name = file.strip_prefix(&cases).unwrap_or(&file).to_path_buf();
        if !name.to_string_lossy().contains(only) {
            continue;
        }
        let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let target = out.join(&name);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(|error| format!("{}: {error}", parent.display()))?;
        }
        fs::write(&target, Player::new().play(&text)).map_err(|error| format!("{}: {error}", target.display()))?;
        played += 1;
    }
    eprintln!("{played} cases");
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    for entry in fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "http") {
            files.push(path);
        }
    }
    Ok(())
}

/// A request being read.
struct Draft {
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<String>,
    /// Names the watch that it opens.
    watch: Option<String>,
}

/// An open watch, or the answer that came instead of one.
struct Watch {
    response: Response,
    yaml: bool,
    ends_at: u64,
}

struct Player {
    cluster: Cluster,
    names: BTreeMap<String, String>,
    last: Value,
    watches: BTreeMap<String, Watch>,
    out: String,
}

impl Player {
    fn new() -> Self {
        let mut cluster = Cluster::new(ClusterConfig {
            nodes: Vec::new(),
            metrics_server: false,
            admin_token: "admintok".into(),
            ..ClusterConfig::default()
        });
        // Recorded on a control plane that had been up for a while.
        cluster.run_for(600_000, BUDGET);
        Self { cluster, names: BTreeMap::new(), last: Value::Null, watches: BTreeMap::new(), out: String::new() }
    }

    fn play(mut self, text: &str) -> String {
        let mut draft: Option<Draft> = None;
        let mut answered = false;
        for line in text.lines() {
            if line.starts_with("< ") || (answered && line.starts_with("  ")) {
                answered = true;
                continue;
            }
            if let (Some(draft), Some(body)) = (&mut draft, line.strip_prefix("  ")) {
                draft.body.push(body.into());
                self.say(line);
                continue;
            }
            answered = false;
            if let Some(rest) = line.strip_prefix("> ") {
                let (word, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                if let (Some(name), Some(draft)) = (word.strip_suffix(':'), &mut draft) {
                    draft.headers.push((name.to_ascii_lowercase(), rest.into()));
                    self.say(line);
                    continue;
                }
                self.finish(draft.take());
                self.say(line);
                draft = target::method(word).map(|method| Draft {
                    method,
                    path: rest.into(),
                    headers: Vec::new(),
                    body: Vec::new(),
                    watch: None,
                });
                continue;
            }
            self.finish(draft.take());
            self.say(line);
            if let Some(rest) = line.strip_prefix("@ ") {
                draft = self.directive(rest);
            }
        }
        self.finish(draft.take());
        self.out
    }

    fn say(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }

    fn directive(&mut self, text: &str) -> Option<Draft> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        match word {
            "settle" => {
                let seconds: f64 = rest.trim().parse().unwrap_or(0.0);
                self.cluster.run_for((seconds * 1000.0) as u64, BUDGET);
            }
            "let" => {
                let (name, path) = rest.split_once(" = ").unwrap_or((rest, ""));
                let value = path.split('.').try_fold(&self.last, |at, key| match at {
                    Value::Array(items) => items.get(key.parse::<usize>().ok()?),
                    other => other.get(key),
                });
                let text = value.map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_string));
                self.names.insert(name.trim().into(), text.unwrap_or_default());
            }
            "watch" => {
                let (id, path) = rest.split_once(' ').unwrap_or((rest, ""));
                let (method, path, watch) = (Method::Get, path.to_string(), Some(id.to_string()));
                return Some(Draft { method, path, headers: Vec::new(), body: Vec::new(), watch });
            }
            "end" => self.end(rest.trim()),
            _ => {}
        }
        None
    }

    /// Sends what was read, and writes the answer unless it is a watch.
    fn finish(&mut self, draft: Option<Draft>) {
        let Some(draft) = draft else { return };
        let watch = draft.watch.clone();
        let request = self.request(draft);
        let seconds = request.param("timeoutSeconds").and_then(|text| text.parse::<u64>().ok()).unwrap_or(1);
        let yaml = request.header("accept").is_some_and(|accept| accept.contains("application/yaml"));
        let response = self.cluster.request_from_network(request);
        // Real components need a moment; so do ours.
        let ends_at = self.cluster.now() + seconds * 1000;
        match watch {
            Some(id) => {
                self.watches.insert(id, Watch { response, yaml, ends_at });
            }
            None => self.answer(&response, yaml),
        }
    }

    fn request(&self, draft: Draft) -> Request {
        let path = self.expand(&draft.path);
        let (path, query) = path.split_once('?').unwrap_or((&path, ""));
        let mut request = Request::new(draft.method, target::decode(path).unwrap_or_else(|| path.to_owned()));
        request.query = target::query(query);
        let body = self.expand(&draft.body.join("\n"));
        let mut headers: BTreeMap<String, String> = BTreeMap::from([
            ("authorization".into(), "Bearer admintok".into()),
            ("accept".into(), "application/json".into()),
            ("user-agent".into(), "oracle/1".into()),
        ]);
        if !body.is_empty() {
            let json = body.starts_with(['{', '[']);
            headers.insert("content-type".into(), if json { "application/json" } else { "application/yaml" }.into());
            request.body = Body::Bytes(body.into_bytes());
        }
        for (name, value) in draft.headers {
            if value == "-" {
                headers.remove(&name);
            } else {
                headers.insert(name, self.expand(&value));
            }
        }
        request.headers = headers.into_iter().collect();
        request
    }

    /// Replaces `${name}` and `${x*1000}`.
    fn expand(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, tail) = after.split_once('}').unwrap_or((after, ""));
            out.push_str(before);
            match name.split_once('*').and_then(|(x, count)| Some((x, count.parse::<usize>().ok()?))) {
                Some((x, count)) => out.push_str(&x.repeat(count)),
                None => out.push_str(self.names.get(name).map_or("", String::as_str)),
            }
            rest = tail;
        }
        out + rest
    }

    fn answer(&mut self, response: &Response, yaml: bool) {
        self.say(&format!("< {}", response.status));
        let given = |name: &str| response.header(name).is_some();
        let implied = match &response.body {
            Body::Json(_) if yaml => Some("application/yaml"),
            Body::Json(_) => Some("application/json"),
            Body::Empty | Body::Bytes(_) | Body::Stream(_) => None,
        };
        if let Some(media) = implied.filter(|_| !given("content-type")) {
            self.say(&format!("< Content-Type: {media}"));
        }
        for (name, value) in &response.headers {
            let name = match name.as_str() {
                "content-type" => "Content-Type",
                "warning" => "Warning",
                "retry-after" => "Retry-After",
                "location" => "Location",
                "www-authenticate" => "WWW-Authenticate",
                "allow" => "Allow",
                "etag" => "ETag",
                _ => continue,
            };
            let quoted =
                if name == "Warning" && !value.starts_with("299") { format!("299 - {value:?}") } else { value.clone() };
            self.say(&format!("< {name}: {quoted}"));
        }
        match &response.body {
            Body::Json(value) if yaml => {
                api::yaml::to_yaml(value).lines().for_each(|line| self.say(&format!("  {line}")));
            }
            Body::Json(value) => self.say(&format!("  {value}")),
            Body::Bytes(bytes) => {
                String::from_utf8_lossy(bytes).lines().for_each(|line| self.say(&format!("  {line}")));
            }
            Body::Empty | Body::Stream(_) => {}
        }
        self.last = match &response.body {
            Body::Json(value) => Value::clone(value),
            _ => json!(null),
        };
    }

    fn end(&mut self, id: &str) {
        let Some(watch) = self.watches.remove(id) else { return };
        let left = watch.ends_at.saturating_sub(self.cluster.now());
        self.cluster.run_for(left, BUDGET);
        let Body::Stream(stream) = watch.response.body else {
            self.answer(&watch.response, watch.yaml);
            return;
        };
        self.say(&format!("< {}", watch.response.status));
        self.say("< Content-Type: application/json");
        for event in self.drain(stream) {
            self.say(&format!("  {event}"));
        }
    }

    fn drain(&mut self, stream: StreamId) -> Vec<Value> {
        let mut events = Vec::new();
        let chunks = self.cluster.poll(stream);
        for chunk in chunks {
            if let Chunk::Event(what, object) = chunk {
                events.push(json!({ "type": what, "object": *object }));
            }
        }
        self.cluster.close(stream);
        events
    }
}
