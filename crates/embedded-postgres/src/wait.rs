//! Waiting for a condition instead of for a time.
use std::sync::mpsc;
use std::time::{Duration, Instant};

const STEP: Duration = Duration::from_millis(5);

/// Looks every few milliseconds until `done` or until `limit` has passed; says whether it came true.
pub(crate) async fn until(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if done() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        tokio::time::sleep(STEP).await;
    }
}

/// The same where nothing can be awaited: in `Drop`, which may run after the runtime is gone.
pub(crate) fn until_blocking(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    // Nobody ever sends on this channel: it only serves as a clock to block on.
    let (_sender, silence) = mpsc::channel::<()>();
    loop {
        if done() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        let _ = silence.recv_timeout(STEP);
    }
}
