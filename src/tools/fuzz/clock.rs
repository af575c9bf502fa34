//! How long something took, whatever else the machine does meanwhile.

use std::fs;
use std::time::{Duration, Instant};

/// What the kernel's count of processor time may be behind.
const TICK: Duration = Duration::from_millis(4);

/// A stopwatch.
pub struct Clock {
    began: Instant,
    processor: Option<Duration>,
}

impl Clock {
    pub fn start() -> Self {
        Self { processor: processor_time(), began: Instant::now() }
    }

    /// The time since the start; less what others had the processor for, where the system tells.
    pub fn took(&self) -> Duration {
        let wall = self.began.elapsed();
        // Short times are known better than the kernel counts.
        if wall < TICK * 2 {
            return wall;
        }
        match (self.processor, processor_time()) {
            (Some(before), Some(now)) => wall.min(now.saturating_sub(before) + TICK),
            _ => wall,
        }
    }
}

/// Processor time of this thread.
fn processor_time() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
