//! A segmented switch: a few choices, one pressed.

use leptos::prelude::*;

/// One choice: its value, what it shows, what it is called in full.
pub type Choice<T> = (T, String, String);

#[component]
pub fn Seg<T: Copy + PartialEq + Send + Sync + 'static>(
    #[prop(into)] label: Signal<String>,
    #[prop(into)] choices: Signal<Vec<Choice<T>>>,
    #[prop(into)] value: Signal<T>,
    #[prop(into)] on_change: Callback<T>,
) -> impl IntoView {
    view! {
        <span class="seg" role="group" aria-label=label>
            {move || {
                choices
                    .get()
                    .into_iter()
                    .map(|(choice, short, full)| {
                        let lang = full.chars().any(|c| ('가'..='힣').contains(&c)).then_some("ko");
                        // A short form is announced in full; an equal one needs no second name.
                        let name = (short != full).then_some(full);
                        view! {
                            <button
                                type="button"
                                lang=lang
                                aria-label=name
                                aria-pressed=move || (value.get() == choice).to_string()
                                on:click=move |_| on_change.run(choice)
                            >
                                {short}
                            </button>
                        }
                    })
                    .collect_view()
            }}
        </span>
    }
}
