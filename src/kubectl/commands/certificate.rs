//! `kubectl certificate approve | deny`.
//!
//! Mirrors: kubectl/pkg/cmd/certificates/certificates.go. What signs an approved request is not simulated.

use serde_json::{Value, json};

use super::{list_at, text_at};
use crate::client::{Client, Query};
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::output::Output;
use crate::resource::{Fetch, Info, Selection};
use crate::verb::{VERB as BASE, Verb};

pub static VERB: Verb = Verb {
    name: "certificate",
    short: "Modify certificate resources",
    long: "Modify certificate resources.",
    usage: "SUBCOMMAND",
    subcommands: &[&APPROVE, &DENY],
    run: Some(|cx, args| {
        Box::pin(async move {
            cx.out(crate::help::verb(args.verb, &args.path));
            Ok(())
        })
    }),
    ..BASE
};

const FLAGS: &[&[Flag]] =
    &[&[Flag::bool("force", false, "Update the CSR even if it is already approved.")], global::PRINT, global::FILES];

static APPROVE: Verb = Verb {
    name: "approve",
    short: "Approve a certificate signing request",
    long: "Approve a certificate signing request.

 kubectl certificate approve allows a cluster admin to approve a certificate signing request (CSR). This action tells a certificate signing controller to issue a certificate to the requester with the attributes requested in the CSR.

 SECURITY NOTICE: Depending on the requested attributes, the issued certificate can potentially grant a requester access to cluster resources or to authenticate as a requested identity. Before approving a CSR, ensure you understand what the signed certificate can do.",
    examples: "# Approve CSR 'csr-sqgzp'
kubectl certificate approve csr-sqgzp",
    usage: "(-f FILENAME | NAME)",
    flags: FLAGS,
    run: Some(|cx, args| Box::pin(decide(cx, args, ["Approved", "Denied"]))),
    ..BASE
};

static DENY: Verb = Verb {
    name: "deny",
    short: "Deny a certificate signing request",
    long: "Deny a certificate signing request.

 kubectl certificate deny allows a cluster admin to deny a certificate signing request (CSR). This action tells a certificate signing controller to not to issue a certificate to the requester.",
    examples: "# Deny CSR 'csr-sqgzp'
kubectl certificate deny csr-sqgzp",
    usage: "(-f FILENAME | NAME)",
    flags: FLAGS,
    run: Some(|cx, args| Box::pin(decide(cx, args, ["Denied", "Approved"]))),
    ..BASE
};

/// Enters a verdict, where the other one has not been given.
async fn decide(cx: &Cx, args: &Args, [verdict, other]: [&str; 2]) -> Result {
    if args.words.is_empty() && args.list("filename").is_empty() && args.text("kustomize").is_empty() {
        return Err(Failure::plain("one or more CSRs must be specified as <name> or -f <filename>"));
    }
    super::check_files(args)?;
    let client = Client::new(cx, args)?;
    let mut output = Output::success(cx, args, &verdict.to_lowercase())?.typed();
    let files = Selection::of(args, &[]).files;
    let named =
        Selection { files, fetch: Fetch::Latest, ..Selection::named("certificatesigningrequests", &args.words) };
    let (infos, mut failures) = named.resolve(&client).await?.split();
    for info in infos {
        match enter(&client, args, &info, verdict, other).await {
            Ok(object) => cx.out(output.print(&object)?),
            Err(failure) => failures.push(failure),
        }
    }
    Failure::aggregate(failures)
}

async fn enter(client: &Client<'_>, args: &Args, info: &Info, verdict: &str, other: &str) -> Result<Value> {
    if info.mapping.kind != "CertificateSigningRequest" {
        return Err(Failure::plain("can only handle certificates.k8s.io/v1 certificate signing requests"));
    }
    let has = |kind: &str| list_at(&info.object, "/status/conditions").iter().any(|c| text_at(c, "/type") == kind);
    if has(other) {
        return Err(Failure::plain(format!("certificate signing request {:?} is already {other}", info.name)));
    }
    if has(verdict) && !args.flag("force") {
        return Ok(info.object.clone());
    }
    let (did, done) = if verdict == "Approved" { ("Approve", "approve") } else { ("Deny", "deny") };
    let mut object = info.object.clone();
    if !has(verdict) {
        let condition = json!({
            "type": verdict,
            "status": "True",
            "reason": format!("Kubectl{did}"),
            "message": format!("This CSR was {} by kubectl certificate {done}.", verdict.to_lowercase()),
            "lastUpdateTime": api::meta::time::rfc3339(client.cx.now() as i64),
        });
        let status = &mut object["status"];
        match status["conditions"].as_array_mut() {
            Some(conditions) => conditions.push(condition),
            None => status["conditions"] = json!([condition]),
        }
    }
    client.replace(&info.mapping, "", &info.name, "approval", &object, Query::new()).await
}
