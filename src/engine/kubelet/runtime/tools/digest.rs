//! `md5sum` and `sha256sum`: the digests themselves, of what was read.
//!
//! As RFC 1321 and FIPS 180-4 describe them, for texts of a few kilobytes; nothing here must be kept secret.

/// `len` bytes, one bit, zeros, and the length in bits: blocks of 64 bytes.
fn padded(data: &[u8], length: [u8; 8]) -> Vec<u8> {
    let mut blocks = data.to_vec();
    blocks.push(0x80);
    blocks.resize((blocks.len() + 8).next_multiple_of(64) - 8, 0);
    blocks.extend(length);
    blocks
}

fn words<const N: usize>(block: &[u8], read: fn([u8; 4]) -> u32) -> [u32; N] {
    let mut words = [0; N];
    for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
        *word = read([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    words
}

fn hex(bytes: impl IntoIterator<Item = u8>) -> String {
    bytes.into_iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn md5(data: &[u8]) -> String {
    const SHIFTS: [u32; 16] = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
    let mut state: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for block in padded(data, (data.len() as u64 * 8).to_le_bytes()).chunks_exact(64) {
        let message: [u32; 16] = words(block, u32::from_le_bytes);
        let [mut a, mut b, mut c, mut d] = state;
        for step in 0..64_usize {
            let (mixed, at) = match step / 16 {
                0 => ((b & c) | (!b & d), step),
                1 => ((d & b) | (!d & c), 5 * step + 1),
                2 => (b ^ c ^ d, 3 * step + 5),
                _ => (c ^ (b | !d), 7 * step),
            };
            let constant = (((step + 1) as f64).sin().abs() * 4_294_967_296.0) as u32;
            let sum = a.wrapping_add(mixed).wrapping_add(constant).wrapping_add(message[at % 16]);
            let turned = sum.rotate_left(SHIFTS[step / 16 * 4 + step % 4]);
            (a, d, c, b) = (d, c, b, b.wrapping_add(turned));
        }
        for (sum, part) in state.iter_mut().zip([a, b, c, d]) {
            *sum = sum.wrapping_add(part);
        }
    }
    hex(state.into_iter().flat_map(u32::to_le_bytes))
}

pub fn sha256(data: &[u8]) -> String {
    let roots = constants();
    let mut state: [u32; 8] =
        [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];
    for block in padded(data, (data.len() as u64 * 8).to_be_bytes()).chunks_exact(64) {
        let mut message: Vec<u32> = words::<16>(block, u32::from_be_bytes).to_vec();
        for at in 16..64 {
            let (near, far) = (message[at - 2], message[at - 15]);
            let far = far.rotate_right(7) ^ far.rotate_right(18) ^ (far >> 3);
            let near = near.rotate_right(17) ^ near.rotate_right(19) ^ (near >> 10);
            message.push(message[at - 16].wrapping_add(far).wrapping_add(message[at - 7]).wrapping_add(near));
        }
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
        for (word, root) in message.iter().zip(&roots) {
            let high = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
            let choice = (e & f) ^ (!e & g);
            let first = h.wrapping_add(high).wrapping_add(choice).wrapping_add(*root).wrapping_add(*word);
            let low = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
            let second = low.wrapping_add((a & b) ^ (a & c) ^ (b & c));
            (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(first), c, b, a, first.wrapping_add(second));
        }
        for (sum, part) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            *sum = sum.wrapping_add(part);
        }
    }
    hex(state.into_iter().flat_map(u32::to_be_bytes))
}

/// The first bits of the cube roots of the first primes, as whole numbers: exact where floating point is not.
fn constants() -> Vec<u32> {
    let primes = (2_u128..).filter(|number| (2..*number).all(|other| number % other != 0)).take(64);
    let root = |prime: u128| {
        // The largest whole number whose cube is at most prime · 2^96.
        let wanted = prime << 96;
        let (mut low, mut high) = (0_u128, 1 << 36);
        while low + 1 < high {
            let middle = (low + high) / 2;
            if middle * middle * middle <= wanted {
                low = middle;
            } else {
                high = middle;
            }
        }
        low as u32
    };
    primes.map(root).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_standards() {
        let long = "a".repeat(119);
        let rows = [
            (
                "",
                "d41d8cd98f00b204e9800998ecf8427e",
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
            (
                "abc",
                "900150983cd24fb0d6963f7d28e17f72",
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                &long[..56],
                "3b0c8ac703f828b04c6c197006d17218",
                "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a",
            ),
        ];
        for (text, five, two) in rows {
            assert_eq!((md5(text.as_bytes()), sha256(text.as_bytes())), (five.to_owned(), two.to_owned()), "{text}");
        }
    }
}
