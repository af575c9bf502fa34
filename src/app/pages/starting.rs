//! A cluster being switched on: a sentence while it happens, a slice of the work per frame, then the page.

use course::slices::Slices;
use leptos::prelude::*;

use crate::{backend::dom, i18n::use_i18n, state::driver::SLICE_MS};

/// Shows `page` of what `work` comes to. The work begins now and takes no frame longer than a slice.
pub fn starting<T: 'static>(work: Slices<T>, page: impl Fn(T) -> AnyView + Send + Sync + 'static) -> impl IntoView {
    let i18n = use_i18n();
    let done = StoredValue::new_local(None::<T>);
    let ready = RwSignal::new(false);
    let mut work = Some(work);
    dom::every_frame(move |_| {
        let Some(slices) = &mut work else { return };
        let deadline = dom::real_ms() + SLICE_MS;
        if let Some(result) = slices.advance(|| dom::real_ms() < deadline) {
            work = None;
            done.set_value(Some(result));
            ready.set(true);
        }
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
