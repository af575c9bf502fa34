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
    let share = move |at: Millis| at.saturating_sub(start.get()) as f64 * 100.0 / WINDOW as f64;
    // A fifth of a percent is less than a pixel or two: no need to move the hand more often.
    let hand = Memo::new(move |_| (share(now.get()) * 5.0).round() / 5.0);
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
                    {move || clock_face(clock.get())}
                </output>
                <span class="skipped" role="status">
                    {move || skipped.get().filter(|ms| *ms >= 1000).map(|ms| (i18n.t().time.skipped)(ms / 1000))}
                </span>
            </div>
            <div class="lanes" role="img" aria-label=move || i18n.t().time.lanes>
                {move || {
                    let t = i18n.t();
                    let from = start.get();
                    lanes
                        .get()
                        .into_iter()
                        .map(|lane| {
                            let quiet = lane
                                .silent
                                .iter()
                                .filter(|(_, to)| *to > from)
                                .map(|&(begin, end)| {
                                    let left = share(begin.max(from));
                                    view! {
                                        <i
                                            class="silent"
                                            style:left=format!("{left:.1}%")
                                            style:width=format!("{:.1}%", share(end) - left)
                                        ></i>
                                    }
                                })
                                .collect_view();
                            let marks = lane
                                .marks
                                .iter()
                                .filter(|mark| mark.at >= from)
                                .map(|mark| {
                                    view! {
                                        <i
                                            class="mark"
                                            data-kind=mark.kind.key()
                                            style:left=format!("{:.1}%", share(mark.at))
                                        ></i>
                                    }
                                })
                                .collect_view();
                            view! {
                                <span class="name">{lane_name(t, &lane.part)}</span>
                                <div class="lane">{quiet} {marks}</div>
                            }
                        })
                        .collect_view()
                }}
                <div class="track">
                    <b class="now" style:left=move || format!("{:.1}%", hand.get())></b>
                </div>
            </div>
        </footer>
    }
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
