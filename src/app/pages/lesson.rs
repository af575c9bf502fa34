//! A lesson: the column that tells and checks, beside the workbench.

use leptos::prelude::*;

use crate::{
    app::Shell,
    components::topbar::TopBar,
    i18n::use_i18n,
    state::{lessons, route::Route},
};

#[component]
pub fn LessonPage(id: String) -> impl IntoView {
    let _ = id;
    view! { <NotFound/> }
}

/// An address that leads nowhere says so, and where to go instead.
#[component]
fn NotFound() -> impl IntoView {
    let i18n = use_i18n();
    let shell = expect_context::<Shell>();
    view! {
        <div class="shell" data-page="home">
            <TopBar
                here=Signal::stored(None)
                chapters=lessons::chapters(shell.store, i18n)
                on_locale=shell.on_locale
                on_theme=shell.on_theme
                on_help=shell.on_help
            />
            <main id="main" class="home" tabindex="-1">
                <h1>{move || i18n.t().lesson.not_found}</h1>
                <p class="go">
                    <a class="primary" href=Route::Home.href()>{move || i18n.t().panic.home}</a>
                </p>
            </main>
        </div>
    }
}
