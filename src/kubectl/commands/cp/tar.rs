//! Archives of text files, as `tar` in a container reads and writes them. Pure.
//!
//! Left out: what the page's files cannot be (links, modes, anything that is no text).

const BLOCK: usize = 512;

/// A file's header and content, filled up to whole blocks.
pub fn entry(name: &str, text: &str) -> String {
    let mut header = [0_u8; BLOCK];
    let mut put = |at: usize, text: &str| {
        for (byte, slot) in text.bytes().zip(&mut header[at..]) {
            *slot = byte;
        }
    };
    let name = name.trim_start_matches('/');
    put(0, name.get(..name.len().min(100)).unwrap_or_default());
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{:011o}\0", text.len()));
    put(136, "00000000000\0");
    // The sum counts its own field as blanks.
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    for (byte, slot) in format!("{sum:06o}\0 ").bytes().zip(&mut header[148..156]) {
        *slot = byte;
    }
    let filling = "\0".repeat(text.len().next_multiple_of(BLOCK) - text.len());
    format!("{}{text}{filling}", String::from_utf8_lossy(&header))
}

/// What stands behind the last file.
pub fn end() -> String {
    "\0".repeat(2 * BLOCK)
}

/// The regular files of an archive.
pub fn read(archive: &str) -> Vec<(String, String)> {
    let bytes = archive.as_bytes();
    let mut files = Vec::new();
    let mut at = 0;
    while let Some(header) = bytes.get(at..at + BLOCK) {
        let field = |from: usize, to: usize| {
            let field = &header[from..to];
            let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
            String::from_utf8_lossy(&field[..end]).trim().to_string()
        };
        let name = match field(345, 500) {
            prefix if prefix.is_empty() => field(0, 100),
            prefix => format!("{prefix}/{}", field(0, 100)),
        };
        if name.is_empty() {
            break;
        }
        let size = usize::from_str_radix(&field(124, 136), 8).unwrap_or(0);
        let begin = at + BLOCK;
        let content = bytes.get(begin..(begin + size).min(bytes.len())).unwrap_or_default();
        if matches!(header[156], b'0' | 0) {
            files.push((name, String::from_utf8_lossy(content).into_owned()));
        }
        at = begin + size.next_multiple_of(BLOCK);
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let archive = format!("{}{}{}", entry("d/x.txt", "x\n"), entry("d/empty", ""), end());
        assert_eq!(archive.len() % BLOCK, 0);
        assert_eq!(read(&archive), [("d/x.txt".to_string(), "x\n".to_string()), ("d/empty".into(), String::new())]);
        assert!(read(&archive[..600]).len() <= 1, "what was cut ends it");
    }
}
