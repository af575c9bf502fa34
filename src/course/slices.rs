//! Long work in small pieces: a future that offers to stop after every event, and the two ways to drive it.
//!
//! Tests and tools want the result at once; a page must draw meanwhile. What takes long is written
//! once, as an `async fn` that calls [`breathe`]. Nothing here waits for anything else.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// A place where the work may be set down.
pub async fn breathe() {
    let mut asked = false;
    poll_fn(|_| if std::mem::replace(&mut asked, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// Does all of it now.
pub fn at_once<T>(work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return done;
        }
    }
}

/// Work under way.
pub struct Slices<T>(Pin<Box<dyn Future<Output = T>>>);

impl<T> Slices<T> {
    pub fn of(work: impl Future<Output = T> + 'static) -> Self {
        Self(Box::pin(work))
    }

    /// Goes on until it is done, or until there is no more `time`. Not to be called again once it was done.
    pub fn advance(&mut self, mut time: impl FnMut() -> bool) -> Option<T> {
        loop {
            if let Poll::Ready(done) = self.0.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return Some(done);
            }
            if !time() {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn count(to: u32) -> u32 {
        for _ in 0..to {
            breathe().await;
        }
        to
    }

    #[test]
    fn work_is_done_at_once_or_piece_by_piece() {
        assert_eq!(at_once(count(3)), 3);
        let mut slices = Slices::of(count(3));
        let pieces = std::iter::from_fn(|| slices.advance(|| false).is_none().then_some(())).count();
        assert_eq!(pieces, 3);
    }
}
