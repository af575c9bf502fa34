//! After its first load the page needs no network.

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
