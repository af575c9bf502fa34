//! Containers' logs, whole and as they grow.
//!
//! A log belongs to an instance: of a container that waits for its next start it is that of the last run,
//! and `--previous` then means the same one. One that never ran has none; the refusal says what it waits
//! for. First comes `--since`, then of the rest `--tail`, then of the text `--limit-bytes`. A follower of
//! a log ends with its instance: whoever wants the next run must ask again.
//! Mirrors: pkg/kubelet/kubelet_pods.go `validateContainerLogStatus`, pkg/kubelet/kuberuntime/logs. Left
//! out: rotated files, and the choice of one stream alone.

use api::Status;

use super::agent::Kubelet;
use super::container::Instance;
use super::runtime::Millis;
use super::runtime::log::LogLine;

/// What `kubectl logs` may ask for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LogOptions {
    pub previous: bool,
    /// Only lines written at or after this, in unix milliseconds.
    pub since: Option<Millis>,
    pub timestamps: bool,
    pub tail: Option<i64>,
    pub limit_bytes: Option<i64>,
}

impl Kubelet {
    /// The instance whose log is meant.
    fn log_source(&self, namespace: &str, pod: &str, container: &str, previous: bool) -> Result<&Instance, Status> {
        let worker = self.worker_of(namespace, pod);
        let slot = worker.and_then(|worker| worker.slots.iter().find(|slot| slot.name == container));
        let missing = || Status::bad_request(format!("container \"{container}\" in pod \"{pod}\" is not available"));
        let (Some(worker), Some(slot)) = (worker, slot) else { return Err(missing()) };
        let failure = worker.reasons.get(container);
        // A container that waits shows its last run as lastState.
        let waits = slot.running().is_none() && failure.is_some();
        let chosen = match (previous, waits) {
            (true, true) | (false, _) => slot.current.as_ref(),
            (true, false) => slot.previous.as_ref(),
        };
        if let Some(instance) = chosen {
            return Ok(instance);
        }
        if previous {
            return Err(Status::bad_request(format!(
                "previous terminated container \"{container}\" in pod \"{pod}\" not found"
            )));
        }
        let has_init = worker.slots.iter().any(|slot| slot.kind.is_init());
        let why = match failure.map(|failure| failure.reason) {
            Some("ErrImagePull") => "image can't be pulled",
            Some("ImagePullBackOff") => "trying and failing to pull image",
            Some(reason) => reason,
            None if has_init => "PodInitializing",
            None => "ContainerCreating",
        };
        Err(Status::bad_request(format!("container \"{container}\" in pod \"{pod}\" is waiting to start: {why}")))
    }

    /// A container's log as text, and the position behind it for a follower.
    ///
    /// # Errors
    /// `BadRequest` in the kubelet's words when there is no log to read.
    pub fn logs(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        options: &LogOptions,
    ) -> Result<(String, usize), Status> {
        let instance = self.log_source(namespace, pod, container, options.previous)?;
        let log = instance.runtime.log();
        let lines: Vec<_> = log.from(0).filter(|line| options.since.is_none_or(|since| line.at >= since)).collect();
        let keep = options.tail.map_or(lines.len(), |tail| usize::try_from(tail).unwrap_or(lines.len()));
        let mut text = String::new();
        for line in &lines[lines.len().saturating_sub(keep)..] {
            push_line(&mut text, line, options.timestamps);
        }
        if let Some(limit) =
            options.limit_bytes.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit < text.len())
        {
            let end = (0..=limit).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.truncate(end);
        }
        Ok((text, log.end()))
    }

    /// What was logged since `position`; the flag is set when nothing more will come.
    pub fn follow(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        position: usize,
        timestamps: bool,
    ) -> (String, usize, bool) {
        let Ok(instance) = self.log_source(namespace, pod, container, false) else {
            return (String::new(), position, true);
        };
        let log = instance.runtime.log();
        let mut text = String::new();
        log.from(position).for_each(|line| push_line(&mut text, line, timestamps));
        (text, log.end().max(position), instance.end.is_some())
    }
}

fn push_line(text: &mut String, line: &LogLine, timestamps: bool) {
    if timestamps {
        // The runtime stamps with nanoseconds; virtual time has milliseconds.
        let stamp = api::meta::time::rfc3339_micro(i64::try_from(line.at).unwrap_or(0));
        text.push_str(&format!("{}000Z ", stamp.trim_end_matches('Z')));
    }
    text.push_str(&line.text);
    text.push('\n');
}
