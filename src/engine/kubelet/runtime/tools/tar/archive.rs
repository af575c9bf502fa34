//! The format of `tar`: headers of 512 bytes, contents in blocks of the same size, two empty blocks at the end.
//!
//! Mirrors: POSIX ustar and pax, and GNU's long names, as Go's archive/tar and `tar` itself write them.
//! Our own: the crate for it reads and writes a machine's files, of which the engine sees none.
//! Left out: devices, sparse files, base-256 numbers.

const BLOCK: usize = 512;

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    File(Vec<u8>),
    Dir,
    Link(String),
    /// A second name of an earlier entry's file.
    Hard(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// As it stands in the archive.
    pub path: String,
    pub mode: u32,
    /// Seconds since 1970.
    pub modified: u64,
    pub kind: Kind,
}

/// The bytes are no archive.
#[derive(Debug, PartialEq, Eq)]
pub struct Broken;

/// Appends an entry.
pub fn write(entry: &Entry, out: &mut Vec<u8>) {
    let (letter, data, target) = match &entry.kind {
        Kind::File(data) => (b'0', data.as_slice(), ""),
        Kind::Dir => (b'5', [].as_slice(), ""),
        Kind::Link(target) => (b'2', [].as_slice(), target.as_str()),
        Kind::Hard(target) => (b'1', [].as_slice(), target.as_str()),
    };
    for (long, letter) in [(&entry.path, b'L'), (&target.to_owned(), b'K')] {
        if long.len() > 100 {
            let text = [long.as_bytes(), &[0]].concat();
            header("././@LongLink", 0o644, text.len(), 0, letter, "", out);
            padded(&text, out);
        }
    }
    header(&entry.path, entry.mode, data.len(), entry.modified, letter, target, out);
    padded(data, out);
}

/// Ends the archive, and fills its last record of twenty blocks as `tar` does.
pub fn finish(out: &mut Vec<u8>) {
    let end = (out.len() + 2 * BLOCK).next_multiple_of(20 * BLOCK);
    out.resize(end, 0);
}

fn padded(data: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(data);
    out.resize(out.len().next_multiple_of(BLOCK), 0);
}

fn header(path: &str, mode: u32, size: usize, modified: u64, kind: u8, target: &str, out: &mut Vec<u8>) {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, room: usize, bytes: &[u8]| {
        let length = bytes.len().min(room);
        block[at..at + length].copy_from_slice(&bytes[..length]);
    };
    put(0, 100, path.as_bytes());
    put(100, 8, format!("{mode:07o}").as_bytes());
    put(108, 8, b"0000000");
    put(116, 8, b"0000000");
    put(124, 12, format!("{size:011o}").as_bytes());
    put(136, 12, format!("{modified:011o}").as_bytes());
    put(148, 8, b"        ");
    put(156, 1, &[kind]);
    put(157, 100, target.as_bytes());
    put(257, 8, b"ustar  ");
    put(265, 32, b"root");
    put(297, 32, b"root");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    out.extend_from_slice(&block);
}

/// Takes an archive's bytes as they come, gives its entries.
#[derive(Debug, Clone, Default)]
pub struct Reader {
    buffer: Vec<u8>,
    /// What headers in front said about the next entry.
    path: Option<String>,
    target: Option<String>,
    empty: usize,
}

impl Reader {
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether the end of the archive was read, whatever follows.
    pub fn is_over(&self) -> bool {
        self.empty >= 2
    }

    /// Whether nothing is left that was begun.
    pub fn is_between(&self) -> bool {
        self.buffer.is_empty() && self.path.is_none() && self.target.is_none()
    }

    /// The next entry that is whole.
    ///
    /// # Errors
    /// Bytes that are no header.
    pub fn entry(&mut self) -> Result<Option<Entry>, Broken> {
        while !self.is_over() {
            let Some(block) = self.buffer.first_chunk::<BLOCK>() else { return Ok(None) };
            if block.iter().all(|byte| *byte == 0) {
                self.empty += 1;
                self.buffer.drain(..BLOCK);
                continue;
            }
            self.empty = 0;
            let block = *block;
            check(&block)?;
            let size = usize::try_from(number(&block[124..136])?).map_err(|_| Broken)?;
            let whole = size.checked_next_multiple_of(BLOCK).and_then(|size| size.checked_add(BLOCK)).ok_or(Broken)?;
            if self.buffer.len() < whole {
                return Ok(None);
            }
            let data: Vec<u8> = self.buffer.drain(..whole).skip(BLOCK).take(size).collect();
            let kind = match block[156] {
                b'L' => {
                    self.path = Some(text(&data));
                    continue;
                }
                b'K' => {
                    self.target = Some(text(&data));
                    continue;
                }
                b'x' => {
                    self.extended(&data);
                    continue;
                }
                // Said of all that follows; nothing of it matters here.
                b'g' => continue,
                kind => kind,
            };
            let target = self.target.take().unwrap_or_else(|| text(&block[157..257]));
            let path = self.path.take().unwrap_or_else(|| long_path(&block));
            let kind = match kind {
                b'5' => Kind::Dir,
                b'2' => Kind::Link(target),
                b'1' => Kind::Hard(target),
                _ if path.ends_with('/') => Kind::Dir,
                _ => Kind::File(data),
            };
            let mode = u32::try_from(number(&block[100..108])? & 0o7777).unwrap_or(0o644);
            return Ok(Some(Entry { path, mode, modified: number(&block[136..148])?, kind }));
        }
        Ok(None)
    }

