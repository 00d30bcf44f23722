//! Where a message stands: a row of `outbound_delivery`, in both directions.

use chrono::{DateTime, Utc};
use diesel::Queryable;
use domain::ids::{LeaseId, MessageId};
use domain::message::{
    Failure, FailureKind, InFlight, Lease, Message, Priority, Resume, Retry, Sent, State, Status, Waiting,
};
use domain::ports::StoreError;
use uuid::Uuid;

use super::{columns, corrupt, count, read};

columns!(outbound_delivery: status, priority, next_attempt_at, attempt, retry_count, handoff_failures, lost_leases,
    attempted, attempt_failed, resume_status, lease_id, leased_at, lease_expires_at, dispatched_at, sent_at,
    provider_message_id, error, failure_kind, revision, updated_at);

/// The row.
#[derive(Queryable)]
pub(crate) struct DeliveryRow {
    status: String,
    priority: i16,
    next_attempt_at: Option<DateTime<Utc>>,
    attempt: i32,
    retry_count: i32,
    handoff_failures: i32,
    lost_leases: i32,
    attempted: bool,
    attempt_failed: Option<bool>,
    resume_status: Option<String>,
    lease_id: Option<Uuid>,
    leased_at: Option<DateTime<Utc>>,
    lease_expires_at: Option<DateTime<Utc>>,
    dispatched_at: Option<DateTime<Utc>>,
    sent_at: Option<DateTime<Utc>>,
    provider_message_id: Option<String>,
    error: Option<String>,
    failure_kind: Option<String>,
    revision: i32,
    updated_at: DateTime<Utc>,
}

impl DeliveryRow {
    /// The message, together with what was read of its content.
    pub(super) fn into_message<C>(
        self,
        id: Uuid,
        created_at: DateTime<Utc>,
        content: Result<C, StoreError>,
    ) -> Result<Message<C>, StoreError> {
        let id = MessageId::new(id);
        content.and_then(|content| self.assemble(id, created_at, content)).map_err(|error| match error {
            StoreError::Corrupt(what) => StoreError::Corrupt(format!("message {id}: {what}")),
            StoreError::Unavailable(_) | StoreError::Busy(_) | StoreError::Refused(_) => error,
        })
    }

    fn assemble<C>(
        self,
        id: MessageId,
        created_at: DateTime<Utc>,
        content: C,
    ) -> Result<Message<C>, StoreError> {
        Ok(Message {
            id,
            created_at,
            content,
            priority: priority(self.priority)?,
            attempt: count("attempt", self.attempt)?,
            retry_count: count("retry_count", self.retry_count)?,
            handoff_failures: count("handoff_failures", self.handoff_failures)?,
            lost_leases: count("lost_leases", self.lost_leases)?,
            attempted: self.attempted,
            updated_at: self.updated_at,
            revision: self.revision,
            state: self.into_state()?,
        })
    }

    fn into_state(self) -> Result<State, StoreError> {
        Ok(match read("status", &self.status)? {
            Status::Queued => State::Queued(Waiting {
                due_at: need("next_attempt_at", self.next_attempt_at)?,
                error: self.error,
            }),
            Status::Leased => State::Leased(Lease {
                id: LeaseId::new(need("lease_id", self.lease_id)?),
                leased_at: need("leased_at", self.leased_at)?,
                expires_at: need("lease_expires_at", self.lease_expires_at)?,
                resume: self.into_resume()?,
            }),
            Status::Dispatched => State::Dispatched(InFlight {
                lease: LeaseId::new(need("lease_id", self.lease_id)?),
                leased_at: need("leased_at", self.leased_at)?,
                dispatched_at: need("dispatched_at", self.dispatched_at)?,
                deadline: need("lease_expires_at", self.lease_expires_at)?,
                note: self.error,
            }),
            Status::Sent => State::Sent(Sent {
                sent_at: need("sent_at", self.sent_at)?,
                provider_message_id: self.provider_message_id,
                dispatched_at: self.dispatched_at,
            }),
            Status::Failed => State::Failed(self.into_failure()?),
            Status::Skipped => State::Skipped { reason: need("error", self.error)? },
            Status::Cancelled => State::Cancelled,
        })
    }

    fn into_resume(self) -> Result<Resume, StoreError> {
        let status = need("resume_status", self.resume_status.as_deref())?;
        match read("resume_status", status)? {
            Status::Queued => {
                let due_at = need("next_attempt_at", self.next_attempt_at)?;
                Ok(Resume::Queued(Waiting { due_at, error: self.error }))
            }
            Status::Failed => Ok(Resume::Retry(self.into_retry()?)),
            other @ (Status::Leased
            | Status::Dispatched
            | Status::Sent
            | Status::Skipped
            | Status::Cancelled) => Err(corrupt("resume_status", other)),
        }
    }

