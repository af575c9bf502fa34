//! What is invalid in the kinds that have no file of their own here.

use super::*;

/// A job as its strategy leaves it: selector and labels are its own.
fn job(mut spec: Value) -> Value {
    let labels = json!({"batch.kubernetes.io/controller-uid": "u", "batch.kubernetes.io/job-name": "j", "controller-uid": "u", "job-name": "j"});
    spec["selector"] = json!({"matchLabels": {"batch.kubernetes.io/controller-uid": "u"}});
    if spec.get("template").is_none() {
        spec["template"] =
            json!({"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox:1.36"}]}});
    }
    spec["template"]["metadata"] = json!({"labels": labels});
    json!({"metadata": {"name": "j", "uid": "u"}, "spec": spec})
}

#[test]
fn jobs_end_and_keep_their_shape() {
    expect(
        Kind::Job,
        job(
            json!({"parallelism": -1, "template": {"spec": {"restartPolicy": "Always", "containers": [{"name": "c", "image": "x"}]}}}),
        ),
        &[
            "spec.parallelism: Invalid value: -1: must be greater than or equal to 0",
            "spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"",
        ],
    );
    expect(
        Kind::Job,
        job(json!({"completionMode": "Indexed", "parallelism": 2})),
        &["spec.completions: Required value: when completion mode is Indexed"],
    );
    assert_eq!(
        update(Kind::Job, job(json!({"completions": 3})), job(json!({"completions": 2}))),
        ["spec.completions: Invalid value: 3: field is immutable"]
    );
}

