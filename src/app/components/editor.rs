//! The YAML editor's frame: file tabs, Apply, and the strip that says what the API server would not
//! understand. CodeMirror lives inside; the files and their checking belong to the caller.

use std::time::Duration;

use leptos::{html, prelude::*};

use super::{
    glyph::{Glyph, Icon},
    menu::{Menu, MenuItem, MenuModel},
};
use crate::{
    backend::{
        dom,
        editor::{CodeMirror, Hooks, Suggestion},
    },
    i18n::use_i18n,
    state::view::DiagnosticView,
};

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FileTab {
    pub name: String,
    /// Changed since it was last applied.
    pub dirty: bool,
}

/// The file in the editor. A new `revision` means its text was changed by somebody else.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OpenFile {
    pub name: String,
    pub text: String,
    pub revision: u64,
}

#[component]
pub fn Editor(
    #[prop(into)] files: Signal<Vec<FileTab>>,
    #[prop(into)] open: Signal<Option<OpenFile>>,
    #[prop(into)] problems: Signal<Vec<DiagnosticView>>,
    #[prop(into)] on_change: Callback<String>,
    #[prop(into)] on_apply: Callback<()>,
    #[prop(into)] on_open: Callback<String>,
    #[prop(into)] on_new: Callback<()>,
    #[prop(into)] on_rename: Callback<(String, String)>,
    #[prop(into)] on_delete: Callback<String>,
    /// Line and suggestion of a "did you mean" that was accepted.
    #[prop(into)]
    on_fix: Callback<DiagnosticView>,
    #[prop(into)] complete: Callback<(String, u32), Vec<Suggestion>>,
    #[prop(into)] hover: Callback<(String, u32), Option<String>>,
) -> impl IntoView {
    let i18n = use_i18n();
    let host = NodeRef::<html::Div>::new();
    let mirror = StoredValue::new_local(None::<CodeMirror>);
    let menu = RwSignal::new(None::<MenuModel>);
    let renaming = RwSignal::new(None::<String>);
    let is_open = Memo::new(move |_| open.with(Option::is_some));
    // The text itself flows out, not in: only another file or an outside change reaches CodeMirror.
    let shown = Memo::new(move |_| open.with(|o| o.as_ref().map(|o| (o.name.clone(), o.revision))));

    let mounted = RwSignal::new(false);
    host.on_load(move |element| {
        // In a task of its own: together with the page around it, it would hold up a frame.
        let mount = move || {
            let Some(open) = open.try_get_untracked() else { return };
            let text = open.map(|open| open.text).unwrap_or_default();
            let hooks = Hooks { change: on_change, apply: on_apply, complete, hover };
            let label = i18n.0.get_untracked().text().editor.label;
            mirror.set_value(Some(CodeMirror::mount(&element, &text, label, hooks)));
            mounted.set(true);
        };
        set_timeout(mount, Duration::ZERO);
    });
    on_cleanup(move || {
        mirror.try_update_value(Option::take);
    });
    Effect::new(move |before: Option<Option<(String, u64)>>| {
        let now = shown.get();
        let text = open.with_untracked(|o| o.as_ref().map(|o| o.text.clone()).unwrap_or_default());
        mirror.with_value(|mirror| {
            if let (Some(mirror), Some(before)) = (mirror, before.filter(|before| *before != now)) {
                if before.as_ref().map(|b| &b.0) != now.as_ref().map(|n| &n.0) {
                    mirror.open(&text);
                } else {
                    mirror.replace(&text);
                }
            }
        });
        now
    });
    Effect::new(move |_| {
        let problems = problems.get();
        mounted.track();
        mirror.with_value(|mirror| {
            if let Some(mirror) = mirror {
                mirror.show(&problems);
            }
        });
    });
    Effect::new(move |_| {
        let label = i18n.t().editor.label;
        mirror.with_value(|mirror| {
            if let Some(mirror) = mirror {
                mirror.label(label);
            }
        });
    });

    let file_menu = move |event: web_sys::MouseEvent| {
        use wasm_bindgen::JsCast;
        let Some(name) = shown.get_untracked().map(|s| s.0) else { return };
        let Some(button) = event.current_target().and_then(|t| t.dyn_into::<web_sys::Element>().ok()) else { return };
        let rect = button.get_bounding_client_rect();
        let t = i18n.0.get_untracked().text();
        let rename = name.clone();
        let delete = name.clone();
        menu.set(Some(MenuModel {
            x: rect.left(),
            y: rect.bottom() + 4.0,
            title: name,
            items: vec![
                MenuItem {
                    label: t.editor.rename.into(),
                    hint: String::new(),
                    danger: false,
                    action: Callback::new(move |()| renaming.set(Some(rename.clone()))),
                },
                MenuItem {
                    label: t.editor.delete.into(),
                    hint: String::new(),
                    danger: true,
                    action: Callback::new(move |()| on_delete.run(delete.clone())),
                },
            ],
        }));
    };
    let walk = move |event: web_sys::KeyboardEvent| {
        use wasm_bindgen::JsCast;
        let step = match event.key().as_str() {
            "ArrowRight" => 1,
            "ArrowLeft" => -1,
            _ => return,
        };
        if let Some(row) = event.current_target().and_then(|t| t.dyn_into::<web_sys::Element>().ok()) {
            event.prevent_default();
            dom::rove(&row, "[role=tab]", step);
        }
    };

    view! {
        <div class="tabs">
            <div class="files" role="tablist" aria-label=move || i18n.t().editor.files on:keydown=walk>
                <For each=move || files.get() key=|file| file.clone() let:file>
                    {
                        let name = StoredValue::new(file.name.clone());
                        let selected = Memo::new(move |_| {
                            shown.with(|s| s.as_ref().is_some_and(|s| name.with_value(|name| s.0 == *name)))
                        });
                        let dirty = file.dirty;
                        let label = file.name;
                        view! {
                            <button
                                type="button"
                                role="tab"
                                lang="en"
                                aria-controls="code"
                                aria-selected=move || selected.get().to_string()
                                tabindex=move || if selected.get() { "0" } else { "-1" }
                                on:click=move |_| on_open.run(name.get_value())
                            >
                                {label}
                                {dirty
                                    .then(|| {
                                        view! {
                                            <span class="dirty" role="img" aria-label=move || i18n.t().editor.unsaved>
                                                "•"
                                            </span>
                                        }
                                    })}
                            </button>
                        }
                    }
                </For>
            </div>
            {move || {
                renaming.get().map(|old| view! { <Rename old renaming on_rename/> })
            }}
            <button
                type="button"
                class="ghost"
                aria-label=move || i18n.t().editor.new_file
                title=move || i18n.t().editor.new_file
                on:click=move |_| on_new.run(())
            >
                <Glyph icon=Icon::Plus/>
            </button>
            <Show when=move || is_open.get()>
                <button
                    type="button"
                    class="ghost"
                    aria-haspopup="menu"
                    aria-label=move || i18n.t().editor.file_menu
                    title=move || i18n.t().editor.file_menu
                    on:click=file_menu
                >
                    "⋯"
                </button>
            </Show>
            <span class="grow"></span>
            <button
                type="button"
                class="primary small"
                disabled=move || !is_open.get()
                on:click=move |_| on_apply.run(())
            >
                {move || i18n.t().editor.apply}
                <kbd aria-hidden="true">"Ctrl ↵"</kbd>
            </button>
        </div>
        <div class="code" id="code" role="tabpanel" aria-label=move || i18n.t().editor.label lang="en">
            <Show when=move || !is_open.get()>
                <p class="empty" lang=move || i18n.0.get().tag()>{move || i18n.t().editor.no_files}</p>
            </Show>
            <div class="host" node_ref=host hidden=move || !is_open.get()></div>
        </div>
        <Show when=move || problems.with(|p| !p.is_empty())>
            <ul class="diagnostics" aria-label=move || (i18n.t().editor.problems)(problems.with(Vec::len))>
                <For each=move || problems.get() key=|problem| format!("{problem:?}") let:problem>
                    {
                        let line = problem.line;
                        let fix = problem.clone();
                        view! {
                            <li data-severity=if problem.warning { "warning" } else { "error" }>
                                <i class="sign" aria-hidden="true">"!"</i>
                                <span>
                                    <button
                                        type="button"
                                        class="at"
                                        on:click=move |_| {
                                            mirror.with_value(|mirror| {
                                                if let Some(mirror) = mirror {
                                                    mirror.go_to(line);
                                                }
                                            })
                                        }
                                    >
                                        {move || (i18n.t().editor.line)(line)}
                                    </button>
                                    ": "
                                    <span lang="en">{problem.message.clone()}</span>
                                    {problem
                                        .suggestion
                                        .clone()
                                        .map(|word| {
                                            view! {
                                                " "
                                                {move || i18n.t().editor.did_you_mean}
                                                " "
                                                <button
                                                    type="button"
                                                    class="fix"
                                                    lang="en"
                                                    on:click=move |_| {
                                                        on_fix.run(fix.clone());
                                                        mirror.with_value(|mirror| {
                                                            if let Some(mirror) = mirror {
                                                                mirror.focus();
                                                            }
                                                        });
                                                    }
                                                >
                                                    {word}
                                                </button>
                                                "?"
                                            }
                                        })}
                                </span>
                            </li>
                        }
                    }
                </For>
            </ul>
        </Show>
        <Menu model=menu/>
    }
}

