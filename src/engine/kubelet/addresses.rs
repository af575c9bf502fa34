//! The addresses of a node's pods. What decides who gets which one belongs here, and nothing else.
//!
//! A cluster's address plugin goes round through the node's range, so that an address rests before
//! somebody else gets it. Machines without a kubelet of their own (the instant profile) give the
//! lowest that is free. There it is a race whether a pod that waited for room gets the address of the
//! one that left (recordings show both): who keeps the addresses hears of the end while the scheduler
//! binds. Here the address is free a moment later than the room.
//!
//! Mirrors: containernetworking/plugins `host-local` and, for machines without a kubelet, kwok's pool.
//! Left out: ranges larger than 252 addresses, a second address family.

use std::collections::BTreeMap;

use super::runtime::Millis;

/// Milliseconds until an address that was given back is free.
const REST: Millis = 100;
/// The last part of the first and the last address that pods get; .1 is the bridge's.
const FIRST: u8 = 2;
const LAST: u8 = 254;

/// Who has which address of a range `a.b.c.0/24`, by its last part.
#[derive(Debug, Clone, Default)]
pub struct Addresses {
    of: BTreeMap<u8, Holder>,
    given_last: Option<u8>,
}

#[derive(Debug, Clone)]
enum Holder {
    Pod(String),
    NobodySince(Millis),
}

impl Addresses {
    /// The address `uid` has from now on, within the range `cidr`; one it had is given back.
    pub fn give(&mut self, uid: &str, cidr: Option<&str>, goes_round: bool, now: Millis) -> String {
        self.take_back(uid, now);
        self.of.retain(|_, holder| !matches!(holder, Holder::NobodySince(at) if *at + REST <= now));
        let after = self.given_last.filter(|last| goes_round && *last < LAST).map_or(FIRST, |last| last + 1);
        let free = (after..=LAST).chain(FIRST..after).find(|part| !self.of.contains_key(part));
        // A full range gives an address twice; a node is full of pods long before that.
        let part = free.unwrap_or(after);
        self.given_last = Some(part);
        self.of.insert(part, Holder::Pod(uid.into()));
        let network = cidr.and_then(|cidr| cidr.rsplit_once('.')).map_or("10.244.0", |(network, _)| network);
        format!("{network}.{part}")
    }

    /// The pod is gone, or gets another address.
    pub fn take_back(&mut self, uid: &str, now: Millis) {
        for holder in self.of.values_mut() {
            if matches!(holder, Holder::Pod(pod) if pod == uid) {
                *holder = Holder::NobodySince(now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CIDR: Option<&str> = Some("10.244.3.0/24");

    #[test]
    fn a_plugin_goes_round_and_comes_back_to_what_is_free() {
        let mut addresses = Addresses::default();
        let mut give = |uid: &str, now| addresses.give(uid, CIDR, true, now);
        assert_eq!(give("a", 0), "10.244.3.2");
        assert_eq!(give("b", 0), "10.244.3.3");
        assert_eq!(give("b", 500), "10.244.3.4", "a new sandbox, a new address");
        for n in 5..=254 {
            assert_eq!(give(&n.to_string(), 1000), format!("10.244.3.{n}"));
        }
        assert_eq!(give("c", 1000), "10.244.3.3", ".2 still is the first pod's");
    }

    #[test]
    fn a_machine_without_a_kubelet_gives_the_lowest_that_has_been_free_for_a_moment() {
        let mut addresses = Addresses::default();
        assert_eq!(addresses.give("a", CIDR, false, 0), "10.244.3.2");
        assert_eq!(addresses.give("b", CIDR, false, 0), "10.244.3.3");
        addresses.take_back("a", 1000);
        assert_eq!(addresses.give("c", CIDR, false, 1000 + REST - 1), "10.244.3.4");
        assert_eq!(addresses.give("d", CIDR, false, 1000 + REST), "10.244.3.2");
        addresses.take_back("a", 2000);
        assert_eq!(addresses.give("e", CIDR, false, 5000), "10.244.3.5", "who has none gives none back");
    }
}
