//! The learner's files: what the editor shows and `kubectl -f` reads. Kept per place (a lesson, the
//! sandbox) in the saved record.

use leptos::prelude::*;

use super::saved::{File, Store};

/// One file, and what of it was last applied.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    pub name: String,
    pub text: String,
    pub applied: Option<String>,
}

#[derive(Clone, Copy)]
pub struct Files {
    store: Store,
    place: StoredValue<String>,
    pub all: RwSignal<Vec<Kept>>,
    pub active: RwSignal<Option<String>>,
    /// Rises when a text is changed by somebody other than the editor.
    pub revision: RwSignal<u64>,
}

impl Files {
    /// The files of a place: those saved, else those it begins with.
    pub fn open(store: Store, place: &str, initial: &[(String, String)]) -> Files {
        let saved = store.with_untracked(|saved| saved.files.get(place).cloned());
        let kept: Vec<Kept> = match saved {
            Some(files) => files.into_iter().map(|f| Kept { name: f.name, text: f.text, applied: None }).collect(),
            None => begin(initial),
        };
        let active = kept.first().map(|file| file.name.clone());
        Files {
            store,
            place: StoredValue::new(place.to_string()),
            all: RwSignal::new(kept),
            active: RwSignal::new(active),
            revision: RwSignal::new(0),
        }
    }

    /// Adds what a later step brings, unless the learner already has a file of that name.
    pub fn provide(self, files: &[(String, String)]) {
        self.all.update(|all| {
            for (name, text) in files {
                if !all.iter().any(|file| file.name == *name) {
                    all.push(Kept { name: name.clone(), text: text.clone(), applied: None });
                }
            }
        });
        if self.active.get_untracked().is_none() {
            self.active.set(self.all.with_untracked(|all| all.first().map(|file| file.name.clone())));
        }
    }

    /// Everything as the place began.
    pub fn restart(self, initial: &[(String, String)]) {
        self.all.set(begin(initial));
        self.active.set(initial.first().map(|(name, _)| name.clone()));
        self.revision.update(|revision| *revision += 1);
        let place = self.place.get_value();
        self.store.update(|saved| {
            saved.files.remove(&place);
        });
    }

    /// All texts, as the shell's file system sees them.
    pub fn contents(self) -> Vec<(String, String)> {
        self.all.with_untracked(|all| all.iter().map(|file| (file.name.clone(), file.text.clone())).collect())
    }

    pub fn text(self, name: &str) -> Option<String> {
        self.all.with_untracked(|all| all.iter().find(|file| file.name == name).map(|file| file.text.clone()))
    }

    /// From the editor: no new revision.
    pub fn edit(self, name: &str, text: String) {
        self.change(name, text);
    }

    /// From anybody else: the editor must follow.
    pub fn write(self, name: &str, text: String) {
        self.change(name, text);
        self.revision.update(|revision| *revision += 1);
    }

    fn change(self, name: &str, text: String) {
        self.all.update(|all| match all.iter_mut().find(|file| file.name == name) {
            Some(file) => file.text = text,
            None => all.push(Kept { name: name.into(), text, applied: None }),
        });
        self.save();
    }

    pub fn mark_applied(self, name: &str) {
        self.all.update(|all| {
            for file in all.iter_mut().filter(|file| file.name == name) {
                file.applied = Some(file.text.clone());
            }
        });
    }

    /// A name nobody has yet.
    pub fn new_file(self) {
        let name = self.all.with_untracked(|all| {
            (1..)
                .map(|n| if n == 1 { "new.yaml".into() } else { format!("new-{n}.yaml") })
                .find(|name: &String| !all.iter().any(|file| file.name == *name))
                .expect("there are more numbers than files")
        });
        self.change(&name, String::new());
        self.active.set(Some(name));
    }

    /// Refused (false) when the name is taken or no file name.
    pub fn rename(self, old: &str, new: &str) -> bool {
        let taken = self.all.with_untracked(|all| all.iter().any(|file| file.name == new));
        if taken || new.is_empty() || new.contains(['/', ' ', '\n']) {
            return false;
        }
        self.all.update(|all| {
            for file in all.iter_mut().filter(|file| file.name == old) {
                file.name = new.into();
            }
        });
        self.active.set(Some(new.into()));
        self.save();
        true
    }

    pub fn delete(self, name: &str) {
        self.all.update(|all| all.retain(|file| file.name != name));
        if self.active.with_untracked(|active| active.as_deref() == Some(name)) {
            self.active.set(self.all.with_untracked(|all| all.first().map(|file| file.name.clone())));
        }
        self.save();
    }

    fn save(self) {
        let files: Vec<File> = self
            .all
            .with_untracked(|all| all.iter().map(|f| File { name: f.name.clone(), text: f.text.clone() }).collect());
        let place = self.place.get_value();
        self.store.update(|saved| {
            saved.files.insert(place, files);
        });
    }
}

fn begin(initial: &[(String, String)]) -> Vec<Kept> {
    initial.iter().map(|(name, text)| Kept { name: name.clone(), text: text.clone(), applied: None }).collect()
}
