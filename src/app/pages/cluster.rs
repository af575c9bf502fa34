//! The door to the pages with a cluster: lessons and the sandbox.
//!
//! A published page is two modules. The first draws the front page; the second holds everything that only
//! a cluster needs (the engine, kubectl, the workbench) and is fetched as soon as the first has drawn.
//! `cargo xtask dist` splits them where [`split::pages`] is called, with the feature `split`. A plain
//! `trunk serve` makes one module, and the door is always open.

use leptos::{prelude::*, task::spawn_local};

use super::{lesson::LessonPage, sandbox::SandboxPage};
use crate::{i18n::use_i18n, state::route::Route};

/// Builds the page at an address. A pointer, not a call: whoever calls it by name has it in his own module.
type Pages = fn(Route) -> AnyView;

fn page(route: Route) -> AnyView {
    match route {
        Route::Lesson(id) => view! { <LessonPage id/> }.into_any(),
        // The front page is on this side of the door.
        Route::Home | Route::Sandbox => view! { <SandboxPage/> }.into_any(),
    }
}

#[cfg(feature = "split")]
mod split {
    use leptos::wasm_split::{SplitLoaderError, wasm_split};

    /// # Errors
    /// The second module could not be fetched; the browser's console says why.
    #[wasm_split(cluster, fallible, wasm_split_path = ::leptos::wasm_split)]
    pub fn pages() -> Result<super::Pages, SplitLoaderError> {
        Ok(super::page)
    }
}

#[cfg(not(feature = "split"))]
mod split {
    pub async fn pages() -> Result<super::Pages, std::convert::Infallible> {
        Ok(super::page)
    }
}

#[derive(Clone, Copy)]
enum State {
    Fetching,
    Failed,
    Open(Pages),
}

/// Whether the second module is there.
#[derive(Clone, Copy)]
pub struct Door(RwSignal<State>);

impl Door {
    /// Begins to fetch, and lets the caller draw meanwhile.
    pub fn open() -> Door {
        let door = Door(RwSignal::new(State::Fetching));
        door.fetch();
        door
    }

    fn fetch(self) {
        self.0.set(State::Fetching);
        spawn_local(async move {
            self.0.set(split::pages().await.map_or(State::Failed, State::Open));
        });
    }
}

/// The page at `route` when it can be built; until then, why not.
#[component]
pub fn ClusterPage(door: Door, route: Route) -> impl IntoView {
    let i18n = use_i18n();
    move || match door.0.get() {
        State::Open(pages) => pages(route.clone()),
        State::Fetching => view! {
            <main id="main" class="starting" tabindex="-1">
                <p role="status">{move || i18n.t().common.starting}</p>
            </main>
        }
        .into_any(),
        State::Failed => view! {
            <main id="main" class="starting" tabindex="-1">
                <h1>{move || i18n.t().common.title}</h1>
                <p role="alert">{move || i18n.t().common.not_fetched}</p>
                <p>
                    <button class="primary" on:click=move |_| door.fetch()>
                        {move || i18n.t().common.fetch_again}
                    </button>
                </p>
            </main>
        }
        .into_any(),
    }
}
