//! The line under the log: editing keys, history, completion, paste, composition.

use std::time::Duration;

use leptos::{html, prelude::*};

use super::{Busy, line};
use crate::{
    i18n::use_i18n,
    state::view::{Candidate, Completion},
};

/// The list under the cursor.
#[derive(Clone, Default, PartialEq)]
struct Popup {
    from: usize,
    candidates: Vec<Candidate>,
    chosen: usize,
    left: f64,
    bottom: f64,
}

#[component]
pub fn InputLine(
    input: NodeRef<html::Textarea>,
    value: RwSignal<String>,
    busy: Signal<Busy>,
    history: Signal<Vec<String>>,
    typed: Signal<Option<(u64, String)>>,
    still: Signal<bool>,
    on_submit: Callback<String>,
    on_interrupt: Callback<()>,
    on_clear: Callback<()>,
    complete: Callback<(String, usize), Completion>,
) -> impl IntoView {
    let i18n = use_i18n();
    let popup = RwSignal::new(None::<Popup>);
    // Position in the history, counted from its end; the line being written is kept meanwhile.
    let place = StoredValue::new((0usize, String::new()));
    // After Escape, and before anything was typed, Tab leaves instead of completing.
    let tab_leaves = StoredValue::new(true);

    let cursor = move || {
        let Some(input) = input.get_untracked() else { return 0 };
        let at = input.selection_start().ok().flatten().unwrap_or_default();
        line::byte_offset(&input.value(), at)
    };
    let put = move |text: String, at: usize| {
        if let Some(input) = input.get_untracked() {
            input.set_value(&text);
            let at = line::utf16_offset(&text, at);
            let _ = input.set_selection_range(at, at);
        }
        value.set(text);
    };
    let recall = move |step: i32| {
        let past = history.get_untracked();
        let (at, draft) = place.get_value();
        let next = (at as i32 + step).clamp(0, past.len() as i32) as usize;
        if next == at {
            return;
        }
        let draft = if at == 0 { value.get_untracked() } else { draft };
        let text = if next == 0 { draft.clone() } else { past[past.len() - next].clone() };
        place.set_value((next, draft));
        let end = text.len();
        put(text, end);
    };
    let insert = move |from: usize, word: &str, finished: bool| {
        let text = value.get_untracked();
        let to = cursor();
        let tail = &text[to..];
        let space = if finished && !tail.starts_with(' ') && !word.ends_with(['/', '=', ':']) { " " } else { "" };
        let at = from + word.len() + space.len();
        put(format!("{}{word}{space}{tail}", &text[..from]), at);
    };
    let ask = move |explicit: bool| {
        let text = value.get_untracked();
        let at = cursor();
        let Completion { from, candidates } = complete.run((text.clone(), at));
        if from > at || !text.is_char_boundary(from) {
            return;
        }
        match &candidates[..] {
            [] => popup.set(None),
            [only] if explicit => {
                insert(from, &only.text, true);
                popup.set(None);
            }
            many => {
                if explicit {
                    let words: Vec<&str> = many.iter().map(|candidate| candidate.text.as_str()).collect();
                    let shared = line::common_prefix(&words);
                    if shared.len() > at - from {
                        insert(from, &shared, false);
                    }
                }
                let (left, bottom) = place_of_popup(input, &text[..from]);
                popup.set(Some(Popup { from, candidates, chosen: 0, left, bottom }));
            }
        }
    };
    let submit = move || {
        let text = value.get_untracked();
        let (commands, rest) = line::split(&text);
        if rest.is_some() {
            // Unfinished: Enter is a new line of it.
            let at = cursor();
            put(format!("{}\n{}", &text[..at], &text[at..]), at + 1);
            return;
        }
        place.set_value((0, String::new()));
        put(String::new(), 0);
        if commands.is_empty() {
            on_submit.run(String::new());
        }
        for command in commands {
            on_submit.run(command);
        }
    };

    let keys = move |event: web_sys::KeyboardEvent| {
        // During composition every key belongs to the input method, Enter included.
        if event.is_composing() || event.key_code() == 229 {
            return;
        }
        let key = event.key();
        let open = popup.get_untracked();
        let control = event.ctrl_key() && !event.alt_key() && !event.meta_key();
        let text = value.get_untracked();
        match key.as_str() {
            "Escape" => {
                if open.is_some() {
                    popup.set(None);
                } else {
                    tab_leaves.set_value(true);
                }
                return event.stop_propagation();
            }
            "Tab" if event.shift_key() => return,
            "Tab" => match open {
                Some(popup_now) => {
                    insert(popup_now.from, &popup_now.candidates[popup_now.chosen].text, true);
                    popup.set(None);
                }
                None if tab_leaves.get_value() || text.trim().is_empty() => return,
                None => ask(true),
            },
            "ArrowDown" | "ArrowUp" if open.is_some() => popup.update(|popup| {
                if let Some(popup) = popup {
                    let count = popup.candidates.len();
                    popup.chosen = if key == "ArrowDown" { popup.chosen + 1 } else { popup.chosen + count - 1 } % count;
                }
            }),
            "ArrowUp" if !text[..cursor()].contains('\n') => recall(1),
            "ArrowDown" if !text[cursor()..].contains('\n') => recall(-1),
            "Enter" if event.shift_key() => return,
            "Enter" => match open {
                Some(popup_now) => {
                    insert(popup_now.from, &popup_now.candidates[popup_now.chosen].text, true);
                    popup.set(None);
                }
                None => submit(),
            },
            "c" if control => {
                // With text selected it is a copy.
                let selecting = web_sys::window()
                    .and_then(|window| window.get_selection().ok().flatten())
                    .is_some_and(|selection| !selection.is_collapsed());
                if selecting {
                    return;
                }
                popup.set(None);
                place.set_value((0, String::new()));
                put(String::new(), 0);
                on_interrupt.run(());
            }
            "l" if control => on_clear.run(()),
            "a" if control => {
                let start = text[..cursor()].rfind('\n').map_or(0, |at| at + 1);
                put(text, start);
            }
            "e" if control => {
                let at = cursor();
                let end = text[at..].find('\n').map_or(text.len(), |found| at + found);
                put(text, end);
            }
            "u" if control => {
                let (text, at) = line::cut_before(&text, cursor());
                put(text, at);
            }
            "k" if control => {
                let (text, at) = line::cut_after(&text, cursor());
                put(text, at);
            }
            _ => return,
        }
        event.prevent_default();
    };

    type_for_the_learner(input, value, typed, still);

    view! {
        <div class="line">
            <span class="p" aria-hidden="true">{move || if line::is_complete(&value.read()) { "$" } else { ">" }}</span>
            <textarea
                node_ref=input
                rows="1"
                lang="en"
                spellcheck="false"
                autocapitalize="off"
                autocomplete="off"
                enterkeyhint="send"
                aria-label=move || i18n.t().term.input_label
                aria-autocomplete="list"
                aria-controls=move || popup.with(|p| p.is_some()).then_some("completions")
                aria-activedescendant=move || {
                    popup.with(|p| p.as_ref().map(|p| format!("completion-{}", p.chosen)))
                }
                aria-busy=move || (busy.get() != Busy::No).to_string()
                prop:value=value
                on:input=move |event| {
                    tab_leaves.set_value(false);
                    value.set(event_target_value(&event));
                    if popup.with_untracked(Option::is_some) {
                        ask(false);
                    }
                }
                on:pointerdown=move |_| tab_leaves.set_value(false)
                on:keydown=keys
                on:blur=move |_| {
                    popup.set(None);
                    tab_leaves.set_value(true);
                }
            ></textarea>
        </div>
        {move || {
            popup
                .get()
                .map(|shown| {
                    view! {
                        <ul
                            class="complete"
                            id="completions"
                            role="listbox"
                            lang="en"
                            aria-label=move || i18n.t().term.suggestions
                            style:left=format!("{}px", shown.left)
                            style:bottom=format!("{}px", shown.bottom)
                        >
                            {shown
                                .candidates
                                .into_iter()
                                .enumerate()
                                .map(|(index, candidate)| {
                                    let word = candidate.text.clone();
                                    let from = shown.from;
                                    let chosen = shown.chosen == index;
                                    let item = NodeRef::<html::Li>::new();
                                    if chosen {
                                        item.on_load(|item| {
                                            let options = web_sys::ScrollIntoViewOptions::new();
                                            options.set_block(web_sys::ScrollLogicalPosition::Nearest);
                                            item.scroll_into_view_with_scroll_into_view_options(&options);
                                        });
                                    }
                                    view! {
                                        <li
                                            role="option"
                                            id=format!("completion-{index}")
                                            node_ref=item
                                            aria-selected=chosen.to_string()
                                            on:pointerdown=move |event| {
                                                // Before blur takes the list away.
                                                event.prevent_default();
                                                insert(from, &word, true);
                                                popup.set(None);
                                            }
                                        >
                                            {candidate.text}
                                            <small>{candidate.hint}</small>
                                        </li>
                                    }
                                })
                                .collect_view()}
                        </ul>
                    }
                })
        }}
    }
}

