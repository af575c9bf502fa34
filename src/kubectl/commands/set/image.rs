//! `kubectl set image`.
//!
//! Mirrors: kubectl/pkg/cmd/set/set_image.go.

use super::super::text_at;
use super::{containers_mut, finish, flags, not_all_and_selector, pod_spec_mut, resources_and_pairs, targets};
use crate::client::Client;
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::Args;
use crate::global;
use crate::verb::{Complete, VERB as BASE, Verb};

pub static VERB: Verb = Verb {
    name: "image",
    short: "Update the image of a pod template",
    long: "Update existing container image(s) of resources.

 Possible resources include (case insensitive):

  pod (po), replicationcontroller (rc), deployment (deploy), daemonset (ds), statefulset (sts), cronjob (cj), replicaset (rs)",
    examples: "# Set a deployment's nginx container image to 'nginx:1.9.1', and its busybox container image to 'busybox'
kubectl set image deployment/nginx busybox=busybox nginx=nginx:1.9.1

# Update all deployments' and rc's nginx container's image to 'nginx:1.9.1'
kubectl set image deployments,rc nginx=nginx:1.9.1 --all

# Update image of all containers of daemonset abc to 'nginx:1.9.1'
kubectl set image daemonset abc *=nginx:1.9.1",
    usage: "(-f FILENAME | TYPE NAME) CONTAINER_NAME_1=CONTAINER_IMAGE_1 ... CONTAINER_NAME_N=CONTAINER_IMAGE_N",
    flags: &[
        &[global::manager("kubectl-set")],
        global::ALL,
        global::PRINT,
        global::DRY_RUN,
        global::FILES,
        global::SELECTOR,
        global::LOCAL,
        global::RECORD,
    ],
    complete: Complete::Workloads,
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    flags(&client, args)?;
    let (words, pairs) = resources_and_pairs(&args.words, "image", false)?;
    let infos = targets(&client, args, &words).await?;
    let mut errors: Vec<Failure> = not_all_and_selector(args).err().into_iter().collect();
    if pairs.is_empty() {
        errors.push(Failure::plain("at least one image update is required"));
    } else if pairs.len() > 1 && pairs.iter().any(|pair| pair.starts_with("*=")) {
        errors.push(Failure::plain(
            "all containers are already specified by *, but saw more than one container_name=container_image pairs",
        ));
    }
    Failure::aggregate(errors)?;
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
        for pair in &pairs {
            let (name, image) = pair.split_once('=').unwrap_or((pair, ""));
            let mut found = false;
            for init in [true, false] {
                for container in containers_mut(spec, init) {
                    if name == "*" || text_at(container, "/name") == name {
                        container["image"] = image.into();
                        found = true;
                    }
                }
            }
            if !found {
                failures.push(Failure::plain(format!("error: unable to find container named {name:?}")));
            }
        }
        let failing = "failed to patch image update to pod template: ";
        if let Err(failure) = finish(&client, args, &info, after, "image updated", failing).await {
            failures.push(failure);
        }
    }
    Failure::aggregate(failures)
}
