//! `create deployment | job | cronjob`.
//!
//! Mirrors: kubectl/pkg/cmd/create/create_{deployment,job,cronjob}.go.

use serde_json::{Value, json};

use super::{GENERATOR, finish, name_and_command, one_name};
use crate::client::Client;
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::resource::{Info, Selection};
use crate::verb::{VERB as BASE, Verb};

pub static DEPLOYMENT: Verb = Verb {
    name: "deployment",
    aliases: &["deploy"],
    short: "Create a deployment with the specified name",
    long: "Create a deployment with the specified name.",
    examples: "# Create a deployment named my-dep that runs the busybox image
kubectl create deployment my-dep --image=busybox

# Create a deployment with a command
kubectl create deployment my-dep --image=busybox -- date

# Create a deployment named my-dep that runs the nginx image with 3 replicas
kubectl create deployment my-dep --image=nginx --replicas=3

# Create a deployment named my-dep that runs the busybox image and expose port 5701
kubectl create deployment my-dep --image=busybox --port=5701

# Create a deployment named my-dep that runs multiple containers
kubectl create deployment my-dep --image=busybox:latest --image=ubuntu:latest --image=nginx",
    usage: "NAME --image=image -- [COMMAND] [args...]",
    flags: &[
        &[
            Flag::csv(
                "image",
                "Image names to run. A deployment can have multiple images set for multi-container pod.",
            ),
            Flag::int("port", "-1", "The containerPort that this deployment exposes."),
            Flag::int("replicas", "1", "Number of replicas to create. Default is 1.").short('r'),
        ],
        GENERATOR[0],
        GENERATOR[1],
        GENERATOR[2],
        GENERATOR[3],
        GENERATOR[4],
    ],
    required: &["image"],
    run: Some(|cx, args| Box::pin(deployment(cx, args))),
    ..BASE
};

pub static JOB: Verb = Verb {
    name: "job",
    short: "Create a job with the specified name",
    long: "Create a job with the specified name.",
    examples: "# Create a job
kubectl create job my-job --image=busybox

# Create a job with a command
kubectl create job my-job --image=busybox -- date

# Create a job from a cron job named \"a-cronjob\"
kubectl create job test-job --from=cronjob/a-cronjob",
    usage: "NAME --image=image [--from=cronjob/name] -- [COMMAND] [args...]",
    flags: &[
        &[
            Flag::text("from", "", "The name of the resource to create a Job from (only cronjob is supported)."),
            Flag::text("image", "", "Image name to run."),
        ],
        GENERATOR[0],
        GENERATOR[1],
        GENERATOR[2],
        GENERATOR[3],
        GENERATOR[4],
    ],
    run: Some(|cx, args| Box::pin(job(cx, args))),
    ..BASE
};

pub static CRON_JOB: Verb = Verb {
    name: "cronjob",
    aliases: &["cj"],
    short: "Create a cron job with the specified name",
    long: "Create a cron job with the specified name.",
    examples: "# Create a cron job
kubectl create cronjob my-job --image=busybox --schedule=\"*/1 * * * *\"

# Create a cron job with a command
kubectl create cronjob my-job --image=busybox --schedule=\"*/1 * * * *\" -- date",
    usage: "NAME --image=image --schedule='0/5 * * * ?' -- [COMMAND] [args...] [flags]",
    flags: &[
        &[
            Flag::text("image", "", "Image name to run."),
            Flag::text("restart", "", "job's restart policy. supported values: OnFailure, Never"),
            Flag::text("schedule", "", "A schedule in the Cron format the job should be run with."),
        ],
        GENERATOR[0],
        GENERATOR[1],
        GENERATOR[2],
        GENERATOR[3],
        GENERATOR[4],
    ],
    required: &["image", "schedule"],
    run: Some(|cx, args| Box::pin(cron_job(cx, args))),
    ..BASE
};

