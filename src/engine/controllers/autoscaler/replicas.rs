//! How many pods a measured load wants: usage over target, with doubt about pods that are not ready or not measured.
//!
//! `replicas = ceil(pods * usage / target)`, nothing within the tolerance. Pods that are starting or were not measured
//! are supposed to speak against the change: to use nothing when it goes up, all they may when it goes down. If the
//! direction turns by that, nothing is done.
//! Mirrors: pkg/controller/podautoscaler/replica_calculator.go, pkg/controller/podautoscaler/metrics/utilization.go.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::k8s_openapi::api::core::v1::{Container, Pod};
use api::meta::quantity::amount;
use api::meta::time::millis;

use crate::controllers::pods;

/// While a pod starts, its CPU says little.
const CPU_INITIALIZATION: i64 = 300_000;
/// A pod that lost its readiness this soon after its start never had it.
const INITIAL_READINESS: i64 = 30_000;

/// What one pod uses, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    pub value: i64,
    /// When it was measured, and over how long, in milliseconds.
    pub at: i64,
    pub window: i64,
}

pub type Samples = BTreeMap<String, Sample>;

/// What is wanted of each pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Percent of what the pods request.
    Utilization(i32),
    /// Thousandths per pod.
    Average(i64),
}

/// Ratios this near to one change nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    pub up: f64,
    pub down: f64,
}

impl Tolerance {
    fn covers(self, ratio: f64) -> bool {
        1.0 - self.down <= ratio && ratio <= 1.0 + self.up
    }
}

/// One question to the calculator.
pub struct Question<'a> {
    pub current: i32,
    pub target: Target,
    /// `cpu` or `memory`.
    pub resource: &'a str,
    /// Only this container counts.
    pub container: Option<&'a str>,
    /// The pods that the target selects.
    pub pods: &'a [Arc<Pod>],
    pub tolerance: Tolerance,
    pub unix_now: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proposal {
    pub replicas: i32,
    /// Percent of the requests, for targets that are one.
    pub utilization: Option<i32>,
    /// Thousandths per pod.
    pub average: i64,
}

