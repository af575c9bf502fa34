//! `kubectl wait`, and waiting for deletion as `delete` does it.
//!
//! Mirrors: kubectl/pkg/cmd/wait.

use api::wire::Chunk;
use serde_json::Value;

use super::{check_files, list_at, text_at};
use crate::client::{Client, Query};
use crate::coroutine::{Cx, Wake};
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::output::jsonpath::Path;
use crate::output::{Output, gofmt};
use crate::resource::{Fetch, Info, Selection};
use crate::verb::{Complete, VERB as BASE, Verb};

const FLAGS: &[Flag] = &[
    Flag::text(
        "for",
        "",
        "The condition to wait on: [create|delete|condition=condition-name[=condition-value]|jsonpath='{JSONPath expression}'=[JSONPath value]]. The default condition-value is true. Condition values are compared after Unicode simple case folding, which is a more general form of case-insensitivity.",
    )
    .values(&["condition=Ready", "condition=Available", "condition=complete", "create", "delete", "jsonpath="]),
    Flag::duration(
        "timeout",
        "30s",
        "The length of time to wait before giving up.  Zero means check once and don't wait, negative means wait for a week.",
    ),
];

pub static VERB: Verb = Verb {
    name: "wait",
    short: "Wait for a specific condition on one or many resources",
    long: "Wait for a specific condition on one or many resources.

 The command takes multiple resources and waits until the specified condition is seen in the Status field of every given resource.

 Alternatively, the command can wait for the given set of resources to be created or deleted by providing the \"create\" or \"delete\" keyword as the value to the --for flag.

 A successful message will be printed to stdout indicating when the specified condition has been met. You can use -o option to change to output destination.",
    examples: "# Wait for the pod \"busybox1\" to contain the status condition of type \"Ready\"
kubectl wait --for=condition=Ready pod/busybox1

# The default value of status condition is true; you can wait for other targets after an equal delimiter (compared after Unicode simple case folding, which is a more general form of case-insensitivity)
kubectl wait --for=condition=Ready=false pod/busybox1

# Wait for the pod \"busybox1\" to contain the status phase to be \"Running\"
kubectl wait --for=jsonpath='{.status.phase}'=Running pod/busybox1

# Wait for the pod \"busybox1\" to be deleted, with a timeout of 60s, after having issued the \"delete\" command
kubectl delete pod/busybox1
kubectl wait --for=delete pod/busybox1 --timeout=60s",
    usage: "([-f FILENAME] | resource.group/resource.name | resource.group [(-l label | --all)]) [--for=create|--for=delete|--for condition=available|--for=jsonpath='{}'[=value]]",
    flags: &[
        FLAGS,
        global::ALL,
        global::PRINT,
        global::FILES,
        global::SELECTOR,
        global::FIELD_SELECTOR,
        global::ALL_NAMESPACES,
        global::LOCAL,
    ],
    complete: Complete::TypeThenNames,
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

const WEEK: u64 = 168 * 3_600_000;
const TIMED_OUT: &str = "timed out waiting for the condition";

enum Condition {
    Delete,
    Create,
    Status { name: String, value: String },
    JsonPath { path: Path, value: Option<String> },
}

impl Condition {
    fn parse(text: &str) -> Result<Self> {
        if text.eq_ignore_ascii_case("delete") {
            return Ok(Self::Delete);
        }
        if text.eq_ignore_ascii_case("create") {
            return Ok(Self::Create);
        }
        if let Some(condition) = text.strip_prefix("condition=") {
            let (name, value) = condition.split_once('=').unwrap_or((condition, "true"));
            return Ok(Self::Status { name: name.into(), value: value.into() });
        }
        if let Some(expression) = text.strip_prefix("jsonpath=") {
            let (path, value) = match expression.rfind("}=").map(|at| (&expression[..=at], &expression[at + 2..])) {
                Some((path, value)) => (path, Some(value)),
                None => match expression.split_once('=').filter(|_| !expression.contains('}')) {
                    Some((path, value)) => (path, Some(value)),
                    None => (expression, None),
                },
            };
            let path = path.trim_matches('\'');
            if path.is_empty() {
                return Err(Failure::plain("jsonpath expression cannot be empty"));
            }
            if value.is_some_and(str::is_empty) {
                return Err(Failure::plain(
                    "jsonpath wait has to have a value after equal sign, like --for=jsonpath='{.status.readyReplicas}'=3",
                ));
            }
            let (path, _) = Path::relaxed(path).map_err(Failure::plain)?;
            let value = value.map(|value| value.trim_matches(['\'', '"']).to_string());
            return Ok(Self::JsonPath { path, value });
        }
        if text.is_empty() {
            return Err(Failure::plain("unrecognized condition: []"));
        }
        Err(Failure::plain(format!("unrecognized condition: {text:?}")))
    }

    /// Whether the object meets the condition.
    fn met(&self, object: &Value) -> Result<bool> {
        match self {
            Self::Delete => Ok(false),
            Self::Create => Ok(true),
            Self::Status { name, value } => Ok(has_condition(object, name, value)),
            Self::JsonPath { path, value } => {
                let found = path.values(object);
                let Some(value) = value else { return Ok(!found.is_empty()) };
                match found.as_slice() {
                    [] => Ok(false),
                    [Value::Object(_) | Value::Array(_)] => {
                        Err(Failure::plain("jsonpath leads to a nested object or list which is not supported"))
                    }
                    [one] => Ok(gofmt::v(one).trim() == value.trim()),
                    _ => Err(Failure::plain("given jsonpath expression matches more than one value")),
                }
            }
        }
    }
}

/// Whether a status condition has the value, and speaks of the present generation.
fn has_condition(object: &Value, name: &str, value: &str) -> bool {
    let generation = object.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(0);
    list_at(object, "/status/conditions").iter().any(|condition| {
        let observed = condition.get("observedGeneration").or_else(|| object.pointer("/status/observedGeneration"));
        text_at(condition, "/type").eq_ignore_ascii_case(name)
            && text_at(condition, "/status").eq_ignore_ascii_case(value)
            && observed.and_then(Value::as_i64).is_none_or(|observed| observed >= generation)
    })
}

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    check_files(args)?;
    let mut output = Output::success(cx, args, "condition met")?;
    let condition = Condition::parse(args.text("for"))?;
    let timeout = args.duration("timeout");
    let deadline = cx.now() + if timeout < 0 { WEEK } else { timeout as u64 };
    let mut selection = Selection::of(args, &args.words);
    selection.fetch = if matches!(condition, Condition::Create) { Fetch::Names } else { Fetch::Lazy };
    let mut found = selection.resolve(&client).await?;
    if matches!(condition, Condition::Create) {
        // What does not exist yet may come.
        while found.infos.iter().all(|info| info.is_err()) && selection.selector.is_some() && cx.now() < deadline {
            cx.sleep(1000.min(deadline - cx.now())).await;
            found = selection.resolve(&client).await?;
        }
    }
    let is_delete = matches!(condition, Condition::Delete);
    if is_delete {
        found.infos.retain(|info| !matches!(info, Err(failure) if failure.is_not_found()));
    }
    let mut failures = Vec::new();
    let mut visited = 0;
    for info in found.infos {
        let outcome = match info {
            Err(failure) => Err(failure),
            Ok(info) => {
                visited += 1;
                if timeout == 0 {
                    once(&info, &condition)
                } else {
                    wait_for(&client, &info, &condition, deadline).await
                }
            }
        };
        match outcome {
            Ok(object) => cx.out(output.print(&object)?),
            Err(failure) => failures.push(failure),
        }
    }
    Failure::aggregate(failures)?;
    if visited == 0 && !is_delete {
        return Err(Failure::plain("no matching resources found"));
    }
    Ok(())
}

