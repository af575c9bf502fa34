//! Addresses. They live in the fragment (`#/lesson/hello-cluster`), so that a static host needs no
//! fallback and the page works under any sub-path.

use leptos::prelude::*;

use crate::backend::dom;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    Home,
    Lesson(String),
    Sandbox,
}

impl Route {
    /// Anything unknown leads home rather than to an error.
    pub fn parse(fragment: &str) -> Route {
        let path = fragment.trim_start_matches('#').trim_matches('/');
        match path.split_once('/') {
            None if path == "sandbox" => Route::Sandbox,
            Some(("lesson", id)) if !id.is_empty() => Route::Lesson(id.to_string()),
            _ => Route::Home,
        }
    }

    pub fn href(&self) -> String {
        match self {
            Route::Home => "#/".into(),
            Route::Lesson(id) => format!("#/lesson/{id}"),
            Route::Sandbox => "#/sandbox".into(),
        }
    }
}

fn current() -> Route {
    Route::parse(&web_sys::window().and_then(|window| window.location().hash().ok()).unwrap_or_default())
}

/// Follows the address bar for as long as the app lives.
pub fn follow() -> Signal<Route> {
    let route = RwSignal::new(current());
    if let Some(window) = web_sys::window() {
        dom::listen(&window, "hashchange", move |_| {
            let next = current();
            if route.get_untracked() != next {
                route.set(next);
            }
        });
    }
    route.into()
}

pub fn go(route: &Route) {
    if let Some(window) = web_sys::window() {
        let _ = window.location().set_hash(&route.href());
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::Route;

    #[wasm_bindgen_test]
    fn addresses_are_read_forgivingly() {
        let cases = [
            ("", Route::Home),
            ("#/", Route::Home),
            ("#/nowhere", Route::Home),
            ("#/lesson/", Route::Home),
            ("#/lesson/hello-cluster", Route::Lesson("hello-cluster".into())),
            ("#/sandbox", Route::Sandbox),
        ];
        for (fragment, want) in cases {
            assert_eq!(Route::parse(fragment), want, "{fragment}");
        }
    }
}