    fn into_failure(self) -> Result<Failure, StoreError> {
        let kind = need("failure_kind", self.failure_kind.as_deref())?;
        Ok(match read("failure_kind", kind)? {
            FailureKind::Retry => Failure::Retry(self.into_retry()?),
            FailureKind::Dead => Failure::Dead { error: need("error", self.error)? },
            FailureKind::Held => Failure::Held {
                lease: LeaseId::new(need("lease_id", self.lease_id)?),
                error: need("error", self.error)?,
            },
        })
    }

    fn into_retry(self) -> Result<Retry, StoreError> {
        Ok(Retry {
            due_at: need("next_attempt_at", self.next_attempt_at)?,
            error: need("error", self.error)?,
            attempt_failed: need("attempt_failed", self.attempt_failed)?,
        })
    }
}

fn need<T>(what: &str, value: Option<T>) -> Result<T, StoreError> {
    value.ok_or_else(|| corrupt(what, "missing in this status"))
}

/// The columns that a state owns; all others are null.
#[derive(Debug, Default)]
pub(crate) struct Stand<'a> {
    pub(crate) next_attempt_at: Option<DateTime<Utc>>,
    pub(crate) attempt_failed: Option<bool>,
    pub(crate) resume_status: Option<&'static str>,
    pub(crate) lease_id: Option<Uuid>,
    pub(crate) leased_at: Option<DateTime<Utc>>,
    pub(crate) lease_expires_at: Option<DateTime<Utc>>,
    pub(crate) dispatched_at: Option<DateTime<Utc>>,
    pub(crate) sent_at: Option<DateTime<Utc>>,
    pub(crate) provider_message_id: Option<&'a str>,
    pub(crate) error: Option<&'a str>,
    pub(crate) failure_kind: Option<&'static str>,
}

impl<'a> From<&'a State> for Stand<'a> {
    fn from(state: &'a State) -> Self {
        let failure_kind = state.failure_kind().map(FailureKind::as_str);
        match state {
            State::Queued(waiting) => waiting.into(),
            State::Leased(Lease { id, leased_at, expires_at, resume }) => Self {
                lease_id: Some(id.uuid()),
                leased_at: Some(*leased_at),
                lease_expires_at: Some(*expires_at),
                ..resume.into()
            },
            State::Dispatched(InFlight { lease, leased_at, dispatched_at, deadline, note }) => Self {
                lease_id: Some(lease.uuid()),
                leased_at: Some(*leased_at),
                dispatched_at: Some(*dispatched_at),
                lease_expires_at: Some(*deadline),
                error: note.as_deref(),
                ..Self::default()
            },
            State::Sent(Sent { sent_at, provider_message_id, dispatched_at }) => Self {
                sent_at: Some(*sent_at),
                provider_message_id: provider_message_id.as_deref(),
                dispatched_at: *dispatched_at,
                ..Self::default()
            },
            State::Failed(Failure::Retry(retry)) => Self { failure_kind, ..retry.into() },
            State::Failed(Failure::Dead { error }) => {
                Self { failure_kind, error: Some(error), ..Self::default() }
            }
            State::Failed(Failure::Held { error, lease }) => {
                Self { failure_kind, error: Some(error), lease_id: Some(lease.uuid()), ..Self::default() }
            }
            State::Skipped { reason } => Self { error: Some(reason), ..Self::default() },
            State::Cancelled => Self::default(),
        }
    }
}

impl<'a> From<&'a Waiting> for Stand<'a> {
    fn from(Waiting { due_at, error }: &'a Waiting) -> Self {
        Self { next_attempt_at: Some(*due_at), error: error.as_deref(), ..Self::default() }
    }
}

impl<'a> From<&'a Retry> for Stand<'a> {
    fn from(Retry { due_at, error, attempt_failed }: &'a Retry) -> Self {
        Self {
            next_attempt_at: Some(*due_at),
            error: Some(error),
            attempt_failed: Some(*attempt_failed),
            ..Self::default()
        }
    }
}

impl<'a> From<&'a Resume> for Stand<'a> {
    fn from(resume: &'a Resume) -> Self {
        match resume {
            Resume::Queued(waiting) => {
                Self { resume_status: Some(Status::Queued.as_str()), ..waiting.into() }
            }
            Resume::Retry(retry) => Self { resume_status: Some(Status::Failed.as_str()), ..retry.into() },
        }
    }
}

/// The number that priorities are ordered by.
pub(crate) const fn rank(priority: Priority) -> i16 {
    match priority {
        Priority::High => 1,
        Priority::Medium => 2,
        Priority::Low => 3,
    }
}

/// The priority of a number.
pub(crate) fn priority(number: i16) -> Result<Priority, StoreError> {
    Priority::ALL.iter().copied().find(|one| rank(*one) == number).ok_or_else(|| corrupt("priority", number))
}
