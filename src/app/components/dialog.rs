//! A modal dialog on the browser's own `<dialog>`: focus, Escape and inertness come with it.

use leptos::{html, prelude::*};

use super::glyph::{Glyph, Icon};
use crate::i18n::use_i18n;

#[component]
pub fn Dialog(open: RwSignal<bool>, #[prop(into)] title: Signal<String>, children: ChildrenFn) -> impl IntoView {
    let i18n = use_i18n();
    let node = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let Some(dialog) = node.get() else { return };
        if open.get() && !dialog.open() {
            let _ = dialog.show_modal();
        } else if !open.get() && dialog.open() {
            dialog.close();
        }
    });
    view! {
        <dialog
            class="dialog"
            node_ref=node
            aria-labelledby="dialog-title"
            on:close=move |_| open.set(false)
            on:click=move |event| {
                // A click on the backdrop lands on the dialog element itself.
                let on_backdrop = node
                    .get_untracked()
                    .is_some_and(|dialog| event.target().as_ref() == Some(AsRef::<web_sys::EventTarget>::as_ref(&*dialog)));
                if on_backdrop {
                    open.set(false);
                }
            }
        >
            <Show when=move || open.get()>
                <div>
                    <header>
                        <h2 id="dialog-title">{title}</h2>
                        <button
                            type="button"
                            class="ghost"
                            aria-label=move || i18n.t().common.close
                            on:click=move |_| open.set(false)
                        >
                            <Glyph icon=Icon::Close/>
                        </button>
                    </header>
                    <div class="scroll" tabindex="0">{children()}</div>
                </div>
            </Show>
        </dialog>
    }
}
