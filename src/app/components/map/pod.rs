//! A pod's card. It never moves: a replacement is a new card elsewhere, keyed by its own UID.

use leptos::prelude::*;

use super::{ask, words};
use crate::{
    components::glyph::StateGlyph,
    i18n::use_i18n,
    state::view::{CaptionView, ClusterView, MenuRequest, PodView, Target},
};

/// `node` is where to look for it: None means among those without a node.
#[component]
pub fn PodCard(
    uid: String,
    node: Option<String>,
    cluster: Signal<ClusterView>,
    caption: Memo<Option<CaptionView>>,
    on_menu: Callback<MenuRequest>,
) -> impl IntoView {
    let i18n = use_i18n();
    let pod = Memo::new(move |before: Option<&PodView>| {
        cluster.with(|c| {
            let pods = match &node {
                Some(name) => c.node(name).map(|node| &node.pods),
                None => Some(&c.homeless),
            };
            // A card about to be removed keeps its last face for that one frame.
            pods.and_then(|pods| pods.iter().find(|pod| pod.uid == uid)).or(before).cloned().unwrap_or_default()
        })
    });
    let state = Memo::new(move |_| pod.with(|p| p.state));
    let lit = Memo::new(move |_| {
        let object = pod.with(|p| format!("pod/{}", p.name));
        caption.with(|c| c.as_ref().is_some_and(|c| c.object == object))
    });
    // Only a waiting pod needs to know the time.
    let second =
        Memo::new(move |_| if pod.with(|p| p.wait.is_some()) { cluster.with(|c| c.now) / 1000 * 1000 } else { 0 });
    let name = move || pod.with(|p| p.name.clone());
    view! {
        <li
            class="pod"
            data-state=move || state.get().key()
            data-family=move || pod.with(|p| p.family)
            data-hot=move || lit.get().to_string()
            title=move || pod.with(|p| p.reason.clone())
        >
            <StateGlyph state/>
            <span class="who" lang="en">
                <b>{name}</b>
                <span class="say">{move || pod.with(|p| words::pod_says(i18n.t(), p, second.get()))}</span>
            </span>
            {move || {
                pod.with(|p| words::pod_timer(p, second.get()))
                    .map(|s| view! { <time class="num">{(i18n.t().common.seconds)(s)}</time> })
            }}
            <button
                type="button"
                class="more"
                aria-haspopup="menu"
                aria-label=move || (i18n.t().map.machine_menu)(&name())
                on:click=move |event| {
                    let (namespace, name) = pod.with_untracked(|p| (p.namespace.clone(), p.name.clone()));
                    ask(on_menu, Target::Pod { namespace, name }, &event);
                }
            >
                "⋯"
            </button>
        </li>
    }
}