/// A container's name from its image: the last part, without tag and digest.
fn container_name(image: &str) -> String {
    let name = image.rsplit('/').next().unwrap_or(image);
    let name = name.split(':').next().unwrap_or(name);
    let name = name.split('@').next().unwrap_or(name);
    if !name.contains(['_', '.']) {
        return name.into();
    }
    // Upstream makes it unique with random letters; these follow from the image.
    let hash = api::meta::hash::fnv32a(image.bytes()).to_string();
    let suffix: String = api::meta::hash::safe_encode(&hash).chars().take(5).collect();
    format!("{}-{suffix}", name.replace(['_', '.'], "-"))
}

async fn deployment(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let (name, command) = name_and_command(args)?;
    let images = args.list("image");
    if images.len() > 1 && !command.is_empty() {
        return Err(Failure::plain("cannot specify multiple --image options and command"));
    }
    let mut containers: Vec<Value> = images
        .iter()
        .map(|image| {
            let mut container = json!({"name": container_name(image), "image": image, "resources": {}});
            if !command.is_empty() {
                container["command"] = json!(command);
            }
            container
        })
        .collect();
    if args.int("port") >= 0
        && let Some(first) = containers.first_mut()
    {
        first["ports"] = json!([{"containerPort": args.int("port")}]);
    }
    let labels = json!({"app": name});
    let object = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": args.int("replicas"),
            "selector": {"matchLabels": labels},
            "strategy": {},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
        },
        "status": {},
    });
    finish(&client, args, object, "failed to create deployment: ").await
}

fn job_spec(name: &str, image: &str, command: &[String], restart: &str) -> Value {
    let mut container = json!({"name": name, "image": image, "resources": {}});
    if !command.is_empty() {
        container["command"] = json!(command);
    }
    json!({"template": {"metadata": {}, "spec": {"containers": [container], "restartPolicy": restart}}})
}

async fn job(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let (name, command) = name_and_command(args)?;
    let (image, from) = (args.text("image"), args.text("from"));
    if image.is_empty() == from.is_empty() {
        return Err(Failure::plain("either --image or --from must be specified"));
    }
    if !from.is_empty() && !command.is_empty() {
        return Err(Failure::plain("cannot specify --from and command"));
    }
    let object = if from.is_empty() {
        json!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": name},
            "spec": job_spec(&name, image, &command, "Never"),
            "status": {},
        })
    } else {
        from_cron_job(&client, args, &name, from).await?
    };
    finish(&client, args, object, "failed to create job: ").await
}

async fn from_cron_job(client: &Client<'_>, args: &Args, name: &str, from: &str) -> Result<Value> {
    let selection = Selection { files: Vec::new(), ..Selection::of(args, &[from.to_string()]) };
    let (mut infos, failures) = selection.resolve(client).await?.split();
    Failure::aggregate(failures)?;
    if infos.len() != 1 {
        return Err(Failure::plain("from must be an existing cronjob"));
    }
    let Info { mapping, object: cron, name: source, .. } = infos.remove(0);
    if mapping.kind != "CronJob" {
        return Err(Failure::plain(format!("unknown object type *{}.{}", mapping.version, mapping.kind)));
    }
    let template = cron.pointer("/spec/jobTemplate").cloned().unwrap_or_default();
    let mut annotations = template.pointer("/metadata/annotations").cloned().unwrap_or_else(|| json!({}));
    annotations["cronjob.kubernetes.io/instantiate"] = json!("manual");
    let mut metadata = json!({
        "name": name,
        "annotations": annotations,
        "ownerReferences": [{
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "name": source,
            "uid": cron.pointer("/metadata/uid"),
            "controller": true,
        }],
    });
    if let Some(labels) = template.pointer("/metadata/labels") {
        metadata["labels"] = labels.clone();
    }
    Ok(json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": template.get("spec"),
        "status": {},
    }))
}

async fn cron_job(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let name = one_name(args)?;
    let command = super::command(args);
    let restart = match args.text("restart") {
        "" => "OnFailure",
        policy => policy,
    };
    let object = json!({
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": name},
        "spec": {
            "schedule": args.text("schedule"),
            "jobTemplate": {
                "metadata": {"name": name},
                "spec": job_spec(&name, args.text("image"), &command, restart),
            },
        },
        "status": {},
    });
    finish(&client, args, object, "failed to create cronjob: ").await
}
