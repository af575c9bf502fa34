//! What a pod asks for: the sum over its containers as the scheduler counts it.
//!
//! Mirrors: component-helpers/resource `PodRequests`, `PodLimits`.

use std::collections::BTreeMap;

use api::meta::quantity::Amount;
use api::order::Gather;
use serde_json::Value;

use super::value::Fields as _;

/// Amounts by resource name.
#[derive(Debug, Clone, Default)]
pub struct Resources(BTreeMap<String, Amount>);

impl Resources {
    pub fn read(list: &Value) -> Self {
        let parse = |value: &Value| value.written("").parse().unwrap_or(Amount::ZERO);
        Self(list.entries("").into_iter().map(|(name, value)| (name.to_string(), parse(value))).into_map())
    }

    pub fn get(&self, name: &str) -> Amount {
        self.0.get(name).copied().unwrap_or(Amount::ZERO)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub fn add(&mut self, other: &Self) {
        for (name, amount) in &other.0 {
            match self.0.get_mut(name) {
                Some(sum) => *sum += *amount,
                None => drop(self.0.insert(name.clone(), *amount)),
            }
        }
    }

    /// The larger of both, name by name.
    fn raise(&mut self, other: &Self) {
        for (name, amount) in &other.0 {
            let known = self.0.entry(name.clone()).or_insert(*amount);
            if *amount > *known {
                *known = *amount;
            }
        }
    }
}

pub fn requests(pod: &Value) -> Resources {
    total(pod, "/resources/requests", "/spec/resources/requests")
}

pub fn limits(pod: &Value) -> Resources {
    total(pod, "/resources/limits", "/spec/resources/limits")
}

fn total(pod: &Value, of_container: &str, of_pod: &str) -> Resources {
    let mut sum = Resources::default();
    for container in pod.list("/spec/containers") {
        sum.add(&Resources::read(container.at(of_container)));
    }
    // Init containers run before the others, each beside the sidecars started so far.
    let (mut sidecars, mut initial) = (Resources::default(), Resources::default());
    for container in pod.list("/spec/initContainers") {
        let mut own = Resources::read(container.at(of_container));
        if container.text("/restartPolicy") == "Always" {
            sum.add(&own);
            sidecars.add(&own);
            own = sidecars.clone();
        } else {
            own.add(&sidecars);
        }
        initial.raise(&own);
    }
    sum.raise(&initial);
    // What the pod as a whole asks for takes the place of its containers' sum.
    for (name, amount) in Resources::read(pod.at(of_pod)).0 {
        sum.0.insert(name, amount);
    }
    let overhead = Resources::read(pod.at("/spec/overhead"));
    match of_container.ends_with("limits") {
        false => sum.add(&overhead),
        // Overhead raises limits only where there are some.
        true => {
            for (name, amount) in overhead.0 {
                if let Some(limit) = sum.0.get_mut(&name).filter(|limit| !limit.is_zero()) {
                    *limit += amount;
                }
            }
        }
    }
    sum
}