impl Question<'_> {
    /// # Errors
    /// Why no number can be given, in upstream's words.
    pub fn answer(&self, mut samples: Samples) -> Result<Proposal, String> {
        if self.pods.is_empty() {
            return Err("no pods returned by selector while calculating replica count".into());
        }
        let groups = self.group(&samples);
        samples.retain(|name, _| !groups.ignored.contains(name) && !groups.unready.contains(name));
        if samples.is_empty() {
            return Err("did not receive metrics for targeted pods (pods might be unready)".into());
        }
        let requests = match self.target {
            Target::Utilization(_) => self.requests()?,
            Target::Average(_) => BTreeMap::new(),
        };
        let (ratio, utilization, average) = self.ratio(&samples, &requests)?;
        let proposal = |replicas: i32| Proposal { replicas, utilization, average };
        let up_with_unready = !groups.unready.is_empty() && ratio > 1.0;
        if !up_with_unready && groups.missing.is_empty() {
            if self.tolerance.covers(ratio) {
                return Ok(proposal(self.current));
            }
            return Ok(proposal((ratio * groups.ready as f64).ceil() as i32));
        }
        // In doubt, what is not known works against the change.
        let mut assume = |name: &String, value: i64| {
            samples.insert(name.clone(), Sample { value, at: self.unix_now, window: 0 });
        };
        for name in &groups.missing {
            match self.target {
                Target::Utilization(target) if ratio < 1.0 => {
                    let request = requests.get(name).copied().unwrap_or(0);
                    assume(name, request * i64::from(target.max(100)) / 100);
                }
                Target::Average(target) if ratio < 1.0 => assume(name, target),
                Target::Utilization(_) if ratio <= 1.0 => {}
                Target::Utilization(_) | Target::Average(_) => assume(name, 0),
            }
        }
        if up_with_unready {
            groups.unready.iter().for_each(|name| assume(name, 0));
        }
        let (again, ..) = self.ratio(&samples, &requests)?;
        let turned = (ratio < 1.0 && again > 1.0) || (ratio > 1.0 && again < 1.0);
        if self.tolerance.covers(again) || turned {
            return Ok(proposal(self.current));
        }
        let replicas = (again * samples.len() as f64).ceil() as i32;
        let turned = (again < 1.0 && replicas > self.current) || (again > 1.0 && replicas < self.current);
        Ok(proposal(if turned { self.current } else { replicas }))
    }

    /// Usage over target, percent of the requests, and usage per pod.
    fn ratio(&self, samples: &Samples, requests: &BTreeMap<String, i64>) -> Result<(f64, Option<i32>, i64), String> {
        match self.target {
            Target::Average(target) => {
                let average = samples.values().map(|sample| sample.value).sum::<i64>() / samples.len() as i64;
                Ok((average as f64 / target as f64, None, average))
            }
            Target::Utilization(target) => {
                let known = samples.iter().filter_map(|(name, sample)| Some((sample.value, *requests.get(name)?)));
                let (mut used, mut requested, mut count) = (0, 0, 0);
                for (value, request) in known {
                    used += value;
                    requested += request;
                    count += 1;
                }
                if requested == 0 {
                    return Err("no metrics returned matched known pods".into());
                }
                let utilization = (used * 100 / requested) as i32;
                Ok((f64::from(utilization) / f64::from(target), Some(utilization), used / count))
            }
        }
    }

    /// What each pod requests; every container must.
    fn requests(&self) -> Result<BTreeMap<String, i64>, String> {
        let mut requests = BTreeMap::new();
        for pod in self.pods {
            let spec = pod.spec.clone().unwrap_or_default();
            let sidecars = spec.init_containers.into_iter().flatten().filter(is_sidecar);
            let mut sum = 0;
            for container in spec.containers.into_iter().chain(sidecars) {
                if self.container.is_some_and(|name| name != container.name) {
                    continue;
                }
                let resources = container.resources.unwrap_or_default();
                let Some(request) = resources.requests.as_ref().and_then(|map| map.get(self.resource)) else {
                    let (resource, container, pod) = (self.resource, container.name, pods::name(pod));
                    return Err(format!("missing request for {resource} in container {container} of Pod {pod}"));
                };
                sum += amount(request).milli_value();
            }
            requests.insert(pods::name(pod).to_string(), sum);
        }
        Ok(requests)
    }

    fn group(&self, samples: &Samples) -> Groups {
        let mut groups = Groups::default();
        for pod in self.pods {
            let name = pods::name(pod).to_string();
            if pods::is_terminating(pod) || pods::phase(pod) == "Failed" {
                groups.ignored.insert(name);
            } else if pods::phase(pod) == "Pending" {
                groups.unready.insert(name);
            } else if let Some(sample) = samples.get(&name) {
                if self.resource == "cpu" && self.starts(pod, *sample) {
                    groups.unready.insert(name);
                } else {
                    groups.ready += 1;
                }
            } else {
                groups.missing.insert(name);
            }
        }
        groups
    }

    /// Whether a pod is still starting, so that its CPU does not count.
    fn starts(&self, pod: &Pod, sample: Sample) -> bool {
        let start = pod.status.as_ref().and_then(|status| status.start_time.as_ref()).map(millis);
        let (Some(ready), Some(start)) = (pods::condition(pod, "Ready"), start) else { return true };
        let changed = ready.last_transition_time.as_ref().map(millis).unwrap_or_default();
        let unready = ready.status == "False";
        if start + CPU_INITIALIZATION > self.unix_now {
            // One whole window must lie behind the last change.
            unready || sample.at < changed + sample.window
        } else {
            unready && start + INITIAL_READINESS > changed
        }
    }
}

#[derive(Debug, Default)]
struct Groups {
    ready: usize,
    unready: BTreeSet<String>,
    missing: BTreeSet<String>,
    ignored: BTreeSet<String>,
}

fn is_sidecar(container: &Container) -> bool {
    container.restart_policy.as_deref() == Some("Always")
}

#[cfg(test)]
mod tests {
    use api::meta::time::rfc3339;
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_767_225_600_000;

