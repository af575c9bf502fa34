//! Container ports and the host ports they claim.
//!
//! Mirrors: pkg/apis/core/validation `validateContainerPorts`, `checkHostPortConflicts`.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Container, ContainerPort};

use super::super::common::{invalid_each, port_number, required_one_of};
use super::super::field::{ErrorList, FieldError, Path};
use crate::meta::names;

pub fn container_ports(ports: &[ContainerPort], path: &Path, errors: &mut ErrorList) {
    let mut seen = BTreeSet::new();
    for (i, port) in ports.iter().enumerate() {
        let here = path.index(i);
        if let Some(name) = port.name.as_deref().filter(|name| !name.is_empty()) {
            let breaches = names::port_name(name);
            if !breaches.is_empty() {
                invalid_each(&here.child("name"), name, breaches, errors);
            } else if !seen.insert(name) {
                errors.push(FieldError::duplicate(&here.child("name"), name));
            }
        }
        if port.container_port == 0 {
            errors.push(FieldError::required(&here.child("containerPort"), ""));
        } else {
            port_number(port.container_port, &here.child("containerPort"), errors);
        }
        if let Some(number) = port.host_port.filter(|number| *number != 0) {
            port_number(number, &here.child("hostPort"), errors);
        }
        required_one_of(port.protocol.as_deref(), &["SCTP", "TCP", "UDP"], &here.child("protocol"), errors);
    }
}

/// The same port of the host cannot be given twice.
pub fn unique_host_ports(containers: &[Container], path: &Path, errors: &mut ErrorList) {
    let mut seen = BTreeSet::new();
    for (i, container) in containers.iter().enumerate() {
        for (j, port) in container.ports.iter().flatten().enumerate() {
            let number = port.host_port.unwrap_or_default();
            if number == 0 {
                continue;
            }
            let protocol = port.protocol.as_deref().unwrap_or_default();
            let claim = format!("{protocol}/{}/{number}", port.host_ip.as_deref().unwrap_or_default());
            if !seen.insert(claim.clone()) {
                errors.push(FieldError::duplicate(&path.index(i).child("ports").index(j).child("hostPort"), claim));
            }
        }
    }
}
