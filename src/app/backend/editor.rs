//! The committed CodeMirror bundle (`js/editor.js`), one Rust function per function of it.

use js_sys::{Array, Object, Reflect};
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::HtmlElement;

use crate::state::view::DiagnosticView;

#[wasm_bindgen(module = "/js/editor.js")]
extern "C" {
    fn create(parent: &HtmlElement, options: &JsValue) -> JsValue;
    #[wasm_bindgen(js_name = setDoc)]
    fn set_doc(handle: &JsValue, text: &str);
    #[wasm_bindgen(js_name = resetDoc)]
    fn reset_doc(handle: &JsValue, text: &str);
    #[wasm_bindgen(js_name = setDiagnostics)]
    fn set_diagnostics(handle: &JsValue, diagnostics: &JsValue);
    fn focus(handle: &JsValue);
    fn goto(handle: &JsValue, line: u32);
    #[wasm_bindgen(js_name = setLabel)]
    fn set_label(handle: &JsValue, text: &str);
    fn destroy(handle: &JsValue);
}

/// One suggestion of the editor: inserted in place of what stands between `from` and the cursor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Suggestion {
    pub label: String,
    pub detail: String,
    pub info: String,
    pub apply: String,
    /// UTF-16 offset, as all offsets here.
    pub from: u32,
}

/// What the editor asks of the page.
#[derive(Clone, Copy)]
pub struct Hooks {
    pub change: Callback<String>,
    pub apply: Callback<()>,
    pub complete: Callback<(String, u32), Vec<Suggestion>>,
    pub hover: Callback<(String, u32), Option<String>>,
}

/// A living editor; dropped with its owner.
pub struct CodeMirror {
    handle: JsValue,
    _held: Held,
}

/// What the editor calls back (change, apply, complete, hover), kept alive with it.
type Held = (Closure<dyn FnMut(String)>, Closure<dyn FnMut()>, Ask, Ask);

/// Text and cursor in, an answer out.
type Ask = Closure<dyn FnMut(String, u32) -> JsValue>;

impl CodeMirror {
    pub fn mount(parent: &HtmlElement, doc: &str, label: &str, hooks: Hooks) -> CodeMirror {
        let change = Closure::<dyn FnMut(String)>::new(move |text| {
            // CodeMirror forbids touching the editor from inside an update: answer a moment later.
            set_timeout(
                move || {
                    hooks.change.try_run(text);
                },
                std::time::Duration::ZERO,
            );
        });
        let apply = Closure::<dyn FnMut()>::new(move || {
            set_timeout(
                move || {
                    hooks.apply.try_run(());
                },
                std::time::Duration::ZERO,
            );
        });
        let complete = Closure::<dyn FnMut(String, u32) -> JsValue>::new(move |text, at| {
            let found = hooks.complete.try_run((text, at)).unwrap_or_default();
            found.into_iter().map(suggestion).collect::<Array>().into()
        });
        let hover = Closure::<dyn FnMut(String, u32) -> JsValue>::new(move |text, at| {
            hooks.hover.try_run((text, at)).flatten().map_or(JsValue::NULL, JsValue::from)
        });
        let options = object(&[
            ("doc", doc.into()),
            ("ariaLabel", label.into()),
            ("onChange", change.as_ref().clone()),
            ("onApply", apply.as_ref().clone()),
            ("complete", complete.as_ref().clone()),
            ("hover", hover.as_ref().clone()),
        ]);
        let handle = create(parent, &options);
        // Focusable without a pointer, for those who judge by attributes.
        if let Ok(Some(content)) = parent.query_selector(".cm-content") {
            let _ = content.set_attribute("tabindex", "0");
        }
        CodeMirror { handle, _held: (change, apply, complete, hover) }
    }

    /// Another file: its own text, an empty undo history.
    pub fn open(&self, text: &str) {
        reset_doc(&self.handle, text);
    }

    /// The same file changed from outside.
    pub fn replace(&self, text: &str) {
        set_doc(&self.handle, text);
    }

    pub fn show(&self, problems: &[DiagnosticView]) {
        let shown: Array = problems
            .iter()
            .map(|problem| {
                JsValue::from(object(&[
                    ("from", problem.from.into()),
                    ("to", problem.to.into()),
                    ("severity", if problem.warning { "warning" } else { "error" }.into()),
                    ("message", problem.message.as_str().into()),
                ]))
            })
            .collect();
        set_diagnostics(&self.handle, &shown);
    }

    pub fn label(&self, text: &str) {
        set_label(&self.handle, text);
    }

    pub fn focus(&self) {
        focus(&self.handle);
    }

    pub fn go_to(&self, line: u32) {
        goto(&self.handle, line);
    }
}

impl Drop for CodeMirror {
    fn drop(&mut self) {
        destroy(&self.handle);
    }
}

fn suggestion(found: Suggestion) -> JsValue {
    object(&[
        ("label", found.label.into()),
        ("detail", found.detail.into()),
        ("info", found.info.into()),
        ("apply", found.apply.into()),
        ("from", found.from.into()),
    ])
    .into()
}

fn object(fields: &[(&str, JsValue)]) -> Object {
    let object = Object::new();
    for (name, value) in fields {
        // Fails on frozen objects only; this one was made a line ago.
        let _ = Reflect::set(&object, &(*name).into(), value);
    }
    object
}
