//! `create namespace | serviceaccount | token`.
//!
//! Mirrors: kubectl/pkg/cmd/create/create_{namespace,serviceaccount,token}.go.

use serde_json::json;

use super::super::text_at;
use super::{GENERATOR, finish, one_name};
use crate::client::{Client, Query};
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::output::{Output, Printer};
use crate::verb::{VERB as BASE, Verb};

pub static NAMESPACE: Verb = Verb {
    name: "namespace",
    aliases: &["ns"],
    short: "Create a namespace with the specified name",
    long: "Create a namespace with the specified name.",
    examples: "# Create a new namespace named my-namespace
kubectl create namespace my-namespace",
    usage: "NAME [--dry-run=server|client|none]",
    flags: GENERATOR,
    run: Some(|cx, args| Box::pin(namespace(cx, args))),
    ..BASE
};

pub static SERVICE_ACCOUNT: Verb = Verb {
    name: "serviceaccount",
    aliases: &["sa"],
    short: "Create a service account with the specified name",
    long: "Create a service account with the specified name.",
    examples: "# Create a new service account named my-service-account
kubectl create serviceaccount my-service-account",
    usage: "NAME [--dry-run=server|client|none]",
    flags: GENERATOR,
    run: Some(|cx, args| Box::pin(service_account(cx, args))),
    ..BASE
};

pub static TOKEN: Verb = Verb {
    name: "token",
    short: "Request a service account token",
    long: "Request a service account token.",
    examples: "# Request a token to authenticate to the kube-apiserver as the service account \"myapp\" in the current namespace
kubectl create token myapp",
    usage: "SERVICE_ACCOUNT_NAME",
    flags: &[
        &[
            Flag::list("audience", "Audience of the requested token. If unset, defaults to requesting a token for use with the Kubernetes API server. May be repeated to request a token valid for multiple audiences."),
            Flag::text("bound-object-kind", "", "Kind of an object to bind the token to. Supported kinds are Node, Pod, Secret. If set, --bound-object-name must be provided."),
            Flag::text("bound-object-name", "", "Name of an object to bind the token to. The token will expire when the object is deleted. Requires --bound-object-kind."),
            Flag::text("bound-object-uid", "", "UID of an object to bind the token to. Requires --bound-object-kind and --bound-object-name. If unset, the UID of the existing object is used."),
            Flag::duration("duration", "0s", "Requested lifetime of the issued token. If not set or if set to 0, the lifetime will be determined by the server automatically. The server may return a token with a longer or shorter lifetime."),
        ],
        global::PRINT,
    ],
    run: Some(|cx, args| Box::pin(token(cx, args))),
    ..BASE
};

async fn namespace(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let name = one_name(args)?;
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}, "spec": {}, "status": {}});
    finish(&client, args, object, "").await
}

async fn service_account(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let name = one_name(args)?;
    let object = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}});
    finish(&client, args, object, "failed to create serviceaccount: ").await
}

async fn token(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let name = one_name(args)?;
    let mut output = Output::choose(cx, args, Printer::Success(String::new()), &[])?.typed();
    check_token(args)?;
    let mut spec = json!({"audiences": args.list("audience")});
    if !args.text("bound-object-kind").is_empty() {
        let mut bound = json!({
            "apiVersion": "v1",
            "kind": args.text("bound-object-kind"),
            "name": args.text("bound-object-name"),
        });
        if !args.text("bound-object-uid").is_empty() {
            bound["uid"] = args.text("bound-object-uid").into();
        }
        spec["boundObjectRef"] = bound;
    }
    if args.duration("duration") > 0 {
        spec["expirationSeconds"] = (args.duration("duration") / 1000).into();
    }
    let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": {}, "spec": spec});
    let path = format!("/api/v1/namespaces/{}/serviceaccounts/{name}/token", client.namespace);
    let answer =
        client.post(path, body, Query::new()).await.map_err(|failure| failure.wrapped("failed to create token: "))?;
    let token = text_at(&answer, "/status/token");
    if token.is_empty() {
        return Err(Failure::plain("failed to create token: no token in server response"));
    }
    cx.out(match output.printer {
        Printer::Success(_) => format!("{token}\n"),
        _ => output.print(&answer)?,
    });
    Ok(())
}

fn check_token(args: &Args) -> Result {
    const KINDS: &[&str] = &["Node", "Pod", "Secret"];
    let fail = |why: &str| Err(Failure::plain(why));
    if args.duration("duration") < 0 {
        return fail("--duration must be greater than or equal to 0");
    }
    if args.duration("duration") % 1000 != 0 {
        return fail("--duration cannot be expressed in units less than seconds");
    }
    if args.list("audience").iter().any(String::is_empty) {
        return fail("--audience must not be an empty string");
    }
    let (kind, name, uid) =
        (args.text("bound-object-kind"), args.text("bound-object-name"), args.text("bound-object-uid"));
    match (kind.is_empty(), name.is_empty(), uid.is_empty()) {
        (true, false, _) => fail("--bound-object-name can only be set if --bound-object-kind is provided"),
        (true, true, false) => fail("--bound-object-uid can only be set if --bound-object-kind is provided"),
        (true, true, true) => Ok(()),
        (false, ..) if !KINDS.contains(&kind) => {
            fail(&format!("supported --bound-object-kind values are {}", KINDS.join(", ")))
        }
        (false, true, _) => fail("--bound-object-name is required if --bound-object-kind is provided"),
        (false, false, _) => Ok(()),
    }
}
