//! The page's words: one catalogue per locale, typed, so that a missing translation does not compile.
//! A table of `&'static str` and small functions instead of a message-format library: plurals and
//! particles are Rust, and the wasm carries no parser. Lesson prose lives in `lessons/`, not here.

mod catalogue;
mod en;
mod ko;

pub use catalogue::Text;

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    #[default]
    En,
    Ko,
}

impl Locale {
    pub const ALL: [Locale; 2] = [Locale::En, Locale::Ko];

    /// The value of `lang`.
    pub fn tag(self) -> &'static str {
        match self {
            Locale::En => "en",
            Locale::Ko => "ko",
        }
    }

    /// The language's own name, and how to write it where room is short.
    pub fn name(self) -> (&'static str, &'static str) {
        match self {
            Locale::En => ("EN, English", "EN"),
            Locale::Ko => ("한국어", "한국어"),
        }
    }

    /// What the browser asks for first.
    pub fn of_browser() -> Locale {
        let wanted = web_sys::window().and_then(|window| window.navigator().language()).unwrap_or_default();
        if wanted.starts_with("ko") { Locale::Ko } else { Locale::En }
    }

    pub fn text(self) -> &'static Text {
        match self {
            Locale::En => &en::TEXT,
            Locale::Ko => &ko::TEXT,
        }
    }
}

/// The reader's language, from the context of the app. Reading it inside a view follows a switch.
#[derive(Clone, Copy)]
pub struct I18n(pub Signal<Locale>);

impl I18n {
    pub fn t(self) -> &'static Text {
        self.0.get().text()
    }
}

pub fn use_i18n() -> I18n {
    expect_context::<I18n>()
}
