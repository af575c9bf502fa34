//! A wasm module as bytes: its sections, its functions and their names. Just what a release needs.

use std::collections::BTreeMap;

/// A function's name and how many bytes of code it has.
pub struct Function {
    pub name: String,
    pub size: usize,
}

const HEADER: usize = 8;
const CUSTOM: u8 = 0;
const IMPORTS: u8 = 2;
const CODE: u8 = 10;
const DATA: u8 = 11;

/// The module without the names of its functions: a third of it, and nothing runs by them.
/// Other custom sections stay. `None` for what is no module.
pub fn nameless(module: &[u8]) -> Option<Vec<u8>> {
    let mut kept = module.get(..HEADER)?.to_vec();
    for section in sections(module)? {
        if section.id != CUSTOM || custom(section.body)?.0 != b"name" {
            kept.extend_from_slice(section.whole);
        }
    }
    Some(kept)
}

/// The functions of a module that still has its names.
pub fn functions(module: &[u8]) -> Option<Vec<Function>> {
    let (mut imported, mut sizes, mut names) = (0, Vec::new(), BTreeMap::new());
    for section in sections(module)? {
        let mut body = Reader { bytes: section.body, at: 0 };
        match section.id {
            IMPORTS => {
                for _ in 0..body.number()? {
                    body.text()?;
                    body.text()?;
                    imported += usize::from(body.import()?);
                }
            }
            CODE => {
                for _ in 0..body.number()? {
                    let size = body.number()?;
                    body.skip(size)?;
                    sizes.push(size);
                }
            }
            CUSTOM => {
                let (name, rest) = custom(section.body)?;
                if name == b"name" {
                    names = function_names(rest)?;
                }
            }
            _ => {}
        }
    }
    let name = |index: usize| names.get(&(imported + index)).cloned().unwrap_or_else(|| "?".to_owned());
    Some(sizes.into_iter().enumerate().map(|(index, size)| Function { name: name(index), size }).collect())
}

/// How many bytes of initial memory the module carries: texts, tables.
pub fn data_size(module: &[u8]) -> Option<usize> {
    Some(sections(module)?.iter().filter(|section| section.id == DATA).map(|section| section.body.len()).sum())
}

struct Section<'a> {
    id: u8,
    body: &'a [u8],
    whole: &'a [u8],
}

fn sections(module: &[u8]) -> Option<Vec<Section<'_>>> {
    module.get(..HEADER).filter(|header| header.starts_with(b"\0asm"))?;
    let mut found = Vec::new();
    let mut at = HEADER;
    while at < module.len() {
        let mut reader = Reader { bytes: module, at: at + 1 };
        let size = reader.number()?;
        let end = reader.at.checked_add(size)?;
        found.push(Section { id: module[at], body: module.get(reader.at..end)?, whole: &module[at..end] });
        at = end;
    }
    Some(found)
}

/// A custom section's name and what follows it.
fn custom(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut reader = Reader { bytes: body, at: 0 };
    let name = reader.text()?;
    Some((name, &body[reader.at..]))
}

fn function_names(bytes: &[u8]) -> Option<BTreeMap<usize, String>> {
    const FUNCTIONS: u8 = 1;
    let mut names = BTreeMap::new();
    let mut reader = Reader { bytes, at: 0 };
    while reader.at < bytes.len() {
        let kind = reader.byte()?;
        let size = reader.number()?;
        let end = reader.at.checked_add(size)?;
        if kind == FUNCTIONS {
            for _ in 0..reader.number()? {
                let index = reader.number()?;
                names.insert(index, String::from_utf8_lossy(reader.text()?).into_owned());
            }
        }
        reader.at = end;
    }
    Some(names)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    /// An unsigned number in LEB128.
    fn number(&mut self) -> Option<usize> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return usize::try_from(value).ok();
            }
        }
        None
    }

    fn skip(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let skipped = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(skipped)
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.skip(length)
    }

    /// What is imported; whether it is a function.
    fn import(&mut self) -> Option<bool> {
        let kind = self.byte()?;
        match kind {
            0 => drop(self.number()?),
            // A table begins with the type of its elements; then both have limits.
            1 | 2 => {
                if kind == 1 {
                    self.byte()?;
                }
                let bounded = self.byte()? & 1 != 0;
                self.number()?;
                if bounded {
                    self.number()?;
                }
            }
            3 => drop(self.skip(2)?),
            _ => return None,
        }
        Some(kind == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(id: u8, body: &[u8]) -> Vec<u8> {
        [&[id, body.len() as u8], body].concat()
    }

    #[test]
    fn a_module_loses_its_names_and_nothing_else() {
        let header = b"\0asm\x01\0\0\0".to_vec();
        let (types, names, other) = (section(1, &[0]), section(0, b"\x04namexyz"), section(0, b"\x05other"));
        let module = [header.clone(), types.clone(), names, other.clone()].concat();
        assert_eq!(nameless(&module), Some([header, types, other].concat()));
        assert_eq!(nameless(b"<html>"), None);
        assert_eq!(nameless(&module[..module.len() - 1]), None);
    }

    #[test]
    fn functions_have_names_and_sizes() {
        let module = [
            b"\0asm\x01\0\0\0".to_vec(),
            // A function and a memory from `e`: only the function has a number.
            section(2, b"\x02\x01e\x01f\x00\x00\x01e\x01m\x02\x00\x01"),
            section(10, b"\x02\x02\x00\x0b\x03\x00\x01\x0b"),
            section(11, b"\x00\x00"),
            section(0, b"\x04name\x01\x09\x02\x01\x02ab\x02\x02cd"),
        ]
        .concat();
        let found = functions(&module).expect("a module");
        let found: Vec<(&str, usize)> = found.iter().map(|one| (one.name.as_str(), one.size)).collect();
        assert_eq!(found, [("ab", 2), ("cd", 3)]);
        assert_eq!(data_size(&module), Some(2));
    }
}
