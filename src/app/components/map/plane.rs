//! The control plane: you, the API server with its store, the scheduler, the controllers.

use leptos::prelude::*;

use super::ask;
use crate::{
    i18n::{Text, use_i18n},
    state::view::{CaptionView, ClusterView, Load, MenuRequest, Part, Target},
};

#[component]
pub fn Plane(
    cluster: Signal<ClusterView>,
    caption: Memo<Option<CaptionView>>,
    on_menu: Callback<MenuRequest>,
) -> impl IntoView {
    let i18n = use_i18n();
    let you_hot = hot(caption, Part::You);
    view! {
        <div class="plane" role="group" aria-label=move || i18n.t().map.control_plane>
            <div class="you" data-part="you" data-hot=move || you_hot.get().to_string()>
                <b>{move || i18n.t().map.you}</b>
                <span lang="en">"kubectl"</span>
            </div>
            <div class="office" data-part="office">
                <Component part=Part::ApiServer cluster caption on_menu/>
                <Component part=Part::Etcd cluster caption on_menu/>
            </div>
            <div class="staff">
                <Component part=Part::Scheduler cluster caption on_menu/>
                <Component part=Part::Controllers cluster caption on_menu/>
            </div>
        </div>
    }
}

/// Is this part of the request being told?
pub fn hot(caption: Memo<Option<CaptionView>>, part: Part) -> Memo<bool> {
    Memo::new(move |_| caption.with(|c| c.as_ref().is_some_and(|c| c.path.contains(&part))))
}

#[component]
fn Component(
    part: Part,
    cluster: Signal<ClusterView>,
    caption: Memo<Option<CaptionView>>,
    on_menu: Callback<MenuRequest>,
) -> impl IntoView {
    let i18n = use_i18n();
    let mine = {
        let part = part.clone();
        Memo::new(move |_| cluster.with(|c| c.component(&part).map(|found| (found.up, found.load))))
    };
    let lit = hot(caption, part.clone());
    let name = {
        let part = part.clone();
        move || match part {
            Part::ApiServer => i18n.t().map.api_server,
            Part::Scheduler => i18n.t().map.scheduler,
            Part::Controllers => i18n.t().map.controllers,
            // The others have no box of their own here.
            Part::Etcd | Part::You | Part::Node(_) => "etcd",
        }
    };
    let key = part.key();
    view! {
        <button
            type="button"
            class="comp"
            data-part=key
            aria-haspopup="menu"
            data-up=move || mine.get().is_none_or(|(up, _)| up).to_string()
            data-hot=move || lit.get().to_string()
            on:click=move |event| ask(on_menu, Target::Component(part.clone()), &event)
        >
            <b>{name}</b>
            " "
            <span>
                {move || match mine.get() {
                    Some((true, load)) => busy(i18n.t(), load),
                    Some((false, _)) => i18n.t().map.stopped.into(),
                    None => String::new(),
                }}
            </span>
        </button>
    }
}

fn busy(t: &Text, load: Load) -> String {
    match load {
        Load::Requests(n) => (t.map.requests)(n),
        Load::Revision(n) => (t.map.revision)(n),
        Load::Queue(n) => (t.map.queue)(n),
        Load::Loops(n) => (t.map.loops)(n),
    }
}
