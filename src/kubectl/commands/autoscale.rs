//! `kubectl autoscale`: a HorizontalPodAutoscaler for what can be scaled.
//!
//! Mirrors: kubectl/pkg/cmd/autoscale/autoscale.go.

use serde_json::{Value, json};

use super::{create, dry_run, with_last_applied_typed, write_query};
use crate::client::{Client, DryRun};
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::global;
use crate::output::Output;
use crate::quantity;
use crate::resource::{Info, Selection};
use crate::verb::{Complete, VERB as BASE, Verb};

const FLAGS: &[Flag] = &[
    Flag::text("cpu", "", "Target CPU utilization over all the pods. When specified as a percentage (e.g.\"70%\" for 70% of requested CPU) it will target average utilization. When specified as quantity (e.g.\"500m\" for 500 milliCPU) it will target average value. Value without units is treated as a quantity with miliCPU being the unit (e.g.\"500\" is \"500m\")."),
    Flag::int32("cpu-percent", "-1", "The target average CPU utilization (represented as a percent of requested CPU) over all the pods. If it's not specified or negative, a default autoscaling policy will be used.")
        .deprecated("Use --cpu with percentage or resource quantity format (e.g., '70%' for utilization or '500m' for milliCPU)."),
    Flag::int32("max", "-1", "The upper limit for the number of pods that can be set by the autoscaler. Required."),
    Flag::text("memory", "", "Target memory utilization over all the pods. When specified as a percentage (e.g.\"60%\" for 60% of requested memory) it will target average utilization. When specified as quantity (e.g.\"200Mi\" for 200 MiB, \"1Gi\" for 1 GiB) it will target average value. Value without units is treated as a quantity with mebibytes being the unit (e.g.\"200\" is \"200Mi\")."),
    Flag::int32("min", "-1", "The lower limit for the number of pods that can be set by the autoscaler. If it's not specified or negative, the server will apply a default value."),
    Flag::text("name", "", "The name for the newly created object. If not specified, the name of the input resource will be used."),
    global::manager("kubectl-autoscale"),
];

pub static VERB: Verb = Verb {
    name: "autoscale",
    short: "Auto-scale a deployment, replica set, stateful set, or replication controller",
    long: "Creates an autoscaler that automatically chooses and sets the number of pods that run in a Kubernetes cluster. The command will attempt to use the autoscaling/v2 API first, in case of an error, it will fall back to autoscaling/v1 API.

 Looks up a deployment, replica set, stateful set, or replication controller by name and creates an autoscaler that uses the given resource as a reference. An autoscaler can automatically increase or decrease number of pods deployed within the system as needed.",
    examples: "# Auto scale a deployment \"foo\", with the number of pods between 2 and 10, no target CPU utilization specified so a default autoscaling policy will be used
kubectl autoscale deployment foo --min=2 --max=10

# Auto scale a replication controller \"foo\", with the number of pods between 1 and 5, target CPU utilization at 80%
kubectl autoscale rc foo --max=5 --cpu=80%",
    usage: "(-f FILENAME | TYPE NAME | TYPE/NAME) [--min=MINPODS] --max=MAXPODS [--cpu=CPU] [--memory=MEMORY]",
    flags: &[FLAGS, global::PRINT, global::DRY_RUN, global::FILES, global::SAVE_CONFIG],
    required: &["max"],
    complete: Complete::TypeThenNames,
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

/// A metric's target: a percentage or an amount.
fn metric(resource: &str, text: &str, unit: &str) -> Result<Value> {
    let target = match text.strip_suffix('%') {
        Some(percent) => {
            let percent: i64 = percent
                .parse()
                .map_err(|_| Failure::plain(format!("invalid percentage value: {}", text.trim_end_matches('%'))))?;
            json!({"type": "Utilization", "averageUtilization": percent})
        }
        None => {
            let amount =
                if text.bytes().all(|byte| byte.is_ascii_digit()) { format!("{text}{unit}") } else { text.to_string() };
            if quantity::parse(&amount).is_none() {
                return Err(Failure::plain(format!("invalid resource {resource} value: {text}")));
            }
            json!({"type": "AverageValue", "averageValue": amount})
        }
    };
    Ok(json!({"type": "Resource", "resource": {"name": resource, "target": target}}))
}

fn autoscaler(args: &Args, info: &Info) -> Result<Value> {
    let mut metrics = Vec::new();
    if !args.text("cpu").is_empty() {
        metrics.push(metric("cpu", args.text("cpu"), "m")?);
    } else if args.int("cpu-percent") > 0 {
        metrics.push(metric("cpu", &format!("{}%", args.int("cpu-percent")), "")?);
    }
    if !args.text("memory").is_empty() {
        metrics.push(metric("memory", args.text("memory"), "Mi")?);
    }
    let name = match args.text("name") {
        "" => info.name.as_str(),
        name => name,
    };
    let mut spec = json!({
        "scaleTargetRef": {"apiVersion": info.mapping.api_version(), "kind": info.mapping.kind, "name": info.name},
        "maxReplicas": args.int("max"),
    });
    if args.int("min") > 0 {
        spec["minReplicas"] = args.int("min").into();
    }
    if !metrics.is_empty() {
        spec["metrics"] = json!(metrics);
    }
    Ok(json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": spec,
        "status": {"currentMetrics": null, "desiredReplicas": 0},
    }))
}

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let dry_run = dry_run(cx, args)?;
    let word = if dry_run == DryRun::Client { "created" } else { "autoscaled" };
    let (min, max) = (args.int("min"), args.int("max"));
    if max < 1 {
        return Err(Failure::plain(format!("--max=MAXPODS is required and must be at least 1, max: {max}")));
    }
    if max < min {
        return Err(Failure::plain(format!(
            "--max=MAXPODS must be larger or equal to --min=MINPODS, max: {max}, min: {min}"
        )));
    }
    if !args.text("cpu").is_empty() && args.int("cpu-percent") > 0 {
        return Err(Failure::plain("--cpu-percent and --cpu are mutually exclusive"));
    }
    for (resource, unit) in [("cpu", "m"), ("memory", "Mi")] {
        if !args.text(resource).is_empty() {
            metric(resource, args.text(resource), unit)?;
        }
    }
    let (infos, mut failures) = Selection::of(args, &args.words).resolve(&client).await?.split();
    if infos.is_empty() {
        return Failure::aggregate(failures);
    }
    let mut output = Output::success(cx, args, &format!("{word}{}", dry_run.suffix()))?.typed();
    for info in infos {
        if !info.mapping.subresources.iter().any(|sub| sub == "scale") {
            failures.push(Failure::plain(format!(
                "cannot autoscale a {}: could not find scale subresource for {} in discovery information",
                info.mapping.kind,
                info.mapping.gvr()
            )));
            continue;
        }
        let mut object = autoscaler(args, &info)?;
        if client.explicit {
            object["metadata"]["namespace"] = client.namespace.clone().into();
        }
        if args.flag("save-config") && dry_run != DryRun::Client {
            object = with_last_applied_typed(&object);
        }
        if dry_run != DryRun::Client {
            let mapping = create::mapping_of(&object)?;
            match client.create(&mapping, &client.namespace, &object, write_query(args, dry_run)).await {
                Ok(created) => object = created,
                // Upstream falls back to v1 and loses the true reason on the way.
                Err(_) => {
                    failures.push(Failure::plain(
                        "failed to create autoscaling/v2 HPA and the configuration is incompatible with autoscaling/v1: empty input",
                    ));
                    continue;
                }
            }
        }
        cx.out(output.print(&object)?);
    }
    Failure::aggregate(failures)
}
