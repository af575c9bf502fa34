//! The list twin of the map: the same cluster as a tree of words, for the keyboard, the screen
//! reader and the narrow window. Arrow keys walk it, Enter opens the menu of what is under focus.

use std::collections::BTreeSet;

use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;

use super::map::words;
use crate::{
    backend::dom,
    i18n::use_i18n,
    state::view::{ClusterView, MenuRequest, PodView, Target},
};

#[component]
pub fn ClusterTree(
    #[prop(into)] cluster: Signal<ClusterView>,
    #[prop(into)] on_menu: Callback<MenuRequest>,
) -> impl IntoView {
    let i18n = use_i18n();
    let root = NodeRef::<html::Ul>::new();
    let folded = RwSignal::new(BTreeSet::<String>::new());
    let current = RwSignal::new("cluster".to_string());
    let is_folded = move |id: &str| folded.with(|f| f.contains(id));
    let names = Memo::new(move |_| cluster.with(|c| c.nodes.iter().map(|node| node.name.clone()).collect::<Vec<_>>()));

    let keys = move |event: web_sys::KeyboardEvent| {
        let Some(tree) = root.get_untracked() else { return };
        let Some(item) = event.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok()) else { return };
        if item.get_attribute("role").as_deref() != Some("treeitem") {
            return;
        }
        let id = item.get_attribute("data-id").unwrap_or_default();
        let expanded = item.get_attribute("aria-expanded");
        let walk = |step| dom::rove(&tree, "[role=treeitem]", step);
        match event.key().as_str() {
            "ArrowDown" => walk(1),
            "ArrowUp" => walk(-1),
            "Home" => dom::rove(&tree, "[role=treeitem]", 0),
            "ArrowRight" if expanded.as_deref() == Some("false") => folded.update(|f| {
                f.remove(&id);
            }),
            "ArrowRight" if expanded.is_some() => walk(1),
            "ArrowLeft" if expanded.as_deref() == Some("true") => folded.update(|f| {
                f.insert(id);
            }),
            "ArrowLeft" => {
                let parent = item.parent_element().and_then(|up| up.closest("[role=treeitem]").ok().flatten());
                if let Some(parent) = parent {
                    dom::focus(&parent);
                }
            }
            "Enter" | " " => {
                if let Ok(Some(button)) = item.query_selector(".label > .more")
                    && let Some(button) = button.dyn_ref::<web_sys::HtmlElement>()
                {
                    button.click();
                }
            }
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    };
    let focused = move |event: web_sys::FocusEvent| {
        let id = event
            .target()
            .and_then(|t| t.dyn_into::<web_sys::Element>().ok())
            .and_then(|element| element.get_attribute("data-id"));
        if let Some(id) = id {
            current.set(id);
        }
    };
    let tabindex = move |id: &str| current.with(|c| if c == id { "0" } else { "-1" });

    view! {
        <div class="tree">
            <ul role="tree" aria-label=move || i18n.t().map.cluster node_ref=root on:keydown=keys on:focusin=focused>
                <li
                    role="treeitem"
                    data-id="cluster"
                    aria-expanded=move || (!is_folded("cluster")).to_string()
                    tabindex=move || tabindex("cluster")
                >
                    <p class="label">
                        <b>{move || i18n.t().map.cluster}</b>
                        <span class="mono" lang="en">{move || cluster.with(|c| c.name.clone())}</span>
                    </p>
                    <Show when=move || !is_folded("cluster")>
                        <ul role="group">
                            <For each=move || names.get() key=|name| name.clone() let:name>
                                <NodeItem name cluster folded current on_menu/>
                            </For>
                            <li
                                role="treeitem"
                                data-id="limbo"
                                aria-expanded=move || (!is_folded("limbo")).to_string()
                                tabindex=move || tabindex("limbo")
                            >
                                <p class="label">
                                    <b>{move || i18n.t().map.not_on_any_node}</b>
                                    <span class="count">{move || cluster.with(|c| c.homeless.len())}</span>
                                </p>
                                <Show when=move || !is_folded("limbo")>
                                    <ul role="group">
                                        <PodItems node=None cluster current on_menu/>
                                    </ul>
                                </Show>
                            </li>
                        </ul>
                    </Show>
                </li>
            </ul>
        </div>
    }
}

