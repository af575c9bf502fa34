//! `cargo xtask bench page`: how soon the page can be used, and what 1,000 pods cost it, starting and at rest.

use super::{Page, Visit, browse};
use serde_json::json;
use std::time::Duration;

const RUNS: usize = 5;
const WORKERS: usize = 20;
const PODS: u64 = 1_000;

/// Notes when the terminal of a page can be typed into.
const INTERACTIVE: &str = "const look = () => { if (document.querySelector('.line textarea') && !document.getElementById('boot')) \
                           window.__ready = performance.now(); else requestAnimationFrame(look); }; requestAnimationFrame(look);";

/// Notes when the map shows that many pods Running, and the longest time between two frames until then.
const WATCH: &str = "window.__begun = performance.now(); window.__done = null; window.__gap = 0; window.__long = []; \
                     let last = window.__begun; const look = () => { const now = performance.now(); \
                     window.__gap = Math.max(window.__gap, now - last); last = now; \
                     const crowds = [...document.querySelectorAll('.crowd[data-state=running]')]; \
                     if (crowds.reduce((sum, one) => sum + one.textContent.length, 0) >= arguments[0]) window.__done = now; \
                     else requestAnimationFrame(look); }; requestAnimationFrame(look);";

#[test]
fn the_first_lesson_can_be_used() {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        browse(Visit::default(), async |page| {
            page.tools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": INTERACTIVE })).await;
            page.open("#/lesson/hello-cluster").await;
            page.until("the terminal is there", async || number(page, "window.__ready").await > 0.0).await;
            times.push(number(page, "window.__ready").await);
        });
    }
    report("time to interactive", &times, "ms, first visit, files from this machine");
}

#[test]
fn a_thousand_pods_start() {
    let (mut times, mut gaps, mut long, mut rest) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        browse(Visit::default(), async |page| {
            page.open("#/sandbox").await;
            for _ in 3..WORKERS {
                page.click("button", "Add a node").await;
            }
            page.click("radio", "×10").await;
            page.until("all nodes are ready", async || {
                command(page, "clear").await;
                command(page, "kubectl get nodes").await;
                tokio::time::sleep(Duration::from_millis(300)).await;
                let shown = page.text("#terminal").await;
                shown.lines().filter(|line| line.contains(" Ready ")).count() > WORKERS
            })
            .await;
            page.click("radio", "×60").await;
            page.js(WATCH, vec![json!(PODS)]).await;
            command(page, &format!("kubectl create deployment web --image=nginx:1.27 --replicas={PODS}")).await;
            page.until("all pods run", async || number(page, "window.__done").await > 0.0).await;
            times.push(number(page, "window.__done - window.__begun").await);
            gaps.push(number(page, "window.__gap").await);
            long.extend(page.long_tasks().await.into_iter().map(|(_, took)| took as f64));
            page.click("radio", "×1").await;
            rest.push(share_of_a_core(page).await);
        });
    }
    report("1,000 pods Running", &times, "ms, at ×60, from the first key of the command");
    report("longest frame", &gaps, "ms");
    println!("  long tasks meanwhile: {long:?}");
    report("1,000 pods at rest, ×1", &rest, "% of a core, the tab's main thread, drawing included");
}

/// How much of its main thread's time a page uses that nobody touches, in per cent.
async fn share_of_a_core(page: &Page) -> f64 {
    const CALM: Duration = Duration::from_secs(10);
    const SPAN: Duration = Duration::from_secs(20);
    page.tools("Performance.enable", json!({})).await;
    let worked = async || {
        let metrics = page.tools("Performance.getMetrics", json!({})).await;
        let metrics = metrics["metrics"].as_array().cloned().unwrap_or_default();
        metrics.iter().find(|one| one["name"] == "TaskDuration").and_then(|one| one["value"].as_f64()).unwrap_or(0.0)
    };
    // What the last pods leave to be done.
    tokio::time::sleep(CALM).await;
    let before = worked().await;
    tokio::time::sleep(SPAN).await;
    (worked().await - before) / SPAN.as_secs_f64() * 100.0
}

async fn command(page: &Page, line: &str) {
    page.focus(".line textarea").await;
    page.type_text(line).await;
    page.press("Enter").await;
}

async fn number(page: &Page, expression: &str) -> f64 {
    page.js(&format!("return {expression}"), vec![]).await.as_f64().unwrap_or(0.0)
}

fn report(name: &str, numbers: &[f64], unit: &str) {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN);
    println!("  {name:<24}{median:>12.1} {unit}  (all: {sorted:.1?})");
}
