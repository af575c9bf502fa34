//! The front page: what this is, where you left off, every chapter and lesson that exists.

use leptos::prelude::*;

use crate::{
    app::Shell,
    components::topbar::TopBar,
    i18n::use_i18n,
    state::{
        lessons,
        route::Route,
        view::{ChapterView, LessonEntry},
    },
};

#[component]
pub fn HomePage() -> impl IntoView {
    let i18n = use_i18n();
    let shell = expect_context::<Shell>();
    let chapters = lessons::chapters(shell.store, i18n);
    Effect::new(move |_| document().set_title(&format!("{} · Kubernetes", i18n.t().common.title)));
    // Where the big button leads: the lesson that is under way, else the first one not done.
    let next = Memo::new(move |_| {
        chapters.with(|chapters| {
            let mut all = chapters.iter().flat_map(|chapter| &chapter.lessons);
            let first = all.clone().next().cloned();
            let going = all.find(|lesson| lesson.now).cloned();
            going.map(|lesson| (lesson, true)).or(first.map(|lesson| (lesson, false)))
        })
    });
    let begun = Memo::new(move |_| shell.store.with(|saved| !saved.progress.is_empty()));
    let sandbox = Route::Sandbox.href();
    view! {
        <div class="shell" data-page="home">
            <TopBar
                here=Signal::stored(None)
                chapters
                on_locale=shell.on_locale
                on_theme=shell.on_theme
                on_help=shell.on_help
            />
            <main id="main" class="home" tabindex="-1">
                <section class="hero">
                    <div>
                        <h1>{move || i18n.t().home.headline}</h1>
                        <p class="lede">{move || i18n.t().home.lede}</p>
                        <p class="go">
                            {move || {
                                next.get()
                                    .map(|(lesson, open)| {
                                        let t = i18n.t();
                                        let words = match (open, begun.get()) {
                                            (true, true) => (t.home.go_on)(&lesson.title),
                                            (true, false) => (t.home.start)(&lesson.title),
                                            (false, _) => (t.home.again)(&lesson.title),
                                        };
                                        view! { <a class="primary" href=Route::Lesson(lesson.id).href()>{words}</a> }
                                    })
                            }}
                            <a class="ghost" href=sandbox.clone()>{move || i18n.t().home.or_sandbox}</a>
                        </p>
                        <ul class="facts">
                            {move || i18n.t().home.facts.map(|fact| view! { <li>{fact}</li> }).collect_view()}
                        </ul>
                    </div>
                    <Scene/>
                </section>
                <h2>{move || i18n.t().home.course}</h2>
                <section class="chapters">
                    {move || chapters.get().into_iter().map(|chapter| view! { <Chapter chapter/> }).collect_view()}
                    <article class="sandboxcard">
                        <div>
                            <h3>{move || i18n.t().home.sandbox_title}</h3>
                            <p>{move || i18n.t().home.sandbox_text}</p>
                        </div>
                        <p class="go">
                            <a class="ghost" href=sandbox>{move || i18n.t().home.sandbox_open} " ›"</a>
                        </p>
                    </article>
                </section>
            </main>
            <footer class="foot">
                <p>{move || i18n.t().home.simulated}</p>
                <p>{move || i18n.t().home.progress_kept}</p>
            </footer>
        </div>
    }
}

#[component]
fn Chapter(chapter: ChapterView) -> impl IntoView {
    let i18n = use_i18n();
    let ChapterView { number, title, lessons } = chapter;
    let (done, all) = (lessons.iter().filter(|lesson| lesson.done).count(), lessons.len());
    view! {
        <article>
            <header>
                <span class="n" aria-hidden="true">{number}</span>
                <h3>{title}</h3>
                <span class="tally num">{move || (i18n.t().home.tally)(done, all)}</span>
            </header>
            <ol>
                {lessons
                    .into_iter()
                    .map(|lesson| {
                        let LessonEntry { id, title, minutes, done, now } = lesson;
                        let progress = match (done, now) {
                            (_, true) => "now",
                            (true, false) => "done",
                            (false, false) => "open",
                        };
                        view! {
                            <li>
                                <a href=Route::Lesson(id).href() data-progress=progress>
                                    {title}
                                    " "
                                    {(minutes > 0)
                                        .then(|| view! { <span class="mins">{move || (i18n.t().home.minutes)(minutes)}</span> })}
                                    {done.then(|| view! { <span class="sr">" ✓"</span> })}
                                </a>
                            </li>
                        }
                    })
                    .collect_view()}
            </ol>
        </article>
    }
}

/// A pod's replacement on its way, as a picture: decoration, said in words by the headline.
#[component]
fn Scene() -> impl IntoView {
    view! {
        <figure class="scene" aria-hidden="true">
            <div class="plane2">
                <span class="comp" data-hot="true"><b>"API server"</b></span>
            </div>
            <svg viewBox="0 0 300 44" preserveAspectRatio="none">
                <path d="M150 0V18Q150 22 144 22H81Q75 22 75 28V44"></path>
                <path class="flow" d="M150 0V18Q150 22 156 22H219Q225 22 225 28V44"></path>
            </svg>
            <div class="kitchens" lang="en">
                <div class="kitchen" data-ready="false">
                    <header><i class="g" data-state="failed"></i><b>"worker-1"</b><span>"NotReady"</span></header>
                    <span class="pod" data-state="terminating" data-family="1"><i class="g" data-state="terminating"></i></span>
                    <span class="pod" data-state="terminating" data-family="2"><i class="g" data-state="terminating"></i></span>
                </div>
                <div class="kitchen">
                    <header><i class="g" data-state="running"></i><b>"worker-2"</b><span>"Ready"</span></header>
                    <span class="pod" data-state="running" data-family="1"><i class="g" data-state="running"></i></span>
                    <span class="pod" data-state="running" data-family="3"><i class="g" data-state="running"></i></span>
                    <span class="pod" data-state="pending" data-family="1" data-new="true"><i class="g" data-state="starting"></i></span>
                </div>
            </div>
        </figure>
    }
}
