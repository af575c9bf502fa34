//! What older clients say differently: the list beside this file, and how it explains a step.

use regex_lite::Regex;
use serde::Deserialize;

/// One way in which clients before some version differ from the recordings' kubectl.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    reason: String,
    /// The first minor version that was seen to print as recorded; without it none of those tried did.
    before: Option<u32>,
    /// A regular expression on the step's first line.
    step: String,
    /// The beginning of the case's name.
    #[serde(default)]
    case: String,
    /// What recorded lines become: an expression, and what replaces it.
    recorded: Option<String>,
    #[serde(default)]
    older: String,
    /// Lines that only the recording has, and lines that only the older client prints.
    missing: Option<String>,
    extra: Option<String>,
    /// Nothing of the step is compared.
    #[serde(default)]
    anything: bool,
}

/// A row, ready to be applied.
#[derive(Debug)]
pub struct Difference {
    pub reason: String,
    case: String,
    step: Regex,
    recorded: Option<(Regex, String)>,
    missing: Option<Regex>,
    extra: Option<Regex>,
    anything: bool,
}

/// Both sides of a step after the differences that apply to it.
pub struct Explained {
    pub expected: Vec<String>,
    pub actual: Vec<String>,
    /// The numbers of the differences that changed something.
    pub by: Vec<usize>,
}

/// The list, as far as it is about this client: the minor version of a kubectl 1.x.
///
/// # Errors
/// The list is not what it should be.
pub fn read(minor: u32) -> Result<Vec<Difference>, String> {
    let text = include_str!("client_differences.yaml");
    let rows: Vec<Row> = serde_yaml::from_str(text).map_err(|error| format!("client_differences.yaml: {error}"))?;
    let rows = rows.into_iter().filter(|row| row.before.is_none_or(|first| minor < first));
    rows.map(Difference::new).collect()
}

impl Difference {
    fn new(row: Row) -> Result<Self, String> {
        let regex = |text: &str| Regex::new(text).map_err(|error| format!("{}: {error}", row.reason));
        let optional = |text: &Option<String>| text.as_deref().map(regex).transpose();
        Ok(Self {
            case: row.case,
            step: regex(&row.step)?,
            recorded: optional(&row.recorded)?.map(|recorded| (recorded, row.older)),
            missing: optional(&row.missing)?,
            extra: optional(&row.extra)?,
            anything: row.anything,
            reason: row.reason.clone(),
        })
    }
}

/// Rewrites both sides by every difference of the step.
pub fn explain(
    differences: &[Difference],
    case: &str,
    step: &str,
    mut expected: Vec<String>,
    mut actual: Vec<String>,
) -> Explained {
    let mut by = Vec::new();
    for (number, difference) in differences.iter().enumerate() {
        if !case.starts_with(&difference.case) || !difference.step.is_match(step) {
            continue;
        }
        let before = (expected.clone(), actual.clone());
        if difference.anything {
            (expected, actual) = (Vec::new(), Vec::new());
        }
        if let Some((recorded, older)) = &difference.recorded {
            for line in &mut expected {
                *line = recorded.replace_all(line, older).trim_end().to_owned();
            }
        }
        if let Some(missing) = &difference.missing {
            expected.retain(|line| !missing.is_match(line));
        }
        if let Some(extra) = &difference.extra {
            actual.retain(|line| !extra.is_match(line));
        }
        if before != (expected.clone(), actual.clone()) {
            by.push(number);
        }
    }
    Explained { expected, actual, by }
}
