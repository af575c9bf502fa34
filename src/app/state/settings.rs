//! The reader's choices: language, theme, motion. Kept in the saved record.

use serde::{Deserialize, Serialize};

use crate::{backend::dom, i18n::Locale};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// None follows the browser.
    pub locale: Option<Locale>,
    pub theme: Theme,
    pub motion: Motion,
}

impl Settings {
    pub fn locale(self) -> Locale {
        self.locale.unwrap_or_else(Locale::of_browser)
    }

    pub fn reduced_motion(self) -> bool {
        self.motion == Motion::Reduced || dom::matches_media("(prefers-reduced-motion: reduce)")
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Theme; 3] = [Theme::System, Theme::Light, Theme::Dark];

    /// The value of `data-theme`; empty lets the system decide.
    pub fn key(self) -> &'static str {
        match self {
            Theme::System => "",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// What the one-press switch in the top bar leads to: the opposite of what is seen now.
    pub fn flipped(self) -> Theme {
        let dark = match self {
            Theme::System => dom::matches_media("(prefers-color-scheme: dark)"),
            Theme::Light => false,
            Theme::Dark => true,
        };
        if dark { Theme::Light } else { Theme::Dark }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Motion {
    #[default]
    Full,
    Reduced,
}
