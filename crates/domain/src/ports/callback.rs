//! Reading N8N's callbacks: who sent them, and what they say.
//!
//! The HTTP side takes the raw body and headers and asks this port, so that one adapter alone knows N8N's language.

use chrono::{DateTime, Utc};

use crate::ids::MessageId;
use crate::message::{Callback, Outcome};

/// How many callbacks one request may carry (contract §9).
pub const MAX_CALLBACKS: usize = 1_000;

/// The Standard Webhooks headers of a request, as they came.
#[derive(Debug, Clone, Copy)]
pub struct WebhookHeaders<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`: seconds since 1970.
    pub timestamp: &'a str,
    /// `webhook-signature`: one or more, separated by spaces.
    pub signature: &'a str,
}

/// Why a signed request is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No secret is set, so that nobody can sign.
    #[error("no secret is set for signatures")]
    NoSecret,
    /// The time is no whole number of seconds.
    #[error("webhook-timestamp must be a whole number of seconds since 1970")]
    Timestamp,
    /// Signed too long ago: a replay, or a clock that is slow.
    #[error("the signature is too old")]
    TooOld,
    /// Signed in the future: a clock that is fast.
    #[error("the signature's time is in the future")]
    InFuture,
    /// No signature fits the body under any of the secrets.
    #[error("the signature does not fit")]
    Mismatch,
}

/// How far a request is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// In all that it says.
    Whole,
    /// Signed too long ago to be surely about the present attempt: only in what can't be taken for word of a later one.
    WhereNamed,
}

impl Trust {
    /// Whether a callback of such a request is believed. SENT always is: it is never left.
    pub const fn covers(self, callback: &Callback) -> bool {
        match (self, &callback.outcome) {
            (Self::Whole, _) | (Self::WhereNamed, Outcome::Sent { .. }) => true,
            (Self::WhereNamed, Outcome::Failed { .. } | Outcome::Skipped { .. }) => {
                callback.attempt.is_some() || callback.lease.is_some()
            }
        }
    }
}

/// The callbacks of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodedCallbacks {
    /// Whether they came as an array, and so are answered one by one.
    pub is_array: bool,
    /// Each, in the order given; one that can't be read does not hold back the others.
    pub items: Vec<Result<(MessageId, Callback), CallbackItemError>>,
}

/// Why one callback can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct CallbackItemError {
    /// Its place in the array, from 0.
    pub index: usize,
    /// What it gave as messageId, where that is text; for the answer, cut to 64 characters.
    pub message_id: Option<String>,
    /// The field that is wrong; empty when the item is no object.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

/// Why a request's body holds no callbacks at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// Not JSON.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// JSON, but neither an object nor an array.
    #[error("the body must be an object or an array of objects")]
    NotObject,
    /// More than [`MAX_CALLBACKS`].
    #[error("{0} callbacks at once; at most {MAX_CALLBACKS} are taken")]
    TooMany(usize),
}

/// Knows how N8N writes and signs its callbacks.
pub trait CallbackDecoder: Send + Sync {
    /// Whether the request was signed, within five minutes of now, by somebody who knows one of the secrets, and how
    /// far it is believed then.
    fn verify(
        &self,
        headers: &WebhookHeaders<'_>,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Trust, SignatureError>;

    /// Reads the body: one callback, or an array of them. Each is checked on its own.
    fn decode(&self, body: &[u8]) -> Result<DecodedCallbacks, CallbackError>;
}
