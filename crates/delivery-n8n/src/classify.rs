//! What N8N's answer to a hand-off means (contract §2).
//!
//! The question behind each rule: may N8N have the message? If it may, the message must not be handed off again
//! before its outcome is known; if it can't, nothing is lost by trying again.

use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::MessageId;
use domain::message::Outcome;
use domain::policy::retry::HandoffBackoff;
use domain::ports::HandOffAnswer;
use serde_json::Value;

use crate::fields::{self, Object, Word};
use crate::json;

/// The longest wait that N8N may ask for.
const LONGEST_RETRY_AFTER: TimeDelta = HandoffBackoff::LONGEST_RETRY_AFTER;
/// How much of an answer's body is shown in an error, in characters.
const SHOWN: usize = 200;

/// How the body of an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyEnd {
    /// It was read to its end.
    Whole,
    /// It was longer than what is read.
    TooLong,
    /// The connection broke or the time was over before its end.
    Broken,
}

/// An answer by HTTP.
#[derive(Debug, Clone, Copy)]
pub struct Reply<'a> {
    /// The status code.
    pub status: u16,
    /// The header `Retry-After`.
    pub retry_after: Option<&'a str>,
    /// The body, as far as it was read.
    pub body: &'a [u8],
    /// How the body ended.
    pub end: BodyEnd,
}

/// No answer by HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// No connection came about (name, refusal, TLS, time): nothing was sent.
    NotConnected(String),
    /// The request could not even be written: it is not a request.
    NotSendable(String),
    /// The time was over or the connection broke after the request may have been sent.
    NoAnswer,
}

/// The message that the answer is about.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// Its id.
    pub id: MessageId,
    /// When it was queued.
    pub created_at: DateTime<Utc>,
    /// Now.
    pub now: DateTime<Utc>,
}

/// What an answer means.
pub fn reply(reply: &Reply<'_>, about: &About) -> HandOffAnswer {
    match reply.status {
        // An outcome may have been in what is missing.
        200..=299 if reply.end == BodyEnd::Broken => HandOffAnswer::Unknown,
        200..=299 => settled(reply.body, about).map_or(HandOffAnswer::Accepted, HandOffAnswer::Settled),
        // A gateway gave up waiting for N8N, which may still be at it.
        504 => HandOffAnswer::Unknown,
        404 | 408 | 425 | 429 | 500..=599 => HandOffAnswer::NotAccepted {
            error: said(reply),
            retry_after: reply.retry_after.and_then(|header| wait(header, about.now)),
        },
        _ => HandOffAnswer::Refused { error: said(reply) },
    }
}

/// What the lack of an answer means.
pub fn failure(failure: Failure) -> HandOffAnswer {
    match failure {
        Failure::NotConnected(cause) => HandOffAnswer::NotAccepted {
            error: format!("could not connect to N8N: {cause}"),
            retry_after: None,
        },
        Failure::NotSendable(cause) => {
            HandOffAnswer::Refused { error: format!("can't be sent to N8N: {cause}") }
        }
        Failure::NoAnswer => HandOffAnswer::Unknown,
    }
}

/// The outcome in the body, if it holds one: an object, or N8N's "all items" with a single object. N8N accepted the
/// message whatever else the body says, so that an odd field is passed over where a callback's would be refused.
fn settled(body: &[u8], about: &About) -> Option<Outcome> {
    let value = json::parse(body).ok()?;
    let object = match &value {
        Value::Object(object) => object,
        Value::Array(items) => match items.as_slice() {
            [Value::Object(object)] => object,
            _ => return None,
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return None,
    };
    if !names(object, about.id) {
        return None;
    }
    Some(match fields::word(object).ok()? {
        Word::Sent => Outcome::Sent {
            provider_message_id: fields::provider_message_id(object).ok().flatten(),
            sent_at: fields::sent_at(object).ok().flatten().filter(|at| plausible(*at, about)),
        },
        Word::Failed => fields::failed(object, fields::permanent(object).unwrap_or(false)),
        Word::Skipped => fields::skipped(object),
    })
}

/// Whether the body is about this message: it names it, or none.
fn names(object: &Object, id: MessageId) -> bool {
    fields::present(object, "messageId").is_none_or(|value| {
        value.as_str().and_then(|text| text.trim().parse().ok()).is_some_and(|named: MessageId| named == id)
    })
}

/// Whether the domain would take this time of sending (contract §2).
fn plausible(at: DateTime<Utc>, about: &About) -> bool {
    at >= about.created_at - TimeDelta::seconds(1) && at <= about.now + TimeDelta::minutes(5)
}

/// `Retry-After`: seconds, or a date.
fn wait(header: &str, now: DateTime<Utc>) -> Option<TimeDelta> {
    let header = header.trim();
    let wait = if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number holds is longer than the longest, too.
        header.parse().ok().and_then(TimeDelta::try_seconds).unwrap_or(LONGEST_RETRY_AFTER)
    } else {
        DateTime::parse_from_rfc2822(header).ok()?.with_timezone(&Utc) - now
    };
    Some(wait.clamp(TimeDelta::zero(), LONGEST_RETRY_AFTER))
}

/// The status and the beginning of the body, on one line.
fn said(reply: &Reply<'_>) -> String {
    let hint = if (300..400).contains(&reply.status) { " (a redirect, which is not followed)" } else { "" };
    let body = String::from_utf8_lossy(reply.body);
    let words: String = body.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN).collect();
    match words.trim() {
        "" => format!("N8N answered {}{hint}", reply.status),
        words => format!("N8N answered {}{hint}: {words}", reply.status),
    }
}

#[cfg(test)]
mod tests;
