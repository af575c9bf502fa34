//! `nc -l`: a listener that takes a connection's bytes as they come.
//!
//! Mirrors: busybox networking/nc.c. What comes is written out, what is read in is sent back;
//! with `-e` a program speaks instead. Requests from inside the cluster are answered without being
//! read ([`super::answer`]): between pods the simulation carries HTTP, not bytes.

use std::collections::VecDeque;

use super::super::kernel::{Read, Sys};
use super::super::process::{Body, Fd, Process, Step, Wait};
use super::{Launch, Start, Tool, complain};

/// The descriptor of the connection that is being served.
const LINE: u32 = 3;

#[derive(Debug, Clone, Default)]
pub struct Listen {
    pub port: u16,
    /// Goes on after a connection (`-k`, `-ll`).
    keep: bool,
    /// The program that speaks instead (`-e`).
    program: Vec<String>,
    /// Connections, as the pipe to us and the pipe from us; the first is being served.
    lines: VecDeque<(u32, u32)>,
}

/// `nc` and `telnet` with `-l`; `None` when they are to connect.
pub fn start(name: &str, args: &[String], process: &Process, sys: &mut Sys) -> Option<Start> {
    let mut listen = Listen::default();
    let (mut listens, mut times, mut plain) = (false, 0, None);
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let Some(flags) = word.strip_prefix('-').filter(|flags| !flags.is_empty()) else {
            plain = plain.or(word.parse().ok());
            continue;
        };
        let mut flags = flags.chars();
        while let Some(flag) = flags.next() {
            match flag {
                'l' => {
                    (listens, times) = (true, times + 1);
                    listen.keep |= times > 1;
                }
                'k' => listen.keep = true,
                'p' | 's' | 'w' | 'i' => {
                    let inline: String = flags.by_ref().collect();
                    let value = if inline.is_empty() { words.next().cloned().unwrap_or_default() } else { inline };
                    if flag == 'p' {
                        listen.port = value.parse().unwrap_or(0);
                    }
                }
                // All that follows is the program with its arguments.
                'e' => listen.program = words.by_ref().cloned().collect(),
                _ => {}
            }
        }
    }
    if !listens {
        return None;
    }
    if listen.port == 0 {
        listen.port = plain.unwrap_or(0);
    }
    let taken = sys.kernel.ports().contains(&listen.port);
    Some(if taken {
        Start::Exit(complain(process, sys, name, "bind: Address already in use"))
    } else {
        Start::Run(Tool::Listen(Box::new(listen)))
    })
}

impl Listen {
    /// Somebody connected. A connection waits while another is served.
    pub fn connected(&mut self, input: u32, output: u32) {
        self.lines.push_back((input, output));
    }

    /// Whether a connection has yet to be taken.
    pub fn holds(&self, output: u32) -> bool {
        self.lines.iter().any(|line| line.1 == output)
    }

    pub fn step(&mut self, process: &mut Process, sys: &mut Sys) -> Step {
        let Some((input, output)) = self.lines.front().copied() else { return Step::Wait(Wait::Forever) };
        if !self.program.is_empty() {
            self.lines.pop_front();
            return self.hand_over(input, output, process, sys);
        }
        process.fds.entry(LINE).or_insert(Fd::Pipe(output));
        match sys.read(Some(&mut Fd::Pipe(input))) {
            Read::Data(bytes) => {
                sys.write(process.fds.get(&1), &bytes);
                Step::Continue
            }
            Read::End => {
                self.lines.pop_front();
                process.fds.remove(&LINE);
                if self.keep { Step::Continue } else { Step::Exit(0) }
            }
            Read::Block(input) => {
                // Nobody's input is no end of ours.
                let own = process.fds.remove(&0).filter(|own| *own != Fd::Null);
                let Some(mut own) = own else { return Step::Wait(Wait::Read(input)) };
                let read = sys.read(Some(&mut own));
                if !matches!(read, Read::End) {
                    process.fds.insert(0, own);
                }
                match read {
                    Read::Data(bytes) => {
                        sys.write(process.fds.get(&LINE), &bytes);
                        Step::Continue
                    }
                    // What comes later from our side is sent with what comes next from the other.
                    Read::Block(_) => Step::Wait(Wait::Read(input)),
                    // Our side has no more to say; the other may.
                    Read::End => {
                        process.fds.insert(LINE, Fd::Null);
                        self.lines[0] = (input, 0);
                        Step::Continue
                    }
                }
            }
        }
    }

    /// Gives a connection to the program of `-e`.
    fn hand_over(&mut self, input: u32, output: u32, process: &mut Process, sys: &mut Sys) -> Step {
        let mut child = super::helper(process, self.program.clone(), Body::Lent, sys.now);
        child.fds.insert(0, Fd::Pipe(input));
        child.fds.insert(1, Fd::Pipe(output));
        let launched = super::launch(&mut child, sys);
        if let (Launch::NotFound | Launch::Denied | Launch::IsDirectory, Some(name)) = (&launched, self.program.first())
        {
            let text = format!("can't execute '{name}': No such file or directory");
            complain(process, sys, "nc", &text);
        }
        match (self.keep, launched) {
            (true, Launch::Ready) => {
                child.parent = process.pid;
                sys.kernel.add(child);
                Step::Continue
            }
            (true, _) => Step::Continue,
            // Without -k the program takes its place.
            (false, Launch::Ready) => {
                (process.argv, process.fds, process.body) = (child.argv, child.fds, child.body);
                Step::Continue
            }
            (false, Launch::Exited(code)) => Step::Exit(code),
            (false, Launch::NotFound | Launch::Denied | Launch::IsDirectory) => Step::Exit(127),
        }
    }
}
