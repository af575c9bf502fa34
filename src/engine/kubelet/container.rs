//! What a pod worker remembers of one container: its present instance and the one before.
//!
//! A container of the spec is a slot; every start makes a new instance in it. Upstream reads both from
//! the runtime, which keeps one dead instance per container: that one is `lastState`, and the source of
//! `kubectl logs --previous`. Restarts are counted from one instance to the next.
//! Whether one that ended starts again: the first of its rules that speaks of the exit code; then its own
//! policy, `Always` for a sidecar; then the pod's, of which an init container takes `Always` as
//! `OnFailure`. Ephemeral containers never do.
//! Mirrors: pkg/kubelet/container/runtime.go `Status`, pkg/api/v1/pod/util.go `ContainerShouldRestart`.
//! Left out: other conditions of rules than exit codes, and the collection of dead instances.

use std::borrow::Cow;

use api::k8s_openapi::api::core::v1::{Container as ContainerSpec, EphemeralContainer, Pod, ResourceRequirements};

use super::runtime::{Container, ExecIo, Millis};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Init,
    /// An init container with `restartPolicy: Always`.
    Sidecar,
    Main,
    /// Added to a pod that runs: it starts once, and nothing waits for it.
    Ephemeral,
}

impl Kind {
    /// Runs before the main containers.
    pub const fn is_init(self) -> bool {
        matches!(self, Kind::Init | Kind::Sidecar)
    }
}

/// How an instance ended.
#[derive(Debug, Clone, PartialEq)]
pub struct End {
    pub code: i32,
    pub at: Millis,
    /// `Completed`, `Error`, `OOMKilled`, `StartError`.
    pub reason: &'static str,
    pub message: Option<String>,
}

/// A kill under way: the hook, then the signal, then force.
#[derive(Debug, Clone)]
pub struct Kill {
    /// SIGKILL comes at this time.
    pub deadline: Millis,
    pub hook: Option<Hook>,
    pub signalled: bool,
}

/// A lifecycle hook that is still running.
#[derive(Debug, Clone)]
pub enum Hook {
    Exec { io: ExecIo, command: Vec<String> },
    Until(Millis),
}

/// One run of a container.
#[derive(Debug, Clone)]
pub struct Instance {
    /// 64 hexadecimal digits.
    pub id: String,
    /// The image as the runtime names it, and its content.
    pub image: String,
    pub image_id: String,
    /// The image as the spec named it, to notice a change.
    pub spec_image: String,
    pub runtime: Container,
    pub started_at: Millis,
    pub end: Option<End>,
    pub kill: Option<Kill>,
    /// What the readiness probe says; true at once without one.
    pub ready: bool,
    /// What the startup probe says; true at once without one.
    pub started: bool,
    /// postStart is still running.
    pub hook: Option<Hook>,
    pub uid: i64,
    pub gid: i64,
    /// All its groups, its own among them.
    pub groups: Vec<i64>,
    /// What it runs with: what its spec asked for when it started, or was resized.
    pub resources: ResourceRequirements,
}

/// A container of the pod's spec, whatever has become of it.
#[derive(Debug, Clone)]
pub struct Slot {
    pub name: String,
    pub kind: Kind,
    /// In its list of the spec.
    place: usize,
    pub current: Option<Instance>,
    pub previous: Option<Instance>,
    pub restarts: i32,
    /// What it was given when the pod came, or by a resize since, and starts with. A resize that waits is not in it.
    pub allocated: ResourceRequirements,
}

impl Slot {
    /// What the pod's spec says of it. Looked for where it stood: a pod may have thousands of containers.
    pub fn spec<'a>(&self, pod: &'a Pod) -> Option<Cow<'a, ContainerSpec>> {
        let spec = pod.spec.as_ref()?;
        let here = match self.kind {
            Kind::Init | Kind::Sidecar => spec.init_containers.as_ref().and_then(|list| list.get(self.place)),
            Kind::Main => spec.containers.get(self.place),
            Kind::Ephemeral => {
                let added = spec.ephemeral_containers.as_ref().and_then(|list| list.get(self.place));
                return added.filter(|added| added.name == self.name).map(|added| Cow::Owned(ordinary(added)));
            }
        };
        match here.filter(|container| container.name == self.name) {
            Some(found) => Some(Cow::Borrowed(found)),
            None => spec_of(pod, &self.name),
        }
    }

    pub fn running(&self) -> Option<&Instance> {
        self.current.as_ref().filter(|instance| instance.end.is_none())
    }

    pub fn running_mut(&mut self) -> Option<&mut Instance> {
        self.current.as_mut().filter(|instance| instance.end.is_none())
    }

    /// A new instance takes the place of the one before, of which something is remembered.
    pub fn begin(&mut self, instance: Instance) {
        if let Some(before) = self.current.replace(instance) {
            self.previous = Some(before);
        }
    }

    pub fn ended(&self) -> Option<&End> {
        self.current.as_ref().and_then(|instance| instance.end.as_ref())
    }
}

/// The pod's containers: init containers first, both in the order of the spec.
pub fn slots(pod: &Pod) -> Vec<Slot> {
    let Some(spec) = &pod.spec else { return Vec::new() };
    let slot = |place: usize, container: &ContainerSpec, kind| Slot {
        name: container.name.clone(),
        kind,
        place,
        current: None,
        previous: None,
        restarts: 0,
        allocated: container.resources.clone().unwrap_or_default(),
    };
    let init = spec.init_containers.iter().flatten().enumerate().map(|(place, container)| {
        let always = container.restart_policy.as_deref() == Some("Always");
        slot(place, container, if always { Kind::Sidecar } else { Kind::Init })
    });
    let own = spec.containers.iter().enumerate().map(|(place, container)| slot(place, container, Kind::Main));
    let added = spec.ephemeral_containers.iter().flatten().enumerate();
    init.chain(own).chain(added.map(|(place, added)| slot(place, &ordinary(added), Kind::Ephemeral))).collect()
}

