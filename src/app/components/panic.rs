//! The last resort: a sentence and two ways on, drawn without the framework, which may be what broke.

use crate::{i18n::Text, state::route::Route};

/// Replaces nothing and depends on nothing: adds a layer over whatever is left of the page.
pub fn show(text: &Text, lang: &str, details: &str) {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else { return };
    if document.get_element_by_id("panic").is_some() {
        return;
    }
    let Ok(layer) = document.create_element("div") else { return };
    layer.set_id("panic");
    layer.set_class_name("panic");
    let _ = layer.set_attribute("role", "alertdialog");
    let _ = layer.set_attribute("aria-modal", "true");
    let _ = layer.set_attribute("aria-labelledby", "panic-title");
    let _ = layer.set_attribute("lang", lang);
    let t = &text.panic;
    layer.set_inner_html(&format!(
        "<div><h1 id=\"panic-title\">{}</h1><p>{}</p><p class=\"actions\"><a class=\"primary\" href=\"\">{}</a><a class=\"ghost\" href=\"{}\">{}</a></p><details><summary>{}</summary><pre lang=\"en\"></pre></details></div>",
        t.title,
        t.text,
        t.again,
        Route::Home.href(),
        t.home,
        t.details,
    ));
    // As text, never as HTML: a message may quote what a learner wrote.
    if let Ok(Some(pre)) = layer.query_selector("pre") {
        pre.set_text_content(Some(details));
    }
    if let Some(body) = document.body() {
        let _ = body.append_child(&layer);
    }
    if let Ok(Some(again)) = layer.query_selector("a") {
        // A fragment alone would not reload: both ways start the program anew.
        crate::backend::dom::focus(&again);
    }
    for (selector, home) in [("a.primary", false), ("a.ghost", true)] {
        let Ok(Some(link)) = layer.query_selector(selector) else { continue };
        use wasm_bindgen::{JsCast, closure::Closure};
        let handler = Closure::<dyn FnMut(web_sys::Event)>::new(move |event: web_sys::Event| {
            event.prevent_default();
            if let Some(window) = web_sys::window() {
                if home {
                    let _ = window.location().set_hash(&Route::Home.href());
                }
                let _ = window.location().reload();
            }
        });
        let _ = link.add_event_listener_with_callback("click", handler.as_ref().unchecked_ref());
        // Lives as long as the ruined page does.
        handler.forget();
    }
}