    /// pax: `length key=value` lines.
    fn extended(&mut self, mut data: &[u8]) {
        while let Some(space) = data.iter().position(|byte| *byte == b' ') {
            let length = text(&data[..space]).parse::<usize>().unwrap_or(0);
            let Some(record) = data.get(space + 1..length) else { return };
            let record = text(record);
            match record.trim_end_matches('\n').split_once('=') {
                Some(("path", value)) => self.path = Some(value.to_owned()),
                Some(("linkpath", value)) => self.target = Some(value.to_owned()),
                _ => {}
            }
            data = &data[length..];
        }
    }
}

/// The name, with the part that ustar keeps in front of it.
fn long_path(block: &[u8; BLOCK]) -> String {
    let name = text(&block[..100]);
    // GNU keeps other things there.
    let prefix = if block[257..].starts_with(b"ustar\0") { text(&block[345..500]) } else { String::new() };
    if prefix.is_empty() { name } else { format!("{prefix}/{name}") }
}

fn check(block: &[u8; BLOCK]) -> Result<(), Broken> {
    let blank = |(at, byte): (usize, &u8)| u64::from(if (148..156).contains(&at) { b' ' } else { *byte });
    let sum: u64 = block.iter().enumerate().map(blank).sum();
    if number(&block[148..156])? == sum { Ok(()) } else { Err(Broken) }
}

fn number(field: &[u8]) -> Result<u64, Broken> {
    let digits = text(field);
    match digits.trim() {
        "" => Ok(0),
        digits => u64::from_str_radix(digits, 8).map_err(|_| Broken),
    }
}

/// Up to the zero that ends it.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, kind: Kind) -> Entry {
        Entry { path: path.to_owned(), mode: 0o640, modified: 1_700_000_000, kind }
    }

    fn read(bytes: &[u8], step: usize) -> Result<Vec<Entry>, Broken> {
        let (mut reader, mut entries) = (Reader::default(), Vec::new());
        for part in bytes.chunks(step) {
            reader.push(part);
            while let Some(entry) = reader.entry()? {
                entries.push(entry);
            }
        }
        assert!(reader.is_over() || !reader.is_between(), "the end was read or something is missing");
        Ok(entries)
    }

    #[test]
    fn what_was_written_is_read_however_the_bytes_come() {
        let long = format!("{}/name", "directory/".repeat(20));
        let entries = vec![
            entry("dir/", Kind::Dir),
            entry("dir/empty", Kind::File(Vec::new())),
            entry("dir/block", Kind::File(vec![7; BLOCK])),
            entry(&long, Kind::File(b"\xff\x00text".to_vec())),
            entry("link", Kind::Link(long.clone())),
            entry("again", Kind::Hard("dir/empty".to_owned())),
        ];
        let mut bytes = Vec::new();
        entries.iter().for_each(|entry| write(entry, &mut bytes));
        finish(&mut bytes);
        assert_eq!(bytes.len() % 10_240, 0);
        for step in [1, 100, BLOCK, bytes.len()] {
            assert_eq!(read(&bytes, step).as_deref(), Ok(entries.as_slice()), "{step} at a time");
        }
    }

    #[test]
    fn names_of_pax_and_ustar_are_read() {
        let mut bytes = Vec::new();
        header("PaxHeaders.0/x", 0o644, 30, 0, b'x', "", &mut bytes);
        padded(b"12 path=a/b\n18 linkpath=c/d/e\n", &mut bytes);
        header("short", 0o777, 0, 0, b'2', "short", &mut bytes);
        let at = bytes.len();
        header("name", 0o644, 0, 0, b'0', "", &mut bytes);
        // A prefix, and the sum that goes with it.
        bytes[at + 257..at + 263].copy_from_slice(b"ustar\0");
        bytes[at + 345..at + 348].copy_from_slice(b"pre");
        bytes[at + 148..at + 156].copy_from_slice(b"        ");
        let sum: u32 = bytes[at..at + BLOCK].iter().map(|byte| u32::from(*byte)).sum();
        bytes[at + 148..at + 156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        finish(&mut bytes);
        let paths: Vec<_> =
            read(&bytes, BLOCK).expect("it is an archive").into_iter().map(|e| (e.path, e.kind)).collect();
        let link = Kind::Link("c/d/e".to_owned());
        assert_eq!(paths, [("a/b".to_owned(), link), ("pre/name".to_owned(), Kind::File(Vec::new()))]);
    }

    #[test]
    fn what_is_no_archive_is_broken() {
        assert_eq!(read(&[b'x'; 1_024], BLOCK), Err(Broken));
        let mut bytes = Vec::new();
        write(&entry("a", Kind::Dir), &mut bytes);
        bytes[0] = b'b';
        assert_eq!(read(&bytes, BLOCK), Err(Broken));
    }
}
