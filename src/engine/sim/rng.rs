//! Seeded randomness: one stream per component, so that one part's draws never shift another's.

use api::meta::hash::{FNV64, fnv64a};

/// SplitMix64: tiny, fast, and equal on every platform.
///
/// Not for secrets: identifiers here only have to look right and repeat under the same seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rng(u64);

impl Rng {
    /// The stream `name` of a session's `seed`.
    pub fn stream(seed: u64, name: &str) -> Self {
        // FNV-1a folds the name into the seed.
        let hash = fnv64a(FNV64 ^ seed, name.bytes());
        let mut rng = Self(hash);
        rng.next_u64();
        rng
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`; 0 when the bound is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // The modulo bias is below 2⁻³² for the small bounds used here.
        if bound == 0 { 0 } else { self.next_u64() % bound }
    }

    /// A factor in `1.0..1.0 + spread`, as `wait.Jitter` draws it, applied to a duration.
    pub fn jitter(&mut self, base: super::Millis, spread: f64) -> super::Millis {
        let unit = (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        base + (base as f64 * spread * unit) as super::Millis
    }

    /// `len` letters of Kubernetes' safe alphabet: no vowels, no 0, 1, 3.
    ///
    /// Mirrors: apimachinery/pkg/util/rand.
    pub fn suffix(&mut self, len: usize) -> String {
        const SAFE: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        (0..len).map(|_| SAFE[self.below(SAFE.len() as u64) as usize] as char).collect()
    }

    /// A version 4 UUID.
    pub fn uuid(&mut self) -> String {
        let high = (self.next_u64() & !0xf000) | 0x4000;
        let low = (self.next_u64() & !(0b11 << 62)) | (0b10 << 62);
        // Digit by digit: every object has one, and formatting takes its time.
        let mut text = String::with_capacity(36);
        for (half, dashes) in [(high, [8, 12]), (low, [0, 4])] {
            for at in 0..16 {
                if dashes.contains(&at) {
                    text.push('-');
                }
                let digit = (half >> (60 - 4 * at)) as usize & 0xf;
                text.push(char::from(b"0123456789abcdef"[digit]));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ() {
        let draw = |name| Rng::stream(7, name).next_u64();
        assert_eq!(draw("scheduler"), draw("scheduler"));
        assert_ne!(draw("scheduler"), draw("kubelet/worker-1"));
    }

    #[test]
    fn a_uuid_says_its_version_and_variant() {
        let uuid = Rng::stream(1, "uid").uuid();
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"));
        assert!("89ab".contains(&uuid[19..20]), "{uuid}");
    }
}
