//! The states, each owning exactly its data.

use chrono::{DateTime, Utc};

use crate::ids::LeaseId;
use crate::vocabulary::vocabulary;

vocabulary! {
    /// The status word of a state (contract §1).
    pub enum Status {
        /// Waits for its time and a worker.
        Queued = "QUEUED",
        /// A run holds it and hands it off.
        Leased = "LEASED",
        /// N8N has it, or may have it; its callback is awaited.
        Dispatched = "DISPATCHED",
        /// N8N said that it went out. Final.
        Sent = "SENT",
        /// The last attempt failed; see [`FailureKind`].
        Failed = "FAILED",
        /// It was not, and will not be, sent.
        Skipped = "SKIPPED",
        /// A person stopped it.
        Cancelled = "CANCELLED",
    }
}

vocabulary! {
    /// What a FAILED message waits for.
    pub enum FailureKind {
        /// Its next attempt.
        Retry = "RETRY",
        /// A person: its attempts are used up, or the failure is permanent.
        Dead = "DEAD",
        /// A late callback or a person: it may have been sent.
        Held = "HELD",
    }
}

/// Where a message stands, with the data that belongs there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Waits for its time and a worker.
    Queued(Waiting),
    /// A run holds it.
    Leased(Lease),
    /// N8N has it, or may have it.
    Dispatched(InFlight),
    /// N8N said that it went out.
    Sent(Sent),
    /// The last attempt failed.
    Failed(Failure),
    /// Not to be sent, and why.
    Skipped {
        /// `DUPLICATE_TODAY`, `OPTED_OUT`, or the reason that N8N gave.
        reason: String,
    },
    /// Stopped by a person.
    Cancelled,
}

impl State {
    /// The status word.
    pub const fn status(&self) -> Status {
        match self {
            Self::Queued(_) => Status::Queued,
            Self::Leased(_) => Status::Leased,
            Self::Dispatched(_) => Status::Dispatched,
            Self::Sent(_) => Status::Sent,
            Self::Failed(_) => Status::Failed,
            Self::Skipped { .. } => Status::Skipped,
            Self::Cancelled => Status::Cancelled,
        }
    }

    /// When the next attempt is due: of QUEUED, and of FAILED with a retry.
    pub const fn due_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Queued(waiting) => Some(waiting.due_at),
            Self::Failed(Failure::Retry(retry)) => Some(retry.due_at),
            Self::Failed(Failure::Dead { .. } | Failure::Held { .. })
            | Self::Leased(_)
            | Self::Dispatched(_)
            | Self::Sent(_)
            | Self::Skipped { .. }
            | Self::Cancelled => None,
        }
    }

    /// The lease that holds it, or held it when its outcome was lost.
    pub const fn lease_id(&self) -> Option<LeaseId> {
        match self {
            Self::Leased(lease) => Some(lease.id),
            Self::Dispatched(flight) => Some(flight.lease),
            Self::Failed(Failure::Held { lease, .. }) => Some(*lease),
            Self::Failed(Failure::Retry(_) | Failure::Dead { .. })
            | Self::Queued(_)
            | Self::Sent(_)
            | Self::Skipped { .. }
            | Self::Cancelled => None,
        }
    }

    /// When the lease or the wait for a callback ends.
    pub const fn lease_expires_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Leased(lease) => Some(lease.expires_at),
            Self::Dispatched(flight) => Some(flight.deadline),
            Self::Queued(_) | Self::Sent(_) | Self::Failed(_) | Self::Skipped { .. } | Self::Cancelled => {
                None
            }
        }
    }

    /// The error or reason that people see.
    pub fn error(&self) -> Option<&str> {
        match self {
            Self::Queued(waiting) => waiting.error.as_deref(),
            Self::Leased(lease) => lease.resume.error(),
            Self::Dispatched(flight) => flight.note.as_deref(),
            Self::Failed(Failure::Retry(retry)) => Some(&retry.error),
            Self::Failed(Failure::Dead { error } | Failure::Held { error, .. }) => Some(error),
            Self::Skipped { reason } => Some(reason),
            Self::Sent(_) | Self::Cancelled => None,
        }
    }

    /// When the hand-off was accepted, or may have been.
    pub const fn dispatched_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Dispatched(flight) => Some(flight.dispatched_at),
            Self::Sent(sent) => sent.dispatched_at,
            Self::Queued(_) | Self::Leased(_) | Self::Failed(_) | Self::Skipped { .. } | Self::Cancelled => {
                None
            }
        }
    }

    /// When it was leased and when it was handed off, as far as no timeline entry tells it yet.
    pub(super) const fn untold_times(&self) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        match self {
            Self::Leased(lease) => (Some(lease.leased_at), None),
            Self::Dispatched(flight) if flight.note.is_none() => {
                (Some(flight.leased_at), Some(flight.dispatched_at))
            }
            Self::Dispatched(_)
            | Self::Queued(_)
            | Self::Sent(_)
            | Self::Failed(_)
            | Self::Skipped { .. }
            | Self::Cancelled => (None, None),
        }
    }

    /// RETRY, DEAD or HELD, of a FAILED message.
    pub const fn failure_kind(&self) -> Option<FailureKind> {
        match self {
            Self::Failed(failure) => Some(failure.kind()),
            Self::Queued(_)
            | Self::Leased(_)
            | Self::Dispatched(_)
            | Self::Sent(_)
            | Self::Skipped { .. }
            | Self::Cancelled => None,
        }
    }
}

