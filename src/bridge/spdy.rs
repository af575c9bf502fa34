//! SPDY/3.1 as far as port-forward needs it: streams that open, carry data and end.
//!
//! Mirrors: moby/spdystream. Headers are deflated against a dictionary that both sides know; our own
//! are empty, and stored. Left out: flow control, which no Kubernetes client uses either.

use std::sync::LazyLock;

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_HAS_MORE_INPUT;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

/// The largest frame that is read; kubectl sends 32 KiB at most.
const LARGEST: usize = 1 << 20;
/// The longest headers of a stream, inflated.
const HEADERS: usize = 16 * 1024;
/// A power of two, and all that deflate can look back.
const WINDOW: usize = 32 * 1024;

const SYN_STREAM: u8 = 1;
const SYN_REPLY: u8 = 2;
const RST_STREAM: u8 = 3;
const PING: u8 = 6;
const LAST: u8 = 1;

/// Words with their length in front, then values end to end.
static DICTIONARY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    const WORDS: &str = "options|head|post|put|delete|trace|accept|accept-charset|accept-encoding|accept-language|accept-ranges|age|allow|authorization|cache-control|connection|content-base|content-encoding|content-language|content-length|content-location|content-md5|content-range|content-type|date|etag|expect|expires|from|host|if-match|if-modified-since|if-none-match|if-range|if-unmodified-since|last-modified|location|max-forwards|pragma|proxy-authenticate|proxy-authorization|range|referer|retry-after|server|te|trailer|transfer-encoding|upgrade|user-agent|vary|via|warning|www-authenticate|method|get|status|200 OK|version|HTTP/1.1|url|public|set-cookie|keep-alive|origin";
    const VALUES: &str = "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";
    let mut bytes: Vec<u8> = WORDS.split('|').flat_map(|word| counted(word.as_bytes())).collect();
    bytes.extend(VALUES.bytes());
    bytes
});

/// How a deflated stream with this dictionary begins: zlib's two bytes and the dictionary's checksum.
const BEGINNING: usize = 6;
const CHECKSUM: [u8; 4] = [0xe3, 0xc6, 0xa7, 0xc2];

/// What the other side says.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    Open {
        id: u32,
        headers: Vec<(String, String)>,
    },
    Data {
        id: u32,
        bytes: Vec<u8>,
        last: bool,
    },
    Reset(u32),
    /// To be sent back as it came.
    Ping(Vec<u8>),
}

/// The other side speaks no SPDY.
#[derive(Debug, PartialEq, Eq)]
pub struct Broken;

/// Takes bytes as they come, gives frames.
#[derive(Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    headers: Inflater,
}

impl Decoder {
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next frame that is whole.
    ///
    /// # Errors
    /// Bytes that are no frame, or one larger than anybody needs.
    pub fn frame(&mut self) -> Result<Option<Frame>, Broken> {
        loop {
            let Some((head, rest)) = self.buffer.split_first_chunk::<8>() else { return Ok(None) };
            let [first, second, _, kind, flags, length @ ..] = *head;
            let length = usize::try_from(u32::from_be_bytes([0, length[0], length[1], length[2]])).unwrap_or(LARGEST);
            if length > LARGEST {
                return Err(Broken);
            }
            let Some(payload) = rest.get(..length) else { return Ok(None) };
            let frame = if first & 0x80 == 0 {
                let id = number(head).ok_or(Broken)?;
                Some(Frame::Data { id, bytes: payload.to_vec(), last: flags & LAST != 0 })
            } else if (first, second) != (0x80, 3) {
                return Err(Broken);
            } else {
                match kind {
                    SYN_STREAM => {
                        let id = number(payload).ok_or(Broken)?;
                        let block = self.headers.inflate(payload.get(10..).ok_or(Broken)?)?;
                        Some(Frame::Open { id, headers: pairs(&block).ok_or(Broken)? })
                    }
                    RST_STREAM => Some(Frame::Reset(number(payload).ok_or(Broken)?)),
                    PING => Some(Frame::Ping([&head[..], payload].concat())),
                    // Settings, farewells, windows: nothing to do about.
                    _ => None,
                }
            };
            self.buffer.drain(..8 + length);
            if frame.is_some() {
                return Ok(frame);
            }
        }
    }
}

/// Accepts a stream. The first of a connection begins its deflated headers.
pub fn reply(id: u32, first: bool) -> Vec<u8> {
    // No headers: a stored block of four zeros, then the empty one that makes readers look.
    const NONE: [u8; 14] = [0, 4, 0, 0xfb, 0xff, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
    let beginning: &[u8] = if first { &[0x78, 0x01] } else { &[] };
    let payload = [&id.to_be_bytes()[..], beginning, &NONE].concat();
    frame([0x80, 3, 0, SYN_REPLY], 0, &payload)
}

/// Data of a stream; the last ends it.
pub fn data(id: u32, bytes: &[u8], last: bool) -> Vec<u8> {
    frame(id.to_be_bytes(), if last { LAST } else { 0 }, bytes)
}

fn frame(head: [u8; 4], flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&head[..], &[flags], &length[1..], payload].concat()
}

fn counted(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes()[..], bytes].concat()
}

/// The 31 bits in front, which is how streams are named.
fn number(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.first_chunk()?) & 0x7fff_ffff)
}

/// A header block taken apart.
fn pairs(mut block: &[u8]) -> Option<Vec<(String, String)>> {
    let count = length(&mut block)?;
    (0..count).map(|_| Some((text(&mut block)?, text(&mut block)?))).collect()
}

