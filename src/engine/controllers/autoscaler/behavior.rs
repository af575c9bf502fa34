//! From what the load wants to what is done now: stabilisation, rates and bounds.
//!
//! Stabilisation: down only to the highest, up only to the lowest number proposed within a window (five minutes down,
//! none up). Rates: at most what the policies allow, given what was changed within their periods; without a behaviour,
//! up to the double or four. Bounds: `minReplicas` and `maxReplicas`. The conditions tell which of these had its say.
//! Mirrors: pkg/controller/podautoscaler/horizontal.go `normalizeDesiredReplicas`,
//! `normalizeDesiredReplicasWithBehaviors`.

use api::k8s_openapi::api::autoscaling::v2::{HPAScalingRules, HorizontalPodAutoscalerBehavior};

use crate::sim::{Millis, SECOND};

/// How long the highest recommendation holds on the way down, unless a behaviour says otherwise.
const DOWNSCALE_STABILIZATION: Millis = 300 * SECOND;

/// What an autoscaler remembers between syncs. Lost at a restart, as upstream's is.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    recommendations: Vec<(Millis, i32)>,
    /// Pods added and removed, with the time.
    added: Vec<(Millis, i32)>,
    removed: Vec<(Millis, i32)>,
}

/// What is asked: how things are, and what the load wants.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    pub now: Millis,
    pub current: i32,
    pub desired: i32,
    pub min: i32,
    pub max: i32,
}

/// A reason and a message.
pub type Words = (&'static str, &'static str);

/// What is done, and what the conditions AbleToScale and ScalingLimited say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    pub replicas: i32,
    pub able: Words,
    pub limited: bool,
    pub limit: Words,
}

const READY: Words = ("ReadyForNewScale", "recommended size matches current size");
const STABLE_DOWN: Words = (
    "ScaleDownStabilized",
    "recent recommendations were higher than current one, applying the highest recent recommendation",
);
const STABLE_UP: Words = (
    "ScaleUpStabilized",
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
);
const WITHIN: Words = ("DesiredWithinRange", "the desired count is within the acceptable range");
const TOO_MANY: Words = ("TooManyReplicas", "the desired replica count is more than the maximum replica count");
const TOO_FEW: Words = ("TooFewReplicas", "the desired replica count is less than the minimum replica count");
const TOO_FAST_UP: Words =
    ("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate");
const TOO_FAST_DOWN: Words =
    ("ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate");

impl Memory {
    /// The size at the first look counts as a recommendation: nothing is taken away at once.
    pub fn begin(&mut self, now: Millis, current: i32) {
        if self.recommendations.is_empty() {
            self.recommendations.push((now, current));
        }
    }

    /// Notes a change, for the rates of a behaviour.
    pub fn changed(&mut self, behavior: Option<&HorizontalPodAutoscalerBehavior>, now: Millis, from: i32, to: i32) {
        let Some(behavior) = behavior else { return };
        let (list, rules, change) = if to > from {
            (&mut self.added, &behavior.scale_up, to - from)
        } else {
            (&mut self.removed, &behavior.scale_down, from - to)
        };
        let periods =
            rules.iter().flat_map(|rules| rules.policies.iter().flatten()).map(|policy| policy.period_seconds);
        let longest = periods.max().unwrap_or(0).max(0) as Millis * SECOND;
        list.retain(|(at, _)| at + longest > now);
        list.push((now, change));
    }

    pub fn decide(&mut self, behavior: Option<&HorizontalPodAutoscalerBehavior>, wish: Wish) -> Decision {
        let Wish { now, current, desired, .. } = wish;
        let rules = behavior.map(|behavior| {
            (behavior.scale_up.clone().unwrap_or_default(), behavior.scale_down.clone().unwrap_or_default())
        });
        let window = |rules: &HPAScalingRules, default: Millis| {
            rules.stabilization_window_seconds.map_or(default, |seconds| seconds.max(0) as Millis * SECOND)
        };
        let (up_window, down_window) = match &rules {
            Some((up, down)) => (window(up, 0), window(down, DOWNSCALE_STABILIZATION)),
            None => (0, DOWNSCALE_STABILIZATION),
        };
        let within = |window: Millis| {
            let recent = self.recommendations.iter().filter(move |(at, _)| at + window > now);
            recent.map(|(_, replicas)| *replicas)
        };
        let low = within(up_window).chain([desired]).min().unwrap_or(desired);
        let high = within(down_window).chain([desired]).max().unwrap_or(desired);
        let stable = if rules.is_some() { current.max(low).min(high) } else { high };
        let able = if stable == desired {
            READY
        } else if rules.is_some() && desired >= current {
            STABLE_UP
        } else {
            STABLE_DOWN
        };
        let longest = up_window.max(down_window);
        self.recommendations.retain(|(at, _)| at + longest >= now);
        self.recommendations.push((now, desired));
        let wish = Wish { desired: stable, ..wish };
        let (replicas, limit) = match &rules {
            Some((up, down)) => self.within_rates(up, down, wish),
            None => within_bounds(wish),
        };
        Decision { replicas, able, limited: replicas != stable, limit }
    }

    fn within_rates(&self, up: &HPAScalingRules, down: &HPAScalingRules, wish: Wish) -> (i32, Words) {
        let Wish { current, desired, min, max, .. } = wish;
        if desired > current {
            let limit = self.limit(up, wish, true).max(current);
            let (most, words) = if max > limit { (limit, TOO_FAST_UP) } else { (max, TOO_MANY) };
            if desired > most {
                return (most, words);
            }
        } else if desired < current {
            let limit = self.limit(down, wish, false).min(current);
            let (least, words) = if min < limit { (limit, TOO_FAST_DOWN) } else { (min, TOO_FEW) };
            if desired < least {
                return (least, words);
            }
        }
        (desired, WITHIN)
    }

