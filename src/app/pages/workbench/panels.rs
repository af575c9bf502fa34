//! What stands in the workbench's panels: map, terminal and editor, each wired to the session.

use leptos::prelude::*;

use super::Front;
use crate::{
    components::{
        editor::{Editor, FileTab, OpenFile},
        events::Events,
        map::{ClusterMap, Legend, Traffic},
        seg::Seg,
        tabs::{Tab, TabRow},
        terminal::Terminal,
        tree::ClusterTree,
    },
    i18n::use_i18n,
    state::{
        session::Session,
        view::{MenuRequest, Millis},
    },
};

#[component]
pub fn MapPanel(
    session: Session,
    as_list: RwSignal<bool>,
    ask_menu: Callback<MenuRequest>,
    playing: Signal<bool>,
    drawer: RwSignal<bool>,
    has_lesson: bool,
) -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <div class="maphead">
            {has_lesson
                .then(|| {
                    view! {
                        <button
                            type="button"
                            class="ghost drawer-toggle"
                            aria-pressed=move || drawer.get().to_string()
                            on:click=move |_| drawer.update(|open| *open = !*open)
                        >
                            {move || i18n.t().common.lesson}
                        </button>
                    }
                })}
            <h2>
                {move || i18n.t().map.cluster} " "
                <small lang="en">{move || session.cluster.with(|c| c.name.clone())}</small>
            </h2>
            <Seg
                label=Signal::derive(move || i18n.t().map.view.to_string())
                choices=Signal::derive(move || {
                    let t = i18n.t();
                    vec![
                        (false, t.map.as_map.to_string(), t.map.as_map.to_string()),
                        (true, t.map.as_list.to_string(), t.map.as_list.to_string()),
                    ]
                })
                value=as_list
                on_change=move |list| as_list.set(list)
            />
            <Traffic cluster=session.cluster on_menu=ask_menu/>
            {(!has_lesson)
                .then(|| {
                    view! {
                        <button type="button" class="mini" on:click=move |_| session.join()>
                            "+ "
                            {move || i18n.t().map.join_node}
                        </button>
                    }
                })}
            <span class="grow"></span>
            <Legend cluster=session.cluster/>
        </div>
        <Show
            when=move || as_list.get()
            fallback=move || view! { <ClusterMap cluster=session.cluster playing on_menu=ask_menu/> }
        >
            <ClusterTree cluster=session.cluster on_menu=ask_menu/>
        </Show>
    }
}

#[component]
pub fn TerminalPanel(
    session: Session,
    has_events: Memo<bool>,
    events_in_front: RwSignal<bool>,
    still: Signal<bool>,
    now: Memo<Millis>,
) -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <div class="tabs">
            <TabRow
                label=Signal::derive(move || i18n.t().common.terminal.to_string())
                tabs=Signal::derive(move || {
                    let t = i18n.t();
                    let terminal = Tab { value: false, label: t.common.terminal.into(), count: None, controls: "terminal" };
                    let events = has_events.get().then(|| Tab {
                        value: true,
                        label: t.common.events.into(),
                        count: Some(session.events.with(Vec::len)),
                        controls: "events",
                    });
                    std::iter::once(terminal).chain(events).collect::<Vec<_>>()
                })
                value=events_in_front
                on_change=move |events| events_in_front.set(events)
            />
        </div>
        <Show when=move || events_in_front.get()>
            <Events events=session.events now/>
        </Show>
        <div class="fill" hidden=move || events_in_front.get()>
            <Terminal
                lines=session.lines
                busy=session.busy
                history=Signal::derive(move || session.store.with(|saved| saved.history.clone()))
                typed=session.typed
                chips=Signal::derive(move || chips(session))
                still
                on_submit=move |line| session.run(line)
                on_interrupt=move |()| session.interrupt()
                on_clear=move |()| session.clear()
                complete=move |(text, at): (String, usize)| session.complete(&text, at)
            />
        </div>
    }
}

#[component]
pub fn EditorPanel(session: Session, front: RwSignal<Front>, events_in_front: RwSignal<bool>) -> impl IntoView {
    let files = session.files;
    let tabs = Memo::new(move |_| {
        files.all.with(|all| {
            all.iter()
                .map(|file| FileTab {
                    name: file.name.clone(),
                    dirty: file.applied.as_ref().is_some_and(|applied| *applied != file.text),
                })
                .collect::<Vec<_>>()
        })
    });
    let open = Memo::new(move |_| {
        let name = files.active.get()?;
        let text = files.all.with(|all| all.iter().find(|file| file.name == name).map(|file| file.text.clone()))?;
        Some(OpenFile { name, text, revision: files.revision.get() })
    });
    view! {
        <Editor
            files=tabs
            open
            problems=session.problems
            on_change=move |text| {
                if let Some(name) = files.active.get_untracked() {
                    files.edit(&name, text);
                }
            }
            on_apply=move |()| {
                // The answer is in the terminal: where only one of them fits, it comes to the front.
                events_in_front.set(false);
                front.set(Front::Terminal);
                session.apply();
            }
            on_open=move |name| files.active.set(Some(name))
            on_new=move |()| files.new_file()
            on_rename=move |(old, new): (String, String)| {
                files.rename(&old, &new);
            }
            on_delete=move |name: String| files.delete(&name)
            on_fix=move |problem| session.fix(&problem)
            complete=move |(text, at): (String, u32)| session.suggest(&text, at)
            hover=move |(text, at): (String, u32)| session.explain(&text, at)
        />
    }
}

/// Words for thumbs: the usual ones, and what is in the cluster now.
fn chips(session: Session) -> Vec<String> {
    let usual = ["kubectl", "get", "describe", "apply", "-f", "delete", "logs", "pod", "pods", "nodes", "-o wide"];
    let files = session.files.all.with(|all| all.iter().map(|file| file.name.clone()).collect::<Vec<_>>());
    let pods = session.cluster.with(|cluster| {
        cluster.pods().filter(|pod| !pod.system).take(6).map(|pod| pod.name.clone()).collect::<Vec<_>>()
    });
    usual.into_iter().map(String::from).chain(files).chain(pods).collect()
}
