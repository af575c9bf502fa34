//! The cluster as a picture: who talks to whom, which machine has room, what every pod is doing.
//! It draws a `ClusterView` and asks for menus; it changes nothing. Its list twin is `tree.rs`.

mod caption;
mod node;
mod plane;
mod pod;
mod wires;
pub mod words;

use leptos::{html, prelude::*};
use wasm_bindgen::{JsCast, closure::Closure};

use self::{caption::Caption, node::NodeCard, plane::Plane, pod::PodCard, wires::Wires};
use super::glyph::StateGlyph;
use crate::{
    i18n::use_i18n,
    state::view::{ClusterView, MenuRequest, PodState, Target, TrafficView},
};

/// Above this many pods, cards give way to crowds.
const MANY_PODS: usize = 60;
const MANY_NODES: usize = 8;

#[component]
pub fn ClusterMap(
    #[prop(into)] cluster: Signal<ClusterView>,
    #[prop(into)] playing: Signal<bool>,
    #[prop(into)] on_menu: Callback<MenuRequest>,
) -> impl IntoView {
    let i18n = use_i18n();
    let body = NodeRef::<html::Div>::new();
    let names = Memo::new(move |_| cluster.with(|c| c.nodes.iter().map(|node| node.name.clone()).collect::<Vec<_>>()));
    let many = Memo::new(move |_| {
        cluster.with(|c| c.nodes.len() > MANY_NODES || c.pods().filter(|pod| !pod.system).count() > MANY_PODS)
    });
    let caption = Memo::new(move |_| cluster.with(|c| c.caption.clone()));
    let layout = RwSignal::new(wires::Layout::default());
    measure_when_it_moves(body, layout);

    view! {
        <div class="mapscroll" tabindex="0" role="group" aria-label=move || i18n.t().map.cluster>
            <div class="mapbody" node_ref=body data-playing=move || playing.get().to_string()>
                <Wires layout cluster caption/>
                <Plane cluster caption on_menu/>
                <Caption caption/>
                <div class="nodes" data-many=move || many.get().to_string()>
                    <For each=move || names.get() key=|name| name.clone() let:name>
                        <NodeCard name cluster caption many on_menu/>
                    </For>
                </div>
                <Limbo cluster caption on_menu/>
            </div>
        </div>
    }
}

/// The place of pods that no node has been chosen for.
#[component]
fn Limbo(
    cluster: Signal<ClusterView>,
    caption: Memo<Option<crate::state::view::CaptionView>>,
    on_menu: Callback<MenuRequest>,
) -> impl IntoView {
    let i18n = use_i18n();
    /// More would push the nodes out of sight.
    const SHOWN: usize = 8;
    let uids = Memo::new(move |_| {
        cluster.with(|c| c.homeless.iter().take(SHOWN).map(|pod| pod.uid.clone()).collect::<Vec<_>>())
    });
    let count = Memo::new(move |_| cluster.with(|c| c.homeless.len()));
    let any = Memo::new(move |_| cluster.with(|c| c.pods().any(|pod| !pod.system)));
    view! {
        <section class="limbo" aria-label=move || i18n.t().map.not_on_any_node>
            <h3>
                {move || i18n.t().map.not_on_any_node} " "
                {move || (count.get() > 0).then(|| view! { <span class="count">{count.get()}</span> })}
            </h3>
            <Show
                when=move || { count.get() > 0 }
                fallback=move || {
                    view! {
                        <span class="none">
                            {move || if any.get() { i18n.t().map.everyone_placed } else { i18n.t().map.no_pods_yet }}
                        </span>
                    }
                }
            >
                <ul class="pods">
                    <For each=move || uids.get() key=|uid| uid.clone() let:uid>
                        <PodCard uid node=None cluster caption on_menu/>
                    </For>
                </ul>
                {move || {
                    let more = count.get().saturating_sub(SHOWN);
                    (more > 0).then(|| view! { <span class="none">"+" {more}</span> })
                }}
            </Show>
        </section>
    }
}

