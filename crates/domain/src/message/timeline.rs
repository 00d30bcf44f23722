//! What happened to a message, in order.
//!
//! Stored is one [`Entry`] for each end of an attempt and for each act of a person; it carries the times of the lease
//! and the hand-off before it. [`lines`] unfolds that into one line for each transition, so that the queue need not
//! write a row for each step.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::state::{Lease, State, Status};
use super::{Message, Outcome};
use crate::actor::Actor;
use crate::ids::LeaseId;
use crate::vocabulary::vocabulary;

/// The detail of a lease for which an admin passed the quiet hours.
pub const QUIET_HOURS_IGNORED: &str = "quiet hours ignored";
/// The detail of a hand-off to whoever pulled the message.
pub const PULLED: &str = "pulled";
/// What the detail of a creation begins with where the message is to go later; a time in UTC follows.
pub const SCHEDULED_FOR: &str = "scheduled for ";
/// What the detail of a failure ends with that no further attempt can mend.
pub const PERMANENT: &str = " (permanent)";

vocabulary! {
    /// What a timeline line tells.
    pub enum EntryKind {
        /// It was queued, or stored as skipped.
        Created = "CREATED",
        /// A run took it.
        Leased = "LEASED",
        /// N8N has it.
        Dispatched = "DISPATCHED",
        /// N8N gave no answer; it may have gone out.
        OutcomeUnknown = "OUTCOME_UNKNOWN",
        /// N8N said what became of it.
        Settled = "SETTLED",
        /// N8N refused the hand-off.
        Refused = "REFUSED",
        /// N8N did not accept the hand-off.
        NotAccepted = "NOT_ACCEPTED",
        /// The run gave it back.
        Released = "RELEASED",
        /// The run's process died.
        LeaseExpired = "LEASE_EXPIRED",
        /// No callback came in time.
        CallbackTimedOut = "CALLBACK_TIMED_OUT",
        /// The recipient had opted out.
        Suppressed = "SUPPRESSED",
        /// A person stopped it.
        Cancelled = "CANCELLED",
        /// A person queued it anew.
        Requeued = "REQUEUED",
        /// N8N said something else about a message that is SENT; nothing changed.
        Ignored = "IGNORED",
    }
}

/// One stored entry of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub kind: EntryKind,
    /// The status before.
    pub from: Status,
    /// The status after.
    pub to: Status,
    /// By whom.
    pub by: Actor,
    /// The attempt that it is about.
    pub attempt: u32,
    /// The lease that it is about.
    pub lease: Option<LeaseId>,
    /// When that lease was taken, where no earlier entry told.
    pub leased_at: Option<DateTime<Utc>>,
    /// When the hand-off was accepted, where no earlier entry told.
    pub dispatched_at: Option<DateTime<Utc>>,
    /// Error, reason or provider id, for people.
    pub detail: Option<String>,
}

/// A run of the worker, as the timeline needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseHolder {
    /// Who asked for the run.
    pub by: Actor,
    /// Whether the messages were handed to the caller (pull mode).
    pub pulled: bool,
    /// Whether an admin passed the quiet hours.
    pub ignored_quiet_hours: bool,
}

/// One line of the timeline: one transition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub kind: EntryKind,
    /// The status before; `None` for the creation.
    pub from: Option<Status>,
    /// The status after.
    pub to: Status,
    /// By whom.
    pub by: Actor,
    /// The attempt that it is about.
    pub attempt: u32,
    /// The lease that it is about.
    pub lease: Option<LeaseId>,
    /// Error, reason or provider id, for people.
    pub detail: Option<String>,
}

/// The whole timeline of a message: its creation, its stored entries unfolded, and what is under way.
pub fn lines(message: &Message, entries: &[Entry], holders: &HashMap<LeaseId, LeaseHolder>) -> Vec<Line> {
    let first = entries.first().map_or_else(|| first_status(message), entry_start);
    let mut lines = vec![Line {
        at: message.created_at,
        kind: EntryKind::Created,
        from: None,
        to: first,
        by: message.content.created_by.clone(),
        attempt: 1,
        lease: None,
        detail: if entries.is_empty() { creation_detail(message) } else { None },
    }];
    for entry in entries {
        unfold(entry, lines.last().map_or(first, |line| line.to), holders, &mut lines);
    }
    let before = lines.last().map_or(first, |line| line.to);
    match &message.state {
        State::Leased(lease) => lines.push(leased(lease, message.attempt, before, holders)),
        State::Dispatched(flight) if flight.note.is_none() => {
            lines.push(leased_line(flight.leased_at, flight.lease, message.attempt, before, holders));
            lines.push(dispatched_line(flight.dispatched_at, flight.lease, message.attempt, holders));
        }
        State::Dispatched(_)
        | State::Queued(_)
        | State::Sent(_)
        | State::Failed(_)
        | State::Skipped { .. }
        | State::Cancelled => {}
    }
    lines
}