/// Above the line, at the word being completed.
fn place_of_popup(input: NodeRef<html::Textarea>, before: &str) -> (f64, f64) {
    let Some(input) = input.get_untracked() else { return (0.0, 0.0) };
    let rect = input.get_bounding_client_rect();
    let height = web_sys::window().and_then(|w| w.inner_height().ok()).and_then(|h| h.as_f64()).unwrap_or_default();
    // A cell of a monospaced 13px face is close to 7.8px wide; exactness is not needed here.
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() as f64;
    let left = (rect.left() + column * 7.8 - 10.0).min(rect.right() - 200.0).max(rect.left() - 10.0);
    (left.max(4.0), height - rect.top() + 4.0)
}

/// "Type it for me": letter by letter, so that it can be read; Enter stays the learner's.
fn type_for_the_learner(
    input: NodeRef<html::Textarea>,
    value: RwSignal<String>,
    typed: Signal<Option<(u64, String)>>,
    still: Signal<bool>,
) {
    let seen = StoredValue::new(typed.with_untracked(|wish| wish.as_ref().map(|wish| wish.0)));
    Effect::new(move |_| {
        let Some((number, text)) = typed.get() else { return };
        if seen.get_value() == Some(number) {
            return;
        }
        seen.set_value(Some(number));
        if let Some(input) = input.get_untracked() {
            let _ = input.focus();
        }
        if still.get_untracked() {
            value.set(text);
            return;
        }
        value.set(String::new());
        let letters: Vec<char> = text.chars().collect();
        fn next(letters: Vec<char>, at: usize, number: u64, seen: StoredValue<Option<u64>>, value: RwSignal<String>) {
            // A later wish, or a page that is gone, ends this one.
            if at >= letters.len() || seen.try_get_value().flatten() != Some(number) {
                return;
            }
            value.try_update(|text| text.push(letters[at]));
            set_timeout(move || next(letters, at + 1, number, seen, value), Duration::from_millis(14));
        }
        next(letters, 0, number, seen, value);
    });
}
