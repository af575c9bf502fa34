//! After its first load the page needs no network; until then it says what it could not fetch.

use super::{Visit, browse};
use serde_json::json;

#[test]
fn it_starts_without_a_network_after_the_first_visit() {
    browse(Visit::default(), async |page| {
        page.open("").await;
        let ready = "return navigator.serviceWorker?.controller != null";
        page.until("the service worker has taken over", async || page.js(ready, vec![]).await == json!(true)).await;
        let offline = json!({ "offline": true, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
        page.tools("Network.enable", json!({})).await;
        page.tools("Network.emulateNetworkConditions", offline).await;
        page.open("").await;
        page.wait_for_text("Pilothouse").await;
        page.open("sandbox").await;
        assert_eq!(page.route().await, "#/sandbox");
    });
}

#[test]
fn a_cluster_that_could_not_be_fetched_is_fetched_when_asked_again() {
    browse(Visit::default(), async |page| {
        page.tools("Network.enable", json!({})).await;
        let blocked = async |urls: &[&str]| page.tools("Network.setBlockedURLs", json!({ "urls": urls })).await;
        blocked(&["*split_cluster*"]).await;
        page.open_until("#/sandbox", "main [role=alert]").await;
        page.wait_for_text("The cluster could not be fetched").await;
        page.assert_accessible().await;
        let complaints = page.complaints().await;
        assert!(complaints.iter().all(|line| line.contains("split")), "{complaints:?}");
        blocked(&[]).await;
        page.click("button", "Try again").await;
        page.wait_for("button", "Step to the next event").await;
    });
}
