//! What each text filter does with a line or a chunk.

use std::collections::VecDeque;

use api::order::Order;
use base64::Engine as _;
use regex_lite::Regex;

use super::sed;

mod arguments;

pub use arguments::parse;

#[derive(Debug, Clone)]
pub enum Kind {
    Cat,
    /// `cat -n`
    Number {
        line: usize,
    },
    Grep(Grep),
    Head {
        left: i64,
    },
    HeadBytes {
        left: usize,
    },
    Tail {
        keep: usize,
        from: Option<usize>,
        seen: usize,
        lines: VecDeque<String>,
    },
    Wc {
        show: String,
        lines: usize,
        words: usize,
        bytes: usize,
        in_word: bool,
        /// Counted together: the files so far, and what was in them.
        files: usize,
        total: [usize; 3],
        many: bool,
    },
    Sort {
        flags: String,
        key: usize,
        lines: Vec<String>,
    },
    Uniq {
        count: bool,
        last: Option<(String, usize)>,
    },
    Sed(sed::Sed),
    Tr {
        from: Vec<char>,
        to: Vec<char>,
        delete: bool,
        squeeze: bool,
        last: Option<char>,
    },
    Cut {
        delimiter: char,
        fields: Vec<(usize, usize)>,
        chars: bool,
    },
    Tee {
        paths: Vec<String>,
        append: bool,
    },
    Tac {
        lines: Vec<String>,
    },
    Base64 {
        decode: bool,
        bytes: Vec<u8>,
    },
    Awk {
        separator: Option<char>,
        pattern: Option<Regex>,
        fields: Vec<String>,
    },
    Xargs {
        argv: Vec<String>,
        words: Vec<String>,
        /// So many words to a command; all of them without it.
        most: Option<usize>,
        /// What stands for a line in the command (`-I`).
        place: Option<String>,
    },
    /// A digest of each file.
    Sum {
        digest: fn(&[u8]) -> String,
        bytes: Vec<u8>,
        named: bool,
    },
}

#[derive(Debug, Clone)]
pub struct Grep {
    pattern: Regex,
    invert: bool,
    count: bool,
    quiet: bool,
    numbers: bool,
    only: bool,
    names_only: bool,
    recursive: bool,
    found: usize,
    line: usize,
    here: usize,
    /// The file it reads, however many there are.
    file: String,
}

impl Grep {
    /// Whether it looks into directories.
    pub fn is_recursive(&self) -> bool {
        self.recursive
    }
}

pub struct Parsed {
    pub kind: Kind,
    pub files: Vec<String>,
}

impl Kind {
    /// Works on bytes as they come, not on lines.
    pub fn is_raw(&self) -> bool {
        matches!(
            self,
            Kind::Cat
                | Kind::HeadBytes { .. }
                | Kind::Wc { .. }
                | Kind::Tr { .. }
                | Kind::Tee { .. }
                | Kind::Base64 { .. }
                | Kind::Xargs { .. }
                | Kind::Sum { .. }
        )
    }

    /// Takes a chunk; `true` when no more is wanted.
    pub fn chunk(&mut self, data: &[u8], out: &mut String) -> bool {
        let text = String::from_utf8_lossy(data);
        match self {
            Kind::HeadBytes { left } => {
                let taken = data.len().min(*left);
                out.push_str(&String::from_utf8_lossy(&data[..taken]));
                *left -= taken;
                return *left == 0;
            }
            Kind::Wc { lines, words, bytes, in_word, .. } => {
                *lines += data.iter().filter(|byte| **byte == b'\n').count();
                *bytes += data.len();
                for byte in data {
                    let blank = byte.is_ascii_whitespace();
                    *words += usize::from(!blank && !*in_word);
                    *in_word = !blank;
                }
            }
            Kind::Tr { from, to, delete, squeeze, last } => {
                for c in text.chars() {
                    let at = from.iter().position(|known| *known == c);
                    if *delete && at.is_some() {
                        continue;
                    }
                    let new = at.and_then(|at| to.get(at).or(to.last())).copied().unwrap_or(c);
                    if *squeeze && *last == Some(new) && (to.contains(&new) || (to.is_empty() && from.contains(&new))) {
                        continue;
                    }
                    *last = Some(new);
                    out.push(new);
                }
            }
            Kind::Base64 { bytes, .. } | Kind::Sum { bytes, .. } => bytes.extend_from_slice(data),
            Kind::Xargs { words, place: Some(_), .. } => {
                words.extend(text.lines().map(|line| line.trim_start().to_owned()));
            }
            Kind::Xargs { words, .. } => words.extend(text.split_whitespace().map(str::to_owned)),
            _ => out.push_str(&text),
        }
        false
    }

