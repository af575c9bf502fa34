//! What a learner does, as data: the lines of a solution, a near-miss or a setup.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::Value;

use super::check::Clause;

/// One act.
#[derive(Debug, Clone)]
pub enum Action {
    /// A line in the terminal.
    Command(String),
    /// A file is edited: fields set by path, or the whole text replaced.
    Edit {
        file: String,
        set: BTreeMap<String, Value>,
        text: Option<String>,
    },
    Answer(String),
    Order(Vec<String>),
    /// A machine action on a node or pod.
    Machine {
        what: String,
        node: String,
        pod: String,
    },
    /// A fault button.
    Press(String),
    /// Virtual milliseconds pass.
    Wait(u64),
    /// Time passes until this holds.
    WaitFor(Box<Clause>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Fields {
    edit: Option<String>,
    #[serde(default)]
    set: BTreeMap<String, Value>,
    text: Option<String>,
    answer: Option<Value>,
    order: Option<Vec<String>>,
    machine: Option<String>,
    #[serde(default)]
    node: String,
    #[serde(default)]
    pod: String,
    press: Option<String>,
    wait: Option<String>,
    wait_for: Option<Clause>,
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if let Value::String(line) = value {
            return Ok(Action::Command(line));
        }
        let fields: Fields = api::codec::decode(value).map_err(Error::custom)?;
        if let Some(file) = fields.edit {
            return Ok(Action::Edit { file, set: fields.set, text: fields.text });
        }
        if let Some(answer) = fields.answer {
            let text = match answer {
                Value::String(text) => text,
                other => other.to_string(),
            };
            return Ok(Action::Answer(text));
        }
        if let Some(order) = fields.order {
            return Ok(Action::Order(order));
        }
        if let Some(what) = fields.machine {
            return Ok(Action::Machine { what, node: fields.node, pod: fields.pod });
        }
        if let Some(id) = fields.press {
            return Ok(Action::Press(id));
        }
        if let Some(span) = fields.wait {
            return duration(&span).map(Action::Wait).ok_or_else(|| Error::custom(format!("bad duration {span:?}")));
        }
        match fields.wait_for {
            Some(clause) => Ok(Action::WaitFor(Box::new(clause))),
            None => Err(Error::custom("an action is a command, edit, answer, order, machine, press, wait or wait-for")),
        }
    }
}

/// `90s`, `7m`, `1h` in milliseconds.
pub fn duration(text: &str) -> Option<u64> {
    let unit = match text.chars().last()? {
        's' => 1_000,
        'm' => 60_000,
        'h' => 3_600_000,
        _ => return None,
    };
    text[..text.len() - 1].parse::<u64>().ok().map(|count| count * unit)
}