/// What callbacks say about themselves in a timeline.
pub fn outcome_detail(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Sent { provider_message_id, .. } => provider_message_id.clone(),
        Outcome::Failed { error, permanent } => {
            Some(if *permanent { format!("{error}{PERMANENT}") } else { error.clone() })
        }
        Outcome::Skipped { reason } => Some(reason.clone()),
    }
}

/// A message without entries is as it was created, or on its first attempt.
fn first_status(message: &Message) -> Status {
    match &message.state {
        State::Skipped { .. } => Status::Skipped,
        State::Queued(_)
        | State::Leased(_)
        | State::Dispatched(_)
        | State::Sent(_)
        | State::Failed(_)
        | State::Cancelled => Status::Queued,
    }
}

/// The status that a message had when its first entry began: only QUEUED and SKIPPED are ever created.
fn entry_start(entry: &Entry) -> Status {
    if entry.from == Status::Skipped { Status::Skipped } else { Status::Queued }
}

fn creation_detail(message: &Message) -> Option<String> {
    match &message.state {
        State::Skipped { reason } => Some(reason.clone()),
        State::Queued(_)
        | State::Leased(_)
        | State::Dispatched(_)
        | State::Sent(_)
        | State::Failed(_)
        | State::Cancelled => message
            .content
            .scheduled_at
            .map(|at| format!("{SCHEDULED_FOR}{}", at.format("%Y-%m-%dT%H:%M:%SZ"))),
    }
}

fn unfold(entry: &Entry, before: Status, holders: &HashMap<LeaseId, LeaseHolder>, lines: &mut Vec<Line>) {
    if let (Some(at), Some(lease)) = (entry.leased_at, entry.lease) {
        lines.push(leased_line(at, lease, entry.attempt, before, holders));
    }
    if let (Some(at), Some(lease)) = (entry.dispatched_at, entry.lease) {
        lines.push(dispatched_line(at, lease, entry.attempt, holders));
    }
    lines.push(Line {
        at: entry.at,
        kind: entry.kind,
        from: Some(entry.from),
        to: entry.to,
        by: entry.by.clone(),
        attempt: entry.attempt,
        lease: entry.lease,
        detail: entry.detail.clone(),
    });
}

fn leased(lease: &Lease, attempt: u32, before: Status, holders: &HashMap<LeaseId, LeaseHolder>) -> Line {
    leased_line(lease.leased_at, lease.id, attempt, before, holders)
}

fn leased_line(
    at: DateTime<Utc>,
    lease: LeaseId,
    attempt: u32,
    before: Status,
    holders: &HashMap<LeaseId, LeaseHolder>,
) -> Line {
    let holder = holders.get(&lease);
    Line {
        at,
        kind: EntryKind::Leased,
        from: Some(before),
        to: Status::Leased,
        by: holder.map_or(Actor::System, |h| h.by.clone()),
        attempt,
        lease: Some(lease),
        detail: holder.filter(|h| h.ignored_quiet_hours).map(|_| QUIET_HOURS_IGNORED.to_owned()),
    }
}

fn dispatched_line(
    at: DateTime<Utc>,
    lease: LeaseId,
    attempt: u32,
    holders: &HashMap<LeaseId, LeaseHolder>,
) -> Line {
    let pulled = holders.get(&lease).is_some_and(|h| h.pulled);
    Line {
        at,
        kind: EntryKind::Dispatched,
        from: Some(Status::Leased),
        to: Status::Dispatched,
        by: if pulled { Actor::Worker } else { Actor::N8n },
        attempt,
        lease: Some(lease),
        detail: pulled.then(|| PULLED.to_owned()),
    }
}