#[test]
fn jobs_have_policies_that_can_be_met() {
    let indexes = |text: &str| json!({"rules": [{"succeededIndexes": text}]});
    let rules = "spec.successPolicy.rules";
    let at = format!("{rules}[0].succeededIndexes: Invalid value");
    for (policy, breach) in [
        (
            json!({"rules": []}),
            format!(
                "{rules}: Required value: at least one rules must be specified when the successPolicy is specified"
            ),
        ),
        (
            json!({"rules": [{}]}),
            format!("{rules}[0]: Required value: at least one of succeededCount or succeededIndexes must be specified"),
        ),
        (
            indexes("0,x"),
            format!(r#"{at}: "0,x": error parsing succeededIndexes: cannot convert string to integer for index: "x""#),
        ),
        (indexes("0-5"), format!(r#"{at}: "0-5": error parsing succeededIndexes: too large index: "5""#)),
        (
            indexes("2,1"),
            format!(r#"{at}: "2,1": error parsing succeededIndexes: non-increasing order, previous: 2, current: 1"#),
        ),
        (
            indexes("2-2"),
            format!(r#"{at}: "2-2": error parsing succeededIndexes: non-increasing order, previous: 2, current: 2"#),
        ),
        (
            json!({"rules": [{"succeededCount": 6}]}),
            format!(
                "{rules}[0].succeededCount: Invalid value: 6: must be less than or equal to 5 (the number of specified completions)"
            ),
        ),
        (
            json!({"rules": [{"succeededCount": 3, "succeededIndexes": "0-1"}]}),
            format!(
                "{rules}[0].succeededCount: Invalid value: 3: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)"
            ),
        ),
    ] {
        expect(
            Kind::Job,
            job(json!({"completionMode": "Indexed", "completions": 5, "successPolicy": policy})),
            &[&breach],
        );
    }
    let fails = |rule: serde_json::Value| job(json!({"podFailurePolicy": {"rules": [rule]}}));
    let rules = "spec.podFailurePolicy.rules[0]";
    let codes =
        |values: serde_json::Value| json!({"action": "Ignore", "onExitCodes": {"operator": "In", "values": values}});
    for (rule, breach) in [
        (codes(json!([2, 1])), format!("{rules}.onExitCodes.values: Invalid value: [2,1]: must be ordered")),
        (codes(json!([1, 1])), format!("{rules}.onExitCodes.values[1]: Duplicate value: 1")),
        (
            json!({"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [1]}}),
            format!("{rules}.action: Invalid value: \"FailIndex\": requires the backoffLimitPerIndex to be set"),
        ),
    ] {
        expect(Kind::Job, fails(rule), &[&breach]);
    }
}

#[test]
fn a_changed_template_is_shown_whole() {
    let on_failure =
        json!({"spec": {"restartPolicy": "OnFailure", "containers": [{"name": "c", "image": "busybox:1.36"}]}});
    let text = update(Kind::Job, job(json!({"template": on_failure})), job(json!({})));
    assert_eq!(
        text,
        [
            r#"spec.template: Invalid value: {"labels":{"batch.kubernetes.io/controller-uid":"u","batch.kubernetes.io/job-name":"j","controller-uid":"u","job-name":"j"},"Spec":{"Volumes":null,"InitContainers":null,"Containers":[{"Name":"c","Image":"busybox:1.36","Command":null,"Args":null,"WorkingDir":"","Ports":null,"EnvFrom":null,"Env":null,"Resources":{"Limits":null,"Requests":null,"Claims":null},"ResizePolicy":null,"RestartPolicy":null,"RestartPolicyRules":null,"VolumeMounts":null,"VolumeDevices":null,"LivenessProbe":null,"ReadinessProbe":null,"StartupProbe":null,"Lifecycle":null,"TerminationMessagePath":"/dev/termination-log","TerminationMessagePolicy":"File","ImagePullPolicy":"IfNotPresent","SecurityContext":null,"Stdin":false,"StdinOnce":false,"TTY":false}],"EphemeralContainers":null,"RestartPolicy":"OnFailure","TerminationGracePeriodSeconds":30,"ActiveDeadlineSeconds":null,"DNSPolicy":"ClusterFirst","NodeSelector":null,"ServiceAccountName":"","AutomountServiceAccountToken":null,"NodeName":"","SecurityContext":{"HostNetwork":false,"HostPID":false,"HostIPC":false,"ShareProcessNamespace":null,"HostUsers":null,"SELinuxOptions":null,"WindowsOptions":null,"RunAsUser":null,"RunAsGroup":null,"RunAsNonRoot":null,"SupplementalGroups":null,"SupplementalGroupsPolicy":null,"FSGroup":null,"FSGroupChangePolicy":null,"Sysctls":null,"SeccompProfile":null,"AppArmorProfile":null,"SELinuxChangePolicy":null},"ImagePullSecrets":null,"Hostname":"","Subdomain":"","SetHostnameAsFQDN":null,"Affinity":null,"SchedulerName":"default-scheduler","Tolerations":null,"HostAliases":null,"PriorityClassName":"","Priority":null,"PreemptionPolicy":null,"DNSConfig":null,"ReadinessGates":null,"RuntimeClassName":null,"Overhead":null,"EnableServiceLinks":null,"TopologySpreadConstraints":null,"OS":null,"SchedulingGates":null,"ResourceClaims":null,"Resources":null,"HostnameOverride":null,"SchedulingGroup":null}}: field is immutable"#
        ]
    );
}

#[test]
fn cron_jobs_have_schedules_and_short_names() {
    let cron_job = |name: &str, schedule: &str| {
        json!({"metadata": {"name": name}, "spec": {"schedule": schedule, "jobTemplate": {"spec": {"template": {"spec": {
            "restartPolicy": "OnFailure", "containers": [{"name": "c", "image": "busybox:1.36"}]}}}}}})
    };
    let long = "a-name-that-is-longer-than-fifty-two-characters-is-not-allowed";
    expect(
        Kind::CronJob,
        cron_job(long, "0 0 * * *"),
        &[&format!("metadata.name: Invalid value: \"{long}\": must be no more than 52 characters")],
    );
    expect(
        Kind::CronJob,
        cron_job("a", "x"),
        &["spec.schedule: Invalid value: \"x\": expected exactly 5 fields, found 1: [x]"],
    );
    expect(Kind::CronJob, cron_job("a", ""), &["spec.schedule: Required value"]);
}

#[test]
fn roles_say_what_and_bindings_stay() {
    expect(
        Kind::Role,
        json!({"metadata": {"name": "r"}, "rules": [{"verbs": [], "apiGroups": [""], "resources": ["pods"]}]}),
        &["rules[0].verbs: Required value: verbs must contain at least one value"],
    );
    let binding = |role: &str| json!({"metadata": {"name": "rb"}, "roleRef": {"kind": "Role", "name": role}, "subjects": [{"kind": "ServiceAccount", "name": "sa"}]});
    assert_eq!(create(Kind::RoleBinding, binding("r")), [""; 0]);
    assert_eq!(
        update(Kind::RoleBinding, binding("other"), binding("r")),
        [
            "roleRef: Invalid value: {\"APIGroup\":\"rbac.authorization.k8s.io\",\"Kind\":\"Role\",\"Name\":\"other\"}: cannot change roleRef"
        ]
    );
}

#[test]
fn priorities_are_bounded_and_fixed() {
    expect(
        Kind::PriorityClass,
        json!({"metadata": {"name": "system-mine"}, "value": 2_000_000_000}),
        &[
            "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: system-mine is not a known system priority class",
        ],
    );
    expect(
        Kind::PriorityClass,
        json!({"metadata": {"name": "big"}, "value": 2_000_000_000}),
        &["value: Forbidden: maximum allowed value of a user defined priority is 1000000000"],
    );
    let class = |value: i32| json!({"metadata": {"name": "high"}, "value": value});
    assert_eq!(
        update(Kind::PriorityClass, class(1001), class(1000)),
        ["value: Forbidden: may not be changed in an update."]
    );
}

#[test]
fn the_other_kinds_have_their_rules() {
    for (kind, value, text) in [
        (
            Kind::HorizontalPodAutoscaler,
            json!({"spec": {"maxReplicas": 0, "minReplicas": 0, "scaleTargetRef": {"name": "x"}}}),
            vec![
                "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1",
                "spec.maxReplicas: Invalid value: 0: must be greater than 0",
                "spec.scaleTargetRef.kind: Required value",
            ],
        ),
        (
            Kind::PodDisruptionBudget,
            json!({"spec": {"minAvailable": 1, "maxUnavailable": "50%"}}),
            vec![
                "spec: Invalid value: {\"MinAvailable\":1,\"Selector\":null,\"MaxUnavailable\":\"50%\",\"UnhealthyPodEvictionPolicy\":null}: minAvailable and maxUnavailable cannot be both set",
            ],
        ),
        (
            Kind::Ingress,
            json!({"spec": {}}),
            vec!["spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"],
        ),
        (
            Kind::Ingress,
            json!({"spec": {"rules": [{"http": {"paths": [{"path": "x", "pathType": "Prefix", "backend": {"service": {"name": "a"}}}]}}]}}),
            vec![
                "spec.rules[0].http.paths[0].path: Invalid value: \"x\": must be an absolute path",
                "spec.rules[0].http.paths[0].backend: Required value: port name or number is required",
            ],
        ),
        (
            Kind::NetworkPolicy,
            json!({"spec": {"ingress": [{"from": [{}]}]}}),
            vec!["spec.ingress[0].from[0]: Required value: must specify a peer"],
        ),
        (
            Kind::ResourceQuota,
            json!({"spec": {"hard": {"cows": "1"}}}),
            vec![
                "spec.hard[cows]: Invalid value: \"cows\": must be a standard resource type or fully qualified",
                "spec.hard[cows]: Invalid value: \"cows\": must be a standard resource for quota",
            ],
        ),
        (
            Kind::ResourceQuota,
            json!({"spec": {"hard": {"pods": "1.5"}}}),
            vec!["spec.hard[pods]: Invalid value: \"1500m\": must be an integer"],
        ),
        (
            Kind::LimitRange,
            json!({"spec": {"limits": [{"type": "Container", "min": {"cpu": "2"}, "max": {"cpu": "1"}}]}}),
            vec![
                "spec.limits[0].min[cpu]: Invalid value: \"2\": min value 2 is greater than max value 1",
                "spec.limits[0].defaultRequest[cpu]: Invalid value: \"1\": min value 2 is greater than default request value 1",
                "spec.limits[0].default[cpu]: Invalid value: \"2\": min value 2 is greater than default value 1",
            ],
        ),
        (
            Kind::Lease,
            json!({"spec": {"leaseDurationSeconds": 0}}),
            vec!["spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"],
        ),
        (
            Kind::StatefulSet,
            json!({"spec": {"podManagementPolicy": "X", "serviceName": "s", "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "x:1"}]}}}}),
            vec!["spec.podManagementPolicy: Invalid value: \"X\": must be 'OrderedReady' or 'Parallel'"],
        ),
        (Kind::StorageClass, json!({}), vec!["provisioner: Required value"]),
        (
            Kind::PersistentVolume,
            json!({"spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]}}),
            vec!["spec: Required value: must specify a volume type"],
        ),
    ] {
        let mut value = value;
        value["metadata"] = json!({"name": "a"});
        expect(kind, value, &text);
    }
}
