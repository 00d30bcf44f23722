//! Every legal move of the state machine (contract §2, docs/STATES.md).

mod expire;
mod person;
mod settle;

use chrono::{DateTime, TimeDelta, Utc};

use super::event::Event;
use super::state::{Failure, InFlight, Lease, Resume, Retry, State, Status};
use super::timeline::{Entry, EntryKind, PERMANENT};
use super::{Message, SkipReason, Standing};
use crate::actor::Actor;
use crate::ids::LeaseId;
use crate::policy::retry::Jitter;
use crate::rules::Rules;

pub use settle::SentReport;

/// A lease may be lost this often before the message is held (contract §2).
pub const MAX_LOST_LEASES: u32 = 3;
/// The error of a message that N8N did not answer for.
pub const NO_ANSWER: &str = "no answer from N8N";
/// The error of a message whose callback never came.
pub const NO_CALLBACK: &str = "outcome unknown: no callback";
/// The error of a message whose processes died time after time.
pub const LEASE_LOST: &str = "outcome unknown: the lease was lost three times";

/// The detail of a lease whose process ended before it could say what came of it.
pub const HOLDER_DIED: &str = "the process that held the lease died";

/// What a move needs besides the message: the time, chance, and the rules in force.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Now.
    pub now: DateTime<Utc>,
    /// Chance, for the backoff.
    pub jitter: Jitter,
    /// The settings' rules.
    pub rules: &'a Rules,
}

/// What came of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The message moved: save it.
    Moved(Box<Change>),
    /// Nothing changes; an entry, where there is one, is kept in the timeline.
    Same(Unchanged, Option<Entry>),
}

/// A move, to be saved in one piece and only while the message still has the revision that it was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where the message stands after the move.
    pub message: Standing,
    /// The revision before it.
    pub from_revision: i32,
    /// What the timeline gets.
    pub entry: Option<Entry>,
}

/// Why an event changed nothing, though it was no mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unchanged {
    /// It was settled already.
    AlreadySettled,
    /// It is about an older attempt or lease.
    Superseded,
}

/// Why an event can't happen to this message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Illegal {
    /// A lease of something that is not due.
    #[error("the message is {0} and not due")]
    NotDue(Status),
    /// The holder of another lease, or of none.
    #[error("the lease is no longer held: the message is {0}")]
    StaleLease(Status),
    /// A callback for a message that was never handed off.
    #[error("the message was never handed off: it is {0}")]
    NeverAttempted(Status),
    /// A cancel or requeue from a state that does not allow it.
    #[error("a message that is {0} can't be {1}")]
    NotFrom(Status, &'static str),
    /// `sentAt` before the creation, or more than 5 minutes ahead.
    #[error("must lie between the message's creation and 5 minutes from now")]
    SentAt,
}

impl Message {
    /// See [`Standing::apply`].
    pub fn apply(&self, event: Event, ctx: &Context<'_>) -> Result<Step, Illegal> {
        self.standing().apply(event, ctx)
    }
}

impl Standing {
    /// Applies an event. The only way from one state to another.
    pub fn apply(&self, event: Event, ctx: &Context<'_>) -> Result<Step, Illegal> {
        match event {
            Event::Lease { lease, pulled } => self.lease(lease, pulled, ctx),
            Event::Accepted { lease } => {
                let held = self.held_by(lease)?;
                Ok(self.moved(ctx, self.in_flight(held, None, ctx), None))
            }
            Event::OutcomeUnknown { lease } => {
                let held = self.held_by(lease)?;
                let next = self.in_flight(held, Some(NO_ANSWER.to_owned()), ctx);
                let entry = self.entry(
                    EntryKind::OutcomeUnknown,
                    &next,
                    Actor::System,
                    Some(NO_ANSWER.to_owned()),
                    ctx,
                );
                Ok(self.moved(ctx, next, Some(entry)))
            }
            Event::NotAccepted { lease, error, retry_after } => {
                self.not_accepted(lease, error, retry_after, ctx)
            }
            Event::Refused { lease, error } => {
                self.held_by(lease)?;
                Ok(self.failed(EntryKind::Refused, &error, false, ctx))
            }
            Event::Released { lease, reason } => {
                let held = self.held_by(lease)?.clone();
                let due_at = held.resume.due_at();
                let next = self.put_back(held.resume, due_at, None);
                let entry = self.entry(EntryKind::Released, &next, Actor::System, Some(reason), ctx);
                Ok(self.moved(ctx, next, Some(entry)))
            }
            Event::Suppressed { lease } => {
                self.held_by(lease)?;
                let next = self.with(State::Skipped { reason: SkipReason::OptedOut.as_str().to_owned() });
                let entry = self.entry(EntryKind::Suppressed, &next, Actor::System, next.error_text(), ctx);
                Ok(self.moved(ctx, next, Some(entry)))
            }
            Event::Expired => self.expired(ctx),
            Event::Callback(callback) => self.settle(&callback, ctx),
            Event::Cancel { by } => self.cancel(by, ctx),
            Event::Requeue { by } => self.requeue(by, ctx),
            Event::Extend { lease, until } => self.extend(lease, until, ctx),
        }
    }

    /// QUEUED or FAILED and due: a run takes it. The storage does the same for a whole batch in one statement; a test
    /// holds the two against each other.
    fn lease(&self, lease: LeaseId, pulled: bool, ctx: &Context<'_>) -> Result<Step, Illegal> {
        let resume = match &self.state {
            State::Queued(waiting) if waiting.due_at <= ctx.now => Resume::Queued(waiting.clone()),
            State::Failed(Failure::Retry(retry)) if retry.due_at <= ctx.now => Resume::Retry(retry.clone()),
            State::Queued(_)
            | State::Failed(_)
            | State::Leased(_)
            | State::Dispatched(_)
            | State::Sent(_)
            | State::Skipped { .. }
            | State::Cancelled => return Err(Illegal::NotDue(self.status())),
        };
        let attempt = self.attempt + u32::from(starts_new_attempt(&resume));
        let held = Lease { id: lease, leased_at: ctx.now, expires_at: ctx.now + ctx.rules.lease_for, resume };
        let leased = Self { attempt, state: State::Leased(held.clone()), ..self.clone() };
        let next = if pulled { leased.in_flight(&held, None, ctx) } else { leased };
        Ok(self.moved(ctx, next, None))
    }

