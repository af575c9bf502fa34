//! Which lessons exist and how far the learner is: the course's catalogue joined with the saved record.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use course::lesson::{Catalogue, Lesson};
use leptos::prelude::*;

use super::{saved::Store, view::*};
use crate::i18n::{I18n, Locale};

thread_local! {
    /// Read once: lessons are part of the build.
    static CATALOGUE: OnceCell<Rc<Catalogue>> = const { OnceCell::new() };
}

fn catalogue() -> Rc<Catalogue> {
    CATALOGUE.with(|cell| {
        // The course's own tests read every lesson of the build, so there is no error to show.
        cell.get_or_init(|| Rc::new(Catalogue::load().unwrap_or(Catalogue { chapters: Vec::new() }))).clone()
    })
}

pub fn course_locale(locale: Locale) -> course::lesson::Locale {
    match locale {
        Locale::En => course::lesson::Locale::En,
        Locale::Ko => course::lesson::Locale::Ko,
    }
}

pub fn find(id: &str) -> Option<Arc<Lesson>> {
    catalogue().lesson(id).cloned()
}

/// The lesson after this one.
pub fn after(id: &str) -> Option<String> {
    let catalogue = catalogue();
    let mut all = catalogue.lessons().skip_while(|lesson| lesson.id() != id);
    all.nth(1).map(|lesson| lesson.id().to_string())
}

/// The chapters that have lessons, in the reader's language, with progress.
pub fn chapters(store: Store, i18n: I18n) -> Memo<Vec<ChapterView>> {
    Memo::new(move |_| {
        let locale = course_locale(i18n.0.get());
        let catalogue = catalogue();
        let done = |id: &str| store.with(|saved| saved.progress.get(id).is_some_and(|progress| progress.done));
        // The one to go on with: the lesson left unfinished, else the first that is not done.
        let last = store.with(|saved| saved.last.clone()).filter(|id| !done(id));
        let now = last.or_else(|| catalogue.lessons().map(|l| l.id().to_string()).find(|id| !done(id)));
        catalogue
            .chapters
            .iter()
            .filter(|chapter| !chapter.lessons.is_empty())
            .map(|chapter| ChapterView {
                number: chapter.number,
                title: chapter.title(locale).to_string(),
                lessons: chapter
                    .lessons
                    .iter()
                    .map(|lesson| LessonEntry {
                        id: lesson.id().to_string(),
                        title: lesson.title(locale).to_string(),
                        minutes: lesson.front.minutes,
                        done: done(lesson.id()),
                        now: now.as_deref() == Some(lesson.id()),
                    })
                    .collect(),
            })
            .collect()
    })
}
