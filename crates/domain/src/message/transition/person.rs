//! What a person does: stop it, or queue it anew.

use super::{Context, Illegal, Step};
use crate::actor::Actor;
use crate::message::Standing;
use crate::message::state::{Failure, State, Waiting};
use crate::message::timeline::EntryKind;

impl Standing {
    pub(super) fn cancel(&self, by: Actor, ctx: &Context<'_>) -> Result<Step, Illegal> {
        match &self.state {
            State::Queued(_) | State::Failed(_) => {
                let next = Self { attempt: self.last_attempt(), ..self.with(State::Cancelled) };
                let entry = self.entry(EntryKind::Cancelled, &next, by, None, ctx);
                Ok(self.moved(ctx, next, Some(entry)))
            }
            State::Leased(_)
            | State::Dispatched(_)
            | State::Sent(_)
            | State::Skipped { .. }
            | State::Cancelled => Err(Illegal::NotFrom(self.status(), "cancelled")),
        }
    }

    pub(super) fn requeue(&self, by: Actor, ctx: &Context<'_>) -> Result<Step, Illegal> {
        match &self.state {
            State::Failed(_) | State::Skipped { .. } | State::Cancelled => {
                let next = Self {
                    attempt: self.last_attempt().saturating_add(1),
                    retry_count: 0,
                    handoff_failures: 0,
                    lost_leases: 0,
                    ..self.with(State::Queued(Waiting { due_at: ctx.now, error: None }))
                };
                let entry = self.entry(EntryKind::Requeued, &next, by, self.error_text(), ctx);
                Ok(self.moved(ctx, next, Some(entry)))
            }
            State::Queued(_) | State::Leased(_) | State::Dispatched(_) | State::Sent(_) => {
                Err(Illegal::NotFrom(self.status(), "requeued"))
            }
        }
    }

    /// The last attempt that may have reached N8N. A retry that was put back bears the number of the attempt before.
    fn last_attempt(&self) -> u32 {
        let was_put_back = self.handoff_failures > 0 || self.lost_leases > 0;
        let was_ahead = match &self.state {
            State::Failed(Failure::Retry(retry)) => retry.attempt_failed && was_put_back,
            State::Failed(Failure::Dead { .. } | Failure::Held { .. })
            | State::Queued(_)
            | State::Leased(_)
            | State::Dispatched(_)
            | State::Sent(_)
            | State::Skipped { .. }
            | State::Cancelled => false,
        };
        self.attempt.saturating_add(u32::from(was_ahead))
    }
}