    fn not_accepted(
        &self,
        lease: LeaseId,
        error: String,
        retry_after: Option<TimeDelta>,
        ctx: &Context<'_>,
    ) -> Result<Step, Illegal> {
        let held = self.held_by(lease)?.clone();
        let failures = self.handoff_failures.saturating_add(1);
        let wait = ctx.rules.handoff_backoff.wait(failures, retry_after);
        let due_at = ctx.rules.quiet_hours.next_allowed(self.content, ctx.now + wait);
        let next = Self {
            handoff_failures: failures,
            attempted: true,
            ..self.put_back(held.resume, due_at, Some(error.clone()))
        };
        let entry = self.entry(EntryKind::NotAccepted, &next, Actor::N8n, Some(error), ctx);
        Ok(self.moved(ctx, next, Some(entry)))
    }

    fn extend(&self, lease: LeaseId, until: DateTime<Utc>, ctx: &Context<'_>) -> Result<Step, Illegal> {
        match &self.state {
            State::Dispatched(flight) if flight.lease == lease => {
                let flight = InFlight { deadline: until.max(flight.deadline), ..flight.clone() };
                Ok(self.moved(ctx, self.with(State::Dispatched(flight)), None))
            }
            State::Dispatched(_)
            | State::Leased(_)
            | State::Queued(_)
            | State::Sent(_)
            | State::Failed(_)
            | State::Skipped { .. }
            | State::Cancelled => Err(Illegal::StaleLease(self.status())),
        }
    }

    /// One attempt failed: its retry, or the end of its attempts (contract §4).
    fn failed(&self, kind: EntryKind, error: &str, permanent: bool, ctx: &Context<'_>) -> Step {
        let retry_count = self.retry_count.saturating_add(1);
        let delay = if permanent { None } else { ctx.rules.retry.delay_after(retry_count, ctx.jitter) };
        let failure = match delay {
            None => Failure::Dead { error: error.to_owned() },
            Some(delay) => Failure::Retry(Retry {
                due_at: ctx.rules.quiet_hours.next_allowed(self.content, ctx.now + delay),
                error: error.to_owned(),
                attempt_failed: kind != EntryKind::CallbackTimedOut,
            }),
        };
        let next = Self {
            retry_count,
            handoff_failures: 0,
            lost_leases: 0,
            attempted: true,
            ..self.with(State::Failed(failure))
        };
        let by = if kind == EntryKind::CallbackTimedOut { Actor::System } else { Actor::N8n };
        let detail = if permanent { format!("{error}{PERMANENT}") } else { error.to_owned() };
        let entry = self.entry(kind, &next, by, Some(detail), ctx);
        self.moved(ctx, next, Some(entry))
    }

    fn in_flight(&self, held: &Lease, note: Option<String>, ctx: &Context<'_>) -> Self {
        let flight = InFlight {
            lease: held.id,
            leased_at: held.leased_at,
            dispatched_at: ctx.now,
            deadline: ctx.now + ctx.rules.callback_timeout,
            note,
        };
        Self { attempted: true, handoff_failures: 0, lost_leases: 0, ..self.with(State::Dispatched(flight)) }
    }

    /// As it was before the lease, its attempt's number too.
    fn put_back(&self, resume: Resume, due_at: DateTime<Utc>, error: Option<String>) -> Self {
        let attempt = self.attempt - u32::from(starts_new_attempt(&resume)).min(self.attempt);
        Self { attempt, ..self.with(resume.due(due_at, error)) }
    }

    fn held_by(&self, lease: LeaseId) -> Result<&Lease, Illegal> {
        match &self.state {
            State::Leased(held) if held.id == lease => Ok(held),
            State::Leased(_)
            | State::Dispatched(_)
            | State::Queued(_)
            | State::Sent(_)
            | State::Failed(_)
            | State::Skipped { .. }
            | State::Cancelled => Err(Illegal::StaleLease(self.status())),
        }
    }

    fn with(&self, state: State) -> Self {
        Self { state, ..self.clone() }
    }

    fn error_text(&self) -> Option<String> {
        self.state.error().map(str::to_owned)
    }

    fn moved(&self, ctx: &Context<'_>, next: Self, entry: Option<Entry>) -> Step {
        let message = Self { updated_at: ctx.now, revision: self.revision.wrapping_add(1), ..next };
        Step::Moved(Box::new(Change { message, from_revision: self.revision, entry }))
    }

    fn entry(
        &self,
        kind: EntryKind,
        next: &Self,
        by: Actor,
        detail: Option<String>,
        ctx: &Context<'_>,
    ) -> Entry {
        let (leased_at, dispatched_at) = self.state.untold_times();
        Entry {
            at: ctx.now,
            kind,
            from: self.status(),
            to: next.status(),
            by,
            attempt: self.attempt,
            lease: self.state.lease_id(),
            leased_at,
            dispatched_at,
            detail,
        }
    }
}

/// A retry after a known failure is a new attempt, with a new idempotency key; all other leases repeat the number.
fn starts_new_attempt(resume: &Resume) -> bool {
    match resume {
        Resume::Queued(_) => false,
        Resume::Retry(retry) => retry.attempt_failed,
    }
}
