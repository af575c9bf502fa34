//! Prose: Markdown sections by step, their hints and reasons, and HTML without raw HTML.

use std::collections::BTreeMap;

use pulldown_cmark::{Event, Options, Parser, html};

/// The words of a lesson in one language.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Prose {
    /// The text before the prediction.
    pub predict: String,
    pub steps: BTreeMap<String, StepProse>,
}

/// One step: Markdown, ready for [`to_html`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StepProse {
    /// The heading after the step's id, if it has one.
    pub title: String,
    pub text: String,
    /// Lines of `sh` blocks: what "type it for me" types.
    pub commands: Vec<String>,
    pub hints: Vec<String>,
    pub because: String,
}

/// Cuts a body into its sections; every step must have exactly one.
///
/// # Errors
/// A missing, doubled or unknown step.
pub fn prose(body: &str, ids: &[&str]) -> Result<Prose, String> {
    let mut prose = Prose::default();
    let mut current: Option<String> = None;
    let mut lines: Vec<&str> = Vec::new();
    for line in body.lines().chain(["## "]) {
        let Some(heading) = line.strip_prefix("## ") else {
            lines.push(line);
            continue;
        };
        finish(&mut prose, current.take(), &lines)?;
        lines.clear();
        let heading = heading.trim();
        if let Some(id) = heading.strip_prefix("Step:") {
            let id = id.trim().to_string();
            if !ids.contains(&id.as_str()) {
                return Err(format!("there is no step {id:?} in the front matter"));
            }
            if prose.steps.contains_key(&id) {
                return Err(format!("step {id:?} is written twice"));
            }
            current = Some(id);
        } else if heading == "Predict" {
            current = Some(String::new());
        } else if !heading.is_empty() {
            return Err(format!("unknown section {heading:?}: it is `## Predict` or `## Step: ID`"));
        }
    }
    match ids.iter().find(|id| !prose.steps.contains_key(**id)) {
        Some(missing) => Err(format!("step {missing:?} has no `## Step: {missing}`")),
        None => Ok(prose),
    }
}

fn finish(prose: &mut Prose, section: Option<String>, lines: &[&str]) -> Result<(), String> {
    match section {
        None => Ok(()),
        Some(id) if id.is_empty() => {
            prose.predict = lines.join("\n").trim().to_string();
            Ok(())
        }
        Some(id) => {
            let step = step(lines).map_err(|why| format!("step {id:?}: {why}"))?;
            prose.steps.insert(id, step);
            Ok(())
        }
    }
}

fn step(lines: &[&str]) -> Result<StepProse, String> {
    let mut step = StepProse::default();
    let mut text: Vec<&str> = Vec::new();
    let mut lines = lines.iter();
    while let Some(line) = lines.next() {
        let trimmed = line.trim_end();
        if let Some(block) = trimmed.strip_prefix(":::").filter(|name| !name.is_empty()) {
            let inner: Vec<&str> = lines.by_ref().take_while(|line| line.trim_end() != ":::").copied().collect();
            let inner = inner.join("\n").trim().to_string();
            match block.trim() {
                "hint" => step.hints.push(inner),
                "because" => step.because = inner,
                other => return Err(format!("unknown block :::{other}")),
            }
        } else if trimmed == "```sh" {
            let commands = lines.by_ref().take_while(|line| line.trim_end() != "```");
            step.commands.extend(commands.map(|line| line.trim().to_string()).filter(|line| !line.is_empty()));
        } else if let (Some(title), true) = (trimmed.strip_prefix("### "), step.title.is_empty()) {
            step.title = title.into();
        } else {
            text.push(line);
        }
    }
    step.text = text.join("\n").trim().to_string();
    Ok(step)
}

/// Markdown as HTML. Raw HTML in it is dropped: a lesson is data, also one from a link.
pub fn to_html(markdown: &str) -> String {
    let events = Parser::new_ext(markdown, Options::ENABLE_TABLES)
        .filter(|event| !matches!(event, Event::Html(_) | Event::InlineHtml(_)));
    let mut out = String::new();
    html::push_html(&mut out, events);
    out
}

/// Words of a text, for the length rule.
pub fn words(markdown: &str) -> usize {
    markdown.split_whitespace().count()
}
