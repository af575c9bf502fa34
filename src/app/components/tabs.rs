//! A row of tabs over one place. Arrow keys walk, as in the ARIA pattern.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::backend::dom;

#[derive(Clone, PartialEq)]
pub struct Tab<T> {
    pub value: T,
    pub label: String,
    pub count: Option<usize>,
    /// The id of the panel it shows.
    pub controls: &'static str,
}

#[component]
pub fn TabRow<T: Clone + PartialEq + Send + Sync + 'static>(
    #[prop(into)] label: Signal<String>,
    #[prop(into)] tabs: Signal<Vec<Tab<T>>>,
    #[prop(into)] value: Signal<T>,
    #[prop(into)] on_change: Callback<T>,
) -> impl IntoView {
    let walk = move |event: web_sys::KeyboardEvent| {
        let step = match event.key().as_str() {
            "ArrowRight" => 1,
            "ArrowLeft" => -1,
            _ => return,
        };
        event.prevent_default();
        if let Some(row) = event.current_target().and_then(|target| target.dyn_into::<web_sys::Element>().ok()) {
            dom::rove(&row, "[role=tab]", step);
        }
    };
    view! {
        <div role="tablist" aria-label=label on:keydown=walk style:display="contents">
            {move || {
                tabs.get()
                    .into_iter()
                    .map(|tab| {
                        let Tab { value: mine, label, count, controls } = tab;
                        let selected = {
                            let mine = mine.clone();
                            Memo::new(move |_| value.get() == mine)
                        };
                        view! {
                            <button
                                type="button"
                                role="tab"
                                aria-selected=move || selected.get().to_string()
                                aria-controls=move || selected.get().then_some(controls)
                                tabindex=move || if selected.get() { "0" } else { "-1" }
                                on:click=move |_| on_change.run(mine.clone())
                            >
                                {label}
                                {count.filter(|n| *n > 0).map(|n| view! { <span class="count">{n}</span> })}
                            </button>
                        }
                    })
                    .collect_view()
            }}
        </div>
    }
}
