//! `kubectl get`: lists and single objects as tables or in a format, once or watched.
//!
//! Mirrors: kubectl/pkg/cmd/get/get.go.

use std::rc::Rc;

use api::wire::{Body, Chunk, Request};
use serde_json::{Value, json};

use super::{check_files, text_at};
use crate::client::{self, Client, TABLE};
use crate::coroutine::{Cx, Wake};
use crate::discovery::Mapping;
use crate::duration;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::output::table::{Layout, TabWriter};
use crate::output::{self, Output, Printer, sort};
use crate::resource::{Fetch, Info, Selection};
use crate::verb::{Complete, VERB as BASE, Verb};

/// Formats that only `get` has.
pub const MORE_FORMATS: &[&str] = &["custom-columns", "custom-columns-file", "wide"];

const FLAGS: &[Flag] = &[
    Flag::int("chunk-size", "500", "Return large lists in chunks rather than all at once. Pass 0 to disable."),
    Flag::bool(
        "ignore-not-found",
        false,
        "If set to true, suppresses NotFound error for specific objects that do not exist. Using this flag with commands that query for collections of resources has no effect when no resources are found.",
    ),
    Flag::csv(
        "label-columns",
        "Accepts a comma separated list of labels that are going to be presented as columns. Names are case-sensitive. You can also use multiple flag options like -L label1 -L label2...",
    )
    .short('L'),
    Flag::bool(
        "no-headers",
        false,
        "When using the default or custom-column output format, don't print headers (default print headers).",
    ),
    Flag::text(
        "output",
        "",
        "Output format. One of: (json, yaml, kyaml, name, go-template, go-template-file, template, templatefile, jsonpath, jsonpath-as-json, jsonpath-file, custom-columns, custom-columns-file, wide). See custom columns [https://kubernetes.io/docs/reference/kubectl/#custom-columns], golang template [http://golang.org/pkg/text/template/#pkg-overview] and jsonpath template [https://kubernetes.io/docs/reference/kubectl/jsonpath/].",
    )
    .short('o')
    .values(&["wide", "yaml", "json", "name", "jsonpath=", "custom-columns=", "go-template="]),
    Flag::bool(
        "output-watch-events",
        false,
        "Output watch event objects when --watch or --watch-only is used. Existing objects are output as initial ADDED events.",
    ),
    Flag::text("raw", "", "Raw URI to request from the server.  Uses the transport specified by the kubeconfig file."),
    Flag::bool(
        "server-print",
        true,
        "If true, have the server return the appropriate table output. Supports extension APIs and CRDs.",
    ),
    Flag::bool("show-kind", false, "If present, list the resource type for the requested object(s)."),
    Flag::bool(
        "show-labels",
        false,
        "When printing, show all labels as the last column (default hide labels column)",
    ),
    Flag::text(
        "sort-by",
        "",
        "If non-empty, sort list types using this field specification.  The field specification is expressed as a JSONPath expression (e.g. '{.metadata.name}'). The field in the API resource specified by this JSONPath expression must be an integer or a string.",
    ),
    Flag::text("subresource", "", "If specified, gets the subresource of the requested object."),
    Flag::bool("watch", false, "After listing/getting the requested object, watch for changes.").short('w'),
    Flag::bool("watch-only", false, "Watch for changes to the requested object(s), without listing/getting first."),
];

