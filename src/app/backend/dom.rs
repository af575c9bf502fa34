//! Small services of the browser: frames, media queries, focus, the clock that measures slices.

use gloo_timers::callback::Timeout;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Element, HtmlElement};

/// Milliseconds of real time, for measuring slices only.
pub fn real_ms() -> f64 {
    web_sys::window().and_then(|window| window.performance()).map_or(0.0, |clock| clock.now())
}

pub fn matches_media(query: &str) -> bool {
    web_sys::window().and_then(|window| window.match_media(query).ok().flatten()).is_some_and(|list| list.matches())
}

pub fn tab_is_hidden() -> bool {
    document().visibility_state() == web_sys::VisibilityState::Hidden
}

/// How long nothing is looked at when nothing happens, in milliseconds: short enough to seem at once.
const REST_MS: u32 = 200;

/// When a loop wants to be called again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Before the next paint.
    Soon,
    /// Nothing moves: after a rest, or when somebody calls [`Frames::wake`]. A page that asks for frames
    /// all the time keeps the machine awake, and its fan.
    Later,
    Never,
}

/// A loop of frames that can rest.
#[derive(Clone, Copy)]
pub struct Frames {
    tick: StoredValue<Box<dyn FnMut(f64) -> Again>, LocalStorage>,
    rest: StoredValue<Option<Timeout>, LocalStorage>,
}

impl Frames {
    /// Ends the rest: somebody touched something.
    pub fn wake(self) {
        if self.rest.try_update_value(Option::take).flatten().is_some() {
            self.ask();
        }
    }

    fn ask(self) {
        let once = Closure::once_into_js(move |at: f64| self.call(at));
        if let Some(window) = web_sys::window() {
            let _ = window.request_animation_frame(once.unchecked_ref());
        }
    }

    fn call(self, at: f64) {
        match self.tick.try_update_value(|tick| tick(at)) {
            Some(Again::Soon) => self.ask(),
            // A timer, not a frame: most looks change nothing, and then nothing is drawn.
            Some(Again::Later) => {
                self.rest.set_value(Some(Timeout::new(REST_MS, move || self.call(real_ms()))));
            }
            // Over, or its owner is gone.
            Some(Again::Never) | None => {}
        }
    }
}

/// Calls `tick` before every paint, or more seldom where it says so, until the owner is disposed of.
pub fn every_frame(tick: impl FnMut(f64) -> Again + 'static) -> Frames {
    let frames = Frames { tick: StoredValue::new_local(Box::new(tick)), rest: StoredValue::new_local(None) };
    frames.ask();
    frames
}

/// Work that goes on in tasks of its own, between which the page is drawn and the keyboard is heard.
#[derive(Clone, Copy)]
pub struct Soon {
    port: StoredValue<web_sys::MessagePort, LocalStorage>,
    asked: StoredValue<bool>,
}

impl Soon {
    /// Does some of the work as soon as the browser has nothing older to do; asking twice is asking once.
    pub fn ask(self) {
        if self.asked.try_get_value() == Some(false) {
            self.asked.set_value(true);
            self.port.with_value(|port| {
                let _ = port.post_message(&wasm_bindgen::JsValue::NULL);
            });
        }
    }
}

/// Calls `work` after each [`Soon::ask`], until the owner is disposed of. A message to oneself:
/// timers wait for four milliseconds once they are nested.
pub fn soon(mut work: impl FnMut(Soon) + 'static) -> Option<Soon> {
    let channel = web_sys::MessageChannel::new().ok()?;
    let (here, port) = (channel.port1(), StoredValue::new_local(channel.port2()));
    let soon = Soon { port, asked: StoredValue::new(false) };
    let handler = Closure::<dyn FnMut()>::new(move || {
        // Disposed of while the message was under way: nothing is left to work on.
        if soon.asked.try_set_value(false).is_none() {
            work(soon);
        }
    });
    here.set_onmessage(Some(handler.as_ref().unchecked_ref()));
    let kept = StoredValue::new_local((here, handler));
    on_cleanup(move || {
        kept.try_with_value(|(here, _)| {
            here.set_onmessage(None);
            here.close();
        });
    });
    Some(soon)
}

/// Listens on the document or window until the owner is disposed of.
pub fn listen(target: &web_sys::EventTarget, event: &'static str, handler: impl FnMut(web_sys::Event) + 'static) {
    let handler = Closure::<dyn FnMut(web_sys::Event)>::new(handler);
    let _ = target.add_event_listener_with_callback(event, handler.as_ref().unchecked_ref());
    let kept = StoredValue::new_local((target.clone(), handler));
    on_cleanup(move || {
        kept.try_with_value(|(target, handler)| {
            let _ = target.remove_event_listener_with_callback(event, handler.as_ref().unchecked_ref());
        });
    });
}

pub fn focus(element: &Element) {
    if let Some(element) = element.dyn_ref::<HtmlElement>() {
        let _ = element.focus();
    }
}

/// Moves focus to what `selector` finds first, if it is there and visible.
pub fn focus_first(selector: &str) -> bool {
    let Ok(found) = document().query_selector_all(selector) else { return false };
    for index in 0..found.length() {
        let Some(element) = found.item(index).and_then(|node| node.dyn_into::<HtmlElement>().ok()) else { continue };
        if element.offset_parent().is_some() || element.get_client_rects().length() > 0 {
            let _ = element.focus();
            return true;
        }
    }
    false
}

/// Moves focus among the elements `selector` finds inside `root`, by arrow keys; wraps around.
pub fn rove(root: &Element, selector: &str, step: i32) {
    let Ok(found) = root.query_selector_all(selector) else { return };
    let all: Vec<Element> =
        (0..found.length()).filter_map(|index| found.item(index)?.dyn_into::<Element>().ok()).collect();
    if all.is_empty() {
        return;
    }
    let active = document().active_element();
    let here = all.iter().position(|element| Some(element) == active.as_ref());
    let count = all.len() as i32;
    let next = match here {
        Some(index) => (index as i32 + step).rem_euclid(count),
        None if step < 0 => count - 1,
        None => 0,
    };
    focus(&all[next as usize]);
}

/// Marks the document: language, title, theme, motion.
pub fn mark_root(name: &str, value: &str) {
    if let Some(root) = document().document_element() {
        let _ = if value.is_empty() { root.remove_attribute(name) } else { root.set_attribute(name, value) };
    }
}

/// Calls `step` before every paint until it says that it is done.
pub fn until_done(mut step: impl FnMut() -> bool + 'static) {
    request_animation_frame(move || {
        if !step() {
            until_done(step);
        }
    });
}

/// Counts frames from 0 to `last`: what is put on the page at a stage of its own leaves the browser time to draw,
/// and to compile what runs for the first time.
pub fn stages(last: u32) -> RwSignal<u32> {
    let stage = RwSignal::new(0);
    until_done(move || {
        let next = stage.try_get_untracked().map_or(last, |now| now + 1);
        stage.try_set(next);
        next >= last
    });
    stage
}
