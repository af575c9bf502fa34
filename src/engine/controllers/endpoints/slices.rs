//! EndpointSlices: who is in a slice stays in it and keeps his place, newcomers fill what is written anyway.
//!
//! Mirrors: endpointslice/reconciler.go `reconcileByAddressType`, `reconcileByPortMapping`, `finalize`. Which of
//! several newcomers comes first is arbitrary upstream; here it is the one whose name does.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use api::k8s_openapi::api::core::v1::Service;
use api::k8s_openapi::api::discovery::v1::{Endpoint, EndpointPort, EndpointSlice};
use api::meta::owner::{controller_reference, is_controlled_by};
use api::order::Order;
use api::{Status, Typed};

use crate::client::{Context, DeleteOptions, Key};

/// Addresses in one slice.
const MAX_PER_SLICE: usize = 100;
const SERVICE_NAME: &str = super::SERVICE_NAME;
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const MANAGER: &str = "endpointslice-controller.k8s.io";
const CHANGED: &str = super::CHANGED;

type Labels = BTreeMap<String, String>;

/// Endpoints with the ports they have in common: pods whose named ports differ share no slice.
pub type Group = (Vec<EndpointPort>, Vec<Endpoint>);

/// Writes the slices of a service; `changed` is when the last change happened that they tell of.
///
/// # Errors
/// The API server's refusal.
pub fn sync(
    cx: &mut Context,
    service: &Arc<Service>,
    wanted: Vec<Group>,
    changed: Option<String>,
) -> Result<(), Status> {
    let owner = service.clone().wrap();
    let existing: Vec<Arc<EndpointSlice>> = cx.api.owned_by::<EndpointSlice>(owner.uid()).cloned().collect();
    let mut plan = Plan::new(existing, wanted, &labels(service));
    plan.reuse();
    // Slices of an earlier Service of this name, which let them go, tell of what is no more.
    let (namespace, name) = (service.metadata.namespace.as_deref(), service.metadata.name.as_deref());
    let left_behind = cx.api.list::<EndpointSlice>(namespace.unwrap_or_default()).filter(|slice| {
        let label = |key: &str| slice.metadata.labels.as_ref()?.get(key).map(String::as_str);
        label(SERVICE_NAME) == name
            && label(MANAGED_BY) == Some(MANAGER)
            && !is_controlled_by(&slice.metadata, owner.uid())
    });
    plan.delete.extend(left_behind.cloned());
    let annotations = changed.map(|changed| Labels::from([(CHANGED.to_owned(), changed)]));
    for mut slice in plan.create {
        if service.metadata.deletion_timestamp.is_some() {
            break;
        }
        let name = service.metadata.name.as_deref().unwrap_or_default();
        slice.metadata.generate_name = Some(format!("{name}-"));
        slice.metadata.namespace.clone_from(&service.metadata.namespace);
        slice.metadata.owner_references = Some(vec![controller_reference(&owner)]);
        slice.metadata.annotations.clone_from(&annotations);
        cx.api.create(slice)?;
    }
    for mut slice in plan.update {
        let mut all = slice.metadata.annotations.take().unwrap_or_default();
        all.remove(CHANGED);
        all.extend(annotations.clone().unwrap_or_default());
        slice.metadata.annotations = Some(all).filter(|all| !all.is_empty());
        cx.api.update(slice)?;
    }
    for slice in plan.delete {
        let key = Key::of(&slice.wrap());
        cx.api.delete(&key, &DeleteOptions::default())?;
    }
    Ok(())
}

fn labels(service: &Service) -> Labels {
    let mut labels = service.metadata.labels.clone().unwrap_or_default();
    labels.insert(SERVICE_NAME.into(), service.metadata.name.clone().unwrap_or_default());
    labels.insert(MANAGED_BY.into(), MANAGER.into());
    if service.spec.as_ref().and_then(|spec| spec.cluster_ip.as_deref()) == Some("None") {
        labels.insert("service.kubernetes.io/headless".into(), String::new());
    }
    labels
}

/// What is to be written.
#[derive(Default)]
struct Plan {
    create: Vec<EndpointSlice>,
    update: Vec<EndpointSlice>,
    delete: Vec<Arc<EndpointSlice>>,
}

