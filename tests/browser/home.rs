//! The home page: it opens, in both languages, and shows what there is to learn.

use super::{Language, Visit, browse};

#[test]
fn it_opens_in_english_and_korean() {
    for language in Language::ALL {
        browse(Visit { language, ..Visit::default() }, async |page| {
            page.open("").await;
            page.wait_for_text("Pilothouse").await;
        });
    }
}
