//! `cargo xtask look`: pictures of every page that can be reached by links, for people to judge.

use super::session::required;
use super::{Language, Page, Screen, Theme, Visit, browse};
use std::collections::BTreeSet;
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
                    let mut routes: BTreeSet<String> = links(page).await;
                    routes.insert(String::new());
                    for route in routes {
                        let name = if route.is_empty() { "home".into() } else { route.replace(['/', '?', '='], "-") };
                        let file = format!("{name}.{}.{}.{}.png", language.code(), theme.name(), screen.name());
                        if !file.contains(&only) {
                            continue;
                        }
                        page.open(&route).await;
                        page.settle().await;
                        page.screenshot(&folder.join(&file)).await;
                        println!("look/{file}");
                        // Deep links are answered with a 404 by a static host; see deep_links.rs.
                        page.complaints().await;
                    }
                });
            }
        }
    }
}

/// The routes that the open page links to.
async fn links(page: &Page) -> BTreeSet<String> {
    let script = "return [...document.querySelectorAll('a[href]')].map((a) => a.href)";
    let found = page.js(script, vec![]).await;
    let root = required("PILOTHOUSE_URL");
    let inside = |link: &str| link.strip_prefix(&root).map(|route| route.split('#').next().unwrap_or(route).to_owned());
    found.as_array().into_iter().flatten().filter_map(|link| inside(link.as_str()?)).collect()
}
