//! Hashes that end up in names: `pod-template-hash`, controller revisions.
//!
//! Mirrors: apimachinery/pkg/util/rand `SafeEncodeString`, pkg/controller `ComputeHash`.
//! Upstream hashes Go's memory dump of the template; ours hashes its JSON, so the values
//! differ from a real cluster's while keeping their shape: stable, unique, no vowels.

use serde::Serialize;

/// No vowels and nothing that looks like another character, so that no words appear.
pub const SAFE_ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// 32-bit FNV-1a.
pub fn fnv32a(bytes: impl IntoIterator<Item = u8>) -> u32 {
    bytes.into_iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Maps each character onto the safe alphabet.
pub fn safe_encode(text: &str) -> String {
    text.bytes().map(|byte| char::from(SAFE_ALPHABET[usize::from(byte) % SAFE_ALPHABET.len()])).collect()
}

/// The hash of any API value, for names; `collision_count` makes another one after a clash.
pub fn compute<T: Serialize>(value: &T, collision_count: Option<i32>) -> String {
    let json = serde_json::to_vec(value).unwrap_or_default();
    let salt = collision_count.map(i32::to_le_bytes);
    safe_encode(&fnv32a(json.into_iter().chain(salt.into_iter().flatten())).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collision_count_changes_the_hash() {
        assert_ne!(compute(&"a", None), compute(&"a", Some(1)));
        assert_eq!(compute(&"a", None), compute(&"a", None));
        assert!(compute(&"a", None).bytes().all(|b| SAFE_ALPHABET.contains(&b)));
        assert_eq!(fnv32a(*b"hello"), 0x4f9f_2cab);
    }
}
