//! Time: play, pause, step, speed, skip, the clock, and a lane per component that shows who did
//! something when. It is the pause control for everything that moves on the page.

use leptos::prelude::*;

use super::{
    glyph::{Glyph, Icon},
    seg::Seg,
};
use crate::{
    i18n::{Text, use_i18n},
    state::view::{LaneView, Millis, Part},
};

/// The lanes show this much; the window moves on by half of it, so that marks stand still meanwhile.
const WINDOW: Millis = 60_000;

#[component]
pub fn TimeBar(
    #[prop(into)] now: Signal<Millis>,
    #[prop(into)] playing: Signal<bool>,
    #[prop(into)] speed: Signal<u32>,
    #[prop(into)] lanes: Signal<Vec<LaneView>>,
    /// How long the last skip jumped over, in milliseconds.
    #[prop(into)]
    skipped: Signal<Option<Millis>>,
    #[prop(into)] on_play: Callback<bool>,
    #[prop(into)] on_step: Callback<()>,
    #[prop(into)] on_skip: Callback<()>,
    #[prop(into)] on_speed: Callback<u32>,
) -> impl IntoView {
    let i18n = use_i18n();
    let clock = Memo::new(move |_| now.get() / 1000);
    let start = Memo::new(move |_| (now.get() / (WINDOW / 2)).saturating_sub(1) * (WINDOW / 2));
    let parts = Memo::new(move |_| lanes.with(|lanes| lanes.iter().map(|lane| lane.part.clone()).collect::<Vec<_>>()));
    // A fifth of a percent is less than a pixel or two: no need to move the hand more often.
    let hand = Memo::new(move |_| (share(now.get(), start.get()) * 5.0).round() / 5.0);
    view! {
        <footer class="timebar" data-panel="time" aria-label=move || i18n.t().time.label>
            <div class="transport">
                <button
                    type="button"
                    class="play"
                    aria-label=move || if playing.get() { i18n.t().time.pause } else { i18n.t().time.play }
                    title=move || if playing.get() { i18n.t().time.pause } else { i18n.t().time.play }
                    on:click=move |_| on_play.run(!playing.get_untracked())
                >
                    {move || {
                        if playing.get() {
                            view! { <Glyph icon=Icon::Pause/> }
                        } else {
                            view! { <Glyph icon=Icon::Play/> }
                        }
                    }}
                </button>
                <button
                    type="button"
                    class="ghost"
                    aria-label=move || i18n.t().time.step
                    title=move || i18n.t().time.step
                    on:click=move |_| on_step.run(())
                >
                    <Glyph icon=Icon::Step/>
                </button>
                <Seg
                    label=Signal::derive(move || i18n.t().time.speed.to_string())
                    choices=Signal::derive(|| {
                        [1u32, 10, 60].map(|x| (x, format!("×{x}"), format!("×{x}"))).to_vec()
                    })
                    value=speed
                    on_change=on_speed
                />
                <button
                    type="button"
                    class="ghost"
                    aria-label=move || i18n.t().time.skip
                    title=move || i18n.t().time.skip
                    on:click=move |_| on_skip.run(())
                >
                    <span class="skipwords">{move || i18n.t().time.skip}</span>
                    <Glyph icon=Icon::Skip/>
                </button>
                <output class="clock num" aria-label=move || i18n.t().time.clock aria-live="off">
                    <span data-hours=move || (clock.get() >= 3600).to_string()>{move || clock_face(clock.get())}</span>
                </output>
                <span class="skipped" role="status">
                    {move || skipped.get().filter(|ms| *ms >= 1000).map(|ms| (i18n.t().time.skipped)(ms / 1000))}
                </span>
            </div>
            <div class="lanes" role="img" aria-label=move || i18n.t().time.lanes>
                <For each=move || parts.get() key=Part::key let:part>
                    <Lane part lanes start/>
                </For>
                <div class="track">
                    <b class="now" style:transform=move || format!("translateX({:.1}%)", hand.get())></b>
                </div>
            </div>
        </footer>
    }
}

/// Who did something when, and when nothing was heard of it. One lane changes without the others.
#[component]
fn Lane(part: Part, lanes: Signal<Vec<LaneView>>, start: Memo<Millis>) -> impl IntoView {
    let i18n = use_i18n();
    let lane = {
        let part = part.clone();
        Memo::new(move |_| lanes.with(|lanes| lanes.iter().find(|lane| lane.part == part).cloned()))
    };
    let silent = move |from| {
        let lane = lane.get().map(|lane| lane.silent).unwrap_or_default();
        lane.into_iter()
            .filter(|(_, end)| *end > from)
            .map(|(begin, end)| {
                let left = share(begin.max(from), from);
                let width = share(end, from) - left;
                view! { <i class="silent" style:left=format!("{left:.1}%") style:width=format!("{width:.1}%")></i> }
            })
            .collect_view()
    };
    // A mark stays the element it was made as: where twenty machines report, only what is new is drawn.
    let marks = Memo::new(move |_| {
        let marks = lane.with(|lane| lane.as_ref().map(|lane| lane.marks.clone()).unwrap_or_default());
        let from = start.get();
        marks.into_iter().filter(|mark| mark.at >= from).collect::<Vec<_>>()
    });
    view! {
        <span class="name">{move || lane_name(i18n.t(), &part)}</span>
        <div class="lane">
            {move || silent(start.get())}
            <For each=move || marks.get() key=|mark| (mark.at, mark.kind.key()) let:mark>
                <i
                    class="mark"
                    data-kind=mark.kind.key()
                    style:left=move || format!("{:.1}%", share(mark.at, start.get()))
                ></i>
            </For>
        </div>
    }
}

/// Where in the window an instant is, in percent.
fn share(at: Millis, start: Millis) -> f64 {
    at.saturating_sub(start) as f64 * 100.0 / WINDOW as f64
}

fn lane_name(t: &Text, part: &Part) -> String {
    match part {
        Part::You => t.map.you.into(),
        Part::ApiServer => t.map.api_server.into(),
        Part::Etcd => "etcd".into(),
        Part::Scheduler => t.map.scheduler.into(),
        Part::Controllers => t.map.controllers.into(),
        Part::Node(name) => name.clone(),
    }
}

fn clock_face(seconds: u64) -> String {
    match seconds / 3600 {
        0 => format!("{:02}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}