/// `--timeout=0`: looks, but does not wait.
fn once(info: &Info, condition: &Condition) -> Result<Value> {
    if condition.met(&info.object)? {
        return Ok(info.object.clone());
    }
    Err(Failure::plain(format!("{TIMED_OUT} on {}/{}", info.mapping.plural, info.name)))
}

async fn wait_for(client: &Client<'_>, info: &Info, condition: &Condition, deadline: u64) -> Result<Value> {
    match condition {
        Condition::Delete => gone(client, info, text_at(&info.object, "/metadata/uid"), deadline).await,
        Condition::Create | Condition::Status { .. } | Condition::JsonPath { .. } => {
            until(client, info, deadline, |object| object.map_or(Ok(false), |object| condition.met(object))).await
        }
    }
}

/// Waits until the object with this uid is gone; gives back its last state.
///
/// # Errors
/// The time is over, or the server refuses.
pub async fn gone(client: &Client<'_>, info: &Info, uid: &str, deadline: u64) -> Result<Value> {
    // Most are gone at once, and then there is nothing to watch.
    match client.get(&info.mapping, &info.namespace, &info.name).await {
        Ok(object) if !uid.is_empty() && text_at(&object, "/metadata/uid") != uid => return Ok(object),
        Ok(_) => {}
        Err(failure) if failure.is_not_found() => return Ok(info.object.clone()),
        Err(failure) => return Err(failure),
    }
    until(client, info, deadline, |object| {
        Ok(object.is_none_or(|object| !uid.is_empty() && text_at(object, "/metadata/uid") != uid))
    })
    .await
}

