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
    let markdown = beside_letters(markdown);
    let events = Parser::new_ext(&markdown, Options::ENABLE_TABLES)
        .filter(|event| !matches!(event, Event::Html(_) | Event::InlineHtml(_)));
    let mut out = String::new();
    html::push_html(&mut out, events);
    out.retain(|c| c != MARK);
    out
}

/// Stands where emphasis would not be seen otherwise; from the private use area, no text has it.
const MARK: char = '\u{E000}';

/// Lets emphasis end between punctuation and a letter that no space divides.
///
/// `**파드(pod)**예요` is plain Korean, but CommonMark takes asterisks after `)` and before a
/// letter for an opening: its rule assumes spaces between words. A mark that is neither
/// punctuation nor space, put inside of the asterisks, makes them close, or open, as meant.
fn beside_letters(markdown: &str) -> String {
    let joins = |c: Option<char>| c.is_some_and(|c| !c.is_ascii() && c.is_alphanumeric());
    let divides = |c: Option<char>| c.is_some_and(|c| !c.is_alphanumeric() && !c.is_whitespace() && c != '*');
    let mut out = String::with_capacity(markdown.len());
    let mut rest = markdown;
    while let Some(at) = rest.find('*') {
        let (text, from) = rest.split_at(at);
        let after = from.trim_start_matches('*');
        out.push_str(text);
        let (before, next) = (out.chars().next_back(), after.chars().next());
        if divides(before) && joins(next) {
            out.push(MARK);
        }
        out.push_str(&from[..from.len() - after.len()]);
        if joins(before) && divides(next) {
            out.push(MARK);
        }
        rest = after;
    }
    out + rest
}

/// Words of a text, for the length rule.
pub fn words(markdown: &str) -> usize {
    markdown.split_whitespace().count()
}

#[cfg(test)]
mod tests {
    use super::to_html;

    #[test]
    fn emphasis_ends_before_a_korean_particle() {
        for (markdown, html) in [
            ("**파드(pod)**예요", "<p><strong>파드(pod)</strong>예요</p>\n"),
            ("그건 **\"노드\"**가 해요.", "<p>그건 <strong>\"노드\"</strong>가 해요.</p>\n"),
            ("바로**(스키마)**예요", "<p>바로<strong>(스키마)</strong>예요</p>\n"),
            (
                "**YAML(문법)**, **스키마(필드)**예요",
                "<p><strong>YAML(문법)</strong>, <strong>스키마(필드)</strong>예요</p>\n",
            ),
            ("*(한 번)*만, 2 * 3", "<p><em>(한 번)</em>만, 2 * 3</p>\n"),
            ("`**(a)**가`", "<p><code>**(a)**가</code></p>\n"),
        ] {
            assert_eq!(to_html(markdown), html);
        }
    }
}
