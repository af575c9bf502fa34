//! What a learner does in the first minute, in the real page.

use super::{Language, Page, Visit, browse};

/// Types a line into the terminal and presses Enter.
async fn command(page: &Page, line: &str) {
    page.focus(".line textarea").await;
    page.type_text(line).await;
    page.press("Enter").await;
}

#[test]
fn a_pod_written_in_yaml_is_applied_and_runs() {
    for language in Language::ALL {
        browse(Visit { language, ..Visit::default() }, async |page| {
            page.open("#/sandbox").await;
            let new_file = if language == Language::English { "New file" } else { "새 파일" };
            page.click("button", new_file).await;
            page.write_yaml("apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n  - name: web\n    image: nginx\n").await;
            page.press("Control+Enter").await;
            page.wait_for_text_in("#terminal", "pod/web created").await;
            page.until("the pod runs", async || {
                command(page, "kubectl get pod web --no-headers").await;
                page.text("#terminal").await.lines().any(|line| line.starts_with("web ") && line.contains("Running"))
            })
            .await;
        });
    }
}

#[test]
fn mistakes_get_the_answers_a_cluster_gives() {
    browse(Visit::default(), async |page| {
        page.open("#/sandbox").await;
        command(page, "kubectl get potato").await;
        page.wait_for_text_in("#terminal", "error: the server doesn't have a resource type \"potato\"").await;
        command(page, "kubectl get pod absent").await;
        page.wait_for_text_in("#terminal", "Error from server (NotFound): pods \"absent\" not found").await;
    });
}

#[test]
fn files_survive_a_reload() {
    browse(Visit::default(), async |page| {
        page.open("#/sandbox").await;
        page.click("button", "New file").await;
        page.write_yaml("# mine\n").await;
        page.until("the file is saved", async || {
            page.js("return JSON.stringify(localStorage).includes('# mine')", vec![]).await == true
        })
        .await;
        page.reload().await;
        // The first file is open after a reload; the learner's own is a tab away.
        page.click("tab", "new.yaml").await;
        page.wait_for_text_in(".cm-content", "# mine").await;
    });
}

#[test]
fn a_pod_says_why_it_is_here_and_another_why_it_is_nowhere() {
    browse(Visit::default(), async |page| {
        page.open("#/sandbox").await;
        command(page, "kubectl run web --image=nginx:1.27").await;
        command(page, "kubectl run odd --image=nginx:1.27 --overrides='{\"spec\":{\"nodeSelector\":{\"a\":\"b\"}}}'")
            .await;
        page.wait_for_text_in("#terminal", "pod/odd created").await;
        page.wait_for_text_in(".map", "worker").await;
        page.click("button", "Actions for web").await;
        page.click("menuitem", "Why here?").await;
        page.wait_for_text_in(".dialog .why-scores", "NodeResourcesFit").await;
        let shown = page.text(".dialog").await;
        assert!(shown.contains("3 of 4 nodes could take it"), "{shown}");
        assert!(shown.contains("node(s) had untolerated taint(s)"), "{shown}");
        page.assert_accessible().await;
        page.press("Escape").await;
        page.click("button", "Actions for odd").await;
        page.click("menuitem", "Why nowhere?").await;
        page.wait_for_text_in(".dialog .why-message", "0/4 nodes are available").await;
    });
}

#[test]
fn a_cluster_at_rest_leaves_the_machine_at_rest() {
    browse(Visit::default(), async |page| {
        page.open("#/sandbox").await;
        let count = "const ask = window.requestAnimationFrame.bind(window);
            window.asked = 0;
            window.requestAnimationFrame = (tick) => { window.asked += 1; return ask(tick); };
            return true;";
        page.js(count, vec![]).await;
        let clock = async || page.text(".clock").await;
        let asked = async || page.js("return window.asked", vec![]).await.as_u64().expect("a number");
        // By the page's own clock, which goes on: seconds of it, not of a sleep.
        let seconds = async |seconds: usize| {
            let (mut seen, mut last) = (0, clock().await);
            page.until("time goes on", async || {
                let now = clock().await;
                seen += usize::from(now != last);
                last = now;
                seen >= seconds
            })
            .await;
        };
        seconds(4).await;
        let before = asked().await;
        seconds(3).await;
        let frames = asked().await - before;
        assert!(frames < 60, "{frames} frames in three quiet seconds");
    });
}
