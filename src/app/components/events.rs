//! The cluster's Events as a table, newest first.

use leptos::prelude::*;

use crate::{
    i18n::use_i18n,
    state::view::{EventView, Millis},
};

#[component]
pub fn Events(#[prop(into)] events: Signal<Vec<EventView>>, #[prop(into)] now: Signal<Millis>) -> impl IntoView {
    let i18n = use_i18n();
    // Ages move once a second; the rows themselves stay.
    let second = Memo::new(move |_| now.get() / 1000);
    view! {
        <div class="events" id="events" role="tabpanel" tabindex="0" aria-label=move || i18n.t().common.events>
            <Show
                when=move || events.with(|events| !events.is_empty())
                fallback=move || view! { <p class="empty">{move || i18n.t().term.no_events}</p> }
            >
                <table>
                    <thead>
                        <tr>
                            <th scope="col">{move || i18n.t().term.age}</th>
                            <th scope="col">{move || i18n.t().term.reason}</th>
                            <th scope="col">{move || i18n.t().term.object}</th>
                            <th scope="col">{move || i18n.t().term.message}</th>
                        </tr>
                    </thead>
                    <tbody lang="en">
                        <For each=move || events.get() key=|event| (event.key.clone(), event.count) let:event>
                            <tr data-type=if event.warning { "Warning" } else { "Normal" }>
                                <td>{move || age(second.get().saturating_sub(event.at / 1000))}</td>
                                <td class="reason">
                                    {event.warning.then_some("⚠ ")} {event.reason.clone()}
                                    {(event.count > 1).then(|| format!(" ×{}", event.count))}
                                </td>
                                <td class="obj">{event.object.clone()}</td>
                                <td class="message">{event.message.clone()}</td>
                            </tr>
                        </For>
                    </tbody>
                </table>
            </Show>
        </div>
    }
}

/// As kubectl writes ages: 41s, 3m5s, 12m, 3h.
fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => match seconds % 60 {
            0 => format!("{}m", seconds / 60),
            rest => format!("{}m{rest}s", seconds / 60),
        },
        600..10_800 => format!("{}m", seconds / 60),
        _ => format!("{}h", seconds / 3600),
    }
}
