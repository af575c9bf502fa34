//! Probes and lifecycle hooks.
//!
//! Mirrors: pkg/apis/core/validation `validateProbe`, `validateHandler`, `validateLifecycle`.

use k8s_openapi::api::core::v1::{
    Container, ExecAction, GRPCAction, HTTPGetAction, LifecycleHandler, Probe, SleepAction, TCPSocketAction,
};

use super::super::common::{invalid_each, nonnegative_if, one_of, port, port_number, required};
use super::super::field::{ErrorList, FieldError, Path};
use crate::meta::names;

/// One of the ways to reach into a container.
#[derive(Default)]
struct Handler<'a> {
    exec: Option<&'a ExecAction>,
    http_get: Option<&'a HTTPGetAction>,
    tcp_socket: Option<&'a TCPSocketAction>,
    grpc: Option<&'a GRPCAction>,
    sleep: Option<&'a SleepAction>,
}

pub fn lifecycle_and_probes(container: &Container, grace_period_s: Option<i64>, path: &Path, errors: &mut ErrorList) {
    if let Some(lifecycle) = &container.lifecycle {
        let here = path.child("lifecycle");
        for (field, hook) in [("postStart", &lifecycle.post_start), ("preStop", &lifecycle.pre_stop)] {
            if let Some(hook) = hook {
                handler(&of_hook(hook), grace_period_s, &here.child(field), errors);
            }
        }
    }
    if let Some(probe) = &container.liveness_probe {
        killing_probe(probe, &path.child("livenessProbe"), errors);
    }
    if let Some(probe) = &container.readiness_probe {
        let here = path.child("readinessProbe");
        common(probe, &here, errors);
        if let Some(seconds) = probe.termination_grace_period_seconds {
            let text = "must not be set for readinessProbes";
            errors.push(FieldError::invalid(&here.child("terminationGracePeriodSeconds"), seconds, text));
        }
    }
    if let Some(probe) = &container.startup_probe {
        killing_probe(probe, &path.child("startupProbe"), errors);
    }
}

/// Liveness and startup probes: one success is enough.
fn killing_probe(probe: &Probe, path: &Path, errors: &mut ErrorList) {
    common(probe, path, errors);
    let successes = probe.success_threshold.unwrap_or_default();
    if successes != 1 {
        errors.push(FieldError::invalid(&path.child("successThreshold"), successes, "must be 1"));
    }
}

fn common(probe: &Probe, path: &Path, errors: &mut ErrorList) {
    let action = Handler {
        exec: probe.exec.as_ref(),
        http_get: probe.http_get.as_ref(),
        tcp_socket: probe.tcp_socket.as_ref(),
        grpc: probe.grpc.as_ref(),
        sleep: None,
    };
    handler(&action, None, path, errors);
    nonnegative_if(probe.initial_delay_seconds, &path.child("initialDelaySeconds"), errors);
    nonnegative_if(probe.timeout_seconds, &path.child("timeoutSeconds"), errors);
    nonnegative_if(probe.period_seconds, &path.child("periodSeconds"), errors);
    nonnegative_if(probe.success_threshold, &path.child("successThreshold"), errors);
    nonnegative_if(probe.failure_threshold, &path.child("failureThreshold"), errors);
    if let Some(seconds) = probe.termination_grace_period_seconds.filter(|seconds| *seconds <= 0) {
        let here = path.child("terminationGracePeriodSeconds");
        errors.push(FieldError::invalid(&here, seconds, "must be greater than 0"));
    }
}

fn of_hook(hook: &LifecycleHandler) -> Handler<'_> {
    Handler {
        exec: hook.exec.as_ref(),
        http_get: hook.http_get.as_ref(),
        tcp_socket: hook.tcp_socket.as_ref(),
        grpc: None,
        sleep: hook.sleep.as_ref(),
    }
}

fn handler(handler: &Handler, grace_period_s: Option<i64>, path: &Path, errors: &mut ErrorList) {
    let mut handlers = 0;
    // True for the first handler; later ones are refused unread.
    let mut first = |field: &str, errors: &mut ErrorList| {
        handlers += 1;
        if handlers > 1 {
            errors.push(FieldError::forbidden(&path.child(field), "may not specify more than 1 handler type"));
        }
        handlers == 1
    };
    if let Some(exec) = handler.exec
        && first("exec", errors)
        && exec.command.as_ref().is_none_or(Vec::is_empty)
    {
        errors.push(FieldError::required(&path.child("exec").child("command"), ""));
    }
    if let Some(action) = handler.http_get
        && first("httpGet", errors)
    {
        http_get(action, &path.child("httpGet"), errors);
    }
    if let Some(action) = handler.tcp_socket
        && first("tcpSocket", errors)
    {
        port(&action.port, &path.child("tcpSocket").child("port"), errors);
    }
    if let Some(action) = handler.grpc
        && first("grpc", errors)
    {
        port_number(action.port, &path.child("grpc").child("port"), errors);
    }
    if let Some(action) = handler.sleep
        && first("sleep", errors)
        && let Some(grace) = grace_period_s
        && !(0..=grace).contains(&action.seconds)
    {
        let text = format!("must be non-negative and less than terminationGracePeriodSeconds ({grace})");
        errors.push(FieldError::invalid(&path.child("sleep"), action.seconds, text));
    }
    if handlers == 0 {
        errors.push(FieldError::required(path, "must specify a handler type"));
    }
}

fn http_get(action: &HTTPGetAction, path: &Path, errors: &mut ErrorList) {
    required(action.path.as_deref().unwrap_or_default(), &path.child("path"), errors);
    port(&action.port, &path.child("port"), errors);
    one_of(action.scheme.as_deref().unwrap_or_default(), &["HTTP", "HTTPS"], &path.child("scheme"), errors);
    for header in action.http_headers.iter().flatten() {
        invalid_each(&path.child("httpHeaders"), &header.name, names::http_header_name(&header.name), errors);
    }
}
