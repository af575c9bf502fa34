//! How objects are written: one [`Printer`] per `-o` format. No requests here.
//!
//! Mirrors: cli-runtime/pkg/genericclioptions `PrintFlags`, cli-runtime/pkg/printers.

pub mod columns;
pub mod gofmt;
pub mod json;
pub mod jsonpath;
pub mod kyaml;
pub mod sort;
pub mod table;
pub mod template;

use api::order::Order;
use serde_json::{Value, json};

use crate::coroutine::Cx;
use crate::failure::{Failure, Result};
use crate::flags::Args;
use crate::global;
use crate::yaml;

/// A chosen output format.
#[derive(Debug)]
pub enum Printer {
    /// `deployment.apps/web created`, with the verb's own word; the default of most verbs.
    Success(String),
    Name,
    Json,
    Yaml,
    Kyaml,
    JsonPath {
        path: jsonpath::Path,
        source: String,
        as_json: bool,
        allow_missing: bool,
    },
    Template {
        template: template::Template,
        source: String,
        allow_missing: bool,
    },
    Columns(columns::Columns),
    /// Tables for people; only some verbs have them.
    Human {
        wide: bool,
    },
}

/// Prints objects one after another, with what stands between them.
pub struct Output {
    cx: Cx,
    pub printer: Printer,
    show_managed: bool,
    /// The object is a Go struct, whose fields have an order.
    typed: bool,
    printed: usize,
}

impl Output {
    /// The printer that `-o` and `--template` choose; `default` without them.
    ///
    /// # Errors
    /// An unknown format, or a template that cannot be parsed.
    pub fn choose(cx: &Cx, args: &Args, default: Printer, more: &[&str]) -> Result<Self> {
        let printer = printer(cx, args, default, more)?;
        Ok(Self { cx: cx.clone(), printer, show_managed: args.flag("show-managed-fields"), typed: false, printed: 0 })
    }

    /// A printer that says `TITLE WORD`, unless `-o` asks for something else.
    ///
    /// # Errors
    /// As [`Output::choose`].
    pub fn success(cx: &Cx, args: &Args, word: &str) -> Result<Self> {
        Self::choose(cx, args, Printer::Success(word.into()), &[])
    }

    /// What is printed are Go structs, not maps: JSON keeps the order of their fields.
    #[must_use]
    pub fn typed(mut self) -> Self {
        self.typed = true;
        self
    }

    pub fn is_human(&self) -> bool {
        matches!(self.printer, Printer::Human { .. })
    }

    /// Writes one object.
    ///
    /// # Errors
    /// What a template finds wrong with the object.
    pub fn print(&mut self, object: &Value) -> Result<String> {
        self.printed += 1;
        let first = self.printed == 1;
        Ok(match &self.printer {
            Printer::Success(word) => names(object).iter().map(|name| format!("{name} {word}\n")).collect(),
            Printer::Name => names(object).iter().map(|name| format!("{name}\n")).collect(),
            Printer::Json if self.typed => {
                format!("{}\n", json::indented(&api::schema::go_json(&self.visible(object)), "    "))
            }
            Printer::Json => format!("{}\n", json::pretty(&self.visible(object))),
            Printer::Yaml => {
                let text = yaml::emit(&self.visible(object));
                if first { text } else { format!("---\n{text}") }
            }
            Printer::Kyaml => kyaml::emit(&self.visible(object)),
            Printer::JsonPath { path, source, as_json, allow_missing } => {
                match path.print(object, *allow_missing, *as_json) {
                    Ok(text) => text,
                    Err(why) => {
                        return Err(Failure::plain(format!(
                            "error executing jsonpath {source:?}: Error executing template: {why}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t{source}\n\tobject given to jsonpath engine was:\n\t\t{}\n\n",
                            gofmt::sharp_v(object)
                        )));
                    }
                }
            }
            Printer::Template { template, source, allow_missing } => match template.execute(object, *allow_missing) {
                Ok(text) => text,
                Err((text, why)) => {
                    self.cx.out(format!(
                        "{text}Error executing template: {why}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t{source}\n\traw data was:\n\t\t{}\n\tobject given to template engine was:\n\t\t{}\n\n",
                        json::compact(object),
                        gofmt::v(object)
                    ));
                    return Err(Failure::plain(format!("error executing template {}: {why}", gofmt::quote(source))));
                }
            },
            Printer::Columns(columns) => match columns.print(object, first) {
                (text, None) => text,
                (text, Some(why)) => {
                    // What came before stands.
                    self.cx.out(text);
                    return Err(Failure::plain(why));
                }
            },
            Printer::Human { .. } => names(object).iter().map(|name| format!("{name}\n")).collect(),
        })
    }

