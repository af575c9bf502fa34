//! The bar at the top: brand, chapters, where you are, and the controls every page has in the same
//! place: undo, reset, language, theme, help.

use leptos::prelude::*;

use super::{
    glyph::{Glyph, Icon, Wheel},
    menu::{Menu, MenuItem, MenuModel},
    seg::Seg,
};
use crate::{
    i18n::{Locale, use_i18n},
    state::{
        route::{self, Route},
        view::ChapterView,
    },
};

/// Where the reader is: chapter, title, and which lesson of how many.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Where {
    pub chapter: String,
    pub title: String,
    /// One per lesson of the chapter: done, now.
    pub dots: Vec<(bool, bool)>,
}

#[component]
pub fn TopBar(
    #[prop(into)] here: Signal<Option<Where>>,
    #[prop(into)] chapters: Signal<Vec<ChapterView>>,
    #[prop(into)] on_locale: Callback<Locale>,
    #[prop(into)] on_theme: Callback<()>,
    #[prop(into)] on_help: Callback<()>,
    /// Absent on pages that have nothing to undo.
    #[prop(optional, into)]
    on_undo: Option<Callback<()>>,
    #[prop(optional, into)] on_reset: Option<Callback<()>>,
) -> impl IntoView {
    let i18n = use_i18n();
    let menu = RwSignal::new(None::<MenuModel>);
    let open_chapters = move |event: web_sys::MouseEvent| {
        use wasm_bindgen::JsCast;
        let t = i18n.t();
        let Some(button) = event.current_target().and_then(|t| t.dyn_into::<web_sys::Element>().ok()) else { return };
        let rect = button.get_bounding_client_rect();
        let go = |route: Route| Callback::new(move |()| route::go(&route));
        let item =
            |label: String, hint: String, route: Route| MenuItem { label, hint, danger: false, action: go(route) };
        let mut items = Vec::new();
        for chapter in chapters.get_untracked() {
            for lesson in chapter.lessons {
                let mark = if lesson.done { "✓" } else { "" };
                let label = format!("{} · {}", chapter.number, lesson.title);
                items.push(item(label, mark.into(), Route::Lesson(lesson.id)));
            }
        }
        items.push(item(t.common.sandbox.into(), String::new(), Route::Sandbox));
        menu.set(Some(MenuModel { x: rect.left(), y: rect.bottom() + 4.0, title: t.common.chapters.into(), items }));
    };
    let home = Route::Home.href();
    view! {
        <header class="topbar" data-panel="top">
            <a class="brand" href=home aria-label=move || i18n.t().common.home>
                <Wheel/>
                <span lang="en">"Pilothouse"</span>
            </a>
            {move || {
                here.get()
                    .map(|here| {
                        view! {
                            <button
                                type="button"
                                class="ghost"
                                aria-haspopup="menu"
                                aria-label=move || i18n.t().common.chapters
                                title=move || i18n.t().common.chapters
                                on:click=open_chapters
                            >
                                <Glyph icon=Icon::Menu/>
                            </button>
                            <div class="where">
                                <span class="chapter">{here.chapter}</span>
                                <h1 class="here">{here.title}</h1>
                            </div>
                            {(!here.dots.is_empty())
                                .then(|| {
                                    let now = here.dots.iter().position(|(_, now)| *now).unwrap_or_default() + 1;
                                    let all = here.dots.len();
                                    view! {
                                        <span class="dots" role="img" aria-label=move || (i18n.t().common.lesson_x_of_n)(now, all)>
                                            {here
                                                .dots
                                                .iter()
                                                .map(|(done, now)| {
                                                    let dot = match (now, done) {
                                                        (true, _) => "now",
                                                        (false, true) => "done",
                                                        (false, false) => "open",
                                                    };
                                                    view! { <i data-dot=dot></i> }
                                                })
                                                .collect_view()}
                                        </span>
                                    }
                                })}
                        }
                    })
            }}
            <span class="grow"></span>
            <div class="tools">
                {on_undo
                    .map(|undo| {
                        view! {
                            <button
                                type="button"
                                class="ghost"
                                title=move || i18n.t().common.undo_tip
                                aria-label=move || i18n.t().common.undo
                                on:click=move |_| undo.run(())
                            >
                                <Glyph icon=Icon::Undo/>
                                <span class="label">{move || i18n.t().common.undo}</span>
                            </button>
                        }
                    })}
                {on_reset
                    .map(|reset| {
                        view! {
                            <button
                                type="button"
                                class="ghost"
                                title=move || i18n.t().common.reset_tip
                                aria-label=move || i18n.t().common.reset
                                on:click=move |_| reset.run(())
                            >
                                <Glyph icon=Icon::Reset/>
                                <span class="label">{move || i18n.t().common.reset}</span>
                            </button>
                            <span class="sep" aria-hidden="true"></span>
                        }
                    })}
                <Seg
                    label=Signal::derive(move || i18n.t().common.language.to_string())
                    choices=Signal::derive(|| {
                        Locale::ALL.map(|l| (l, l.name().1.to_string(), l.name().0.to_string())).to_vec()
                    })
                    value=i18n.0
                    on_change=on_locale
                />
                <button
                    type="button"
                    class="ghost theme"
                    aria-label=move || i18n.t().common.theme
                    title=move || i18n.t().common.theme
                    on:click=move |_| on_theme.run(())
                >
                    <Glyph icon=Icon::Theme/>
                </button>
                <button
                    type="button"
                    class="ghost"
                    aria-label=move || i18n.t().common.help
                    title=move || i18n.t().common.help
                    on:click=move |_| on_help.run(())
                >
                    <Glyph icon=Icon::Help/>
                </button>
            </div>
            <Menu model=menu/>
        </header>
    }
}
