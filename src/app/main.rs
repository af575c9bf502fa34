//! The page. This file starts it and says what happens when it breaks; everything else is a room of
//! its own: `pages` (what is shown), `components` (the pieces, strangers to one another), `state`
//! (what is known), `backend` (what the browser provides), `i18n` (its words).

mod app;
mod backend;
mod components;
mod i18n;
mod pages;
mod state;
#[cfg(test)]
mod tests;

/// Called by `boot.js` when it has fetched the descriptions of the API's fields.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn describe(first: String, more: String) {
    api::schema::install_texts(first, more);
}

fn main() {
    // Only the page has a window; the same program may one day run as a worker.
    if web_sys::window().is_none() {
        return;
    }
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        report(info);
        console_error_panic_hook::hook(info);
        let (saved, _) = state::saved::read(backend::storage::load());
        let locale = saved.settings.locale();
        components::panic::show(locale.text(), locale.tag(), &info.to_string());
    }));
    leptos::mount::mount_to_body(app::App);
}