    /// How far the policies let it go now, given what was done within their periods.
    fn limit(&self, rules: &HPAScalingRules, wish: Wish, up: bool) -> i32 {
        let select = rules.select_policy.as_deref().unwrap_or("Max");
        if select == "Disabled" {
            return wish.current;
        }
        let within = |list: &[(Millis, i32)], seconds: i32| -> i32 {
            let period = seconds.max(0) as Millis * SECOND;
            list.iter().filter(|(at, _)| at + period > wish.now).map(|(_, change)| *change).sum()
        };
        let proposals = rules.policies.iter().flatten().map(|policy| {
            let seconds = policy.period_seconds;
            let start = wish.current - within(&self.added, seconds) + within(&self.removed, seconds);
            let share = f64::from(policy.value) / 100.0;
            match (policy.type_.as_str(), up) {
                ("Percent", true) => (f64::from(start) * (1.0 + share)).ceil() as i32,
                ("Percent", false) => (f64::from(start) * (1.0 - share)) as i32,
                (_, true) => start + policy.value,
                (_, false) => start - policy.value,
            }
        });
        // The greatest change is the highest number on the way up, the lowest on the way down.
        let far = if (select == "Min") == up { proposals.min() } else { proposals.max() };
        far.unwrap_or(wish.current)
    }
}

/// Without a behaviour: at most double, or four.
fn within_bounds(wish: Wish) -> (i32, Words) {
    let limit = (2 * wish.current).max(4);
    let (most, words) = if wish.max > limit { (limit, TOO_FAST_UP) } else { (wish.max, TOO_MANY) };
    if wish.desired < wish.min {
        (wish.min, TOO_FEW)
    } else if wish.desired > most {
        (most, words)
    } else {
        (wish.desired, WITHIN)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Each step: seconds, what the load wants; what is done, and the two reasons.
    type Steps = &'static [(u64, i32, i32, &'static str, &'static str)];

    fn play(behavior: Option<Value>, steps: Steps) {
        let behavior: Option<HorizontalPodAutoscalerBehavior> =
            behavior.map(|value| serde_json::from_value(value).unwrap());
        let (mut memory, mut current) = (Memory::default(), 2);
        memory.begin(0, current);
        for (seconds, desired, replicas, able, limit) in steps {
            let now = seconds * SECOND;
            let wish = Wish { now, current, desired: *desired, min: 1, max: 10 };
            let decision = memory.decide(behavior.as_ref(), wish);
            let told = (decision.replicas, decision.able.0, decision.limit.0);
            assert_eq!(told, (*replicas, *able, *limit), "at {seconds} s of {behavior:?}");
            if decision.replicas != current {
                memory.changed(behavior.as_ref(), now, current, decision.replicas);
            }
            current = decision.replicas;
        }
    }

    #[test]
    fn without_a_behaviour_it_doubles_and_waits_five_minutes_to_shrink() {
        play(
            None,
            &[
                (15, 9, 4, "ReadyForNewScale", "ScaleUpLimit"),
                (30, 9, 8, "ReadyForNewScale", "ScaleUpLimit"),
                (45, 20, 10, "ReadyForNewScale", "TooManyReplicas"),
                (60, 10, 10, "ScaleDownStabilized", "TooManyReplicas"),
                (75, 3, 10, "ScaleDownStabilized", "TooManyReplicas"),
                (346, 3, 10, "ScaleDownStabilized", "DesiredWithinRange"),
                (361, 0, 3, "ScaleDownStabilized", "DesiredWithinRange"),
                (700, 0, 1, "ReadyForNewScale", "TooFewReplicas"),
            ],
        );
    }

    #[test]
    fn a_behaviour_sets_rates_and_windows() {
        let policies =
            |kind: &str, value: i32, period: i32| json!([{"type": kind, "value": value, "periodSeconds": period}]);
        play(
            Some(json!({
                "scaleUp": {"stabilizationWindowSeconds": 0, "selectPolicy": "Max", "policies": policies("Pods", 1, 60)},
                "scaleDown": {"stabilizationWindowSeconds": 0, "selectPolicy": "Max", "policies": policies("Percent", 50, 60)},
            })),
            &[
                (15, 9, 3, "ReadyForNewScale", "ScaleUpLimit"),
                (30, 9, 3, "ReadyForNewScale", "ScaleUpLimit"),
                (76, 9, 4, "ReadyForNewScale", "ScaleUpLimit"),
                (150, 0, 2, "ReadyForNewScale", "ScaleDownLimit"),
                (165, 0, 2, "ReadyForNewScale", "ScaleDownLimit"),
                (211, 0, 1, "ReadyForNewScale", "TooFewReplicas"),
            ],
        );
        play(
            Some(json!({
                "scaleUp": {"stabilizationWindowSeconds": 60, "selectPolicy": "Max", "policies": policies("Percent", 100, 15)},
                "scaleDown": {"selectPolicy": "Disabled"},
            })),
            &[
                (15, 4, 2, "ScaleUpStabilized", "DesiredWithinRange"),
                (59, 4, 2, "ScaleUpStabilized", "DesiredWithinRange"),
                (61, 4, 4, "ReadyForNewScale", "DesiredWithinRange"),
                (700, 1, 4, "ReadyForNewScale", "ScaleDownLimit"),
            ],
        );
    }
}
