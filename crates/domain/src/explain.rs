//! Why a message has not gone yet, and when it is expected to (contract §9, `explain`).
//!
//! The reasons come from the rules that the worker itself uses; `wording` says them to people.

mod wording;

use chrono::{DateTime, Utc};

use crate::channel::Channel;
use crate::message::{Failure, Message, SkipReason, State};
use crate::policy::circuit::{Circuit, Permit};
use crate::rules::Rules;

pub use wording::Language;

/// What is known of the queue at the moment.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Now.
    pub now: DateTime<Utc>,
    /// The rules in force.
    pub rules: &'a Rules,
    /// The circuit to N8N.
    pub circuit: Circuit,
    /// Whether there is an N8N to hand off to.
    pub webhook_enabled: bool,
    /// When the limit over all messages lets one more go; `None` when it does now.
    pub global_limit_until: Option<DateTime<Utc>>,
    /// When the owner's limit lets one more go; `None` when it does now.
    pub owner_limit_until: Option<DateTime<Utc>>,
    /// Whether the recipient has opted out of the channel since it was queued.
    pub opted_out: bool,
}

/// One reason why a message has not gone, or what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It is to go at a time that lies ahead.
    Scheduled(DateTime<Utc>),
    /// N8N did not accept the last hand-off.
    HandOffRetry(DateTime<Utc>),
    /// The last attempt failed; the next one waits for its time.
    RetryDue {
        /// When.
        until: DateTime<Utc>,
        /// How many attempts failed.
        failures: u32,
    },
    /// Quiet hours.
    QuietHours(DateTime<Utc>),
    /// The limit over all messages is reached.
    GlobalLimit(DateTime<Utc>),
    /// The owner's limit is reached.
    OwnerLimit(DateTime<Utc>),
    /// N8N failed time after time.
    CircuitOpen(DateTime<Utc>),
    /// There is no N8N to hand off to; only a caller in pull mode takes it.
    NoWebhook,
    /// The recipient has opted out; the next lease skips it.
    WillBeSuppressed,
    /// Nothing holds it back: the next run takes it, in the order of priority.
    WaitingForWorker,
    /// A run holds it.
    BeingHandedOff(DateTime<Utc>),
    /// N8N has it.
    WaitingForCallback(DateTime<Utc>),
    /// It went out.
    Sent,
    /// Its attempts are used up, or the failure is permanent.
    Dead {
        /// How many attempts failed.
        failures: u32,
    },
    /// It may have been sent; nobody knows.
    Held,
    /// A duplicate.
    Duplicate,
    /// The recipient had opted out.
    Suppressed,
    /// N8N decided not to send it.
    SkippedByN8n(String),
    /// A person stopped it.
    Cancelled,
}

impl Reason {
    /// The code, for programs; it never changes.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Scheduled(_) => "SCHEDULED",
            Self::HandOffRetry(_) => "HANDOFF_RETRY",
            Self::RetryDue { .. } => "RETRY_DUE",
            Self::QuietHours(_) => "QUIET_HOURS",
            Self::GlobalLimit(_) => "GLOBAL_LIMIT",
            Self::OwnerLimit(_) => "OWNER_LIMIT",
            Self::CircuitOpen(_) => "CIRCUIT_OPEN",
            Self::NoWebhook => "NO_WEBHOOK",
            Self::WillBeSuppressed => "OPTED_OUT_SINCE",
            Self::WaitingForWorker => "WAITING_FOR_WORKER",
            Self::BeingHandedOff(_) => "BEING_HANDED_OFF",
            Self::WaitingForCallback(_) => "WAITING_FOR_CALLBACK",
            Self::Sent => "SENT",
            Self::Dead { .. } => "DEAD",
            Self::Held => "OUTCOME_UNKNOWN",
            Self::Duplicate => "DUPLICATE_TODAY",
            Self::Suppressed => "OPTED_OUT",
            Self::SkippedByN8n(_) => "SKIPPED_BY_N8N",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// Until when it holds, where that is known.
    pub const fn until(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Scheduled(until)
            | Self::HandOffRetry(until)
            | Self::RetryDue { until, .. }
            | Self::QuietHours(until)
            | Self::GlobalLimit(until)
            | Self::OwnerLimit(until)
            | Self::CircuitOpen(until)
            | Self::BeingHandedOff(until)
            | Self::WaitingForCallback(until) => Some(*until),
            Self::NoWebhook
            | Self::WillBeSuppressed
            | Self::WaitingForWorker
            | Self::Sent
            | Self::Dead { .. }
            | Self::Held
            | Self::Duplicate
            | Self::Suppressed
            | Self::SkippedByN8n(_)
            | Self::Cancelled => None,
        }
    }
}

