//! Sorting and gathering, written once for all types: the standard library's is some kilobytes for each.
//!
//! A page that loads it pays for every copy. What depends on the type here is a comparison and a
//! swap; the sort itself knows only places. Stable, as `slice::sort` is.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// Sorting in place, instead of the methods of the standard library that begin with `sort`.
pub trait Order<T> {
    fn order(&mut self)
    where
        T: Ord;
    fn order_by(&mut self, compare: impl FnMut(&T, &T) -> Ordering);
    /// Asks for the key of each item once.
    fn order_by_key<K: Ord>(&mut self, key: impl FnMut(&T) -> K);
}

impl<T> Order<T> for [T] {
    fn order(&mut self)
    where
        T: Ord,
    {
        self.order_by(T::cmp);
    }

    fn order_by(&mut self, mut compare: impl FnMut(&T, &T) -> Ordering) {
        let places = places(self.len(), &mut |a, b| compare(&self[a], &self[b]));
        arrange(self, places);
    }

    fn order_by_key<K: Ord>(&mut self, key: impl FnMut(&T) -> K) {
        let keys: Vec<K> = self.iter().map(key).collect();
        arrange(self, places(keys.len(), &mut |a, b| keys[a].cmp(&keys[b])));
    }
}

/// Each text once, where it stood first.
pub fn once(texts: impl IntoIterator<Item = String>) -> Vec<String> {
    let (mut kept, mut seen) = (Vec::new(), BTreeSet::new());
    for text in texts {
        if seen.insert(text.clone()) {
            kept.push(text);
        }
    }
    kept
}

/// Which item belongs in which place.
#[inline(never)]
fn places(len: usize, compare: &mut dyn FnMut(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..len).collect();
    places.sort_by(|a, b| compare(*a, *b));
    places
}

/// Moves every item to its place, cycle by cycle.
fn arrange<T>(items: &mut [T], mut places: Vec<usize>) {
    for start in 0..items.len() {
        let mut at = start;
        loop {
            let from = std::mem::replace(&mut places[at], at);
            if from == start || from == at {
                break;
            }
            items.swap(at, from);
            at = from;
        }
    }
}

/// `collect` for ordered maps and sets, one insertion after another; the last of equal keys stays.
pub trait Gather: Iterator + Sized {
    fn into_map<K: Ord, V>(self) -> BTreeMap<K, V>
    where
        Self: Iterator<Item = (K, V)>,
    {
        let mut map = BTreeMap::new();
        for (key, value) in self {
            map.insert(key, value);
        }
        map
    }

    fn into_set(self) -> BTreeSet<Self::Item>
    where
        Self::Item: Ord,
    {
        let mut set = BTreeSet::new();
        for item in self {
            set.insert(item);
        }
        set
    }

    /// A JSON object.
    fn into_object(self) -> Map<String, Value>
    where
        Self: Iterator<Item = (String, Value)>,
    {
        let mut map = Map::new();
        for (key, value) in self {
            map.insert(key, value);
        }
        map
    }
}

impl<I: Iterator> Gather for I {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_in_order_and_equal_ones_stay_as_they_were() {
        // Every list of up to five letters out of three, each letter with the place it came from.
        for number in 0..3_usize.pow(5) {
            for len in 0..=5 {
                let list: Vec<(usize, usize)> =
                    (0..len).map(|place| (number / 3_usize.pow(place as u32) % 3, place)).collect();
                let (mut ours, mut keyed, mut theirs) = (list.clone(), list.clone(), list);
                ours.order_by(|a, b| a.0.cmp(&b.0));
                keyed.order_by_key(|item| item.0);
                theirs.sort_by_key(|item| item.0);
                assert_eq!((&ours, &keyed), (&theirs, &theirs));
            }
        }
        let mut words = vec!["b".to_owned(), "c".to_owned(), "a".to_owned()];
        words.order();
        assert_eq!(words, ["a", "b", "c"]);
    }

    #[test]
    fn gathering_is_collecting() {
        let pairs = || [("b", 1), ("a", 2), ("b", 3)].into_iter();
        assert_eq!(pairs().into_map(), pairs().collect());
        assert_eq!(pairs().into_set(), pairs().collect());
        let members = || pairs().map(|(key, value)| (key.to_owned(), Value::from(value)));
        assert_eq!(members().into_object(), members().collect());
    }
}
