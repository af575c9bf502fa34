//! `create quota | poddisruptionbudget | priorityclass`.
//!
//! Mirrors: kubectl/pkg/cmd/create/create_{quota,pdb,priorityclass}.go.

use api::meta::selector::{Operator, Selector};
use serde_json::{Map, Value, json};

use super::{GENERATOR, finish, one_name};
use crate::client::Client;
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::quantity;
use crate::verb::{VERB as BASE, Verb};

pub static QUOTA: Verb = Verb {
    name: "quota",
    aliases: &["resourcequota"],
    short: "Create a quota with the specified name",
    long: "Create a resource quota with the specified name, hard limits, and optional scopes.",
    examples: "# Create a new resource quota named my-quota
kubectl create quota my-quota --hard=cpu=1,memory=1G,pods=2,services=3,replicationcontrollers=2,resourcequotas=1,secrets=5,persistentvolumeclaims=10",
    usage: "NAME [--hard=key1=value1,key2=value2] [--scopes=Scope1,Scope2] [--dry-run=server|client|none]",
    flags: &[
        &[
            Flag::text("hard", "", "A comma-delimited set of resource=quantity pairs that define a hard limit."),
            Flag::text("scopes", "", "A comma-delimited set of quota scopes that must all match each object tracked by the quota."),
        ],
        GENERATOR[0],
        GENERATOR[1],
        GENERATOR[2],
        GENERATOR[3],
        GENERATOR[4],
    ],
    run: Some(|cx, args| Box::pin(quota(cx, args))),
    ..BASE
};

pub static DISRUPTION_BUDGET: Verb = Verb {
    name: "poddisruptionbudget",
    aliases: &["pdb"],
    short: "Create a pod disruption budget with the specified name",
    long: "Create a pod disruption budget with the specified name, selector, and desired minimum available pods.",
    examples: "# Create a pod disruption budget named my-pdb that will select all pods with the app=rails label
# and require at least one of them being available at any point in time
kubectl create poddisruptionbudget my-pdb --selector=app=rails --min-available=1",
    usage: "NAME --selector=SELECTOR --min-available=N [--dry-run=server|client|none]",
    flags: &[
        &[
            Flag::text(
                "max-unavailable",
                "",
                "The maximum number or percentage of unavailable pods this budget requires.",
            ),
            Flag::text("min-available", "", "The minimum number or percentage of available pods this budget requires."),
            Flag::text(
                "selector",
                "",
                "A label selector to use for this budget. Only equality-based selector requirements are supported.",
            ),
        ],
        GENERATOR[0],
        GENERATOR[1],
        GENERATOR[2],
        GENERATOR[3],
        GENERATOR[4],
    ],
    run: Some(|cx, args| Box::pin(budget(cx, args))),
    ..BASE
};

pub static PRIORITY_CLASS: Verb = Verb {
    name: "priorityclass",
    aliases: &["pc"],
    short: "Create a priority class with the specified name",
    long: "Create a priority class with the specified name, value, globalDefault and description.",
    examples: "# Create a priority class named high-priority
kubectl create priorityclass high-priority --value=1000 --description=\"high priority\"",
    usage: "NAME --value=VALUE --global-default=BOOL [--dry-run=server|client|none]",
    flags: &[
        &[
            Flag::text(
                "description",
                "",
                "description is an arbitrary string that usually provides guidelines on when this priority class should be used.",
            ),
            Flag::bool(
                "global-default",
                false,
                "global-default specifies whether this PriorityClass should be considered as the default priority.",
            ),
            Flag::text(
                "preemption-policy",
                "PreemptLowerPriority",
                "preemption-policy is the policy for preempting pods with lower priority.",
            ),
            Flag::int32("value", "0", "the value of this priority class."),
        ],
        GENERATOR[0],
        GENERATOR[1],
        GENERATOR[2],
        GENERATOR[3],
        GENERATOR[4],
    ],
    run: Some(|cx, args| Box::pin(priority_class(cx, args))),
    ..BASE
};

