//! The home page: it opens, in both languages and themes, and nobody is shut out.

use super::{Language, Screen, Theme, Visit, browse};

#[test]
fn it_opens_in_english_and_korean() {
    for language in Language::ALL {
        browse(Visit { language, ..Visit::default() }, async |page| {
            page.open("").await;
            page.wait_for_text("Pilothouse").await;
        });
    }
}

#[test]
fn axe_finds_nothing_in_any_language_or_theme() {
    for language in Language::ALL {
        for theme in Theme::ALL {
            browse(Visit { language, theme, ..Visit::default() }, async |page| {
                page.open("").await;
                page.assert_accessible().await;
            });
        }
    }
}

#[test]
fn a_phone_scrolls_in_one_direction_only() {
    browse(Visit { screen: Screen::Phone, ..Visit::default() }, async |page| {
        page.open("").await;
        let overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        assert_eq!(page.js(overflow, vec![]).await, 0);
        page.assert_accessible().await;
    });
}
