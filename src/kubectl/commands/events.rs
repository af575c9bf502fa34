//! `kubectl events`: events by time, for one object or a namespace.
//!
//! Mirrors: kubectl/pkg/cmd/events.

use api::order::Order;
use api::wire::Chunk;
use serde_json::Value;

use super::{int_at, text_at};
use crate::client::{Client, Query};
use crate::coroutine::{Cx, Wake};
use crate::duration;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::output::table::TabWriter;
use crate::output::{Output, Printer, list};
use crate::verb::{VERB as BASE, Verb};

const FLAGS: &[Flag] = &[
    Flag::int("chunk-size", "500", "Return large lists in chunks rather than all at once. Pass 0 to disable."),
    Flag::text("for", "", "Filter events to only those pertaining to the specified resource."),
    Flag::bool("no-headers", false, "When using the default output format, don't print headers."),
    Flag::csv("types", "Output only events of given types."),
    Flag::bool("watch", false, "After listing the requested events, watch for more events.").short('w'),
];

pub static VERB: Verb = Verb {
    name: "events",
    short: "List events",
    long: "Display events.

 Prints a table of the most important information about events. You can request events for a namespace, for all namespace, or filtered to only those pertaining to a specified resource.",
    examples: "# List recent events in the default namespace
kubectl events

# List recent events in all namespaces
kubectl events --all-namespaces

# List recent events for the specified pod, then wait for more events and list them as they arrive
kubectl events --for pod/web-pod-13je7 --watch

# List recent only events of type 'Warning' or 'Normal'
kubectl events --types=Warning,Normal",
    usage: "[(-o|--output=)json|yaml|kyaml|name|go-template|go-template-file|template|templatefile|jsonpath|jsonpath-as-json|jsonpath-file] [--for TYPE/NAME] [--watch] [--types=Normal,Warning]",
    flags: &[FLAGS, global::PRINT, global::ALL_NAMESPACES],
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    if args.list("types").iter().any(|kind| !["normal", "warning"].contains(&kind.to_lowercase().as_str())) {
        return Err(Failure::plain("valid --types are Normal or Warning"));
    }
    let mut output = Output::choose(cx, args, Printer::Human { wide: false }, &[])?.typed();
    let mapping = client.mapping("events.v1.").await.or(client.mapping("events").await)?;
    let namespace = if args.flag("all-namespaces") { String::new() } else { client.namespace.clone() };
    let query = query(&client, args).await?;
    let whole = client.list(&mapping, &namespace, &query, "application/json").await?;
    let version = text_at(&whole, "/metadata/resourceVersion").to_string();
    let mut events = crate::client::items_of(whole);
    let types = args.list("types");
    let shown =
        |event: &Value| types.is_empty() || types.iter().any(|kind| kind.eq_ignore_ascii_case(text_at(event, "/type")));
    events.retain(|event| shown(event));
    events.order_by(|a, b| time(a).cmp(time(b)));
    let mut writer = TabWriter::default();
    if events.is_empty() && !args.flag("watch") {
        cx.err(if args.flag("all-namespaces") {
            "No events found.\n".into()
        } else {
            format!("No events found in {} namespace.\n", client.namespace)
        });
        return Ok(());
    }
    if output.is_human() {
        let mut rows = Vec::new();
        if !args.flag("no-headers") {
            rows.push(header(args));
        }
        rows.extend(events.iter().map(|event| row(cx, args, event)));
        cx.out(writer.render(&rows));
    } else if !args.flag("watch") || !events.is_empty() {
        // A list has no name to print.
        if !matches!(output.printer, Printer::Name) {
            let mut whole = list(events);
            whole["kind"] = "EventList".into();
            whole["metadata"] = serde_json::json!({});
            cx.out(output.print(&whole)?);
        }
    }
    if !args.flag("watch") {
        return Ok(());
    }
    let mut watching = query;
    watching.push(("resourceVersion", version));
    let stream = client.watch(&mapping, &namespace, &watching, "application/json").await?;
    loop {
        let Wake::Chunks(_, chunks) = cx.next(&[stream], None).await else { continue };
        for chunk in chunks {
            match chunk {
                Chunk::Event(what, object) if what != "DELETED" => {
                    if !shown(&object) || text_at(&object, "/kind") != "Event" {
                        continue;
                    }
                    cx.out(if output.is_human() {
                        writer.render(&[row(cx, args, &object)])
                    } else {
                        output.print(&object)?
                    });
                }
                Chunk::Error(status) => return Err(status.into()),
                Chunk::Closed | Chunk::Exit(_) => return Ok(()),
                Chunk::Event(..) | Chunk::Stdout(_) | Chunk::Stderr(_) | Chunk::Http { .. } | Chunk::Tcp(..) => {}
            }
        }
    }
}

/// `--for pod/web` as a field selector.
async fn query(client: &Client<'_>, args: &Args) -> Result<Query> {
    let target = args.text("for");
    if target.is_empty() {
        return Ok(Query::new());
    }
    let Some((word, name)) = target.split_once('/').filter(|(word, name)| !word.is_empty() && !name.is_empty()) else {
        return Err(Failure::plain("--for must be in resource/name form"));
    };
    if name.contains('/') {
        return Err(Failure::plain("arguments in resource/name form may not have more than one slash"));
    }
    let mapping = client
        .mapping(word)
        .await
        .map_err(|_| Failure::Bare(format!("the server doesn't have a resource type {word:?}")))?;
    Ok(vec![(
        "fieldSelector",
        format!(
            "involvedObject.kind={},involvedObject.name={name},involvedObject.apiVersion={}",
            mapping.kind,
            mapping.api_version()
        ),
    )])
}

/// When the event was last seen.
fn time(event: &Value) -> &str {
    ["/series/lastObservedTime", "/lastTimestamp", "/eventTime"]
        .iter()
        .map(|pointer| text_at(event, pointer))
        .find(|time| !time.is_empty())
        .unwrap_or_default()
}

fn age(cx: &Cx, time: &str) -> String {
    duration::seconds_since(time, cx.now()).map_or("<unknown>".into(), duration::human)
}

fn header(args: &Args) -> Vec<String> {
    let mut cells = vec!["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"];
    if args.flag("all-namespaces") {
        cells.insert(0, "NAMESPACE");
    }
    cells.into_iter().map(String::from).collect()
}

fn row(cx: &Cx, args: &Args, event: &Value) -> Vec<String> {
    let (first, event_time) = (text_at(event, "/firstTimestamp"), text_at(event, "/eventTime"));
    let begin = if first.is_empty() { event_time } else { first };
    let seen = if event.get("series").is_some_and(|series| !series.is_null()) {
        format!(
            "{} (x{} over {})",
            age(cx, text_at(event, "/series/lastObservedTime")),
            int_at(event, "/series/count"),
            age(cx, event_time)
        )
    } else if int_at(event, "/count") > 1 {
        format!("{} (x{} over {})", age(cx, text_at(event, "/lastTimestamp")), int_at(event, "/count"), age(cx, begin))
    } else {
        age(cx, begin)
    };
    let mut cells = vec![
        seen,
        text_at(event, "/type").to_string(),
        text_at(event, "/reason").to_string(),
        format!("{}/{}", text_at(event, "/involvedObject/kind"), text_at(event, "/involvedObject/name")),
        text_at(event, "/message").trim().to_string(),
    ];
    if args.flag("all-namespaces") {
        cells.insert(0, text_at(event, "/metadata/namespace").to_string());
    }
    cells
}