pub static VERB: Verb = Verb {
    name: "get",
    short: "Display one or many resources",
    long: "Display one or many resources.

 Prints a table of the most important information about the specified resources. You can filter the list using a label selector and the --selector flag. If the desired resource type is namespaced you will only see results in the current namespace if you don't specify any namespace.

 By specifying the output as 'template' and providing a Go template as the value of the --template flag, you can filter the attributes of the fetched resources.

Use \"kubectl api-resources\" for a complete list of supported resources.",
    examples: "# List all pods in ps output format
kubectl get pods

# List all pods in ps output format with more information (such as node name)
kubectl get pods -o wide

# List a single replication controller with specified NAME in ps output format
kubectl get replicationcontroller web

# List deployments in JSON output format, in the \"v1\" version of the \"apps\" API group
kubectl get deployments.v1.apps -o json

# List a single pod in JSON output format
kubectl get -o json pod web-pod-13je7

# List a pod identified by type and name specified in \"pod.yaml\" in JSON output format
kubectl get -f pod.yaml -o json

# Return only the phase value of the specified pod
kubectl get -o template pod/web-pod-13je7 --template={{.status.phase}}

# List resource information in custom columns
kubectl get pod test-pod -o custom-columns=CONTAINER:.spec.containers[0].name,IMAGE:.spec.containers[0].image

# List all replication controllers and services together in ps output format
kubectl get rc,services

# List one or more resources by their type and names
kubectl get rc/web service/frontend pods/web-pod-13je7

# List all pods existing in all namespaces
kubectl get pods --all-namespaces",
    usage: "[(-o|--output=)json|yaml|kyaml|name|go-template|go-template-file|template|templatefile|jsonpath|jsonpath-as-json|jsonpath-file|custom-columns|custom-columns-file|wide] (TYPE[.VERSION][.GROUP] [NAME | -l label] | TYPE[.VERSION][.GROUP]/NAME ...) [flags]",
    flags: &[FLAGS, global::PRINT, global::FILES, global::SELECTOR, global::FIELD_SELECTOR, global::ALL_NAMESPACES],
    complete: Complete::TypeThenNames,
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let uri = args.text("raw");
    if !uri.is_empty() {
        if !args.words.is_empty() {
            return Err(Failure::plain("arguments may not be passed when --raw is specified"));
        }
        if args.flag("watch") || args.flag("watch-only") || !args.text("selector").is_empty() {
            return Err(Failure::plain(
                "--raw may not be specified with other flags that filter the server request or alter the output",
            ));
        }
        if !args.text("output").is_empty() {
            return Err(Failure::plain("--raw and --output are mutually exclusive"));
        }
        check_uri(uri)?;
        return raw(&client, uri).await;
    }
    check_files(args)?;
    let mut output = Output::choose(cx, args, Printer::Human { wide: false }, MORE_FORMATS)?;
    let watching = args.flag("watch") || args.flag("watch-only");
    if !watching && args.words.is_empty() && args.list("filename").is_empty() {
        cx.err("You must specify the type of resource to get. Use \"kubectl api-resources\" for a complete list of supported resources.\n\n");
        return Err(Failure::usage(
            &args.path,
            "Required resource not specified.\nUse \"kubectl explain <resource>\" for a detailed description of that resource (e.g. kubectl explain pods).",
        ));
    }
    let format = args.text("output");
    if args.flag("show-labels") && !output.is_human() && !matches!(format, "" | "wide") {
        return Err(Failure::plain(format!("--show-labels option cannot be used with {format} printer")));
    }
    if args.flag("output-watch-events") && !watching {
        return Err(Failure::plain("--output-watch-events option can only be used with --watch or --watch-only"));
    }
    let mut selection = Selection::of(args, &args.words);
    selection.type_alone = true;
    selection.fetch = Fetch::Latest;
    if output.is_human() && args.flag("server-print") {
        selection.table = Some(!args.text("sort-by").is_empty());
    }
    if watching {
        return watch(&client, args, &selection, &mut output).await;
    }
    let mut found = selection.resolve(&client).await?;
    if args.flag("ignore-not-found") {
        found.infos.retain(|info| !matches!(info, Err(failure) if failure.is_not_found()));
    }
    let single = found.single;
    let (infos, mut failures) = found.split();
    match output.printer {
        Printer::Human { wide } => {
            print_tables(&client, args, infos, wide, failures.is_empty())?;
            // What a file names and nobody has is told as it came, inside what the visitor gathered.
            if !args.list("filename").is_empty() {
                failures = failures.into_iter().map(|failure| Failure::Bare(failure.text())).collect();
            }
        }
        _ => {
            if single && !failures.is_empty() {
                return Failure::aggregate(failures);
            }
            if !(single && infos.is_empty()) {
                let mut objects: Vec<Value> = infos.into_iter().map(|info| info.object).collect();
                if !args.text("sort-by").is_empty() {
                    sort::sort(&mut objects, args.text("sort-by"), |object| object)?;
                }
                let whole = if single && objects.len() == 1 { objects.remove(0) } else { output::list(objects) };
                cx.out(output.print(&whole)?);
            }
        }
    }
    Failure::aggregate(failures)
}

async fn raw(client: &Client<'_>, uri: &str) -> Result {
    let response = client.call(raw_request(uri)).await?;
    client.cx.out(match &response.body {
        Body::Json(value) => format!("{}\n", api::schema::go_json(value)),
        Body::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Body::Empty | Body::Stream(_) => String::new(),
    });
    Ok(())
}

/// What Go takes for a URI of a request: it begins with a slash.
///
/// # Errors
/// Go's text.
pub fn check_uri(uri: &str) -> Result {
    if uri.starts_with('/') || uri.contains("://") {
        return Ok(());
    }
    Err(Failure::plain(format!("--raw must be a valid URL path: parse {uri:?}: invalid URI for request")))
}

