//! `cargo xtask look`: pictures of every page that can be reached by links, for people to judge.

use super::session::required;
use super::{Language, Screen, Theme, Visit, browse};
use std::path::PathBuf;

#[test]
fn pictures_of_every_page() {
    let folder = PathBuf::from(required("PILOTHOUSE_LOOK"));
    let only = std::env::var("PILOTHOUSE_LOOK_ONLY").unwrap_or_default();
    for language in Language::ALL {
        for theme in Theme::ALL {
            for screen in Screen::ALL {
                browse(Visit { language, theme, screen, ..Visit::default() }, async |page| {
                    page.open("").await;
                    for route in page.routes().await {
                        let name = match route.trim_start_matches("#/") {
                            "" => "home".to_owned(),
                            inside => inside.replace('/', "-"),
                        };
                        let file = format!("{name}.{}.{}.{}.png", language.code(), theme.name(), screen.name());
                        if !file.contains(&only) {
                            continue;
                        }
                        page.open(&route).await;
                        page.settle().await;
                        page.screenshot(&folder.join(&file)).await;
                        println!("look/{file}");
                    }
                });
            }
        }
    }
}