async fn quota(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let name = one_name(args)?;
    let mut spec = Map::new();
    let mut hard = Map::new();
    for pair in args.text("hard").split(',').filter(|pair| !pair.is_empty()) {
        let Some((key, value)) = pair.split_once('=').filter(|(_, value)| !value.is_empty() && !value.contains('='))
        else {
            return Err(Failure::plain(format!("Invalid argument syntax {pair}, expected <resource>=<value>")));
        };
        if quantity::parse(value).is_none() {
            return Err(Failure::plain(quantity::INVALID));
        }
        hard.insert(key.into(), value.into());
    }
    if !hard.is_empty() {
        spec.insert("hard".into(), Value::Object(hard));
    }
    let scopes: Vec<&str> = args.text("scopes").split(',').filter(|scope| !scope.is_empty()).collect();
    if !scopes.is_empty() {
        spec.insert("scopes".into(), json!(scopes));
    }
    let object =
        json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name}, "spec": spec, "status": {}});
    finish(&client, args, object, "failed to create quota: ").await
}

/// A selector typed as text, as an object's field.
///
/// # Errors
/// A bad selector, or one that such a field cannot hold.
pub fn label_selector(text: &str) -> Result<Value> {
    let parsed = Selector::parse(text)
        .map_err(|why| Failure::plain(format!("couldn't parse the selector string {text:?}: {why}")))?;
    let (mut labels, mut expressions) = (Map::new(), Vec::new());
    for requirement in parsed.requirements() {
        let (key, values) = (&requirement.key, &requirement.values);
        let operator = match requirement.operator {
            Operator::Equals | Operator::DoubleEquals => {
                labels.insert(key.clone(), values.first().cloned().unwrap_or_default().into());
                continue;
            }
            Operator::In => "In",
            Operator::NotIn => "NotIn",
            Operator::Exists => "Exists",
            Operator::DoesNotExist => "DoesNotExist",
            Operator::NotEquals => {
                return Err(Failure::plain("\"!=\" is not a valid label selector operator"));
            }
            Operator::GreaterThan => return Err(Failure::plain("\"gt\" isn't supported in label selectors")),
            Operator::LessThan => return Err(Failure::plain("\"lt\" isn't supported in label selectors")),
        };
        let mut expression = json!({"key": key, "operator": operator});
        if !values.is_empty() {
            expression["values"] = json!(values);
        }
        expressions.push(expression);
    }
    let mut selector = json!({});
    if !labels.is_empty() {
        selector["matchLabels"] = Value::Object(labels);
    }
    if !expressions.is_empty() {
        selector["matchExpressions"] = Value::Array(expressions);
    }
    Ok(selector)
}

async fn budget(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let name = one_name(args)?;
    let (least, most) = (args.text("min-available"), args.text("max-unavailable"));
    if args.text("selector").is_empty() {
        return Err(Failure::plain("a selector must be specified"));
    }
    match (least.is_empty(), most.is_empty()) {
        (true, true) => return Err(Failure::plain("one of min-available or max-unavailable must be specified")),
        (false, false) => return Err(Failure::plain("min-available and max-unavailable cannot be both specified")),
        _ => {}
    }
    for (long, text) in [("min-available", least), ("max-unavailable", most)] {
        let digits = text.strip_suffix('%').unwrap_or(text);
        if !text.is_empty() && (digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit())) {
            return Err(Failure::plain(format!("invalid format specified for {long}")));
        }
    }
    let selector = label_selector(args.text("selector"))?;
    let amount = |text: &str| text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number));
    let mut spec = json!({"selector": selector});
    if least.is_empty() {
        spec["maxUnavailable"] = amount(most);
    } else {
        spec["minAvailable"] = amount(least);
    }
    let object = json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name},
        "spec": spec,
        "status": {"currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0},
    });
    finish(&client, args, object, "failed to create poddisruptionbudgets: ").await
}

async fn priority_class(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let name = one_name(args)?;
    let mut object = json!({
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name},
        "preemptionPolicy": args.text("preemption-policy"),
        "value": args.int("value"),
    });
    if args.flag("global-default") {
        object["globalDefault"] = true.into();
    }
    if !args.text("description").is_empty() {
        object["description"] = args.text("description").into();
    }
    finish(&client, args, object, "failed to create priorityclass: ").await
}