impl Plan {
    fn new(existing: Vec<Arc<EndpointSlice>>, wanted: Vec<Group>, labels: &Labels) -> Self {
        let mut plan = Self::default();
        let mut left = existing.clone();
        for (ports, endpoints) in wanted {
            let (alike, others): (Vec<_>, Vec<_>) = left.into_iter().partition(|slice| ports_of(slice) == ports);
            left = others;
            plan.group(&ports, endpoints, alike, labels);
        }
        // What nobody has ports for any more goes, but a service is never without a slice.
        if left.len() + plan.delete.len() == existing.len() && plan.create.is_empty() {
            match &left[..] {
                [only] if existing.len() == 1 && ports_of(only).is_empty() && len(only) == 0 => left.clear(),
                _ => plan.create.push(fresh(&[], labels)),
            }
        }
        plan.delete.extend(left);
        plan
    }

    /// Brings the slices of one set of ports to the endpoints wanted there.
    fn group(
        &mut self,
        ports: &[EndpointPort],
        endpoints: Vec<Endpoint>,
        slices: Vec<Arc<EndpointSlice>>,
        labels: &Labels,
    ) {
        let mut wanted = Wanted::new(endpoints);
        let (mut changed, mut kept) = (Vec::new(), Vec::new());
        for slice in slices {
            let old = slice.endpoints.as_deref().unwrap_or_default();
            let here: Vec<Endpoint> = old.iter().filter_map(|endpoint| wanted.take(endpoint)).collect();
            if here.is_empty() {
                self.delete.push(slice);
            } else if here != old || slice.metadata.labels.as_ref() != Some(labels) {
                let mut slice = (*slice).clone();
                slice.endpoints = Some(here);
                slice.metadata.labels = Some(labels.clone());
                changed.push(slice);
            } else {
                kept.push(slice);
            }
        }
        let mut left = wanted.left();
        changed.order_by_key(|slice| Reverse(len(slice)));
        for slice in &mut changed {
            fill(slice, &mut left);
        }
        self.update.extend(changed);
        while !left.is_empty() {
            // One that stays as it is takes them if they all fit: the one they fill best. Else there is a new one.
            let fits = |slice: &EndpointSlice| len(slice) + left.len() <= MAX_PER_SLICE;
            let best = (0..kept.len()).filter(|at| fits(&kept[*at])).min_by_key(|at| Reverse(len(&kept[*at])));
            let (into, mut slice) = match best {
                Some(at) => (&mut self.update, (*kept.remove(at)).clone()),
                None => (&mut self.create, fresh(ports, labels)),
            };
            fill(&mut slice, &mut left);
            into.push(slice);
        }
    }

    /// A slice that would go becomes one that would come.
    fn reuse(&mut self) {
        while !self.create.is_empty() && !self.delete.is_empty() {
            let old = self.delete.remove(0);
            if let Some(new) = self.create.pop() {
                let mut slice = (*old).clone();
                (slice.endpoints, slice.ports) = (new.endpoints, new.ports);
                slice.metadata.labels = new.metadata.labels;
                self.update.push(slice);
            }
        }
    }
}

/// Endpoints that have no slice yet, by what makes them the same: addresses and host name.
struct Wanted {
    places: BTreeMap<(Vec<String>, Option<String>), usize>,
    all: Vec<Option<Endpoint>>,
}

impl Wanted {
    fn new(endpoints: Vec<Endpoint>) -> Self {
        let mut wanted = Self { places: BTreeMap::new(), all: Vec::with_capacity(endpoints.len()) };
        for endpoint in endpoints {
            match wanted.places.get(&identity(&endpoint)) {
                // Two pods of one host network are one endpoint.
                Some(at) => wanted.all[*at] = Some(endpoint),
                None => {
                    wanted.places.insert(identity(&endpoint), wanted.all.len());
                    wanted.all.push(Some(endpoint));
                }
            }
        }
        wanted
    }

    fn take(&mut self, known: &Endpoint) -> Option<Endpoint> {
        self.places.get(&identity(known)).and_then(|at| self.all[*at].take())
    }

    /// In the order they go into slices.
    fn left(self) -> VecDeque<Endpoint> {
        self.all.into_iter().flatten().collect()
    }
}

fn identity(endpoint: &Endpoint) -> (Vec<String>, Option<String>) {
    (endpoint.addresses.clone(), endpoint.hostname.clone())
}

fn len(slice: &EndpointSlice) -> usize {
    slice.endpoints.as_ref().map_or(0, Vec::len)
}