/// Why, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// At least one reason; those that end last are as good as any other.
    pub reasons: Vec<Reason>,
    /// When it is expected to go; `None` for what will not go, or has gone, or depends on people.
    pub expected_at: Option<DateTime<Utc>>,
}

/// Explains where a message stands.
pub fn explain(message: &Message, facts: &Facts<'_>) -> Explanation {
    let over = |reason| Explanation { reasons: vec![reason], expected_at: None };
    match &message.state {
        State::Queued(waiting) => {
            let not_yet = if waiting.error.is_some() { Reason::HandOffRetry } else { Reason::Scheduled };
            waits(message.content.channel, waiting.due_at, not_yet(waiting.due_at), facts)
        }
        State::Failed(Failure::Retry(retry)) => {
            let reason = Reason::RetryDue { until: retry.due_at, failures: message.retry_count };
            waits(message.content.channel, retry.due_at, reason, facts)
        }
        State::Failed(Failure::Dead { .. }) => over(Reason::Dead { failures: message.retry_count }),
        State::Failed(Failure::Held { .. }) => over(Reason::Held),
        State::Leased(lease) => Explanation {
            reasons: vec![Reason::BeingHandedOff(lease.expires_at)],
            expected_at: Some(facts.now),
        },
        State::Dispatched(flight) => over(Reason::WaitingForCallback(flight.deadline)),
        State::Sent(_) => over(Reason::Sent),
        State::Skipped { reason } => over(match reason.parse() {
            Ok(SkipReason::DuplicateToday) => Reason::Duplicate,
            Ok(SkipReason::OptedOut) => Reason::Suppressed,
            Err(_) => Reason::SkippedByN8n(reason.clone()),
        }),
        State::Cancelled => over(Reason::Cancelled),
    }
}

/// What a message would wait for that is queued now, to go at `due_at`.
pub fn foresee(channel: Channel, due_at: DateTime<Utc>, facts: &Facts<'_>) -> Explanation {
    waits(channel, due_at, Reason::Scheduled(due_at), facts)
}

/// When a message that is due then, and held back by nothing else, is expected to go: never in quiet hours.
fn expected_at(channel: Channel, due_at: DateTime<Utc>, facts: &Facts<'_>) -> DateTime<Utc> {
    facts.rules.quiet_hours.next_allowed(channel, due_at.max(facts.now))
}

fn waits(channel: Channel, due_at: DateTime<Utc>, not_yet: Reason, facts: &Facts<'_>) -> Explanation {
    if facts.opted_out {
        return Explanation { reasons: vec![Reason::WillBeSuppressed], expected_at: None };
    }
    let mut reasons = Vec::new();
    if due_at > facts.now {
        reasons.push(not_yet);
    }
    // Quiet hours are told for the moment at which it would go: now, or when it is due.
    let quiet = facts.rules.quiet_hours.closed_until(channel, due_at.max(facts.now));
    reasons.extend(quiet.map(Reason::QuietHours));
    reasons.extend(facts.owner_limit_until.map(Reason::OwnerLimit));
    reasons.extend(facts.global_limit_until.map(Reason::GlobalLimit));
    if let Permit::Refused { until } = facts.circuit.permit(facts.now) {
        reasons.push(Reason::CircuitOpen(until));
    }
    if !facts.webhook_enabled {
        reasons.push(Reason::NoWebhook);
    }
    let latest = reasons.iter().filter_map(Reason::until).fold(facts.now, DateTime::max);
    let expected_at = facts.webhook_enabled.then(|| expected_at(channel, latest, facts));
    if reasons.is_empty() {
        reasons.push(Reason::WaitingForWorker);
    }
    Explanation { reasons, expected_at }
}
