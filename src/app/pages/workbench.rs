//! The workbench that lessons and the sandbox share: map, editor, terminal, time. It wires the
//! components, which do not know each other, to one session.

use leptos::prelude::*;

use super::actions;
use crate::{
    app::Shell,
    backend::dom,
    components::{
        glyph::{Glyph, Icon},
        lesson_panel::{LessonAct, LessonPanel},
        menu::{Menu, MenuModel},
        tabs::{Tab, TabRow},
        time_bar::TimeBar,
        topbar::{TopBar, Where},
        why::Why,
    },
    i18n::use_i18n,
    state::{lessons, session::Session, view::MenuRequest},
};

mod panels;

use panels::{EditorPanel, MapPanel, TerminalPanel};

/// The panel in front where not all fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    Lesson,
    Map,
    Editor,
    Terminal,
}

impl Front {
    fn key(self) -> &'static str {
        match self {
            Front::Lesson => "lesson",
            Front::Map => "map",
            Front::Editor => "editor",
            Front::Terminal => "terminal",
        }
    }
}

#[component]
pub fn Workbench(
    session: Session,
    #[prop(optional, into)] here: MaybeProp<Where>,
    #[prop(optional)] on_lesson: Option<Callback<LessonAct>>,
) -> impl IntoView {
    let i18n = use_i18n();
    let shell = expect_context::<Shell>();
    let has_lesson = session.lesson.with_untracked(Option::is_some);
    let front = RwSignal::new(if has_lesson { Front::Lesson } else { Front::Map });
    let drawer = RwSignal::new(true);
    let as_list = RwSignal::new(false);
    // A lesson shows what it needs; a file, from wherever it came, brings the editor, and it stays.
    let has_editor = Memo::new(move |before| {
        before == Some(&true)
            || session.lesson.with(|lesson| lesson.as_ref().is_none_or(|lesson| lesson.editor))
            || session.files.all.with(|all| !all.is_empty())
    });
    let has_events =
        Memo::new(move |_| session.lesson.with(|lesson| lesson.as_ref().is_none_or(|lesson| lesson.events)));
    let events_in_front = RwSignal::new(false);
    let menu = RwSignal::new(None::<MenuModel>);
    let still = Signal::derive(move || shell.store.with(|saved| saved.settings.reduced_motion()));
    let now = Memo::new(move |_| session.clock.get());
    let playing: Signal<bool> = session.playing.into();
    let chapters = lessons::chapters(shell.store, i18n);
    let ask_menu = Callback::new(move |request: MenuRequest| menu.set(Some(actions::menu(session, request))));
    let title = Signal::derive(move || here.get().unwrap_or_default());

    // The frame first, then a panel at a time: all in one task would hold the page for a tenth of a second.
    let stage = dom::stages(4);
    let reached = move |wanted: u32| move || stage.get() >= wanted;

    cycle_panels_with_f6(front);
    Effect::new(move |_| {
        let name = title.with(|here| here.title.clone());
        document().set_title(&format!("{name} · {}", i18n.t().common.title));
    });

    let acted = move |act: LessonAct| {
        // What was typed for the learner should be seen where it was typed.
        if matches!(act, LessonAct::Type(_)) {
            events_in_front.set(false);
            front.set(Front::Terminal);
        }
        if let Some(on_lesson) = on_lesson {
            on_lesson.run(act);
        }
    };

    view! {
        <div class="shell" data-page="workbench">
            <TopBar
                here=Signal::derive(move || Some(title.get()))
                chapters
                on_locale=shell.on_locale
                on_theme=shell.on_theme
                on_help=shell.on_help
                on_undo=Callback::new(move |()| session.undo())
                on_reset=Callback::new(move |()| session.reset())
            />
            <main
                id="main"
                class="stage"
                tabindex="-1"
                data-lesson=if has_lesson { "some" } else { "none" }
                data-editor=move || if has_editor.get() { "some" } else { "none" }
                data-active=move || front.get().key()
                data-drawer=move || if drawer.get() { "open" } else { "closed" }
            >
                {has_lesson
                    .then(|| {
                        view! {
                            <article class="lesson panel" data-panel="lesson" aria-label=move || i18n.t().common.lesson>
                                <Show when=reached(1)>
                                    <LessonPanel
                                        lesson=Signal::derive(move || session.lesson.get().unwrap_or_default())
                                        on_act=acted
                                    />
                                </Show>
                            </article>
                        }
                    })}
                <section class="map panel" data-panel="map" aria-label=move || i18n.t().map.cluster>
                    <Show when=reached(2)>
                        <MapPanel session as_list ask_menu playing drawer has_lesson/>
                    </Show>
                </section>
                <div class="worktabs tabs">
                    <TabRow
                        label=Signal::derive(move || i18n.t().common.panels.to_string())
                        tabs=Signal::derive(move || {
                            let t = i18n.t();
                            vec![
                                Tab { value: true, label: "YAML".into(), count: None, controls: "code" },
                                Tab { value: false, label: t.common.terminal.into(), count: None, controls: "terminal" },
                            ]
                        })
                        value=Signal::derive(move || front.get() == Front::Editor)
                        on_change=move |yaml| front.set(if yaml { Front::Editor } else { Front::Terminal })
                    />
                </div>
                <Show when=move || has_editor.get()>
                    <section class="editor panel" data-panel="editor" aria-label=move || i18n.t().editor.label>
                        <Show when=reached(4)>
                            <EditorPanel session front events_in_front/>
                        </Show>
                    </section>
                </Show>
                <section class="terminal-panel panel" data-panel="terminal" aria-label=move || i18n.t().common.terminal>
                    <Show when=reached(3)>
                        <TerminalPanel session has_events events_in_front still now/>
                    </Show>
                </section>
            </main>
            <TimeBar
                now
                playing
                speed=session.speed
                lanes=session.lanes
                skipped=Signal::derive(move || session.skipped.get())
                on_play=move |on| session.play(on)
                on_step=move |()| session.step()
                on_skip=move |()| session.skip()
                on_speed=move |speed| session.speed.set(speed)
            />
            <PhoneTabs front has_lesson has_editor/>
            <Menu model=menu/>
            <Why why=session.why/>
            <Notices session/>
        </div>
    }
}