fn length(block: &mut &[u8]) -> Option<usize> {
    let (bytes, rest) = block.split_first_chunk()?;
    *block = rest;
    usize::try_from(u32::from_be_bytes(*bytes)).ok()
}

fn text(block: &mut &[u8]) -> Option<String> {
    let length = length(block)?;
    let (bytes, rest) = block.split_at_checked(length)?;
    *block = rest;
    Some(String::from_utf8_lossy(bytes).into_owned())
}

/// One deflated stream over all the headers of a connection.
struct Inflater {
    state: Box<DecompressorOxide>,
    /// What came out last; it begins with the dictionary, as if that had come out first.
    window: Vec<u8>,
    at: usize,
    begun: bool,
}

impl Default for Inflater {
    fn default() -> Self {
        let mut window = DICTIONARY.clone();
        window.resize(WINDOW, 0);
        Self { state: Box::default(), window, at: DICTIONARY.len(), begun: false }
    }
}

impl Inflater {
    fn inflate(&mut self, mut input: &[u8]) -> Result<Vec<u8>, Broken> {
        if !self.begun {
            let (beginning, rest) = input.split_at_checked(BEGINNING).ok_or(Broken)?;
            if !beginning.ends_with(&CHECKSUM) {
                return Err(Broken);
            }
            (self.begun, input) = (true, rest);
        }
        let mut out = Vec::new();
        loop {
            let (status, read, written) =
                decompress(&mut self.state, input, &mut self.window, self.at, TINFL_FLAG_HAS_MORE_INPUT);
            out.extend_from_slice(self.window.get(self.at..self.at + written).ok_or(Broken)?);
            self.at = (self.at + written) % WINDOW;
            input = input.get(read..).ok_or(Broken)?;
            match status {
                _ if out.len() > HEADERS => return Err(Broken),
                TINFLStatus::NeedsMoreInput => return Ok(out),
                TINFLStatus::HasMoreOutput => {}
                _ => return Err(Broken),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dictionary_is_the_one_everybody_has() {
        let (a, b) = DICTIONARY.iter().fold((1u32, 0u32), |(a, b), byte| {
            let a = (a + u32::from(*byte)) % 65_521;
            (a, (a + b) % 65_521)
        });
        assert_eq!((b << 16 | a).to_be_bytes(), CHECKSUM);
    }

    /// Opens a stream, its headers stored instead of deflated.
    fn open(id: u32, first: bool, headers: &[(&str, &str)]) -> Vec<u8> {
        let mut block = u32::try_from(headers.len()).expect("few").to_be_bytes().to_vec();
        for text in headers.iter().flat_map(|(name, value)| [name, value]) {
            block.extend(counted(text.as_bytes()));
        }
        let length = u16::try_from(block.len()).expect("short").to_le_bytes();
        let stored = [&[0][..], &length, &length.map(|byte| !byte), &block, &[0, 0, 0, 0xff, 0xff]].concat();
        let beginning = if first { [&[0x78, 0xbb][..], &CHECKSUM].concat() } else { Vec::new() };
        frame([0x80, 3, 0, SYN_STREAM], 0, &[&id.to_be_bytes()[..], &[0; 6], &beginning, &stored].concat())
    }

    #[test]
    fn frames_come_out_however_the_bytes_come_in() {
        let headers = [("streamtype", "data"), ("port", "80")];
        let mut bytes = open(1, true, &headers);
        bytes.extend(open(3, false, &headers[..1]));
        bytes.extend(data(3, b"GET", false));
        bytes.extend(frame([0x80, 3, 0, 4], 0, b"settings"));
        bytes.extend(frame([0x80, 3, 0, PING], 0, &[0, 0, 0, 7]));
        bytes.extend(frame([0x80, 3, 0, RST_STREAM], 0, &[0, 0, 0, 1, 0, 0, 0, 5]));
        bytes.extend(data(3, b"", true));
        let own = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        let expected = vec![
            Frame::Open { id: 1, headers: own(&headers) },
            Frame::Open { id: 3, headers: own(&headers[..1]) },
            Frame::Data { id: 3, bytes: b"GET".to_vec(), last: false },
            Frame::Ping(vec![0x80, 3, 0, PING, 0, 0, 0, 4, 0, 0, 0, 7]),
            Frame::Reset(1),
            Frame::Data { id: 3, bytes: Vec::new(), last: true },
        ];
        for size in [1, 7, bytes.len()] {
            let mut decoder = Decoder::default();
            let mut frames = Vec::new();
            for part in bytes.chunks(size) {
                decoder.push(part);
                while let Some(frame) = decoder.frame().expect("they are frames") {
                    frames.push(frame);
                }
            }
            assert_eq!(frames, expected, "{size} at a time");
        }
    }

    #[test]
    fn what_is_no_spdy_is_broken() {
        let short = frame([0x80, 3, 0, SYN_STREAM], 0, &[0; 4]);
        let plain = frame([0x80, 3, 0, SYN_STREAM], 0, &[0; 30]);
        let huge = [0x80, 3, 0, PING, 0, 0xff, 0xff, 0xff];
        for bytes in
            [&b"\xff\xff\xff\xff\xff\xff\xff\xff"[..], b"\x80\x02\x00\x01\x00\x00\x00\x00", &short, &plain, &huge]
        {
            let mut decoder = Decoder::default();
            decoder.push(bytes);
            assert_eq!(decoder.frame(), Err(Broken), "{bytes:?}");
        }
    }
}
