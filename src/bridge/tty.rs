//! A terminal between a keyboard that sends every key and programs that read lines: echo, erasing, line ends.
//!
//! Mirrors: the kernel's line discipline (n_tty) as a container's terminal has it. Left out: signals,
//! of which simulated programs have none. Ctrl-C gives up the line, and on an empty one the session.

use api::wire::Upstream;

/// As the kernel has it; what is typed beyond is dropped.
const LONGEST: usize = 4_095;

const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;
const BACKSPACE: u8 = 8;
const ESCAPE: u8 = 0x1b;
const DELETE: u8 = 0x7f;

#[derive(Default)]
pub struct Terminal {
    line: Vec<u8>,
    escape: Escape,
}

/// Where in an arrow key's sequence it stands.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Escape {
    #[default]
    None,
    Begun,
    Inside,
}

/// What keys came to.
#[derive(Debug, Default, PartialEq)]
pub struct Typed {
    /// To be shown at once.
    pub echo: Vec<u8>,
    /// For the program, in order.
    pub sent: Vec<Upstream>,
    /// Ctrl-C with nothing to give up but the session.
    pub interrupted: bool,
}

impl Terminal {
    pub fn typed(&mut self, keys: &[u8]) -> Typed {
        let mut typed = Typed::default();
        for key in keys {
            match (self.escape, key) {
                (Escape::None, &ESCAPE) => self.escape = Escape::Begun,
                (Escape::Begun, b'[' | b'O') => self.escape = Escape::Inside,
                (Escape::Begun, _) | (Escape::Inside, 0x40..=0x7e) => self.escape = Escape::None,
                (Escape::Inside, _) => {}
                (Escape::None, b'\r' | b'\n') => {
                    typed.echo.extend(b"\r\n");
                    self.line.push(b'\n');
                    typed.sent.push(Upstream::Stdin(std::mem::take(&mut self.line)));
                }
                (Escape::None, &CTRL_C) => {
                    typed.echo.extend(b"^C\r\n");
                    if self.line.is_empty() {
                        typed.interrupted = true;
                        return typed;
                    }
                    self.line.clear();
                    typed.sent.push(Upstream::Stdin(b"\n".to_vec()));
                }
                (Escape::None, &CTRL_D) if self.line.is_empty() => typed.sent.push(Upstream::Eof),
                (Escape::None, &CTRL_D) => typed.sent.push(Upstream::Stdin(std::mem::take(&mut self.line))),
                (Escape::None, &BACKSPACE | &DELETE) => {
                    if self.erase() {
                        typed.echo.extend(b"\x08 \x08");
                    }
                }
                (Escape::None, key) if self.line.len() < LONGEST && (*key >= b' ' || *key == b'\t') => {
                    self.line.push(*key);
                    typed.echo.push(*key);
                }
                (Escape::None, _) => {}
            }
        }
        typed
    }

    /// Takes back a character, which may be several bytes.
    fn erase(&mut self) -> bool {
        while let Some(byte) = self.line.pop() {
            if byte & 0xc0 != 0x80 {
                return true;
            }
        }
        false
    }
}

/// Output as a terminal gets it: ends of lines also return the carriage.
pub fn shown(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for byte in bytes {
        if *byte == b'\n' {
            out.push(b'\r');
        }
        out.push(*byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_lines() {
        let line = |text: &str| Upstream::Stdin(text.as_bytes().to_vec());
        for (keys, echo, sent, interrupted) in [
            ("ls\r", "ls\r\n", vec![line("ls\n")], false),
            ("a\nb\n", "a\r\nb\r\n", vec![line("a\n"), line("b\n")], false),
            ("lx\x7fs\r", "lx\x08 \x08s\r\n", vec![line("ls\n")], false),
            ("한\x7f\x7fa\r", "한\x08 \x08a\r\n", vec![line("a\n")], false),
            ("\x1b[A\x1b[1;5Cx\x1bOB\r", "x\r\n", vec![line("x\n")], false),
            ("\x04", "", vec![Upstream::Eof], false),
            ("ab\x04", "ab", vec![line("ab")], false),
            ("ab\x03", "ab^C\r\n", vec![line("\n")], false),
            ("\x03after", "^C\r\n", vec![], true),
            ("\x01\x07", "", vec![], false),
        ] {
            let expected = Typed { echo: echo.as_bytes().to_vec(), sent, interrupted };
            assert_eq!(Terminal::default().typed(keys.as_bytes()), expected, "{keys:?}");
        }
    }

    #[test]
    fn a_line_has_an_end_whoever_types_it() {
        let mut terminal = Terminal::default();
        assert_eq!(terminal.typed(&[b'x'; 10_000]).echo.len(), LONGEST);
        assert_eq!(terminal.typed(b"\r").sent, [Upstream::Stdin([&[b'x'; LONGEST][..], b"\n"].concat())]);
    }

    #[test]
    fn lines_begin_at_the_left() {
        assert_eq!(shown(b"a\nb\n$ "), b"a\r\nb\r\n$ ");
    }
}
