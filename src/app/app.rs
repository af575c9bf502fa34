//! The whole page: language, theme and address, and the page that belongs to the address.

use leptos::prelude::*;

use crate::{
    backend::dom,
    components::dialog::Dialog,
    i18n::{I18n, Locale},
    pages::{
        cluster::{ClusterPage, Door},
        help::HelpText,
        home::HomePage,
    },
    state::{
        route::{self, Route},
        saved::Store,
    },
};

/// What every page can ask of the app.
#[derive(Clone, Copy)]
pub struct Shell {
    pub store: Store,
    pub on_locale: Callback<Locale>,
    pub on_theme: Callback<()>,
    pub on_help: Callback<()>,
}

#[component]
pub fn App() -> impl IntoView {
    let (store, broken) = Store::open();
    let settings = Memo::new(move |_| store.with(|saved| saved.settings));
    let locale = Memo::new(move |_| settings.get().locale());
    let i18n = I18n(locale.into());
    provide_context(i18n);
    let help = RwSignal::new(false);
    let shell = Shell {
        store,
        on_locale: Callback::new(move |locale| store.update(|saved| saved.settings.locale = Some(locale))),
        on_theme: Callback::new(move |()| {
            store.update(|saved| saved.settings.theme = saved.settings.theme.flipped());
        }),
        on_help: Callback::new(move |()| help.set(true)),
    };
    provide_context(shell);

    Effect::new(move |_| {
        let settings = settings.get();
        dom::mark_root("lang", locale.get().tag());
        dom::mark_root("data-theme", settings.theme.key());
        dom::mark_root("data-motion", if settings.reduced_motion() { "reduced" } else { "full" });
    });

    let route = route::follow();
    let door = Door::open();
    let broken = RwSignal::new(broken);
    view! {
        <a class="skip" href="#main" on:click=|event| {
            event.prevent_default();
            dom::focus_first("main h1, main .scroll, main");
        }>{move || i18n.t().common.skip_to_main}</a>
        {move || match route.get() {
            Route::Home => view! { <HomePage/> }.into_any(),
            route @ (Route::Lesson(_) | Route::Sandbox) => view! { <ClusterPage door route/> }.into_any(),
        }}
        <Dialog open=help title=Signal::derive(move || i18n.t().help.title.to_string())>
            <HelpText/>
        </Dialog>
        {move || {
            broken
                .get()
                .then(|| {
                    view! {
                        <p class="notice" role="status">{move || i18n.t().common.store_set_aside}</p>
                    }
                })
        }}
    }
}
