//! A lesson: the column that tells and checks, beside the workbench.

use leptos::prelude::*;

use super::{starting::starting, workbench::Workbench};
use crate::{
    app::Shell,
    components::topbar::{TopBar, Where},
    i18n::use_i18n,
    state::{
        lesson::{self, Play},
        lessons,
        route::Route,
    },
};

#[component]
pub fn LessonPage(id: String) -> impl IntoView {
    let i18n = use_i18n();
    let shell = expect_context::<Shell>();
    let Some(lesson) = lessons::find(&id) else { return view! { <NotFound/> }.into_any() };
    let chapters = lessons::chapters(shell.store, i18n);
    let here = Signal::derive(move || {
        chapters.with(|chapters| {
            let chapter = chapters.iter().find(|chapter| chapter.lessons.iter().any(|lesson| lesson.id == id));
            chapter.map_or_else(Where::default, |chapter| Where {
                chapter: format!("{} · {}", chapter.number, chapter.title),
                title: chapter.lessons.iter().find(|l| l.id == id).map(|l| l.title.clone()).unwrap_or_default(),
                dots: chapter.lessons.iter().map(|lesson| (lesson.done, lesson.id == id)).collect(),
            })
        })
    });
    starting(lesson::prepare(shell.store, lesson), move |begun| match begun {
        Ok(begun) => {
            let play = Play::open(shell.store, i18n, begun);
            let on_lesson = Callback::new(move |act| play.act(act));
            view! { <Workbench session=play.session here on_lesson/> }.into_any()
        }
        Err(_) => view! { <NotFound/> }.into_any(),
    })
    .into_any()
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