/// A request from a URI typed by hand: percent escapes are decoded.
pub fn raw_request(uri: &str) -> Request {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let mut request = Request::get(decode(path));
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        request = request.with_query(&decode(key), decode(&value.replace('+', " ")));
    }
    request
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut decoded, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match hex {
            Some(byte) if bytes[at] == b'%' => {
                decoded.push(byte);
                at += 3;
            }
            _ => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// The layout for objects of one mapping.
fn layout(args: &Args, mapping: &Mapping, wide: bool, with_kind: bool, with_namespace: bool) -> Layout {
    Layout {
        wide,
        no_headers: args.flag("no-headers"),
        namespace: args.flag("all-namespaces") && with_namespace,
        kind: (with_kind || args.flag("show-kind")).then(|| mapping.kind_name()),
        show_labels: args.flag("show-labels"),
        label_columns: args.list("label-columns").to_vec(),
        events: args.flag("output-watch-events"),
    }
}

/// Tables, one after another: a new one begins where the type changes.
fn print_tables(client: &Client<'_>, args: &Args, infos: Vec<Info>, wide: bool, complete: bool) -> Result {
    let mut kinds: Vec<&Rc<Mapping>> = Vec::new();
    for info in &infos {
        if !kinds.contains(&&info.mapping) {
            kinds.push(&info.mapping);
        }
    }
    let with_kind = kinds.len() > 1;
    let namespaced = !args.flag("all-namespaces") && infos.iter().all(|info| info.mapping.namespaced);
    let mut text = String::new();
    // Once a type had the column, those behind it have it too.
    let mut with_namespace = false;
    let by_name = infos.len() == 1 && !infos[0].name.is_empty();
    let mut rest = infos.as_slice();
    while let Some(first) = rest.first() {
        let mapping = first.mapping.clone();
        let group = rest.iter().take_while(|info| info.mapping == mapping).count();
        with_namespace |= mapping.namespaced;
        let layout = layout(args, &mapping, wide, with_kind, with_namespace);
        let mut rows: Vec<Vec<String>> = Vec::new();
        for info in &rest[..group] {
            let mut table = as_table(client.cx, &info.object);
            // Where the one list there is cannot be sorted, it is not printed, and nobody says why.
            if !by_name && sort_rows(&mut table, args.text("sort-by")).is_err() {
                if infos.len() > 1 {
                    sort_rows(&mut table, args.text("sort-by"))?;
                }
                continue;
            }
            let more = layout.rows(&table);
            if rows.is_empty() && !more.is_empty() && !layout.no_headers {
                rows.push(layout.header(&table));
            }
            rows.extend(more);
        }
        if !rows.is_empty() {
            if !text.is_empty() && !layout.no_headers {
                text.push('\n');
            }
            text.push_str(&TabWriter::default().render(&rows));
        }
        rest = &rest[group..];
    }
    if text.is_empty() && !args.flag("ignore-not-found") && complete {
        client.cx.err(if namespaced {
            format!("No resources found in {} namespace.\n", client.namespace)
        } else {
            "No resources found\n".into()
        });
    }
    client.cx.out(text);
    Ok(())
}

/// A Table as it is; an object as the least table there is.
fn as_table(cx: &Cx, object: &Value) -> Value {
    if object.get("columnDefinitions").is_some() || object.get("rows").is_some() {
        return object.clone();
    }
    let age = match duration::seconds_since(text_at(object, "/metadata/creationTimestamp"), cx.now()) {
        Some(seconds) => duration::human(seconds),
        None => "<unknown>".to_string(),
    };
    json!({
        "columnDefinitions": [
            {"name": "Name", "type": "string", "format": "name", "priority": 0},
            {"name": "Age", "type": "string", "priority": 0},
        ],
        "rows": [{"cells": [text_at(object, "/metadata/name"), age], "object": object}],
    })
}

fn sort_rows(table: &mut Value, field: &str) -> Result {
    if field.is_empty() {
        return Ok(());
    }
    if let Some(rows) = table.get_mut("rows").and_then(Value::as_array_mut) {
        sort::sort(rows, field, |row| row.get("object").unwrap_or(&Value::Null))?;
    }
    Ok(())
}

/// Prints rows as they change, aligned with those before.
struct Printed<'a> {
    cx: &'a Cx,
    layout: Layout,
    writer: TabWriter,
    columns: Value,
    header: bool,
}

impl Printed<'_> {
    fn show(&mut self, table: &Value, event: &str) {
        let defines = table.get("columnDefinitions").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
        if defines {
            self.columns = json!({"columnDefinitions": table["columnDefinitions"]});
        }
        let rows = super::list_at(table, "/rows");
        let mut lines = Vec::new();
        if !rows.is_empty() && !self.header && !self.layout.no_headers {
            lines.push(self.layout.header(&self.columns));
            self.header = true;
        }
        lines.extend(rows.iter().map(|row| self.layout.row(&self.columns, row, event)));
        self.cx.out(self.writer.render(&lines));
    }
}

