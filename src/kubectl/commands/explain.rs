//! `kubectl explain`: what a kind or a field is, from the schema.
//!
//! Mirrors: kubectl/pkg/explain/v2 (template `plaintext`).

use api::schema::{self, Field, Type};

use crate::client::Client;
use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::{Args, Flag};
use crate::verb::{Complete, VERB as BASE, Verb};

const FLAGS: &[Flag] = &[
    Flag::text("api-version", "", "Use given api-version (group/version) of the resource."),
    Flag::text(
        "output",
        "plaintext",
        "Format in which to render the schema. Valid values are: (plaintext, plaintext-openapiv2).",
    )
    .short('o'),
    Flag::bool(
        "recursive",
        false,
        "When true, print the name of all the fields recursively. Otherwise, print the available fields with their description.",
    ).short('R'),
];

pub static VERB: Verb = Verb {
    name: "explain",
    short: "Get documentation for a resource",
    long: "Describe fields and structure of various resources.

 This command describes the fields associated with each supported API resource. Fields are identified via a simple JSONPath identifier:

  <type>.<fieldName>[.<fieldName>]

 Information about each field is retrieved from the server in OpenAPI format.

Use \"kubectl api-resources\" for a complete list of supported resources.",
    examples: "# Get the documentation of the resource and its fields
kubectl explain pods

# Get all the fields in the resource
kubectl explain pods --recursive

# Get the explanation for deployment in supported api versions
kubectl explain deployments --api-version=apps/v1

# Get the documentation of a specific field of a resource
kubectl explain pods.spec.containers",
    usage: "TYPE [--recursive=FALSE|TRUE] [--api-version=api-version-group] [-o|--output=plaintext|plaintext-openapiv2]",
    flags: &[FLAGS],
    complete: Complete::Types,
    run: Some(|cx, args| Box::pin(run(cx, args))),
    ..BASE
};

/// Columns of a description.
const WIDTH: usize = 76;

async fn run(cx: &Cx, args: &Args) -> Result {
    let client = Client::new(cx, args)?;
    let [word] = args.words.as_slice() else {
        return Err(Failure::plain(if args.words.is_empty() {
            "You must specify the type of resource to explain. Use \"kubectl api-resources\" for a complete list of supported resources."
        } else {
            "We accept only this format: explain RESOURCE"
        }));
    };
    if !matches!(args.text("output"), "plaintext" | "plaintext-openapiv2") {
        return Err(Failure::plain(format!("unrecognized format: {}", args.text("output"))));
    }
    if word.contains(['[', ']', '{', '}', '*']) {
        return Err(Failure::plain("invalid jsonpath syntax, first node must be field node"));
    }
    let mut parts: Vec<&str> = word.split('.').collect();
    let mut name = parts.remove(0).to_string();
    let discovery = client.discovery().await?;
    let mut found = discovery.find(&name);
    // `deployments.apps.spec`: the group may stand between.
    if let Some(group) = parts.first()
        && let Ok(mapping) = discovery.find(&format!("{name}.{group}"))
        && !mapping.group.is_empty()
        && found.as_ref().map_or(true, |plain| plain.group == mapping.group || plain.kind == mapping.kind)
        && schema::for_kind(&mapping.group, &mapping.version, &mapping.kind)
            .is_none_or(|kind| kind.field(group).is_none())
    {
        name = format!("{name}.{group}");
        let words = mapping.group.split('.').count();
        let given = mapping.group.split('.').zip(&parts).take_while(|(a, b)| a == *b).count();
        parts.drain(..given.min(words));
        found = Ok(mapping);
    }
    let mapping = match found {
        Ok(mapping) => mapping,
        Err(_) => match client.mapping(&name).await {
            Ok(mapping) => mapping,
            Err(failure) => {
                cx.err(format!("{}\n", failure.text()));
                return Err(Failure::Exit(1));
            }
        },
    };
    let (group, version) = match args.text("api-version") {
        "" => (mapping.group.clone(), mapping.version.clone()),
        text => {
            let (group, version) = api::scheme::split_api_version(text);
            (group.to_string(), version.to_string())
        }
    };
    let Some(root) = schema::for_kind(&group, &version, &mapping.kind) else {
        let of = format!("{group}/{version}, Resource={}", mapping.plural);
        let served = client.discovery().await?.resources.iter().any(|m| m.group == group && m.version == version);
        return Err(Failure::plain(match served {
            true => format!("GVR ({of}) not found in OpenAPI schema"),
            false => format!("couldn't find resource for {of:?}"),
        }));
    };
    let mut text = String::new();
    if !group.is_empty() {
        text.push_str(&format!("GROUP:      {group}\n"));
    }
    text.push_str(&format!("KIND:       {}\nVERSION:    {version}\n\n", mapping.kind));
    parts.retain(|part| !part.is_empty());
    let place = match root.walk(parts.iter().copied()) {
        Ok(place) => place,
        Err(at) => {
            cx.out(text);
            return Err(Failure::plain(format!("field {:?} does not exist", parts[at])));
        }
    };
    let inner = match place {
        None => {
            text.push_str(&format!("DESCRIPTION:\n{}", paragraph(&root.text())));
            Some(root)
        }
        Some(place) => {
            let field = place.field;
            text.push_str(&format!("FIELD: {} <{}>\n", field.name, field.shape.explain_type()));
            if field.values.is_empty() {
                text.push('\n');
            } else {
                text.push_str("ENUM:\n");
                text.extend(field.values.iter().map(|value| format!("    {value}\n")));
            }
            let inner = field.shape.leaf().object();
            let mut description = field.text();
            // What a type says of itself stands below what the field says of it.
            if let Some(own) =
                inner.map(Type::text).filter(|own| !own.is_empty() && !description.contains(own.as_str()))
            {
                description = if description.is_empty() { own } else { format!("{description}\n{own}") };
            }
            description.push_str(&possible_values(field, &description));
            text.push_str(&format!("\nDESCRIPTION:\n{}", paragraph(&description)));
            inner
        }
    };
    if let Some(inner) = inner {
        text.push_str("\nFIELDS:\n");
        if args.flag("recursive") {
            tree(inner, 1, &mut vec![inner.name], &mut text);
            text.push('\n');
        } else {
            for field in &inner.fields {
                text.push_str(&format!("  {}{}", line(field), enumeration(field, "  ")));
                text.push_str(&format!("{}\n", paragraph(&field_text(field))));
            }
        }
    }
    text.push('\n');
    cx.out(text);
    Ok(())
}