/// Lists and watches one object until the test holds; `None` is an object that does not exist.
///
/// # Errors
/// The time is over, the server refuses, or the test fails.
pub async fn until(
    client: &Client<'_>,
    info: &Info,
    deadline: u64,
    mut test: impl FnMut(Option<&Value>) -> Result<bool>,
) -> Result<Value> {
    let cx = client.cx;
    let timed_out = || Err(Failure::plain(format!("{TIMED_OUT} on {}/{}", info.mapping.plural, info.name)));
    let mut query: Query = vec![("fieldSelector", format!("metadata.name={}", info.name))];
    let mut last = info.object.clone();
    loop {
        if cx.now() >= deadline {
            return timed_out();
        }
        let list = client.list(&info.mapping, &info.namespace, &query, "application/json").await?;
        let version = text_at(&list, "/metadata/resourceVersion").to_string();
        let object = crate::client::items_of(list).into_iter().next();
        if let Some(object) = &object {
            last = object.clone();
        }
        if test(object.as_ref())? {
            return Ok(last);
        }
        query.truncate(1);
        let mut watch_query = query.clone();
        watch_query.push(("resourceVersion", version));
        let stream = client.watch(&info.mapping, &info.namespace, &watch_query, "application/json").await?;
        let mut over = false;
        while !over {
            let Wake::Chunks(_, chunks) = cx.next(&[stream], Some(deadline)).await else {
                cx.close(stream);
                return timed_out();
            };
            for chunk in chunks {
                match chunk {
                    Chunk::Event(what, object) => {
                        let met = match what {
                            "DELETED" => test(None)?,
                            "ADDED" | "MODIFIED" => {
                                last = Value::clone(&object);
                                test(Some(&object))?
                            }
                            "ERROR" => {
                                over = true;
                                false
                            }
                            _ => false,
                        };
                        if met {
                            cx.close(stream);
                            return Ok(last);
                        }
                    }
                    Chunk::Closed | Chunk::Exit(_) | Chunk::Error(_) => over = true,
                    Chunk::Stdout(_) | Chunk::Stderr(_) | Chunk::Http { .. } | Chunk::Tcp(..) => {}
                }
            }
        }
        cx.close(stream);
    }
}