/// The name of the open file as a field, in place of its tab.
#[component]
fn Rename(old: String, renaming: RwSignal<Option<String>>, on_rename: Callback<(String, String)>) -> impl IntoView {
    let i18n = use_i18n();
    let field = NodeRef::<html::Input>::new();
    field.on_load(|field| {
        let _ = field.focus();
        field.select();
    });
    let before = StoredValue::new(old.clone());
    let finish = move || {
        // Leaving the field after Escape must not rename after all.
        if renaming.get_untracked().is_none() {
            return;
        }
        renaming.set(None);
        let name = field.get_untracked().map(|field| field.value().trim().to_string()).unwrap_or_default();
        if !name.is_empty() && before.with_value(|old| *old != name) {
            on_rename.run((before.get_value(), name));
        }
    };
    view! {
        <input
            class="rename"
            node_ref=field
            lang="en"
            spellcheck="false"
            aria-label=move || i18n.t().editor.name_label
            prop:value=old
            on:blur=move |_| finish()
            on:keydown=move |event| {
                if event.is_composing() {
                    return;
                }
                match event.key().as_str() {
                    "Enter" => finish(),
                    "Escape" => {
                        event.stop_propagation();
                        renaming.set(None);
                    }
                    _ => {}
                }
            }
        />
    }
}
