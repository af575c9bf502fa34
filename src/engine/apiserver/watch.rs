//! Open watches of HTTP clients: a cursor in the log, a selection, and how to print.

/// One open watch.
#[derive(Debug, Clone)]
pub struct Watch {}

use api::wire::{Chunk, StreamId};

use super::ApiServer;

impl ApiServer {
    /// What a watch has to say since the last call; `None` if no such watch is open.
    pub fn poll_watch(&mut self, stream: StreamId) -> Option<Vec<Chunk>> {
        self.watches.get(&stream).map(|_| Vec::new())
    }

    pub fn close_watch(&mut self, stream: StreamId) {
        self.watches.remove(&stream);
    }
}
