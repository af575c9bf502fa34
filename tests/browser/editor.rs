//! The YAML editor by itself: what Rust relies on when it calls `src/app/js/editor.src.js`.

use super::{Page, Visit, browse};
use serde_json::{Value, json};

/// Opens the bench, which holds one editor with the text `kind: Pod`.
fn on_the_bench(journey: impl AsyncFnOnce(&Page)) {
    browse(Visit::default(), async |page| {
        page.open("bench/editor.html").await;
        page.until("the editor is there", async || js(page, "return window.handle !== undefined").await == true).await;
        journey(page).await;
    });
}

async fn js(page: &Page, script: &str) -> Value {
    page.js(script, vec![]).await
}

#[test]
fn typing_is_reported_and_setting_the_text_is_not() {
    on_the_bench(async |page| {
        js(page, "editor.setDoc(handle, 'kind: Node\\n')").await;
        assert_eq!(js(page, "return [seen.changes, editor.getDoc(handle)]").await, json!([[], "kind: Node\n"]));
        page.focus(".cm-content").await;
        page.type_text("# ").await;
        assert_eq!(js(page, "return seen.changes.at(-1)").await, "# kind: Node\n");
    });
}

#[test]
fn control_enter_applies_and_changes_nothing() {
    on_the_bench(async |page| {
        page.focus(".cm-content").await;
        page.press("Control+Enter").await;
        assert_eq!(js(page, "return [seen.applied, editor.getDoc(handle)]").await, json!([1, "kind: Pod\n"]));
    });
}

#[test]
fn tab_indents_and_escape_then_tab_leaves() {
    on_the_bench(async |page| {
        page.focus(".cm-content").await;
        page.press("Tab").await;
        assert_eq!(js(page, "return editor.getDoc(handle)").await, "  kind: Pod\n");
        page.press("Escape").await;
        page.press("Tab").await;
        assert_eq!(js(page, "return document.activeElement.textContent").await, "After");
    });
}

#[test]
fn a_suggestion_is_taken_with_tab() {
    on_the_bench(async |page| {
        page.focus(".cm-content").await;
        js(page, "editor.setDoc(handle, '')").await;
        page.type_text("sp").await;
        page.wait_for_text_in(".cm-tooltip-autocomplete", "spec").await;
        // A Tab in the first moments of a list does nothing.
        page.until("the suggestion is taken", async || {
            page.press("Tab").await;
            js(page, "return editor.getDoc(handle)").await.as_str().is_some_and(|text| text.starts_with("spec:\n"))
        })
        .await;
    });
}

#[test]
fn diagnostics_outside_the_text_are_shown_inside_it() {
    on_the_bench(async |page| {
        js(
            page,
            "editor.setDiagnostics(handle, [{from: 6, to: 6, severity: 'error', message: 'unknown kind'}, \
             {from: 400, to: 900, severity: 'warning', message: 'late'}])",
        )
        .await;
        page.until("the error is underlined", async || {
            js(page, "return document.querySelector('.cm-lintRange-error')?.textContent === 'Pod'").await == true
        })
        .await;
        page.assert_accessible().await;
    });
}

#[test]
fn a_korean_syllable_is_reported_when_it_is_complete() {
    on_the_bench(async |page| {
        page.focus(".cm-content").await;
        for half in ["ㅎ", "하", "한"] {
            let composing = json!({ "text": half, "selectionStart": 1, "selectionEnd": 1 });
            page.tools("Input.imeSetComposition", composing).await;
        }
        assert_eq!(js(page, "return seen.changes").await, json!([]));
        page.tools("Input.insertText", json!({ "text": "한" })).await;
        page.until("the syllable is reported", async || js(page, "return seen.changes.length").await == json!(1)).await;
        assert_eq!(js(page, "return seen.changes[0]").await, "한kind: Pod\n");
    });
}

#[test]
fn another_file_brings_its_own_history() {
    on_the_bench(async |page| {
        js(page, "editor.resetDoc(handle, 'kind: Service\\n')").await;
        page.focus(".cm-content").await;
        page.press("Control+z").await;
        assert_eq!(js(page, "return editor.getDoc(handle)").await, "kind: Service\n");
        assert!(page.has("textbox", "pod.yaml").await);
        js(page, "editor.goto(handle, 99); editor.setReadOnly(handle, true); editor.setLabel(handle, 'b.yaml')").await;
        page.type_text("x").await;
        assert_eq!(js(page, "return editor.getDoc(handle)").await, "kind: Service\n");
        assert!(page.has("textbox", "b.yaml").await);
    });
}