async fn watch(client: &Client<'_>, args: &Args, selection: &Selection, output: &mut Output) -> Result {
    let cx = client.cx;
    let timeout = client::timeout(args).unwrap_or(0);
    let deadline = (timeout > 0).then(|| cx.now() + timeout as u64);
    let (mapping, namespace, mut query, existing, version) = watched(client, selection).await?;
    if !args.text("sort-by").is_empty() {
        cx.err("warning: --watch requested, --sort-by will be ignored for watch events received\n");
    }
    let wide = matches!(output.printer, Printer::Human { wide: true });
    let mut printed = Printed {
        cx,
        layout: layout(args, &mapping, wide, false, mapping.namespaced),
        writer: TabWriter::default(),
        columns: Value::Null,
        header: false,
    };
    if !args.flag("watch-only") {
        for object in existing {
            if selection.table.is_some() {
                let mut table = object;
                sort_rows(&mut table, args.text("sort-by"))?;
                printed.show(&table, "ADDED");
            } else {
                cx.out(output.print(&event_or_object(args, "ADDED", object))?);
            }
        }
    }
    query.retain(|(key, _)| *key != "limit");
    query.push(("resourceVersion", version));
    let accept = if selection.table.is_some() { TABLE } else { "application/json" };
    let stream = client.watch(&mapping, &namespace, &query, accept).await?;
    loop {
        let chunks = match cx.next(&[stream], deadline).await {
            Wake::Chunks(_, chunks) => chunks,
            Wake::Deadline | Wake::Interrupted | Wake::Typed(_) => break,
        };
        for chunk in chunks {
            match chunk {
                Chunk::Event(kind, object) => {
                    if kind == "ERROR" {
                        let status = api::Status::from_value(&object);
                        return Err(status.map_or_else(|| Failure::plain("watch failed"), Failure::Api));
                    }
                    if kind == "BOOKMARK" {
                        continue;
                    }
                    if selection.table.is_some() {
                        printed.show(&object, kind);
                    } else {
                        cx.out(output.print(&event_or_object(args, kind, Value::clone(&object)))?);
                    }
                }
                Chunk::Error(status) => return Err(status.into()),
                Chunk::Closed | Chunk::Exit(_) => return Ok(()),
                Chunk::Stdout(_) | Chunk::Stderr(_) | Chunk::Http { .. } | Chunk::Tcp(..) => {}
            }
        }
    }
    cx.close(stream);
    Ok(())
}

fn event_or_object(args: &Args, kind: &str, object: Value) -> Value {
    if args.flag("output-watch-events") { json!({"type": kind, "object": object}) } else { object }
}

type Watched = (Rc<Mapping>, String, Vec<(&'static str, String)>, Vec<Value>, String);

/// What to watch: one collection or one object, as it is now, and since when.
async fn watched(client: &Client<'_>, selection: &Selection) -> Result<Watched> {
    let namespace_of = |mapping: &Mapping| {
        if mapping.namespaced && !selection.all_namespaces { client.namespace.clone() } else { String::new() }
    };
    if let [word] = selection.words.as_slice()
        && !word.contains('/')
        && !word.contains(',')
        && client.discovery().await?.category(word).is_empty()
        && selection.files.is_empty()
    {
        let mapping = client.mapping(word).await?;
        let namespace = namespace_of(&mapping);
        let query = selection.query(selection.selector.as_deref().unwrap_or_default());
        let accept = if selection.table.is_some() { TABLE } else { "application/json" };
        let list = client.list(&mapping, &namespace, &query, accept).await?;
        let version = text_at(&list, "/metadata/resourceVersion").to_string();
        let objects = if selection.table.is_some() { vec![list] } else { crate::client::items_of(list) };
        return Ok((mapping, namespace, query, objects, version));
    }
    if selection.words.iter().any(|word| word.contains('/'))
        && selection.words.iter().any(|word| word.split('/').next() != selection.words[0].split('/').next())
    {
        return Err(Failure::plain("you may only specify a single resource type"));
    }
    let mut infos = selection.resolve(client).await?.all()?;
    if infos.len() != 1 {
        return Err(Failure::plain(
            "watch is only supported on individual resources and resource collections - more than 1 resource was found",
        ));
    }
    let info = infos.remove(0);
    let version = match text_at(&info.object, "/metadata/resourceVersion") {
        "" => text_at(&info.object, "/rows/0/object/metadata/resourceVersion").to_string(),
        version => version.to_string(),
    };
    let mut query = vec![("fieldSelector", format!("metadata.name={}", info.name))];
    if selection.table == Some(true) {
        query.push(("includeObject", "Object".into()));
    }
    Ok((info.mapping, info.namespace, query, vec![info.object], version))
}
