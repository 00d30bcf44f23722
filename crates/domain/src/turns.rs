//! Long work that lets others have their turn.
//!
//! Few threads serve all requests: what works on ten thousand messages at a stretch would make everybody wait for it.

use std::future::poll_fn;
use std::mem::replace;
use std::task::Poll;

/// How many bytes of text are worked on at a stretch: well under a millisecond. A runtime may look for what has come
/// in only after some sixty turns.
const STRETCH: usize = 8 * 1024;
/// What each message costs beside its text, in bytes of text.
const EACH: usize = 256;

/// Counts what was done since others had their turn.
#[derive(Debug, Default)]
pub struct Turns {
    done: usize,
}

impl Turns {
    /// A message with so many bytes of text was worked on.
    pub async fn worked(&mut self, bytes: usize) {
        self.done += EACH + bytes;
        if self.done >= STRETCH {
            self.done = 0;
            give_way().await;
        }
    }
}

/// Lets others have their turn once.
pub async fn give_way() {
    let mut given = false;
    poll_fn(|context| {
        if replace(&mut given, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
