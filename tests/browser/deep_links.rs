//! Addresses into the middle of the page work on a static host, below any path.

use super::{Visit, browse};

#[test]
fn a_path_without_a_file_is_led_to_its_route() {
    browse(Visit::default(), async |page| {
        page.open("sandbox").await;
        assert_eq!(page.route().await, "#/sandbox");
        // The host has no such file and says so, which Chromium notes; the page recovers.
        let complaints = page.complaints().await;
        assert!(complaints.iter().all(|line| line.contains("404")), "{complaints:?}");
    });
}