/// An enum's values, as the server's OpenAPI document appends them to a description.
fn possible_values(field: &Field, description: &str) -> String {
    if field.values.is_empty() || description.contains("Possible enum values") {
        return String::new();
    }
    let values: String = field.values.iter().map(|value| format!("\n - `{value:?}`")).collect();
    format!("\n\nPossible enum values:{values}")
}

/// A field's description in the list of its siblings.
fn field_text(field: &Field) -> String {
    let mut text = field.text();
    if text.is_empty() {
        text = field.shape.leaf().object().map(Type::text).unwrap_or_default();
    }
    let values = possible_values(field, &text);
    text + &values
}

fn required(field: &Field) -> &'static str {
    if field.required { " -required-" } else { "" }
}

fn line(field: &Field) -> String {
    format!("{}\t<{}>{}\n", field.name, field.shape.explain_type(), required(field))
}

/// `enum: A, B`, at most four of them.
fn enumeration(field: &Field, indent: &str) -> String {
    match field.values.as_slice() {
        [] => String::new(),
        values if values.len() > 4 => format!("{indent}enum: {}, ....\n", values[..4].join(", ")),
        values => format!("{indent}enum: {}\n", values.join(", ")),
    }
}

/// Names only, as deep as they go; a type inside itself ends it.
fn tree(of: &'static Type, depth: usize, seen: &mut Vec<&'static str>, text: &mut String) {
    let indent = "  ".repeat(depth);
    for field in &of.fields {
        text.push_str(&format!("{indent}{}{}", line(field), enumeration(field, &indent)));
        if let Some(inner) = field.shape.leaf().object()
            && !seen.contains(&inner.name)
        {
            seen.push(inner.name);
            tree(inner, depth + 1, seen, text);
            seen.pop();
        }
    }
}

/// A description, wrapped and indented; its own lines stay apart.
fn paragraph(text: &str) -> String {
    if text.is_empty() {
        return "    <no description>\n".into();
    }
    text.lines()
        .flat_map(wrap)
        .map(|line| if line.is_empty() { "    \n".into() } else { format!("    {line}\n") })
        .collect()
}

fn wrap(line: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut fresh = true;
    for word in line.split(' ') {
        let current = lines.last_mut().expect("one line to begin with");
        if fresh {
            current.push_str(word);
        } else if current.chars().count() + 1 + word.chars().count() > WIDTH && !current.trim().is_empty() {
            lines.push(word.to_string());
        } else {
            current.push(' ');
            current.push_str(word);
        }
        fresh = false;
    }
    lines
}
