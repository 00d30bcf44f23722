//! Handing messages off.

use async_trait::async_trait;
use chrono::TimeDelta;

use crate::ids::LeaseId;
use crate::message::{Message, Outcome};

/// One message on its way to N8N.
#[derive(Debug, Clone, Copy)]
pub struct HandOff<'a> {
    /// The message, LEASED.
    pub message: &'a Message,
    /// The lease that it is handed off under.
    pub lease: LeaseId,
    /// The `traceparent` (W3C Trace Context) that goes with it, where somebody traces.
    pub traceparent: Option<&'a str>,
}

/// What N8N made of a hand-off (contract §2, §4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandOffAnswer {
    /// 2xx: it has it.
    Accepted,
    /// 2xx with an outcome: counts as the callback.
    Settled(Outcome),
    /// Could not connect, 404, 408, 425, 429, 5xx but 504: it does not have it.
    NotAccepted {
        /// What happened.
        error: String,
        /// The wait that it asked for.
        retry_after: Option<TimeDelta>,
    },
    /// No answer in time, connection broken after sending, 504: it may have it.
    Unknown,
    /// Any other answer: it will never take it.
    Refused {
        /// What it said.
        error: String,
    },
}

/// The way to N8N.
#[async_trait]
pub trait DeliveryGateway: Send + Sync {
    /// Waits until the next hand-off may start (`N8N_MAX_PER_SECOND`).
    async fn pace(&self);
    /// Hands one message off; ends within `N8N_TIMEOUT_SECONDS`.
    async fn hand_off(&self, hand_off: HandOff<'_>) -> HandOffAnswer;
}
