//! The terminal: a log of real text and one input line. It knows keys, not commands: what was
//! entered goes out by callback, what is answered comes in as lines.

mod input;
mod line;

use leptos::{html, prelude::*};

use self::input::InputLine;
use crate::{
    i18n::use_i18n,
    state::view::{Completion, TermKind, TermLine},
};

/// What is waiting behind the prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Busy {
    #[default]
    No,
    Running,
    /// It waits for time to pass, and time is paused.
    Stuck,
}

#[component]
pub fn Terminal(
    #[prop(into)] lines: Signal<Vec<TermLine>>,
    #[prop(into)] busy: Signal<Busy>,
    #[prop(into)] history: Signal<Vec<String>>,
    /// Text to be typed into the line, with a number that makes each wish a new one.
    #[prop(into)]
    typed: Signal<Option<(u64, String)>>,
    /// Words a thumb can tap instead of typing.
    #[prop(into)]
    chips: Signal<Vec<String>>,
    /// Type at once, without the show.
    #[prop(into)]
    still: Signal<bool>,
    #[prop(into)] on_submit: Callback<String>,
    #[prop(into)] on_interrupt: Callback<()>,
    #[prop(into)] on_clear: Callback<()>,
    #[prop(into)] complete: Callback<(String, usize), Completion>,
) -> impl IntoView {
    let i18n = use_i18n();
    let screen = NodeRef::<html::Div>::new();
    let input = NodeRef::<html::Textarea>::new();
    let value = RwSignal::new(String::new());

    // Whoever scrolled up to read is left alone; everybody else sees the newest line.
    let at_end = RwSignal::new(true);
    Effect::new(move |_| {
        lines.track();
        value.track();
        busy.track();
        if at_end.get_untracked() {
            request_animation_frame(move || {
                if let Some(screen) = screen.get_untracked() {
                    screen.set_scroll_top(screen.scroll_height());
                }
            });
        }
    });
    let scrolled = move |_| {
        if let Some(screen) = screen.get_untracked() {
            at_end.set(screen.scroll_top() + screen.client_height() + 24 >= screen.scroll_height());
        }
    };
    let goes_on = Memo::new(move |_| value.with(|text| text.contains('\n')));
    // A click anywhere is a click into the line, unless somebody is selecting text to copy.
    let to_line = move |_| {
        let selecting = web_sys::window()
            .and_then(|window| window.get_selection().ok().flatten())
            .is_some_and(|selection| !selection.is_collapsed());
        if !selecting && let Some(input) = input.get_untracked() {
            let _ = input.focus();
        }
    };
    view! {
        <div class="tty" id="terminal" role="tabpanel" aria-label=move || i18n.t().common.terminal node_ref=screen on:scroll=scrolled on:click=to_line>
            <div class="loglines" role="log" aria-live="polite" aria-relevant="additions" aria-label=move || i18n.t().term.log_label>
                <For each=move || lines.get() key=|line| line.id let:line>
                    <div class="l" data-kind=line.kind.key() lang=(line.kind != TermKind::Note).then_some("en")>
                        {matches!(line.kind, TermKind::Command | TermKind::Map)
                            .then(|| view! { <span class="p" aria-hidden="true">"$ "</span> })}
                        {line.text}
                        {match line.kind {
                            TermKind::Map => Some(view! { <span class="tag">{move || i18n.t().term.from_map}</span> }.into_any()),
                            TermKind::Machine => {
                                Some(view! { <span class="tag">{move || i18n.t().term.machine}</span> }.into_any())
                            }
                            TermKind::Command | TermKind::Out | TermKind::Error | TermKind::Note => None,
                        }}
                    </div>
                </For>
            </div>
            <Show when=move || busy.get() != Busy::No>
                <p class="running">
                    {move || if busy.get() == Busy::Stuck { i18n.t().term.paused_waiting } else { i18n.t().term.running }}
                    <button type="button" class="mini" on:click=move |_| on_interrupt.run(())>
                        {move || i18n.t().term.interrupt}
                    </button>
                </p>
            </Show>
            <InputLine input value busy history typed still on_submit on_interrupt on_clear complete/>
            <p class="goes-on" role="status">{move || goes_on.get().then(|| i18n.t().term.goes_on)}</p>
        </div>
        <div class="chips" role="group" aria-label=move || i18n.t().term.chips>
            <For each=move || chips.get() key=|word| word.clone() let:word>
                {
                let label = word.clone();
                view! {
                <button
                    type="button"
                    lang="en"
                    on:click={
                        move |_| {
                            value.update(|text| {
                                if !text.is_empty() && !text.ends_with(' ') {
                                    text.push(' ');
                                }
                                text.push_str(&word);
                                text.push(' ');
                            });
                        }
                    }
                >
                    {label}
                </button>
                }
                }
            </For>
            <button type="button" aria-label="Enter" on:click=move |_| {
                let text = value.get_untracked();
                value.set(String::new());
                on_submit.run(text.trim_end().to_string());
            }>"⏎"</button>
        </div>
    }
}