#[component]
fn PhoneTabs(front: RwSignal<Front>, has_lesson: bool, has_editor: Memo<bool>) -> impl IntoView {
    let i18n = use_i18n();
    let tab = move |which: Front, icon: Icon| {
        let name = move || match which {
            Front::Lesson => i18n.t().common.lesson,
            Front::Map => i18n.t().common.map,
            Front::Editor => "YAML",
            Front::Terminal => i18n.t().common.terminal,
        };
        view! {
            <button
                type="button"
                aria-current=move || (front.get() == which).then_some("true")
                on:click=move |_| front.set(which)
            >
                <Glyph icon/>
                {name}
            </button>
        }
    };
    view! {
        <nav class="phone-tabs" aria-label=move || i18n.t().common.panels>
            {has_lesson.then(|| tab(Front::Lesson, Icon::Lesson))}
            {tab(Front::Map, Icon::Map)}
            <Show when=move || has_editor.get()>{tab(Front::Editor, Icon::File)}</Show>
            {tab(Front::Terminal, Icon::Terminal)}
        </nav>
    }
}

/// One sentence at the foot of the page, for a few seconds.
#[component]
fn Notices(session: Session) -> impl IntoView {
    let shown = RwSignal::new(String::new());
    Effect::new(move |_| {
        let notice = session.notice.get();
        shown.set(notice.text.clone());
        if !notice.text.is_empty() {
            set_timeout(
                move || {
                    if session.notice.try_with_untracked(|now| now.id) == Some(notice.id) {
                        shown.set(String::new());
                    }
                },
                std::time::Duration::from_secs(5),
            );
        }
    });
    view! { <p class="notice" role="status">{shown}</p> }
}

/// F6 and Shift+F6 walk through the panels, as in desktop programs.
fn cycle_panels_with_f6(front: RwSignal<Front>) {
    use wasm_bindgen::JsCast;
    const PANELS: [(&str, &str, Option<Front>); 6] = [
        ("top", ".topbar button, .topbar a", None),
        ("lesson", ".lesson .scroll", Some(Front::Lesson)),
        ("map", ".map .mapscroll, .map [role=treeitem][tabindex='0']", Some(Front::Map)),
        ("editor", ".editor .cm-content, .editor .tabs button", Some(Front::Editor)),
        ("terminal", ".terminal-panel textarea, .terminal-panel .events", Some(Front::Terminal)),
        ("time", ".timebar .play", None),
    ];
    dom::listen(&document(), "keydown", move |event| {
        let Some(event) = event.dyn_ref::<web_sys::KeyboardEvent>() else { return };
        if event.key() != "F6" {
            return;
        }
        event.prevent_default();
        let here = document()
            .active_element()
            .and_then(|element| element.closest("[data-panel]").ok().flatten())
            .and_then(|panel| panel.get_attribute("data-panel"))
            .and_then(|name| PANELS.iter().position(|panel| panel.0 == name))
            .unwrap_or(0);
        let count = PANELS.len();
        let step = if event.shift_key() { count - 1 } else { 1 };
        let mut at = here;
        for _ in 0..count {
            at = (at + step) % count;
            let (_, selector, which) = PANELS[at];
            // On a phone the panel must come to the front before it can take the focus.
            let before = front.get_untracked();
            if let Some(which) = which {
                front.set(which);
            }
            if dom::focus_first(selector) {
                return;
            }
            front.set(before);
        }
    });
}
