//! One visual language: colours are named once, in `style/tokens.css`, and every sheet is linked.

use super::{assert_none, files, root};
use std::fs;

/// The greeting shows before the tokens are there; the tokens are where colours live.
const MAY_NAME_COLOURS: &[&str] = &["style/tokens.css", "style/boot.css"];

#[test]
fn colours_come_from_the_tokens() {
    let mut breaches = Vec::new();
    for (path, text) in files("style", "css").into_iter().filter(|(path, _)| !MAY_NAME_COLOURS.contains(&path.as_str()))
    {
        for (at, line) in text.lines().enumerate() {
            let value = line.split_once(':').map_or("", |(_, value)| value);
            let functions = ["rgb(", "rgba(", "hsl(", "hsla(", "oklch(", "lab("];
            if has_hex_colour(value) || functions.iter().any(|function| value.contains(function)) {
                breaches.push(format!("{path}:{}: {}", at + 1, line.trim()));
            }
        }
    }
    assert_none("colours are tokens; name them in style/tokens.css:", breaches);
}

#[test]
fn every_stylesheet_is_linked() {
    let page = fs::read_to_string(root().join("index.html")).expect("there is an index.html");
    let sheets = files("style", "css").into_iter().map(|(path, _)| path);
    assert_none(
        "index.html does not link:",
        sheets.filter(|path| !page.contains(&format!("href=\"{path}\""))).collect(),
    );
}

/// `#1a2b3c` and its short forms, as a value.
fn has_hex_colour(value: &str) -> bool {
    value.split('#').skip(1).any(|after| {
        let digits = after.chars().take_while(char::is_ascii_hexdigit).count();
        let ends = after[digits..].chars().next().is_none_or(|next| !next.is_alphanumeric() && next != '-');
        ends && matches!(digits, 3 | 4 | 6 | 8)
    })
}