    /// The object without what JSON and YAML hide.
    fn visible(&self, object: &Value) -> Value {
        let mut object = object.clone();
        if !self.show_managed {
            strip_managed(&mut object);
        }
        object
    }
}

fn strip_managed(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    if let Some(items) = object.get_mut("items").and_then(Value::as_array_mut) {
        items.iter_mut().for_each(strip_managed);
    }
}

/// `pod/web`, or one line for each item of a list.
pub fn names(object: &Value) -> Vec<String> {
    if let Some(items) = object.get("items").and_then(Value::as_array)
        && object.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"))
    {
        return items.iter().flat_map(names).collect();
    }
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let name = match text("/metadata/name") {
        "" => "<unknown>",
        name => name,
    };
    let api_version = text("/apiVersion");
    let (group, _) = api::scheme::split_api_version(api_version);
    vec![format!("{}/{name}", api::scheme::group_resource(&text("/kind").to_lowercase(), group))]
}

/// Several objects as one `List`.
pub fn list(items: Vec<Value>) -> Value {
    json!({"apiVersion": "v1", "kind": "List", "items": items, "metadata": {"resourceVersion": ""}})
}

fn printer(cx: &Cx, args: &Args, default: Printer, more: &[&str]) -> Result<Printer> {
    let output = args.text("output");
    let allow_missing = args.flag("allow-missing-template-keys");
    let template = args.text("template");
    if output.is_empty() {
        return if template.is_empty() { Ok(default) } else { go_template(template, allow_missing) };
    }
    let (format, argument) = output.split_once('=').unwrap_or((output, ""));
    let argument = if argument.is_empty() { template } else { argument };
    let known = |name: &str| global::FORMATS.contains(&name) || more.contains(&name);
    let needs = |text: &str| {
        if text.is_empty() { Err(Failure::plain("template format specified but no template given")) } else { Ok(()) }
    };
    let file = |name: &str| {
        cx.env.read(name).ok_or_else(|| {
            Failure::plain(format!("error reading --template {name}, open {name}: no such file or directory\n"))
        })
    };
    // Only these two are known in any case.
    let format = match format.to_lowercase().as_str() {
        "json" => "json",
        "yaml" => "yaml",
        _ => format,
    };
    let output = if output.eq_ignore_ascii_case(format) && matches!(format, "json" | "yaml") { format } else { output };
    match format {
        "json" if output == format => Ok(Printer::Json),
        "yaml" if output == format => Ok(Printer::Yaml),
        "kyaml" if output == format => Ok(Printer::Kyaml),
        "name" if output == format => Ok(Printer::Name),
        "wide" if output == format && known("wide") => Ok(Printer::Human { wide: true }),
        "jsonpath" | "jsonpath-as-json" => {
            needs(argument)?;
            json_path(argument, allow_missing, format == "jsonpath-as-json")
        }
        "jsonpath-file" => {
            needs(argument)?;
            json_path(&file(argument)?, allow_missing, false)
        }
        "go-template" | "template" => {
            needs(argument)?;
            go_template(argument, allow_missing)
        }
        "go-template-file" | "templatefile" => {
            needs(argument)?;
            go_template(&file(argument)?, allow_missing)
        }
        "custom-columns" if known("custom-columns") => {
            if argument.is_empty() {
                return Err(Failure::plain("custom-columns format specified but no custom columns given"));
            }
            Ok(Printer::Columns(columns::Columns::parse(argument, args.flag("no-headers"))?))
        }
        "custom-columns-file" if known("custom-columns-file") => {
            if argument.is_empty() {
                return Err(Failure::plain("custom-columns format specified but no custom columns given"));
            }
            Ok(Printer::Columns(columns::Columns::from_file(&file(argument)?, args.flag("no-headers"))?))
        }
        _ => {
            let mut formats: Vec<&str> = global::FORMATS.iter().chain(more).copied().collect();
            formats.order();
            Err(Failure::plain(format!(
                "unable to match a printer suitable for the output format {output:?}, allowed formats are: {}",
                formats.join(",")
            )))
        }
    }
}

fn json_path(source: &str, allow_missing: bool, as_json: bool) -> Result<Printer> {
    let path = jsonpath::Path::parse(source)
        .map_err(|why| Failure::plain(format!("error parsing jsonpath {source}, {why}")))?;
    Ok(Printer::JsonPath { path, source: source.into(), as_json, allow_missing })
}

fn go_template(source: &str, allow_missing: bool) -> Result<Printer> {
    let template = template::Template::parse(source)
        .map_err(|why| Failure::plain(format!("error parsing template {source}, {why}")))?;
    Ok(Printer::Template { template, source: source.into(), allow_missing })
}
