//! NetworkPolicies, IPAddresses and ServiceCIDRs.
//!
//! Mirrors: pkg/printers/internalversion `printNetworkPolicy`, `printIPAddress`, `printServiceCIDR`.

use api::DynamicObject;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use serde_json::{Value, json};

use super::Cells;
use super::cell::{Now, at, selector, text};
use super::column::{AGE, Column, NAME, field};

pub(super) const POLICY_COLUMNS: &[Column] =
    &[NAME, field("Pod-Selector", "networking/v1.NetworkPolicySpec", "podSelector"), AGE];
pub(super) const IP_ADDRESS_COLUMNS: &[Column] =
    &[NAME, field("ParentRef", "networking/v1.IPAddressSpec", "parentRef"), AGE];
pub(super) const CIDR_COLUMNS: &[Column] = &[NAME, field("CIDRs", "networking/v1.ServiceCIDRSpec", "cidrs"), AGE];

pub(super) fn policy_cells(policy: &NetworkPolicy, now: Now) -> Cells {
    let pods = policy.spec.as_ref().and_then(|spec| spec.pod_selector.as_ref());
    vec![text(&policy.metadata.name), selector(pods), now.age(&policy.metadata)]
}

pub(super) fn ip_address_cells(address: &DynamicObject, now: Now) -> Cells {
    let reference = at(&address.fields, &["spec", "parentRef"]);
    let part = |key: &str| reference[key].as_str().unwrap_or_default();
    let parent = match reference {
        Value::Object(_) => {
            let path = [part("group"), part("resource"), part("namespace"), part("name")];
            // The core group and cluster-wide parents leave their part out.
            let mut shown = match path[0] {
                "" => path[1].to_string(),
                group => format!("{}.{group}", path[1]),
            };
            for part in path[2..].iter().filter(|part| !part.is_empty()) {
                shown.push('/');
                shown.push_str(part);
            }
            shown
        }
        _ => "<none>".into(),
    };
    vec![text(&address.metadata.name), json!(parent), now.age(&address.metadata)]
}

pub(super) fn cidr_cells(cidr: &DynamicObject, now: Now) -> Cells {
    let list = at(&cidr.fields, &["spec", "cidrs"]).as_array();
    let cidrs: Vec<_> = list.into_iter().flatten().filter_map(Value::as_str).collect();
    vec![text(&cidr.metadata.name), json!(cidrs.join(",")), now.age(&cidr.metadata)]
}
