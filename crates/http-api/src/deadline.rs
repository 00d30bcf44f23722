//! How long a client may take to send a body: one that sends a byte now and then must not hold a connection, and the
//! memory behind it, for ever.

use std::io;
use std::task::Poll;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use futures_util::{FutureExt as _, StreamExt as _, stream};

/// The same body, which breaks off when it is not there within this time from now.
pub(crate) fn within(mut body: Payload, time: Duration) -> Payload {
    if matches!(body, Payload::None) {
        return body;
    }
    let mut over = Box::pin(tokio::time::sleep(time));
    let mut is_over = false;
    let timed = stream::poll_fn(move |context| {
        if is_over {
            return Poll::Ready(None);
        }
        let next = body.poll_next_unpin(context);
        if next.is_pending() && over.poll_unpin(context).is_ready() {
            is_over = true;
            return Poll::Ready(Some(Err(PayloadError::Io(io::ErrorKind::TimedOut.into()))));
        }
        next
    });
    Payload::Stream { payload: Box::pin(timed) }
}