#[component]
fn NodeItem(
    name: String,
    cluster: Signal<ClusterView>,
    folded: RwSignal<BTreeSet<String>>,
    current: RwSignal<String>,
    on_menu: Callback<MenuRequest>,
) -> impl IntoView {
    let i18n = use_i18n();
    let id = format!("node/{name}");
    let open = {
        let id = id.clone();
        Memo::new(move |_| !folded.with(|f| f.contains(&id)))
    };
    let words = {
        let name = name.clone();
        Memo::new(move |_| {
            let t = i18n.t();
            cluster.with(|c| {
                c.node(&name).map(|node| {
                    let beat = match words::silence(node, c.now) {
                        _ if !node.powered => t.map.unplugged.to_string(),
                        None => t.map.never_reported.into(),
                        Some(s) if s > words::LATE_S => (t.map.silent)(s),
                        Some(_) => String::new(),
                    };
                    let load = format!(
                        "{} {} · {} {}",
                        t.map.cpu,
                        words::cpu_amount(t, node.cpu),
                        t.map.memory,
                        words::memory_amount(t, node.memory),
                    );
                    (words::readiness(node), node.powered, beat, load, node.taints.join(", "))
                })
            })
        })
    };
    let label = name.clone();
    let target = Target::Node(name.clone());
    let inside = name.clone();
    let mine = id.clone();
    view! {
        <li
            role="treeitem"
            data-id=id.clone()
            aria-expanded=move || open.get().to_string()
            tabindex=move || current.with(|c| if *c == mine { "0" } else { "-1" })
        >
            <p class="label">
                <i
                    class="g"
                    aria-hidden="true"
                    data-state=move || {
                        words.with(|w| match w {
                            Some(("Ready" | "Ready,SchedulingDisabled", true, ..)) => "running",
                            Some(_) | None => "failed",
                        })
                    }
                ></i>
                <b class="mono" lang="en">{name}</b>
                <span>
                    {move || {
                        words
                            .get()
                            .map(|(ready, _, beat, load, taints)| {
                                [ready.to_string(), beat, load, taints]
                                    .into_iter()
                                    .filter(|part| !part.is_empty())
                                    .collect::<Vec<_>>()
                                    .join(" · ")
                            })
                    }}
                </span>
                <More label target on_menu/>
            </p>
            <Show when=move || open.get()>
                <ul role="group">
                    <PodItems node=Some(inside.clone()) cluster current on_menu/>
                </ul>
            </Show>
        </li>
    }
}

#[component]
fn PodItems(
    node: Option<String>,
    cluster: Signal<ClusterView>,
    current: RwSignal<String>,
    on_menu: Callback<MenuRequest>,
) -> impl IntoView {
    let i18n = use_i18n();
    // Rows carry their words; a row whose words change is drawn anew, unless it only counts seconds.
    let pods = Memo::new(move |_| {
        cluster.with(|c| {
            let pods: &[PodView] = match &node {
                Some(name) => c.node(name).map(|node| &node.pods[..]).unwrap_or_default(),
                None => &c.homeless,
            };
            pods.iter().map(|pod| pod.uid.clone()).collect::<Vec<_>>()
        })
    });
    view! {
        <For each=move || pods.get() key=|uid| uid.clone() let:uid>
            {
                let id = format!("pod/{uid}");
                let pod = Memo::new(move |before: Option<&(PodView, u64)>| {
                    cluster.with(|c| {
                        c.pods()
                            .find(|pod| pod.uid == uid)
                            .map(|pod| (pod.clone(), if pod.wait.is_some() { c.now / 1000 * 1000 } else { 0 }))
                            .or_else(|| before.cloned())
                            .unwrap_or_default()
                    })
                });
                let (name, namespace) = pod.with_untracked(|(p, _)| (p.name.clone(), p.namespace.clone()));
                let shown = if namespace == "default" { name.clone() } else { format!("{namespace}/{name}") };
                let target = Target::Pod { namespace, name: name.clone() };
                let mine = id.clone();
                view! {
                    <li
                        role="treeitem"
                        data-id=id
                        tabindex=move || current.with(|c| if *c == mine { "0" } else { "-1" })
                    >
                        <p class="label">
                            <i class="g" aria-hidden="true" data-state=move || pod.with(|(p, _)| p.state.key())></i>
                            <b class="mono" lang="en">{shown}</b>
                            <span>{move || pod.with(|(p, now)| words::pod_says(i18n.t(), p, *now))}</span>
                            <More label=name target on_menu/>
                        </p>
                    </li>
                }
            }
        </For>
    }
}

/// The pointer's way to the menu; the keyboard's is Enter on the item itself.
#[component]
fn More(label: String, target: Target, on_menu: Callback<MenuRequest>) -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <button
            type="button"
            class="mini more"
            tabindex="-1"
            aria-label=move || (i18n.t().map.machine_menu)(&label)
            on:click=move |event| {
                let place = event.current_target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
                if let Some(rect) = place.map(|element| element.get_bounding_client_rect()) {
                    on_menu.run(MenuRequest { target: target.clone(), x: rect.left(), y: rect.bottom() + 4.0 });
                }
            }
        >
            "⋯"
        </button>
    }
}
