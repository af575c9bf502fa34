//! A machine: is it heard of, how much of it is spoken for, which pods stand on it.

use std::collections::BTreeMap;

use leptos::prelude::*;

use super::{ask, plane::hot, pod::PodCard, words};
use crate::{
    i18n::use_i18n,
    state::view::{CaptionView, ClusterView, MenuRequest, Meter, NodeView, Part, PodState, Readiness, Target},
};

/// What is known of a kubelet from its Lease.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Beat {
    Unplugged,
    Never,
    Late,
    Heard,
}

#[component]
pub fn NodeCard(
    name: String,
    cluster: Signal<ClusterView>,
    caption: Memo<Option<CaptionView>>,
    many: Memo<bool>,
    on_menu: Callback<MenuRequest>,
) -> impl IntoView {
    let i18n = use_i18n();
    // Everything but the pods, so that a pod's change does not redraw the machine.
    let node = {
        let name = name.clone();
        Memo::new(move |_| {
            cluster.with(|c| {
                c.node(&name).map(|n| NodeView {
                    pods: Vec::new(),
                    taints: n.taints.clone(),
                    name: n.name.clone(),
                    ..*n
                })
            })
        })
    };
    let with = move |read: fn(&NodeView) -> bool| node.with(|n| n.as_ref().is_some_and(read));
    let silence = Memo::new(move |_| {
        let now = cluster.with(|c| c.now);
        node.with(|n| n.as_ref().and_then(|n| words::silence(n, now)))
    });
    let lit = hot(caption, Part::Node(name.clone()));
    let ready = Memo::new(move |_| with(|n| n.ready == Readiness::Ready && n.powered));
    // Seconds go by in the text alone; what surrounds it is made anew when this changes.
    let beat = Memo::new(move |_| match silence.get() {
        _ if !with(|n| n.powered) => Beat::Unplugged,
        None => Beat::Never,
        Some(seconds) if seconds > words::LATE_S => Beat::Late,
        Some(_) => Beat::Heard,
    });
    let seconds = move || silence.get().unwrap_or_default();
    let part = Part::Node(name.clone()).key();
    let asked = name.clone();
    let label = name.clone();
    let title = name.clone();
    view! {
        <section
            class="node"
            aria-label=title
            data-part=part
            data-role=move || if with(|n| n.control_plane) { "control-plane" } else { "worker" }
            data-ready=move || ready.get().to_string()
            data-cordoned=move || with(|n| n.cordoned).to_string()
            data-hot=move || lit.get().to_string()
        >
            <header>
                <i
                    class="g"
                    aria-hidden="true"
                    data-state=move || if ready.get() { "running" } else { "failed" }
                ></i>
                <b lang="en">{name.clone()}</b>
                <p class="vital">
                <span class="ready" lang="en">
                    {move || node.with(|n| n.as_ref().map(words::readiness))}
                </span>
                <span class="beat num" data-fresh=move || (silence.get() == Some(0)).to_string()>
                    {move || match beat.get() {
                        Beat::Unplugged => view! { {i18n.t().map.unplugged} }.into_any(),
                        Beat::Never => view! { {i18n.t().map.never_reported} }.into_any(),
                        Beat::Late => view! { {move || (i18n.t().map.silent)(seconds())} }.into_any(),
                        Beat::Heard => {
                            view! {
                                // Spoken as an attribute and of a fixed size: twenty numbers a second lay nothing out.
                                <span
                                    class="ago"
                                    role="img"
                                    aria-label=move || (i18n.t().map.heartbeat_spoken)(seconds())
                                >
                                    <span class="heart">"♥"</span>
                                    " "
                                    {move || (i18n.t().map.heartbeat)(seconds())}
                                </span>
                            }
                                .into_any()
                        }
                    }}
                </span>
                </p>
                <button
                    type="button"
                    class="more"
                    aria-haspopup="menu"
                    aria-label=move || (i18n.t().map.machine_menu)(&label)
                    on:click=move |event| ask(on_menu, Target::Node(asked.clone()), &event)
                >
                    "⋯"
                </button>
            </header>
            <div class="meter">
                <Bar
                    label=Signal::derive(move || i18n.t().map.cpu.to_string())
                    meter=Signal::derive(move || node.with(|n| n.as_ref().map(|n| n.cpu).unwrap_or_default()))
                    amount=|t, meter| words::cpu_amount(t, meter)
                />
                <Bar
                    label=Signal::derive(move || i18n.t().map.memory.to_string())
                    meter=Signal::derive(move || node.with(|n| n.as_ref().map(|n| n.memory).unwrap_or_default()))
                    amount=|t, meter| words::memory_amount(t, meter)
                />
            </div>
            <div class="nodebody">
                <Pods name cluster caption many on_menu/>
            </div>
            <div class="taints">
            {move || {
                node.with(|n| n.as_ref().map(|n| n.taints.clone()).unwrap_or_default())
                    .into_iter()
                    .map(|taint| {
                        let soft = taint.contains("node-role.kubernetes.io");
                        // The prefix says little and needs a line of its own.
                        let short = taint.rsplit_once('/').map_or(taint.clone(), |(_, short)| short.to_string());
                        view! { <p class="taint" lang="en" data-soft=soft.to_string() title=taint>{short}</p> }
                    })
                    .collect_view()
            }}
            </div>
        </section>
    }
}

