//! Sets of completion indexes, written as `1,3-5,7`; and the index that each pod of an Indexed Job bears.
//!
//! Mirrors: pkg/controller/job/indexed_job_utils.go.

use std::collections::BTreeSet;
use std::fmt;

use api::k8s_openapi::api::batch::v1::{Job, JobSpec};
use api::k8s_openapi::api::core::v1::Pod;

/// The annotation and label with a pod's index.
pub const INDEX: &str = "batch.kubernetes.io/job-completion-index";
const FAILURES: &str = "batch.kubernetes.io/job-index-failure-count";
const IGNORED: &str = "batch.kubernetes.io/job-index-ignored-failure-count";

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Indexes(pub BTreeSet<i32>);

impl Indexes {
    /// Reads `1,3-5,7`; what is not below `completions` is left out.
    pub fn parse(text: &str, completions: i32) -> Self {
        let mut set = BTreeSet::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (Ok(first), Ok(last)) = (first.parse::<i32>(), last.parse::<i32>()) else { continue };
            set.extend(first..=last.min(completions - 1));
        }
        Self(set)
    }

    pub fn has(&self, index: i32) -> bool {
        self.0.contains(&index)
    }

    pub fn total(&self) -> i32 {
        self.0.len() as i32
    }
}

impl fmt::Display for Indexes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.iter().copied().peekable();
        let mut separator = "";
        while let Some(first) = rest.next() {
            let mut last = first;
            while rest.peek() == Some(&(last + 1)) {
                last += 1;
                rest.next();
            }
            write!(f, "{separator}{first}")?;
            match last - first {
                0 => {}
                1 => write!(f, ",{last}")?,
                _ => write!(f, "-{last}")?,
            }
            separator = ",";
        }
        Ok(())
    }
}

pub fn is_indexed(job: &Job) -> bool {
    job.spec.as_ref().is_some_and(|spec| spec.completion_mode.as_deref() == Some("Indexed"))
}

/// The index of a pod that counts: one that is known and below the completions.
pub fn of(pod: &Pod, spec: &JobSpec) -> Option<i32> {
    raw(pod).filter(|index| *index < spec.completions.unwrap_or(0))
}

/// The index a pod bears, whatever the Job wants by now.
pub fn raw(pod: &Pod) -> Option<i32> {
    annotation(pod, INDEX).filter(|index| *index >= 0)
}

/// Earlier failures of a pod's index, those that count and those that a policy ignored.
pub fn failures(pod: &Pod) -> (i32, i32) {
    (annotation(pod, FAILURES).unwrap_or(0), annotation(pod, IGNORED).unwrap_or(0))
}

/// Tells a replacement how often its index failed before.
pub fn note_failures(pod: &mut Pod, counted: i32, ignored: i32) {
    let annotations = pod.metadata.annotations.get_or_insert_default();
    annotations.insert(FAILURES.into(), counted.to_string());
    if ignored > 0 {
        annotations.insert(IGNORED.into(), ignored.to_string());
    }
}

fn annotation(pod: &Pod, key: &str) -> Option<i32> {
    pod.metadata.annotations.as_ref()?.get(key)?.parse().ok()
}

/// The lowest `count` indexes below `completions` that are not taken.
pub fn first_free(taken: &BTreeSet<i32>, count: usize, completions: i32) -> Vec<i32> {
    (0..completions).filter(|index| !taken.contains(index)).take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_written_as_ranges() {
        for (list, text) in [
            (&[][..], ""),
            (&[3], "3"),
            (&[3, 4], "3,4"),
            (&[0, 1, 2], "0-2"),
            (&[1, 3, 4, 5, 7], "1,3-5,7"),
            (&[0, 1, 3, 4, 9], "0,1,3,4,9"),
        ] {
            let set = Indexes(list.iter().copied().collect());
            assert_eq!(set.to_string(), text);
            assert_eq!(Indexes::parse(text, 10), set, "{text}");
        }
        assert_eq!(Indexes::parse("1-9", 4).to_string(), "1-3");
        assert_eq!(first_free(&[0, 2, 3].into(), 2, 6), [1, 4]);
    }
}
