//! exec and attach: five streams on one connection, and how the command ended.
//!
//! Mirrors: apimachinery/pkg/util/remotecommand, kubelet/pkg/cri/streaming/remotecommand. In a WebSocket
//! a byte in front of each message names the stream (v5 and v4.channel.k8s.io); SPDY has streams of
//! its own. Left out: the terminal's size, of which no simulated program takes notice.

use std::collections::BTreeMap;

use api::wire::{Chunk, Upstream};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

use crate::duct::Duct;
use crate::owner::{Handle, Stream};
use crate::spdy::{self, Decoder, Frame};
use crate::tty::{self, Terminal, Typed};

/// What is spoken in a WebSocket; v5 can end standard input.
pub const WEB: &[&str] = &["v5.channel.k8s.io", "v4.channel.k8s.io"];
/// What is spoken in SPDY, where every stream can end.
pub const SPDY: &[&str] = &["v4.channel.k8s.io"];

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const ERROR: u8 = 3;
const RESIZE: u8 = 4;
/// Names another channel, which ends.
const CLOSE: u8 = 255;

/// How a program ends that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// How the streams of a session are told apart.
pub enum Channels {
    Web,
    Spdy(Box<Streams>),
}

/// SPDY's streams, as the client opens them.
pub struct Streams {
    decoder: Decoder,
    begun: bool,
    /// Those that the client is going to read.
    wanted: Vec<u8>,
    ids: BTreeMap<u8, u32>,
    /// Said before its stream was there.
    held: Vec<(u8, Vec<u8>)>,
}

/// What a client said.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Keys(Vec<u8>),
    Eof,
}

/// What a client sent is nothing that this protocol has.
#[derive(Debug)]
struct Broken;

impl Channels {
    pub fn web() -> Self {
        Self::Web
    }

    /// `yes` tells which streams the request asks for.
    pub fn spdy(yes: impl Fn(&str) -> bool) -> Self {
        let output = [(STDOUT, yes("stdout")), (STDERR, yes("stderr") && !yes("tty")), (ERROR, true)];
        let wanted = output.into_iter().filter(|(_, wanted)| *wanted).map(|(channel, _)| channel).collect();
        let (ids, held) = (BTreeMap::new(), Vec::new());
        Self::Spdy(Box::new(Streams { decoder: Decoder::default(), begun: false, wanted, ids, held }))
    }

    /// What the client said, and what must be answered at once.
    fn take(&mut self, bytes: Vec<u8>) -> Result<(Vec<Heard>, Vec<Vec<u8>>), Broken> {
        match self {
            Self::Web => {
                let heard = match bytes.split_first() {
                    Some((&STDIN, keys)) => Some(Heard::Keys(keys.to_vec())),
                    Some((&CLOSE, [STDIN])) => Some(Heard::Eof),
                    // Sizes of terminals, and channels that do not exist.
                    _ => None,
                };
                Ok((heard.into_iter().collect(), Vec::new()))
            }
            Self::Spdy(streams) => streams.take(&bytes),
        }
    }

    /// What a stream is told, as it goes over the connection.
    fn frame(&mut self, channel: u8, mut bytes: Vec<u8>) -> Vec<Vec<u8>> {
        match self {
            Self::Web => {
                bytes.insert(0, channel);
                vec![bytes]
            }
            Self::Spdy(streams) => match streams.ids.get(&channel) {
                Some(id) => bytes.chunks(1 << 16).map(|part| spdy::data(*id, part, false)).collect(),
                None => {
                    streams.held.push((channel, bytes));
                    Vec::new()
                }
            },
        }
    }

    /// Whether all that was said has been sent.
    fn is_clear(&self) -> bool {
        match self {
            Self::Web => true,
            Self::Spdy(streams) => streams.wanted.iter().all(|channel| streams.ids.contains_key(channel)),
        }
    }

    /// Ends the streams.
    fn end(&self) -> Vec<Vec<u8>> {
        match self {
            Self::Web => Vec::new(),
            Self::Spdy(streams) => streams
                .wanted
                .iter()
                .filter_map(|channel| Some(spdy::data(*streams.ids.get(channel)?, b"", true)))
                .collect(),
        }
    }
}

