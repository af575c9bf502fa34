//! `kubectl patch`.
//!
//! Mirrors: kubectl/pkg/cmd/patch/patch.go.

use api::wire::Body;
use serde_json::Value;

use super::{check_files, dry_run, write_query};
use crate::client::{Client, DryRun, PatchType};
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::output::Output;
use crate::resource::{Fetch, Selection};
use crate::verb::{Complete, VERB as BASE, Verb};
use crate::yaml;

const FLAGS: &[Flag] = &[
    Flag::text("patch", "", "The patch to be applied to the resource JSON file.").short('p'),
    Flag::text("patch-file", "", "A file containing a patch to be applied to the resource."),
    Flag::text("subresource", "", "If specified, patch will operate on the subresource of the requested object."),
    Flag::text("type", "strategic", "The type of patch being provided; one of [json merge strategic]").values(&[
        "json",
        "merge",
        "strategic",
    ]),
    global::manager("kubectl-patch"),
];

pub static VERB: Verb = Verb {
    name: "patch",
    short: "Update fields of a resource",
    long: "Update fields of a resource using strategic merge patch, a JSON merge patch, or a JSON patch.

 JSON and YAML formats are accepted.",
    examples: "# Partially update a node using a strategic merge patch, specifying the patch as JSON
kubectl patch node k8s-node-1 -p '{\"spec\":{\"unschedulable\":true}}'

# Partially update a node identified by the type and name specified in \"node.json\" using strategic merge patch
kubectl patch -f node.json -p '{\"spec\":{\"unschedulable\":true}}'

# Update a container's image using a JSON patch with positional arrays
kubectl patch pod valid-pod --type='json' -p='[{\"op\": \"replace\", \"path\": \"/spec/containers/0/image\", \"value\":\"new image\"}]'",
    usage: "(-f FILENAME | TYPE NAME) [-p PATCH|--patch-file FILE]",
    flags: &[FLAGS, global::PRINT, global::DRY_RUN, global::FILES, global::LOCAL],
    complete: Complete::TypeThenNames,
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let dry_run = dry_run(cx, args)?;
    check_files(args)?;
    if !args.text("patch").is_empty() && !args.text("patch-file").is_empty() {
        return Err(Failure::plain("cannot specify --patch and --patch-file together"));
    }
    if args.text("patch").is_empty() && args.text("patch-file").is_empty() {
        return Err(Failure::plain("must specify --patch or --patch-file containing the contents of the patch"));
    }
    let kind = match args.text("type").to_lowercase().as_str() {
        "json" => PatchType::Json,
        "merge" => PatchType::Merge,
        "strategic" => PatchType::Strategic,
        _ => {
            return Err(Failure::plain(format!(
                "--type must be one of [json merge strategic], not {:?}",
                args.text("type")
            )));
        }
    };
    let text = match args.text("patch-file") {
        "" => args.text("patch").to_string(),
        file => cx.env.read(file).ok_or_else(|| {
            Failure::plain(format!("unable to read patch file: open {file}: no such file or directory"))
        })?,
    };
    let body = body(&text)?;
    let mut selection = Selection::of(args, &args.words);
    selection.fetch = Fetch::Latest;
    if args.flag("local") {
        selection.fetch = Fetch::Names;
    }
    let mut failures = Vec::new();
    for info in selection.resolve(&client).await?.infos {
        let info = match info {
            Ok(info) => info,
            Err(failure) => {
                failures.push(failure);
                continue;
            }
        };
        let query = write_query(args, dry_run);
        let after = if dry_run == DryRun::Client || args.flag("local") {
            locally(kind, &body, &info.object, &info.mapping)
        } else {
            let subresource = args.text("subresource");
            client.patch_sub(&info.mapping, &info.namespace, &info.name, subresource, (kind, body.clone()), query).await
        };
        let after = match after {
            Ok(after) => after,
            Err(failure) => {
                failures.push(failure);
                continue;
            }
        };
        let word = if after == info.object { "patched (no change)" } else { "patched" };
        let mut output = Output::success(cx, args, &format!("{word}{}", dry_run.suffix()))?;
        cx.out(output.print(&after)?);
    }
    Failure::aggregate(failures)
}

/// The patch as JSON. What only looks like JSON is left to the server to refuse.
fn body(text: &str) -> Result<Body> {
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        return Ok(Body::Json(value.into()));
    }
    if text.trim_start().starts_with(['{', '[']) {
        return Ok(Body::Bytes(text.as_bytes().to_vec()));
    }
    match yaml::documents(text).into_iter().next() {
        Some(Ok(value)) => Ok(Body::Json(value.into())),
        Some(Err(why)) => Err(Failure::plain(format!("unable to parse {text:?}: {why}"))),
        None => Ok(Body::Bytes(text.as_bytes().to_vec())),
    }
}

fn locally(kind: PatchType, body: &Body, object: &Value, mapping: &crate::discovery::Mapping) -> Result<Value> {
    let Body::Json(patch) = body else { return Err(Failure::plain("unable to parse the patch")) };
    let patched = match kind {
        PatchType::Json => api::patch::json_patch(object, patch).map_err(|why| why.to_string()),
        PatchType::Merge => {
            let mut object = object.clone();
            api::patch::merge_patch(&mut object, patch);
            Ok(object)
        }
        PatchType::Strategic | PatchType::Apply => {
            let kind = api::schema::for_kind(&mapping.group, &mapping.version, &mapping.kind);
            api::patch::strategic(object, patch, kind).map_err(|why| why.to_string())
        }
    };
    patched.map_err(Failure::plain)
}