    /// Takes a line; `true` when no more is wanted.
    pub fn line(&mut self, line: &str, name: Option<&str>, last: bool, out: &mut String) -> bool {
        match self {
            Kind::Grep(grep) => return grep.line(line, name, out),
            Kind::Head { left } => {
                if *left <= 0 {
                    return true;
                }
                *left -= 1;
                push(out, line);
                return *left == 0;
            }
            Kind::Tail { keep, from, seen, lines } => {
                *seen += 1;
                match from {
                    Some(from) if *seen >= *from => push(out, line),
                    Some(_) => {}
                    None => {
                        lines.push_back(line.to_owned());
                        if lines.len() > *keep {
                            lines.pop_front();
                        }
                    }
                }
            }
            Kind::Sort { lines, .. } | Kind::Tac { lines } => lines.push(line.to_owned()),
            Kind::Uniq { count, last } => match last {
                Some((text, seen)) if text == line => *seen += 1,
                _ => {
                    let before = last.replace((line.to_owned(), 1));
                    uniq_line(before, *count, out);
                }
            },
            Kind::Sed(sed) => return sed.line(line, last, out),
            Kind::Cut { delimiter, fields, chars } => {
                let wanted = |number: usize| fields.iter().any(|(low, high)| (*low..=*high).contains(&number));
                if *chars {
                    out.extend(line.chars().enumerate().filter(|(at, _)| wanted(at + 1)).map(|(_, c)| c));
                } else if line.contains(*delimiter) {
                    let parts: Vec<&str> = line
                        .split(*delimiter)
                        .enumerate()
                        .filter(|(at, _)| wanted(at + 1))
                        .map(|(_, part)| part)
                        .collect();
                    out.push_str(&parts.join(&delimiter.to_string()));
                } else {
                    out.push_str(line);
                }
                out.push('\n');
            }
            Kind::Awk { separator, pattern, fields } => {
                if pattern.as_ref().is_none_or(|pattern| pattern.is_match(line)) {
                    push(out, &awk_line(line, *separator, fields));
                }
            }
            Kind::Number { line: number } => {
                *number += 1;
                push(out, &format!("{number:>6}\t{line}"));
            }
            _ => push(out, line),
        }
        false
    }

    /// Whether each of several files is shown by itself, under its name.
    pub fn has_headers(&self) -> bool {
        matches!(self, Kind::Head { .. } | Kind::HeadBytes { .. } | Kind::Tail { .. })
    }

    /// A file is about to be read.
    pub fn begin_file(&mut self, file: &str) {
        if let Kind::Grep(grep) = self {
            file.clone_into(&mut grep.file);
        }
    }

    /// Whether it says for each file what was in it, by name.
    pub fn names_files(&self) -> bool {
        matches!(self, Kind::Wc { .. } | Kind::Sum { .. })
    }

    pub fn end_of_file(&mut self, name: Option<&str>, out: &mut String) {
        if let Kind::Grep(grep) = self
            && !grep.count
        {
            (grep.line, grep.here) = (0, 0);
        }
        if let Kind::Sum { digest, bytes, named } = self
            && let Some(name) = name
        {
            *named = true;
            push(out, &format!("{}  {name}", digest(&std::mem::take(bytes))));
        }
        if let Kind::Wc { show, lines, words, bytes, files, total, many, .. } = self
            && let Some(name) = name
        {
            let counts = [*lines, *words, *bytes];
            (*lines, *words, *bytes) = (0, 0, 0);
            *total = [total[0] + counts[0], total[1] + counts[1], total[2] + counts[2]];
            *files += 1;
            out.push_str(&wc_line(show, counts, *many, Some(name)));
        }
        if let Kind::Grep(grep) = self
            && grep.count
            && (name.is_some() || grep.here > 0)
        {
            let prefix = name.map(|name| format!("{name}:")).unwrap_or_default();
            out.push_str(&format!("{prefix}{}\n", grep.here));
            grep.here = 0;
            grep.line = usize::MAX;
        }
    }

