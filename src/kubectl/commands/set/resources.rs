//! `kubectl set resources`.
//!
//! Mirrors: kubectl/pkg/cmd/set/set_resources.go.

use serde_json::{Map, Value};

use super::super::{map_at, text_at};
use super::{containers_mut, finish, not_all_and_selector, pod_spec_mut, targets};
use crate::client::Client;
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::quantity;
use crate::verb::{Complete, VERB as BASE, Verb};

const FLAGS: &[Flag] = &[
    Flag::text("containers", "*", "The names of containers in the selected pod templates to change, all containers are selected by default - may use wildcards").short('c'),
    Flag::text("limits", "", "The resource requirement requests for this container.  For example, 'cpu=100m,memory=256Mi'.  Note that server side components may assign requests depending on the server configuration, such as limit ranges."),
    Flag::text("requests", "", "The resource requirement requests for this container.  For example, 'cpu=100m,memory=256Mi'.  Note that server side components may assign requests depending on the server configuration, such as limit ranges."),
    global::manager("kubectl-set"),
];

pub static VERB: Verb = Verb {
    name: "resources",
    short: "Update resource requests/limits on objects with pod templates",
    long: "Specify compute resource requirements (CPU, memory) for any resource that defines a pod template.  If a pod is successfully scheduled, it is guaranteed the amount of resource requested, but may burst up to its specified limits.",
    examples: "# Set a deployments nginx container cpu limits to \"200m\" and memory to \"512Mi\"
kubectl set resources deployment nginx -c=nginx --limits=cpu=200m,memory=512Mi

# Remove the resource requests for resources on containers in nginx
kubectl set resources deployment nginx --limits=cpu=0,memory=0 --requests=cpu=0,memory=0",
    usage: "(-f FILENAME | TYPE NAME)  ([--limits=LIMITS & --requests=REQUESTS]",
    flags: &[
        FLAGS,
        global::ALL,
        global::PRINT,
        global::DRY_RUN,
        global::FILES,
        global::SELECTOR,
        global::LOCAL,
        global::RECORD,
    ],
    complete: Complete::TypeThenNames,
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

fn amounts(text: &str) -> Result<Map<String, Value>> {
    let mut amounts = Map::new();
    for pair in text.split(',').filter(|pair| !pair.is_empty()) {
        let parts: Vec<&str> = pair.split('=').collect();
        let [name, value] = parts.as_slice() else {
            return Err(Failure::plain(format!("Invalid argument syntax {pair}, expected <resource>=<value>")));
        };
        if quantity::parse(value).is_none() {
            return Err(Failure::plain(quantity::INVALID));
        }
        amounts.insert((*name).into(), (*value).into());
    }
    Ok(amounts)
}

/// `*` and `web-*` match as in a shell.
pub fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => name.strip_prefix(before).is_some_and(|rest| {
            after.is_empty() || rest.char_indices().any(|(at, _)| matches(after, &rest[at..])) || matches(after, "")
        }),
    }
}

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let infos = targets(&client, args, &args.words).await?;
    not_all_and_selector(args)?;
    if args.text("limits").is_empty() && args.text("requests").is_empty() {
        return Err(Failure::plain(
            "you must specify an update to requests or limits (in the form of --requests/--limits)",
        ));
    }
    let changes = [("limits", amounts(args.text("limits"))?), ("requests", amounts(args.text("requests"))?)];
    let mut failures = Vec::new();
    for info in infos {
        let mut after = info.object.clone();
        let spec = match pod_spec_mut(&mut after, &info) {
            Ok(spec) => spec,
            Err(failure) => {
                failures.push(failure);
                continue;
            }
        };
        let mut found = false;
        for init in [true, false] {
            for container in containers_mut(spec, init) {
                if !matches(args.text("containers"), text_at(container, "/name")) {
                    continue;
                }
                found = true;
                for (field, amounts) in changes.iter().filter(|(_, amounts)| !amounts.is_empty()) {
                    if let Some(map) = map_at(container, &["resources", field]) {
                        map.extend(amounts.clone());
                    }
                }
            }
        }
        if !found {
            failures.push(Failure::plain(format!("error: unable to find container named {}", args.text("containers"))));
            continue;
        }
        let failing = "failed to patch resources update to pod template ";
        if let Err(failure) = finish(&client, args, &info, after, "resource requirements updated", failing).await {
            failures.push(failure);
        }
    }
    Failure::aggregate(failures)
}
