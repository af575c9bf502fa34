//! Links into the middle of the page work on a static host, below any path.

use super::session::required;
use super::{Visit, browse};

#[test]
fn the_page_knows_the_path_it_is_served_under() {
    browse(Visit::default(), async |page| {
        page.open("").await;
        let root = page.js("return location.origin + document.documentElement.dataset.root", vec![]).await;
        assert_eq!(root, required("PILOTHOUSE_URL"));
    });
}

#[test]
fn a_link_into_the_middle_starts_the_page_there() {
    browse(Visit::default(), async |page| {
        page.open("sandbox?x=1").await;
        assert_eq!(page.route().await, "sandbox?x=1");
        // The host has no such file and says so, which Chromium notes; the page recovers.
        let complaints = page.complaints().await;
        assert!(complaints.iter().all(|line| line.contains("404")), "{complaints:?}");
    });
}
