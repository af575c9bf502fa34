//! Questions about the past, asked of a session: what the scheduler saw when it placed a pod.

use leptos::prelude::*;

use super::{
    driver::SLICE_MS,
    look_back::Found,
    session::Session,
    why::{self, WhyStory, WhyView},
};
use crate::backend::dom;

impl Session {
    /// "Why here?", "why nowhere?": opens the answer, at once where it is known.
    pub fn ask_why(self, namespace: &str, name: &str) {
        let asked = self.driver.with_value(|driver| {
            let snapshot = driver.snapshot();
            let pod = snapshot.get::<api::k8s_openapi::api::core::v1::Pod>(namespace, name)?;
            let uid = pod.metadata.uid.clone().unwrap_or_default();
            let known = snapshot.traces.latest(&uid).cloned();
            let story = known.as_ref().map_or_else(|| why::without_attempt(pod), |trace| told(trace));
            let bound = why::scheduled_at(pod).filter(|_| story == WhyStory::Forgotten);
            let epoch = snapshot.unix_millis - snapshot.now;
            Some((story, bound.map(|at| driver.look_back.find(&uid, at.saturating_sub(epoch)))))
        });
        let Some((story, found)) = asked else { return };
        let view = |story| Some(WhyView { pod: name.to_string(), story });
        match found {
            None | Some(Found::Nothing) => self.why.set(view(story)),
            Some(Found::Trace(trace)) => self.why.set(view(told(&trace))),
            Some(Found::Again(mut search)) => {
                self.why.set(view(WhyStory::Looking));
                let (pod, waiting) = (name.to_string(), view(WhyStory::Looking));
                dom::until_done(move || {
                    // Closed, or another question was asked.
                    if self.why.try_with_untracked(|now| *now == waiting) != Some(true) {
                        return true;
                    }
                    let deadline = dom::real_ms() + SLICE_MS;
                    let Some(found) = search.advance(|| dom::real_ms() < deadline) else { return false };
                    let story = found.map_or(WhyStory::Forgotten, |trace| told(&trace));
                    self.why.set(Some(WhyView { pod: pod.clone(), story }));
                    true
                });
            }
        }
    }
}

fn told(trace: &engine::scheduler::SchedulingTrace) -> WhyStory {
    WhyStory::Attempt(why::attempt(trace))
}