/// The spec of a container by name, whichever list it is in.
pub fn spec_of<'a>(pod: &'a Pod, name: &str) -> Option<Cow<'a, ContainerSpec>> {
    let spec = pod.spec.as_ref()?;
    let mut own = spec.init_containers.iter().flatten().chain(&spec.containers);
    if let Some(found) = own.find(|container| container.name == name) {
        return Some(Cow::Borrowed(found));
    }
    let added = spec.ephemeral_containers.iter().flatten().find(|container| container.name == name)?;
    Some(Cow::Owned(ordinary(added)))
}

/// An ephemeral container in the words of the others: a type of its own, with the same fields.
fn ordinary(container: &EphemeralContainer) -> ContainerSpec {
    ContainerSpec {
        name: container.name.clone(),
        image: container.image.clone(),
        image_pull_policy: container.image_pull_policy.clone(),
        command: container.command.clone(),
        args: container.args.clone(),
        working_dir: container.working_dir.clone(),
        env: container.env.clone(),
        env_from: container.env_from.clone(),
        volume_mounts: container.volume_mounts.clone(),
        security_context: container.security_context.clone(),
        stdin: container.stdin,
        stdin_once: container.stdin_once,
        tty: container.tty,
        termination_message_path: container.termination_message_path.clone(),
        termination_message_policy: container.termination_message_policy.clone(),
        ..ContainerSpec::default()
    }
}

/// Whether a container that ended with this code starts again: its own rules first, then its own
/// policy, then the pod's.
///
/// Mirrors: pkg/api/v1/pod/util.go `ContainerShouldRestart`.
pub fn restarts_after(pod: &Pod, slot: &Slot, code: i32) -> bool {
    let spec = slot.spec(pod);
    let policy = match slot.kind {
        Kind::Ephemeral => "Never",
        // An init container that succeeded has done its work.
        Kind::Init if code == 0 => "Never",
        Kind::Init | Kind::Sidecar | Kind::Main => {
            if spec.as_deref().and_then(|container| matching_rule(container, code)).is_some() {
                return true;
            }
            let own = spec.as_deref().and_then(|container| container.restart_policy.as_deref());
            own.or(pod.spec.as_ref().and_then(|spec| spec.restart_policy.as_deref())).unwrap_or("Always")
        }
    };
    match policy {
        "Never" => false,
        "OnFailure" => code != 0,
        _ => true,
    }
}

/// Whether a container that the kubelet itself kills starts again, whatever its exit code will be.
pub fn restarts_when_killed(pod: &Pod, slot: &Slot) -> bool {
    let spec = slot.spec(pod);
    let own = spec.as_deref().and_then(|container| container.restart_policy.as_deref());
    own.or(pod.spec.as_ref().and_then(|spec| spec.restart_policy.as_deref())) != Some("Never")
}

/// What the first rule that speaks of this exit code wants done.
fn matching_rule(container: &ContainerSpec, code: i32) -> Option<&str> {
    container.restart_policy.as_ref()?;
    let rule = container.restart_policy_rules.iter().flatten().find(|rule| {
        rule.exit_codes.as_ref().is_some_and(|codes| {
            let listed = codes.values.iter().flatten().any(|value| *value == code);
            if codes.operator == "NotIn" { !listed } else { listed }
        })
    });
    rule.map(|rule| rule.action.as_str())
}

/// Whether a container that ended with this code takes all others with it.
pub fn restarts_all(pod: &Pod, slot: &Slot, code: i32) -> bool {
    let spec = slot.spec(pod);
    spec.as_deref().and_then(|container| matching_rule(container, code)) == Some("RestartAllContainers")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rules_come_before_the_own_policy_and_that_before_the_pods() {
        let rules =
            |operator: &str| json!([{"action": "Restart", "exitCodes": {"operator": operator, "values": [42]}}]);
        let rows = [
            ("the pod's", json!({}), "OnFailure", [(0, false), (1, true)]),
            ("its own", json!({"restartPolicy": "Never"}), "Always", [(0, false), (1, false)]),
            (
                "a rule",
                json!({"restartPolicy": "Never", "restartPolicyRules": rules("In")}),
                "Never",
                [(42, true), (1, false)],
            ),
            (
                "all but",
                json!({"restartPolicy": "Never", "restartPolicyRules": rules("NotIn")}),
                "Always",
                [(42, false), (0, true)],
            ),
            ("rules need a policy", json!({"restartPolicyRules": rules("In")}), "Never", [(42, false), (1, false)]),
        ];
        for (case, own, policy, wants) in rows {
            let mut container = json!({"name": "c", "image": "i"});
            for (key, value) in own.as_object().into_iter().flatten() {
                container[key] = value.clone();
            }
            let pod = json!({"metadata": {}, "spec": {"restartPolicy": policy, "containers": [container]}});
            let pod: Pod = serde_json::from_value(pod).expect("a pod");
            for (code, want) in wants {
                assert_eq!(restarts_after(&pod, &slots(&pod)[0], code), want, "{case}, exit code {code}");
            }
        }
    }
}
