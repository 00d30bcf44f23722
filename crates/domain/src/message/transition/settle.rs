//! What N8N's word does to a message, in whatever order it comes.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Context, Illegal, Step, Unchanged};
use crate::actor::Actor;
use crate::ids::MessageId;
use crate::message::Standing;
use crate::message::event::{Callback, Outcome};
use crate::message::state::{Failure, Sent, State};
use crate::message::timeline::{EntryKind, outcome_detail};

/// How far ahead of our clock a provider's may be, in minutes.
const CLOCK_TOLERANCE_MINUTES: i64 = 5;

/// That a message went out, as far as it can be believed without having read the message.
///
/// A store may take it down at once for a message that is LEASED, or DISPATCHED without a doubt, that was created no
/// later than `created_until`, and that has not moved since the time of the saving was read: to do just what
/// [`Standing::apply`] does with its callback is all that is left then. What has moved since is to be read, and settled at
/// a later time: a timeline never runs back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentReport {
    /// The message.
    pub id: MessageId,
    /// The provider's own id for it.
    pub provider_message_id: Option<String>,
    /// When it went out.
    pub sent_at: DateTime<Utc>,
    /// The message must not have been created later than this; `None`: whenever.
    pub created_until: Option<DateTime<Utc>>,
}

impl SentReport {
    /// What a callback reports; `None` where it says anything else, or a time that lies too far ahead.
    pub fn of(id: MessageId, callback: &Callback, now: DateTime<Utc>) -> Option<Self> {
        let Outcome::Sent { provider_message_id, sent_at } = &callback.outcome else { return None };
        let is_ahead = sent_at.is_some_and(|at| at > now + TimeDelta::minutes(CLOCK_TOLERANCE_MINUTES));
        (!is_ahead).then(|| Self {
            id,
            provider_message_id: provider_message_id.clone(),
            sent_at: sent_at.unwrap_or(now),
            // The database and JSON keep microseconds and less; a callback that echoes `createdAt` must pass.
            created_until: sent_at.map(|at| at + TimeDelta::seconds(1)),
        })
    }

    /// Whether a message that was created then can have gone out when the report says.
    pub fn fits(&self, created_at: DateTime<Utc>) -> bool {
        self.created_until.is_none_or(|latest| created_at <= latest)
    }
}

impl Standing {
    pub(super) fn settle(&self, callback: &Callback, ctx: &Context<'_>) -> Result<Step, Illegal> {
        if let Outcome::Sent { .. } = &callback.outcome {
            let report = SentReport::of(self.id, callback, ctx.now);
            if !report.is_some_and(|report| report.fits(self.created_at)) {
                return Err(Illegal::SentAt);
            }
        }
        let in_flight = match &self.state {
            State::Leased(_) | State::Dispatched(_) | State::Failed(Failure::Held { .. }) => true,
            State::Sent(_) => return Ok(self.after_sent(&callback.outcome, ctx)),
            State::Queued(_)
            | State::Failed(Failure::Retry(_) | Failure::Dead { .. })
            | State::Skipped { .. }
            | State::Cancelled => false,
        };
        if !in_flight && !self.attempted {
            return Err(Illegal::NeverAttempted(self.status()));
        }
        match &callback.outcome {
            Outcome::Sent { provider_message_id, sent_at } => {
                let sent = Sent {
                    sent_at: sent_at.unwrap_or(ctx.now),
                    provider_message_id: provider_message_id.clone(),
                    dispatched_at: self.state.dispatched_at(),
                };
                let next = Self {
                    handoff_failures: 0,
                    lost_leases: 0,
                    attempted: true,
                    ..self.with(State::Sent(sent))
                };
                let entry =
                    self.entry(EntryKind::Settled, &next, Actor::N8n, outcome_detail(&callback.outcome), ctx);
                Ok(self.moved(ctx, next, Some(entry)))
            }
            Outcome::Failed { .. } | Outcome::Skipped { .. } if !in_flight => {
                Ok(Step::Same(Unchanged::AlreadySettled, None))
            }
            Outcome::Failed { .. } | Outcome::Skipped { .. } if self.supersedes(callback) => {
                Ok(Step::Same(Unchanged::Superseded, None))
            }
            Outcome::Failed { error, permanent } => {
                Ok(self.failed(EntryKind::Settled, error, *permanent, ctx))
            }
            Outcome::Skipped { reason } => {
                let next = Self {
                    handoff_failures: 0,
                    lost_leases: 0,
                    attempted: true,
                    ..self.with(State::Skipped { reason: reason.clone() })
                };
                let entry = self.entry(EntryKind::Settled, &next, Actor::N8n, Some(reason.clone()), ctx);
                Ok(self.moved(ctx, next, Some(entry)))
            }
        }
    }

    /// SENT is never left; what contradicts it is kept for people to see.
    fn after_sent(&self, outcome: &Outcome, ctx: &Context<'_>) -> Step {
        let note = match outcome {
            Outcome::Sent { .. } => None,
            Outcome::Failed { .. } | Outcome::Skipped { .. } => {
                let said = outcome_detail(outcome).unwrap_or_default();
                Some(self.entry(
                    EntryKind::Ignored,
                    self,
                    Actor::N8n,
                    Some(format!("{}: {said}", outcome.word())),
                    ctx,
                ))
            }
        };
        Step::Same(Unchanged::AlreadySettled, note)
    }

    /// Whether a FAILED or SKIPPED callback is about an attempt or a lease before the present one.
    fn supersedes(&self, callback: &Callback) -> bool {
        callback.attempt.is_some_and(|attempt| attempt < self.attempt)
            || callback.lease.is_some_and(|lease| self.state.lease_id() != Some(lease))
    }
}