fn ports_of(slice: &EndpointSlice) -> &[EndpointPort] {
    slice.ports.as_deref().unwrap_or_default()
}

fn fill(slice: &mut EndpointSlice, left: &mut VecDeque<Endpoint>) {
    let room = (MAX_PER_SLICE - len(slice)).min(left.len());
    if room > 0 {
        slice.endpoints.get_or_insert_default().extend(left.drain(..room));
    }
}

fn fresh(ports: &[EndpointPort], labels: &Labels) -> EndpointSlice {
    let ports = Some(ports.to_vec()).filter(|ports| !ports.is_empty());
    let mut slice = EndpointSlice { address_type: "IPv4".into(), ports, ..EndpointSlice::default() };
    slice.metadata.labels = Some(labels.clone());
    slice
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(addresses: &[&str]) -> Vec<Endpoint> {
        addresses.iter().map(|ip| Endpoint { addresses: vec![(*ip).into()], ..Endpoint::default() }).collect()
    }

    /// `80: a b` is a slice or a group with one port and these endpoints; `-:` one without ports.
    fn read(text: &str) -> Group {
        let (port, addresses) = text.split_once(':').expect("a colon");
        let port = port.parse().ok().map(|port| EndpointPort { port: Some(port), ..EndpointPort::default() });
        (port.into_iter().collect(), endpoints(&addresses.split_whitespace().collect::<Vec<_>>()))
    }

    fn write(slice: &EndpointSlice) -> String {
        let port = ports_of(slice).first().and_then(|port| port.port).map_or("-".into(), |port| port.to_string());
        let all = slice.endpoints.iter().flatten().map(|endpoint| endpoint.addresses[0].as_str());
        format!("{port}: {}", all.collect::<Vec<_>>().join(" ")).trim_end().to_owned()
    }

    #[test]
    fn who_is_in_a_slice_keeps_his_place() {
        let many = |from: usize, to: usize| (from..to).map(|n| format!("{n:03}")).collect::<Vec<_>>().join(" ");
        let full = format!("80: {}", many(0, 100));
        let (grown, more) = (format!("80: {} x", many(0, 100)), format!("80: {} y z", many(1, 100)));
        let room = format!("80: {} y", many(1, 100));
        // Existing slices, wanted groups, and then what is created, updated, deleted.
        let cases: &[[&[&str]; 5]] = &[
            [&[], &[], &["-:"], &[], &[]],
            [&["-:"], &[], &[], &[], &[]],
            [&["-:"], &["80: a"], &[], &["80: a"], &[]],
            [&["80: c a"], &["80: a b c"], &[], &["80: c a b"], &[]],
            [&["80: c a b"], &["80: b c"], &[], &["80: c b"], &[]],
            [&["80: b a"], &["80: a b"], &[], &[], &[]],
            [&["80: a"], &[], &[], &["-:"], &[]],
            [&["80: a"], &["8080: a"], &[], &["8080: a"], &[]],
            [&["80: a", "81: b"], &["80: a"], &[], &[], &["81: b"]],
            [&[&full], &[&grown], &["80: x"], &[], &[]],
            [&[&full, "80: x"], &[&more], &[], &[&room, "80: z"], &[]],
            [&["80: a b", "80: c"], &["80: a b c d"], &[], &["80: a b d"], &[]],
            [&["80: a b", "80: c"], &["80: a b d"], &[], &["80: a b d"], &["80: c"]],
        ];
        let labels = Labels::new();
        for [existing, wanted, create, update, delete] in cases {
            let slices = existing.iter().map(|text| {
                let (ports, endpoints) = read(text);
                let mut slice = fresh(&ports, &labels);
                slice.endpoints = Some(endpoints).filter(|all| !all.is_empty());
                Arc::new(slice)
            });
            let mut plan = Plan::new(slices.collect(), wanted.iter().map(|text| read(text)).collect(), &labels);
            plan.reuse();
            let said = |all: &[EndpointSlice]| all.iter().map(write).collect::<Vec<_>>();
            let gone: Vec<String> = plan.delete.iter().map(|slice| write(slice)).collect();
            let why = format!("{existing:?} → {wanted:?}");
            assert_eq!(
                (said(&plan.create), said(&plan.update), gone),
                (own(create), own(update), own(delete)),
                "{why}"
            );
        }
    }

    fn own(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }
}