/// Which shape means what. Only states that have been on the map, so that it stays short; none
/// leaves again, so that nothing beside it moves.
#[component]
pub fn Legend(#[prop(into)] cluster: Signal<ClusterView>) -> impl IntoView {
    let i18n = use_i18n();
    let present = Memo::new(move |before: Option<&Vec<PodState>>| {
        let seen = before.cloned().unwrap_or_default();
        cluster.with(|c| {
            let always = [PodState::Running, PodState::Pending, PodState::Failed];
            PodState::ALL
                .into_iter()
                .filter(|state| {
                    always.contains(state) || seen.contains(state) || c.pods().any(|pod| pod.state == *state)
                })
                .collect::<Vec<_>>()
        })
    });
    view! {
        <ul class="legend">
            <For each=move || present.get() key=|state| *state let:state>
                <li>
                    <StateGlyph state/>
                    {move || (i18n.t().map.state)(state)}
                </li>
            </For>
        </ul>
    }
}

/// How many of the traffic generators' requests were answered, now and in the last while; and, where
/// there is a Service to ask, the button that starts and ends them.
#[component]
pub fn Traffic(#[prop(into)] cluster: Signal<ClusterView>, on_menu: Callback<MenuRequest>) -> impl IntoView {
    let i18n = use_i18n();
    let traffic = Memo::new(move |_| cluster.with(|c| c.traffic.clone()));
    let possible = Memo::new(move |_| cluster.with(|c| !c.services.is_empty() || !c.traffic.is_empty()));
    view! {
        <Show when=move || possible.get()>
            <div class="generators">
                {move || traffic.get().into_iter().map(|one| view! { <Answered one/> }).collect_view()}
                <button
                    type="button"
                    class="mini"
                    aria-haspopup="menu"
                    on:click=move |event| ask(on_menu, Target::Traffic, &event)
                >
                    {move || i18n.t().menu.requests}
                </button>
            </div>
        </Show>
    }
}

#[component]
fn Answered(one: TrafficView) -> impl IntoView {
    let i18n = use_i18n();
    let TrafficView { service, success, history, .. } = one;
    let steps = history.len().saturating_sub(1).max(1) as f64;
    let points = history.iter().enumerate().map(|(index, permille)| {
        let pen = if index == 0 { 'M' } else { 'L' };
        format!("{pen}{:.1} {:.1}", index as f64 * 100.0 / steps, 20.0 - f64::from(*permille) * 0.019)
    });
    let line: String = points.collect();
    view! {
        <p class="traffic" data-ok=(success >= 990).to_string()>
            {move || (i18n.t().map.traffic)(&service)}
            <svg viewBox="0 0 100 20" preserveAspectRatio="none" aria-hidden="true">
                <path d=line></path>
            </svg>
            <b>{format!("{:.1} %", f64::from(success) / 10.0)}</b>
        </p>
    }
}

/// Where a menu opens: under the button that asked for it.
fn ask(on_menu: Callback<MenuRequest>, target: Target, event: &web_sys::MouseEvent) {
    let place = event.current_target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    if let Some(rect) = place.map(|element| element.get_bounding_client_rect()) {
        on_menu.run(MenuRequest { target, x: rect.left(), y: rect.bottom() + 4.0 });
    }
}

/// Keeps the wires' ends on the boxes: measures whenever the size of anything on the map changes.
fn measure_when_it_moves(body: NodeRef<html::Div>, layout: RwSignal<wires::Layout>) {
    body.on_load(move |element| {
        let root: web_sys::Element = element.clone().into();
        let measure = {
            let root = root.clone();
            move || {
                if let Some(found) = wires::measure(&root)
                    && layout.try_get_untracked().is_some_and(|old| old != found)
                {
                    layout.set(found);
                }
            }
        };
        measure();
        let again = measure.clone();
        let on_resize = Closure::<dyn FnMut()>::new(measure);
        // Boxes come and go without the body changing size: the grid's children are watched as well.
        let on_change = Closure::<dyn FnMut()>::new(move || {
            let again = again.clone();
            request_animation_frame(again);
        });
        let sizes = web_sys::ResizeObserver::new(on_resize.as_ref().unchecked_ref()).ok();
        if let Some(observer) = &sizes {
            observer.observe(&root);
        }
        let children = web_sys::MutationObserver::new(on_change.as_ref().unchecked_ref()).ok();
        if let (Some(observer), Ok(Some(grid))) = (&children, root.query_selector(".nodes")) {
            let what = web_sys::MutationObserverInit::new();
            what.set_child_list(true);
            let _ = observer.observe_with_options(&grid, &what);
        }
        let kept = StoredValue::new_local((sizes, children, on_resize, on_change));
        on_cleanup(move || {
            kept.try_with_value(|(sizes, children, ..)| {
                if let Some(observer) = sizes {
                    observer.disconnect();
                }
                if let Some(observer) = children {
                    observer.disconnect();
                }
            });
        });
    });
}
