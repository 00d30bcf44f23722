//! What is counted and timed for `/metrics`. How it is kept and named is the adapter's matter.

use std::time::Duration;

use actix_web::http::Method;
use async_trait::async_trait;
use domain::message::Outcome;

/// A request that was answered.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// The pattern of its route: a path may hold ids, and is one of endlessly many.
    pub route: &'a str,
    /// Its method, which may be any word.
    pub method: &'a Method,
    /// The answer's status.
    pub status: u16,
    /// From the request to its answer.
    pub took: Duration,
}

/// What came of one callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallbackResult {
    /// It changed its message.
    Applied,
    /// Nothing changed: it was known, or is about an older attempt.
    Unchanged,
    /// It can't be: there is no such message, it was never handed off, or the callback can't be read.
    Refused,
}

/// Keeps what happens. Is called on every request, so it must cost next to nothing.
#[async_trait]
pub trait Meter: Send + Sync {
    /// A request was answered.
    fn answered(&self, request: &Answered<'_>);

    /// A callback was taken; without an outcome it could not be read.
    fn called_back(&self, outcome: Option<&Outcome>, result: CallbackResult);

    /// All that is kept, in the text format of Prometheus.
    async fn exposition(&self) -> String;
}