/// QUEUED: waits until `due_at`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The earliest time it may be leased.
    pub due_at: DateTime<Utc>,
    /// Why the hand-off before was not accepted, if one was tried.
    pub error: Option<String>,
}

/// LEASED: one run holds it until `expires_at`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The run's lease; whoever holds another changes nothing.
    pub id: LeaseId,
    /// When it was leased.
    pub leased_at: DateTime<Utc>,
    /// When others may assume that the run's process died.
    pub expires_at: DateTime<Utc>,
    /// What it goes back to when it is released.
    pub resume: Resume,
}

/// What a leased message was before, so that a release puts it back as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resume {
    /// It was QUEUED.
    Queued(Waiting),
    /// It was FAILED, its retry due.
    Retry(Retry),
}

impl Resume {
    /// The error that it had before the lease.
    pub fn error(&self) -> Option<&str> {
        match self {
            Self::Queued(waiting) => waiting.error.as_deref(),
            Self::Retry(retry) => Some(&retry.error),
        }
    }

    /// When it was due.
    pub const fn due_at(&self) -> DateTime<Utc> {
        match self {
            Self::Queued(waiting) => waiting.due_at,
            Self::Retry(retry) => retry.due_at,
        }
    }

    /// The same, due at another time; `error`, where given, replaces the old one.
    pub(crate) fn due(self, due_at: DateTime<Utc>, error: Option<String>) -> State {
        match self {
            Self::Queued(waiting) => State::Queued(Waiting { due_at, error: error.or(waiting.error) }),
            Self::Retry(retry) => {
                State::Failed(Failure::Retry(Retry { due_at, error: error.unwrap_or(retry.error), ..retry }))
            }
        }
    }
}

/// DISPATCHED: handed off, its callback awaited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InFlight {
    /// The lease that handed it off.
    pub lease: LeaseId,
    /// When it was leased.
    pub leased_at: DateTime<Utc>,
    /// When N8N accepted it, or may have.
    pub dispatched_at: DateTime<Utc>,
    /// When the callback is given up.
    pub deadline: DateTime<Utc>,
    /// Set when N8N gave no answer: it may have gone out.
    pub note: Option<String>,
}

/// SENT: done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// When it went out, by N8N's word, or when N8N said so.
    pub sent_at: DateTime<Utc>,
    /// The provider's own id for it.
    pub provider_message_id: Option<String>,
    /// When it was handed off, where that is known.
    pub dispatched_at: Option<DateTime<Utc>>,
}

/// FAILED, in one of three ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Waits for its retry.
    Retry(Retry),
    /// Its attempts are used up, or the failure is permanent.
    Dead {
        /// The last error.
        error: String,
    },
    /// Its outcome is unknown: it may have been sent. A late callback still settles it.
    Held {
        /// What is not known.
        error: String,
        /// The lease whose outcome was lost.
        lease: LeaseId,
    },
}

impl Failure {
    /// Which of the three.
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Retry(_) => FailureKind::Retry,
            Self::Dead { .. } => FailureKind::Dead,
            Self::Held { .. } => FailureKind::Held,
        }
    }
}

/// The next attempt after a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// The earliest time of the next attempt.
    pub due_at: DateTime<Utc>,
    /// Why the last one failed.
    pub error: String,
    /// Whether the attempt before is known to have failed, so that the next one is a new attempt. Not so after a
    /// callback that never came: its repeat carries the same idempotency key.
    pub attempt_failed: bool,
}
