//! A cluster being switched on: a sentence while it happens, a slice of the work per frame, then the page.

use course::slices::Slices;
use leptos::prelude::*;

use crate::{
    backend::dom::{self, Again},
    i18n::use_i18n,
    state::driver::SLICE_MS,
};

/// Shows `page` of what `work` comes to. The work begins with the next frame and takes no task longer than a slice.
pub fn starting<T: 'static>(work: Slices<T>, page: impl Fn(T) -> AnyView + Send + Sync + 'static) -> impl IntoView {
    let i18n = use_i18n();
    let done = StoredValue::new_local(None::<T>);
    let ready = RwSignal::new(false);
    let work = StoredValue::new_local(Some(work));
    let slice = move || {
        let mut result = None;
        work.update_value(|work| {
            let deadline = dom::real_ms() + SLICE_MS;
            result = work.as_mut().and_then(|slices| slices.advance(|| dom::real_ms() < deadline));
            if result.is_some() {
                *work = None;
            }
        });
        if result.is_some() {
            done.set_value(result);
            // The page has a task of its own.
            request_animation_frame(move || {
                ready.try_set(true);
            });
        }
    };
    let under_way = move || work.try_with_value(Option::is_some) == Some(true);
    let more = dom::soon(move |more| {
        slice();
        if under_way() {
            more.ask();
        }
    });
    dom::every_frame(move |_| {
        if !under_way() {
            return Again::Never;
        }
        slice();
        more.inspect(|more| more.ask());
        Again::Soon
    });
    move || {
        let mut result = None;
        if ready.get() {
            done.update_value(|done| result = done.take());
        }
        match result {
            Some(result) => page(result),
            None => view! {
                <main id="main" class="starting" tabindex="-1">
                    <p role="status">{move || i18n.t().common.starting}</p>
                </main>
            }
            .into_any(),
        }
    }
}
