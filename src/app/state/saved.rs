//! What survives a reload: settings, progress, files, command history. One versioned record in
//! localStorage; one that cannot be read is set aside and never fatal.

use std::collections::BTreeMap;

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::settings::Settings;
use crate::backend::storage;

const VERSION: u32 = 1;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Saved {
    pub version: u32,
    pub settings: Settings,
    /// By lesson id.
    pub progress: BTreeMap<String, LessonProgress>,
    /// By place (`lesson/<id>` or `sandbox`).
    pub files: BTreeMap<String, Vec<File>>,
    pub history: Vec<String>,
    /// The lesson opened last.
    pub last: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LessonProgress {
    pub done: bool,
    /// The furthest step reached, from 0.
    pub step: usize,
    pub predicted: Option<String>,
    /// What the learner did, in order, so that a reload can play it again.
    pub log: Vec<LoggedAction>,
}

/// One thing a learner did, at a simulated moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoggedAction {
    pub at: u64,
    pub what: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct File {
    pub name: String,
    pub text: String,
}

/// The record, and whether an unreadable one was found.
pub fn read(stored: Option<String>) -> (Saved, bool) {
    let Some(text) = stored else { return (Saved { version: VERSION, ..Saved::default() }, false) };
    match serde_json::from_str(&text).and_then(api::codec::decode::<Saved>) {
        Ok(saved) if saved.version == VERSION => (saved, false),
        // From another version or damaged: kept under another key, in case somebody wants it back.
        _ => {
            storage::set_aside(&text);
            (Saved { version: VERSION, ..Saved::default() }, true)
        }
    }
}

/// The one handle to the record. Writing to it saves it.
#[derive(Clone, Copy)]
pub struct Store(RwSignal<Saved>);

impl Store {
    /// Reads the record; the flag says that an unreadable one was set aside.
    pub fn open() -> (Store, bool) {
        let (saved, broken) = read(storage::load());
        (Store(RwSignal::new(saved)), broken)
    }

    pub fn with<T>(self, read: impl FnOnce(&Saved) -> T) -> T {
        self.0.with(read)
    }

    pub fn with_untracked<T>(self, read: impl FnOnce(&Saved) -> T) -> T {
        self.0.with_untracked(read)
    }

    pub fn update(self, change: impl FnOnce(&mut Saved)) {
        self.0.update(change);
        self.0.with_untracked(|saved| {
            storage::save(&api::codec::encode(saved).to_string());
        });
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn a_record_without_later_fields_is_still_read() {
        let (saved, broken) = read(Some(r#"{"version":1,"last":"hello-cluster"}"#.into()));
        assert!(!broken);
        assert_eq!(saved.last.as_deref(), Some("hello-cluster"));
    }
}
