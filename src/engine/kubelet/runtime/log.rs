//! What a container wrote, line by line with its moment: the file behind `kubectl logs`.
//!
//! Both streams go into one log, in the order of their lines' ends. What has no newline waits for it, and
//! becomes a line when the writer is gone.
//! Mirrors: containerd/internal/cri/io/logger.go. Left out: lines of more than 16 KB in pieces; rotation
//! goes by lines, not by bytes.

use std::sync::Arc;

use imbl::Vector;

use super::Millis;
use super::process::Stream;

/// Lines kept per container instance; older ones go first, as log rotation does.
const KEPT: usize = 5_000;

#[derive(Debug, Clone, PartialEq)]
pub struct LogLine {
    pub at: Millis,
    pub stream: Stream,
    /// Without the newline.
    pub text: Arc<str>,
}

/// The log of one container instance.
#[derive(Debug, Clone, Default)]
pub struct Log {
    lines: Vector<LogLine>,
    /// Lines already rotated away: positions stay valid for followers.
    dropped: usize,
    partial: [Vec<u8>; 2],
}

impl Log {
    pub fn write(&mut self, now: Millis, stream: Stream, bytes: &[u8]) {
        let slot = stream as usize;
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.partial[slot].extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.flush(now, stream);
            }
        }
    }

    fn flush(&mut self, now: Millis, stream: Stream) {
        let mut bytes = std::mem::take(&mut self.partial[stream as usize]);
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        self.lines.push_back(LogLine { at: now, stream, text: String::from_utf8_lossy(&bytes).into() });
        if self.lines.len() > KEPT {
            self.lines.pop_front();
            self.dropped += 1;
        }
    }

    /// What was written since the last newline.
    pub fn unfinished(&self, stream: Stream) -> &[u8] {
        &self.partial[stream as usize]
    }

    /// Text without a newline becomes a line when the writer is gone.
    pub fn close(&mut self, now: Millis) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            if !self.partial[stream as usize].is_empty() {
                self.flush(now, stream);
            }
        }
    }

    /// The position behind the last line; a follower remembers it.
    pub fn end(&self) -> usize {
        self.dropped + self.lines.len()
    }

    /// Lines from a position on.
    pub fn from(&self, position: usize) -> impl Iterator<Item = &LogLine> {
        self.lines.iter().skip(position.saturating_sub(self.dropped))
    }

    /// The last lines, for `terminationMessagePolicy: FallbackToLogsOnError`.
    pub fn tail(&self, count: usize) -> String {
        let skip = self.lines.len().saturating_sub(count);
        self.lines.iter().skip(skip).map(|line| format!("{}\n", line.text)).collect()
    }
}