impl Streams {
    fn take(&mut self, bytes: &[u8]) -> Result<(Vec<Heard>, Vec<Vec<u8>>), Broken> {
        let (mut heard, mut answers) = (Vec::new(), Vec::new());
        self.decoder.push(bytes);
        while let Some(frame) = self.decoder.frame().map_err(|spdy::Broken| Broken)? {
            match frame {
                Frame::Open { id, headers } => {
                    let kind = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("streamtype"));
                    let channel = match kind.map(|(_, kind)| kind.as_str()) {
                        Some("stdin") => STDIN,
                        Some("stdout") => STDOUT,
                        Some("stderr") => STDERR,
                        Some("error") => ERROR,
                        Some("resize") => RESIZE,
                        _ => return Err(Broken),
                    };
                    answers.push(spdy::reply(id, !std::mem::replace(&mut self.begun, true)));
                    self.ids.insert(channel, id);
                    for (at, bytes) in std::mem::take(&mut self.held) {
                        if at == channel {
                            answers.extend(bytes.chunks(1 << 16).map(|part| spdy::data(id, part, false)));
                        } else {
                            self.held.push((at, bytes));
                        }
                    }
                }
                Frame::Data { id, bytes, last } if self.ids.get(&STDIN) == Some(&id) => {
                    heard.extend(Some(bytes).filter(|bytes| !bytes.is_empty()).map(Heard::Keys));
                    heard.extend(last.then_some(Heard::Eof));
                }
                Frame::Ping(bytes) => answers.push(bytes),
                // Sizes of terminals, ends of streams that only we write to.
                Frame::Data { .. } | Frame::Reset(_) => {}
            }
        }
        Ok((heard, answers))
    }
}

/// Carries both directions until either side ends.
///
/// # Errors
/// The client went away.
pub async fn converse(
    mut duct: Duct,
    mut channels: Channels,
    mut stream: Stream,
    cluster: &Handle,
    mut terminal: Option<Terminal>,
) -> Result<(), Error> {
    let (mut said, mut over) = (false, false);
    loop {
        if over && channels.is_clear() {
            for frame in channels.end() {
                duct.send(frame).await?;
            }
            return duct.close().await;
        }
        let mut frames = Vec::new();
        tokio::select! {
            bytes = duct.next() => {
                let Some(bytes) = bytes? else { return Ok(()) };
                // There is no way to say that within the protocol.
                let Ok((heard, answers)) = channels.take(bytes) else { return duct.close().await };
                frames.extend(answers);
                for heard in heard {
                    let typed = match (heard, &mut terminal) {
                        (Heard::Keys(keys), Some(terminal)) => terminal.typed(&keys),
                        (Heard::Keys(keys), None) => Typed { sent: vec![Upstream::Stdin(keys)], ..Typed::default() },
                        (Heard::Eof, _) => Typed { sent: vec![Upstream::Eof], ..Typed::default() },
                    };
                    if !typed.echo.is_empty() {
                        frames.extend(channels.frame(STDOUT, typed.echo));
                    }
                    for data in typed.sent {
                        cluster.send(stream.id, data).await;
                    }
                    if typed.interrupted {
                        frames.extend(channels.frame(ERROR, outcome(INTERRUPTED).to_string().into_bytes()));
                        over = true;
                    }
                }
            }
            batch = stream.batches.recv(), if !over => {
                for chunk in batch.unwrap_or_else(|| vec![Chunk::Closed]) {
                    let (channel, bytes) = match chunk {
                        Chunk::Stdout(bytes) if terminal.is_some() => (STDOUT, tty::shown(&bytes)),
                        Chunk::Stdout(bytes) => (STDOUT, bytes),
                        Chunk::Stderr(bytes) => (STDERR, bytes),
                        Chunk::Exit(code) => (ERROR, outcome(code).to_string().into_bytes()),
                        Chunk::Error(status) => (ERROR, status.to_value().to_string().into_bytes()),
                        Chunk::Closed => {
                            over = true;
                            if said {
                                continue;
                            }
                            (ERROR, outcome(0).to_string().into_bytes())
                        }
                        Chunk::Event(..) | Chunk::Http { .. } | Chunk::Tcp(..) => continue,
                    };
                    said |= channel == ERROR;
                    frames.extend(channels.frame(channel, bytes));
                }
            }
        }
        for frame in frames {
            duct.send(frame).await?;
        }
    }
}

/// How a command ended, as the error stream says it.
fn outcome(code: i32) -> Value {
    if code == 0 {
        return json!({ "metadata": {}, "status": "Success" });
    }
    json!({
        "metadata": {},
        "status": "Failure",
        "message": format!("command terminated with non-zero exit code: exit status {code}"),
        "reason": "NonZeroExitCode",
        "details": { "causes": [{ "reason": "ExitCode", "message": code.to_string() }] },
    })
}