#[component]
fn Bar(label: Signal<String>, meter: Signal<Meter>, amount: fn(&crate::i18n::Text, Meter) -> String) -> impl IntoView {
    let i18n = use_i18n();
    let meter = Memo::new(move |_| meter.get());
    view! {
        <span>{label}</span>
        <span class="bar-track" aria-hidden="true">
            <i
                class="bar-fill"
                data-full=move || (meter.get().share() > 0.999).to_string()
                style:transform=move || format!("scaleX({:.3})", meter.get().share())
            ></i>
        </span>
        <span class="amount num">{move || amount(i18n.t(), meter.get())}</span>
    }
}

/// The pods of a node: cards while they can be told apart, a crowd when they cannot; the cluster's
/// own pods folded away.
#[component]
fn Pods(
    name: String,
    cluster: Signal<ClusterView>,
    caption: Memo<Option<CaptionView>>,
    many: Memo<bool>,
    on_menu: Callback<MenuRequest>,
) -> impl IntoView {
    let i18n = use_i18n();
    let name = StoredValue::new(name);
    let uids = move |system: bool| {
        cluster.with(|c| {
            name.with_value(|name| c.node(name))
                .map(|node| {
                    node.pods.iter().filter(|pod| pod.system == system).map(|pod| pod.uid.clone()).collect::<Vec<_>>()
                })
                .unwrap_or_default()
        })
    };
    let own = Memo::new(move |_| if many.get() { Vec::new() } else { uids(false) });
    let system = Memo::new(move |_| if many.get() { Vec::new() } else { uids(true) });
    let crowd = Memo::new(move |_| {
        let mut by_state = BTreeMap::<PodState, usize>::new();
        if many.get() {
            cluster.with(|c| {
                for pod in name.with_value(|name| c.node(name)).into_iter().flat_map(|node| &node.pods) {
                    if !pod.system {
                        *by_state.entry(pod.state).or_default() += 1;
                    }
                }
            });
        }
        by_state
    });
    // A number changes more often than a row comes or goes.
    let states = Memo::new(move |_| crowd.with(|crowd| crowd.keys().copied().collect::<Vec<_>>()));
    let count = move |state: PodState| crowd.with(|crowd| crowd.get(&state).copied().unwrap_or_default());
    view! {
        <Show when=move || many.get()>
            <div class="swarm">
                <For each=move || states.get() key=|state| *state let:state>
                    <p class="row">
                        <i class="g" data-state=state.key() aria-hidden="true"></i>
                        {move || count(state)}
                        " "
                        {move || (i18n.t().map.state)(state)}
                    </p>
                    <p class="crowd" data-state=state.key() aria-hidden="true">
                        {move || state.letter().to_string().repeat(count(state).min(160))}
                    </p>
                </For>
            </div>
        </Show>
        <ul class="pods">
            <For each=move || own.get() key=|uid| uid.clone() let:uid>
                <PodCard uid node=Some(name.get_value()) cluster caption on_menu/>
            </For>
        </ul>
        <Show when=move || system.with(|pods| !pods.is_empty())>
            <details class="system">
                <summary>{move || (i18n.t().map.system_pods)(system.with(Vec::len))}</summary>
                <ul class="pods">
                    <For each=move || system.get() key=|uid| uid.clone() let:uid>
                        <PodCard uid node=Some(name.get_value()) cluster caption on_menu/>
                    </For>
                </ul>
            </details>
        </Show>
    }
}