    /// Running and ready for an hour, unless said otherwise: `p` pending, `u` unready since its start,
    /// `n` newly started, `d` being deleted. Each requests a core.
    fn pod(index: usize, kind: char) -> Arc<Pod> {
        let started = NOW - if kind == 'n' { 60_000 } else { 3_600_000 };
        let changed = if kind == 'n' { NOW - 5_000 } else { started + 10_000 };
        let ready = if matches!(kind, 'u' | 'p') { "False" } else { "True" };
        let deleted = (kind == 'd').then(|| rfc3339(NOW));
        Arc::new(
            serde_json::from_value(json!({
                "metadata": {"name": format!("p{index}"), "deletionTimestamp": deleted},
                "spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}]},
                "status": {
                    "phase": if kind == 'p' { "Pending" } else { "Running" },
                    "startTime": rfc3339(started),
                    "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": rfc3339(changed)}],
                },
            }))
            .unwrap(),
        )
    }

    fn ask(kinds: &str, usage: &[i64], target: Target) -> Result<Proposal, String> {
        let pods: Vec<Arc<Pod>> = kinds.chars().enumerate().map(|(index, kind)| pod(index, kind)).collect();
        let samples = usage.iter().enumerate().filter(|(_, value)| **value >= 0);
        let samples =
            samples.map(|(index, value)| (format!("p{index}"), Sample { value: *value, at: NOW, window: 15_000 }));
        let question = Question {
            current: kinds.chars().filter(|kind| *kind != 'd').count() as i32,
            target,
            resource: "cpu",
            container: None,
            pods: &pods,
            tolerance: Tolerance { up: 0.1, down: 0.1 },
            unix_now: NOW,
        };
        question.answer(samples.collect())
    }

    #[test]
    fn load_over_target_is_the_number_of_pods() {
        use Target::{Average, Utilization};
        // Pods, their usage (-1: not measured), the target; pods wanted, percent, average.
        for (kinds, usage, target, replicas, utilization, average) in [
            ("r", &[1000][..], Utilization(50), 2, Some(100), 1000),
            ("r", &[2000], Utilization(50), 4, Some(200), 2000),
            ("rrr", &[300, 500, 700], Utilization(30), 5, Some(50), 500),
            // Within a tenth: nothing changes.
            ("rr", &[540, 540], Utilization(50), 2, Some(54), 540),
            ("rr", &[460, 460], Utilization(50), 2, Some(46), 460),
            ("rrrr", &[100, 100, 100, 100], Utilization(50), 1, Some(10), 100),
            ("rr", &[100, 100], Average(50), 4, None, 100),
            ("rrr", &[10, 10, 10], Average(100), 1, None, 10),
            // What is not ready counts nothing on the way up, and is not asked on the way down.
            ("rrp", &[1000, 1000, -1], Utilization(50), 4, Some(100), 1000),
            ("ru", &[900, 900], Utilization(50), 2, Some(90), 900),
            ("rn", &[900, 2000], Utilization(50), 2, Some(90), 900),
            ("rrp", &[100, 100, -1], Utilization(50), 1, Some(10), 100),
            // What is not measured counts nothing on the way up, and all it asked for on the way down.
            ("rr", &[1000, -1], Utilization(50), 2, Some(100), 1000),
            ("rr", &[1200, -1], Utilization(50), 3, Some(120), 1200),
            ("rrr", &[100, 100, -1], Utilization(50), 3, Some(10), 100),
            ("rrrr", &[0, 0, 0, -1], Utilization(50), 2, Some(0), 0),
            ("rd", &[1000, 4000], Utilization(50), 2, Some(100), 1000),
        ] {
            let wanted = Proposal { replicas, utilization, average };
            assert_eq!(ask(kinds, usage, target), Ok(wanted), "{kinds} {usage:?} {target:?}");
        }
    }

    #[test]
    fn a_question_without_an_answer_says_why() {
        for (kinds, usage, text) in [
            ("", &[][..], "no pods returned by selector while calculating replica count"),
            ("p", &[100], "did not receive metrics for targeted pods (pods might be unready)"),
            ("r", &[-1], "did not receive metrics for targeted pods (pods might be unready)"),
        ] {
            assert_eq!(ask(kinds, usage, Target::Utilization(50)), Err(text.to_string()));
        }
        let mut bare = (*pod(0, 'r')).clone();
        bare.spec.as_mut().unwrap().containers[0].resources = None;
        let question = Question {
            current: 1,
            target: Target::Utilization(50),
            resource: "cpu",
            container: None,
            pods: &[Arc::new(bare)],
            tolerance: Tolerance { up: 0.1, down: 0.1 },
            unix_now: NOW,
        };
        let samples = [("p0".to_string(), Sample { value: 1, at: NOW, window: 0 })].into();
        assert_eq!(question.answer(samples), Err("missing request for cpu in container c of Pod p0".into()));
    }
}
