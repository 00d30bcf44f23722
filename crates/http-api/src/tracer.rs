//! Which trace a request belongs to. How traces are recorded, and where they go, is the adapter's matter.

use std::future::Future;

use chrono::{DateTime, Utc};
use domain::ids::MessageId;

use crate::around::RequestId;
use crate::meter::Answered;

/// A request's place in a trace (W3C Trace Context).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestSpan {
    /// The trace.
    pub trace: u128,
    /// The span that the request's sender named.
    pub parent: Option<u64>,
    /// The request's own.
    pub span: u64,
    /// Whether it is recorded.
    pub sampled: bool,
    /// When the request came.
    pub started: DateTime<Utc>,
}

tokio::task_local! {
    static CURRENT: Option<RequestSpan>;
}

impl RequestSpan {
    /// That of the request that is under way; `None` outside of requests, and where nobody traces.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|current| *current).ok().flatten()
    }
}

/// The same work, as part of this request.
pub(crate) fn within<F: Future>(span: Option<RequestSpan>, work: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(span, work)
}

/// Records traces. Is called on every request, so it must cost little.
pub trait Tracer: Send + Sync {
    /// A request came, with this `traceparent`.
    fn open(&self, traceparent: Option<&str>) -> RequestSpan;

    /// It was answered.
    fn close(&self, opened: &RequestSpan, request: &Answered<'_>, id: &RequestId);

    /// A callback about this message was taken.
    fn called_back(&self, message: MessageId, outcome: &'static str, applied: &'static str);
}
