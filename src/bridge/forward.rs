//! port-forward: many connections to ports of a pod on one connection of the client.
//!
//! Mirrors: apimachinery/pkg/util/portforward, kubelet/pkg/cri/streaming/portforward. kubectl makes a
//! pair of SPDY streams for each, inside a WebSocket since 1.31; kube-rs and the Python client take
//! a pair of a WebSocket's channels for each port. What the connections carry is in [`lanes`].

use std::collections::BTreeMap;

use tokio_tungstenite::tungstenite::Error;

use crate::duct::Duct;
use crate::lanes::{Lanes, Said};
use crate::owner::{Handle, Stream};
use crate::spdy::{self, Decoder, Frame};

/// SPDY inside a WebSocket.
pub const TUNNELLED: &str = "SPDY/3.1+portforward.k8s.io";
/// The same on its own.
pub const SPDY: &str = "portforward.k8s.io";
/// Two channels for each port: data, and what went wrong.
pub const CHANNELS: &str = "v4.channel.k8s.io";

/// Connections that one client carries at a time.
const MOST: usize = 256;

/// The ports a request names.
pub fn ports(query: &[(String, String)]) -> Vec<u16> {
    let values = query.iter().filter(|(key, _)| key == "ports").flat_map(|(_, value)| value.split(','));
    // A channel's number is a byte.
    values.filter_map(|port| port.trim().parse().ok()).take(127).collect()
}

/// Carries the ports until either side ends, a pair of channels for each.
///
/// # Errors
/// The client went away.
pub async fn channels(mut duct: Duct, stream: Stream, cluster: &Handle, ports: Vec<u16>) -> Result<(), Error> {
    let mut lanes = Lanes::new(stream, cluster);
    for (lane, port) in (0..).zip(&ports) {
        // Each channel begins with the number of its port.
        for channel in [2 * lane, 2 * lane + 1] {
            duct.send([&[channel], &port.to_le_bytes()[..]].concat()).await?;
        }
        lanes.open(u32::from(lane), *port).await;
    }
    let mut open = ports.len();
    let channel = |lane: u32, which: u8| u8::try_from(lane).unwrap_or_default() * 2 + which;
    while open > 0 {
        tokio::select! {
            bytes = duct.next(), if lanes.takes_more() => {
                let Some(bytes) = bytes? else { return Ok(()) };
                if let Some((number, bytes)) = bytes.split_first().filter(|(number, _)| **number % 2 == 0) {
                    lanes.bytes(u32::from(number / 2), bytes.to_vec()).await;
                }
            }
            event = lanes.event() => for (lane, said) in lanes.handle(event).await {
                match said {
                    Said::Bytes(bytes) => duct.send([&[channel(lane, 0)], &bytes[..]].concat()).await?,
                    Said::Failed(why) => duct.send([&[channel(lane, 1)], why.as_bytes()].concat()).await?,
                    Said::End => open -= 1,
                    Said::Lost => return duct.close().await,
                }
            }
        }
    }
    duct.close().await
}

/// The pairs of SPDY streams of one kubectl.
#[derive(Default)]
struct Pairs {
    decoder: Decoder,
    begun: bool,
    /// Error streams by the number of their request, until their data stream opens.
    waiting: BTreeMap<String, u32>,
    /// Error streams by the data stream they go with.
    errors: BTreeMap<u32, u32>,
}

/// Carries connections until either side ends, a pair of streams for each.
///
/// # Errors
/// The client went away.
pub async fn spdy(mut duct: Duct, stream: Stream, cluster: &Handle) -> Result<(), Error> {
    let mut lanes = Lanes::new(stream, cluster);
    let mut pairs = Pairs::default();
    loop {
        tokio::select! {
            bytes = duct.next(), if lanes.takes_more() => {
                let Some(bytes) = bytes? else { return Ok(()) };
                pairs.decoder.push(&bytes);
                loop {
                    match pairs.decoder.frame() {
                        Ok(Some(frame)) => pairs.heard(frame, &mut duct, &mut lanes).await?,
                        Ok(None) => break,
                        // There is no way to say that within SPDY.
                        Err(spdy::Broken) => return duct.close().await,
                    }
                }
            }
            event = lanes.event() => for (lane, said) in lanes.handle(event).await {
                match said {
                    Said::Bytes(bytes) => for part in bytes.chunks(1 << 16) {
                        duct.send(spdy::data(lane, part, false)).await?;
                    },
                    Said::Failed(why) => if let Some(errors) = pairs.errors.get(&lane) {
                        duct.send(spdy::data(*errors, why.as_bytes(), false)).await?;
                    },
                    Said::End => {
                        if let Some(errors) = pairs.errors.remove(&lane) {
                            duct.send(spdy::data(errors, b"", true)).await?;
                        }
                        duct.send(spdy::data(lane, b"", true)).await?;
                    }
                    Said::Lost => return duct.close().await,
                }
            }
        }
    }
}

impl Pairs {
    async fn heard(&mut self, frame: Frame, duct: &mut Duct, lanes: &mut Lanes) -> Result<(), Error> {
        match frame {
            Frame::Open { id, headers } => {
                let header =
                    |name: &str| headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str());
                let request = header("requestid").unwrap_or_default().to_owned();
                let first = !std::mem::replace(&mut self.begun, true);
                duct.send(spdy::reply(id, first)).await?;
                match header("streamtype") {
                    Some("error") if self.waiting.len() < MOST => {
                        self.waiting.insert(request, id);
                    }
                    Some("data") if lanes.count() < MOST => {
                        let port = header("port").and_then(|text| text.parse().ok()).unwrap_or(0);
                        self.errors.extend(self.waiting.remove(&request).map(|errors| (id, errors)));
                        lanes.open(id, port).await;
                    }
                    // Nobody forwards that many; the stream ends as it began.
                    _ => duct.send(spdy::data(id, b"", true)).await?,
                }
                Ok(())
            }
            Frame::Data { id, bytes, last } => {
                if !bytes.is_empty() {
                    lanes.bytes(id, bytes).await;
                }
                if last {
                    lanes.shut(id).await;
                }
                Ok(())
            }
            Frame::Reset(id) => {
                self.errors.remove(&id);
                lanes.gone(id).await;
                Ok(())
            }
            Frame::Ping(bytes) => duct.send(bytes).await,
        }
    }
}