    /// What is printed once all input is read, and the status.
    pub fn finish(&mut self, out: &mut String) -> i32 {
        match self {
            Kind::Grep(grep) => {
                if grep.count && grep.line != usize::MAX {
                    out.push_str(&format!("{}\n", grep.here));
                }
                return i32::from(grep.found == 0);
            }
            Kind::Tail { lines, .. } => lines.iter().for_each(|line| push(out, line)),
            Kind::Wc { files, .. } if *files == 1 => {}
            Kind::Wc { show, files, total, .. } if *files > 1 => {
                out.push_str(&wc_line(show, *total, true, Some("total")));
            }
            Kind::Wc { show, lines, words, bytes, .. } => {
                out.push_str(&wc_line(show, [*lines, *words, *bytes], false, None));
            }
            Kind::Sort { flags, key, lines } => {
                sort(lines, flags, *key);
                lines.iter().for_each(|line| push(out, line));
            }
            Kind::Tac { lines } => lines.iter().rev().for_each(|line| push(out, line)),
            Kind::Uniq { count, last } => uniq_line(last.take(), *count, out),
            Kind::Base64 { decode, bytes } => {
                let engine = base64::engine::general_purpose::STANDARD;
                if !*decode {
                    out.push_str(&format!("{}\n", engine.encode(&*bytes)));
                    return 0;
                }
                let clean: Vec<u8> = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
                match engine.decode(&clean) {
                    Ok(plain) => out.push_str(&String::from_utf8_lossy(&plain)),
                    Err(_) => return 1,
                }
            }
            Kind::Sum { digest, bytes, named: false } => push(out, &format!("{}  -", digest(bytes))),
            _ => {}
        }
        0
    }
}

impl Grep {
    fn line(&mut self, line: &str, name: Option<&str>, out: &mut String) -> bool {
        self.line = self.line.wrapping_add(1);
        if self.pattern.is_match(line) == self.invert {
            return false;
        }
        self.found += 1;
        self.here += 1;
        if self.quiet {
            return true;
        }
        if self.count {
            return false;
        }
        if self.names_only {
            if self.here == 1 {
                push(out, if self.file.is_empty() { "(standard input)" } else { &self.file });
            }
            return false;
        }
        let mut prefix = name.map(|name| format!("{name}:")).unwrap_or_default();
        if self.numbers {
            prefix.push_str(&format!("{}:", self.line));
        }
        if self.only {
            for found in self.pattern.find_iter(line) {
                push(out, &format!("{prefix}{}", found.as_str()));
            }
        } else {
            push(out, &format!("{prefix}{line}"));
        }
        false
    }
}

fn push(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

/// `wc`'s counts; a single one stands without padding where there is only one line of them.
fn wc_line(show: &str, counts: [usize; 3], padded: bool, name: Option<&str>) -> String {
    let all = "lwc".chars().zip(counts).filter(|(flag, _)| show.is_empty() || show.contains(*flag));
    let shown: Vec<String> = all
        .map(|(_, count)| if show.len() == 1 && !padded { count.to_string() } else { format!("{count:>9}") })
        .collect();
    let name = name.map(|name| format!(" {name}")).unwrap_or_default();
    format!("{}{name}\n", shown.join(" "))
}

fn uniq_line(entry: Option<(String, usize)>, count: bool, out: &mut String) {
    match entry {
        Some((text, seen)) if count => push(out, &format!("{seen:>7} {text}")),
        Some((text, _)) => push(out, &text),
        None => {}
    }
}

fn awk_line(line: &str, separator: Option<char>, fields: &[String]) -> String {
    let parts: Vec<&str> = match separator {
        Some(separator) => line.split(separator).collect(),
        None => line.split_whitespace().collect(),
    };
    if fields.is_empty() {
        return line.to_owned();
    }
    let value = |field: &String| match field.strip_prefix('$') {
        Some("0") => line.to_owned(),
        Some("NF") => parts.last().copied().unwrap_or_default().to_owned(),
        Some(number) => number
            .parse::<usize>()
            .ok()
            .and_then(|at| parts.get(at.wrapping_sub(1)))
            .copied()
            .unwrap_or_default()
            .to_owned(),
        None if field == "NF" => parts.len().to_string(),
        None => field.trim_matches('"').to_owned(),
    };
    fields.iter().map(value).collect::<Vec<_>>().join(" ")
}

fn sort(lines: &mut Vec<String>, flags: &str, key: usize) {
    let part = |line: &str| match key {
        0 => line.to_owned(),
        key => line.split_whitespace().nth(key - 1).unwrap_or_default().to_owned(),
    };
    let number = |text: &str| -> i64 {
        let digits: String = text.trim().chars().take_while(|c| c.is_ascii_digit() || *c == '-').collect();
        digits.parse().unwrap_or(0)
    };
    if flags.contains('n') {
        lines.order_by_key(|line| number(&part(line)));
    } else {
        lines.order_by_key(|line| part(line));
    }
    if flags.contains('r') {
        lines.reverse();
    }
    if flags.contains('u') {
        lines.dedup();
    }
}
