//! What holds on every page that can be reached by links, so that a new lesson is held to it unasked.

use super::{Language, Screen, Theme, Visit, browse};

#[test]
fn axe_finds_nothing_on_any_page_in_any_language_or_theme() {
    for language in Language::ALL {
        for theme in Theme::ALL {
            browse(Visit { language, theme, calm: true, ..Visit::default() }, async |page| {
                page.open("").await;
                for route in page.routes().await {
                    page.open(&route).await;
                    page.settle().await;
                    page.assert_accessible().await;
                }
            });
        }
    }
}

#[test]
fn every_page_names_its_language() {
    for language in Language::ALL {
        browse(Visit { language, ..Visit::default() }, async |page| {
            page.open("").await;
            for route in page.routes().await {
                page.open(&route).await;
                let named = page.js("return document.documentElement.lang", vec![]).await;
                assert_eq!(named, language.code(), "{route}");
            }
        });
    }
}

#[test]
fn a_phone_never_scrolls_sideways() {
    browse(Visit { screen: Screen::Phone, ..Visit::default() }, async |page| {
        page.open("").await;
        for route in page.routes().await {
            page.open(&route).await;
            let overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
            assert_eq!(page.js(overflow, vec![]).await, 0, "{route}");
            page.assert_accessible().await;
        }
    });
}
