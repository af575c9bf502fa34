//! A connection after its upgrade: messages of a WebSocket, or the bytes of SPDY as they come.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

/// The largest message of a client; kubectl sends 32 KiB at most.
const LARGEST: usize = 1 << 20;
/// How long a client may take to say that it has understood.
const FAREWELL: Duration = Duration::from_secs(2);
/// Read at a time where bytes have no borders.
const PIECE: usize = 64 * 1024;

pub enum Duct {
    Web(Box<WebSocketStream<TokioIo<Upgraded>>>),
    Raw(TokioIo<Upgraded>),
}

impl Duct {
    pub async fn web(upgraded: Upgraded) -> Self {
        let config = WebSocketConfig::default().max_message_size(Some(LARGEST)).max_frame_size(Some(LARGEST));
        let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
        Self::Web(Box::new(socket))
    }

    pub fn raw(upgraded: Upgraded) -> Self {
        Self::Raw(TokioIo::new(upgraded))
    }

    /// What comes next, `None` at the end. Nothing is lost when this is given up halfway.
    ///
    /// # Errors
    /// The client went away, or sends what is no WebSocket.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        match self {
            Self::Web(socket) => loop {
                match socket.next().await.transpose()? {
                    None | Some(Message::Close(_)) => return Ok(None),
                    Some(Message::Binary(bytes)) => return Ok(Some(bytes.into())),
                    // What is typed comes as text from Python, whose bytes mean the same.
                    Some(Message::Text(text)) => return Ok(Some(text.as_bytes().to_vec())),
                    // Pings are answered by the library.
                    Some(_) => {}
                }
            },
            Self::Raw(io) => {
                let mut bytes = Vec::with_capacity(PIECE);
                let count = io.read_buf(&mut bytes).await?;
                Ok((count > 0).then_some(bytes))
            }
        }
    }

    /// # Errors
    /// The client went away.
    pub async fn send(&mut self, bytes: Vec<u8>) -> Result<(), Error> {
        match self {
            Self::Web(socket) => socket.send(Message::Binary(bytes.into())).await,
            Self::Raw(io) => {
                io.write_all(&bytes).await?;
                Ok(io.flush().await?)
            }
        }
    }

    /// Says that this is the end, and none to worry about: clients take a WebSocket's without a code for an accident.
    /// Then it waits until the client has said so, too: who hangs up first may destroy what is still on the way.
    ///
    /// # Errors
    /// The client went away.
    pub async fn close(mut self) -> Result<(), Error> {
        match &mut self {
            Self::Web(socket) => {
                (**socket).close(Some(CloseFrame { code: CloseCode::Normal, reason: "".into() })).await?;
            }
            Self::Raw(io) => io.shutdown().await?,
        }
        let farewell = async { while let Ok(Some(_)) = self.next().await {} };
        // One who says nothing is left.
        let _ = timeout(FAREWELL, farewell).await;
        Ok(())
    }
}
