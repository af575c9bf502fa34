//! The line under the API server: who tells whom what, and because of which command.

use leptos::prelude::*;

use super::words;
use crate::{i18n::use_i18n, state::view::CaptionView};

#[component]
pub fn Caption(caption: Memo<Option<CaptionView>>) -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <div class="bus">
            <p class="caption">
                {move || {
                    let t = i18n.t();
                    match caption.get() {
                        None => view! { <span class="idle">{t.map.quiet}</span> }.into_any(),
                        Some(caption) => {
                            view! {
                                <b>{words::actor(t, &caption)}</b>
                                <span class="arrow" aria-hidden="true">" → "</span>
                                <b lang="en">{caption.object.clone()}</b>
                                <span class="arrow" aria-hidden="true">" → "</span>
                                <span class="change" lang="en">{words::change(t, &caption.change)}</span>
                                {caption
                                    .because
                                    .clone()
                                    .map(|because| {
                                        view! {
                                            <span class="because-of">
                                                {t.map.because_of} " " <code lang="en">{because}</code>
                                            </span>
                                        }
                                    })}
                            }
                                .into_any()
                        }
                    }
                }}
            </p>
        </div>
    }
}
