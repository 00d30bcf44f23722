//! What has taken too long: a lease whose process died, a callback that never came.

use super::{Context, HOLDER_DIED, Illegal, LEASE_LOST, MAX_LOST_LEASES, NO_CALLBACK, Step};
use crate::actor::Actor;
use crate::message::Standing;
use crate::message::state::{Failure, State};
use crate::message::timeline::EntryKind;
use crate::rules::CallbackTimeoutAction;

impl Standing {
    pub(super) fn expired(&self, ctx: &Context<'_>) -> Result<Step, Illegal> {
        match &self.state {
            State::Leased(lease) if lease.expires_at <= ctx.now => {
                let lost = self.lost_leases.saturating_add(1);
                let next = if lost >= MAX_LOST_LEASES {
                    self.with(State::Failed(Failure::Held { error: LEASE_LOST.to_owned(), lease: lease.id }))
                } else {
                    self.put_back(lease.resume.clone(), ctx.now, None)
                };
                let next = Self { lost_leases: lost, attempted: true, ..next };
                let detail = Some(HOLDER_DIED.to_owned());
                let entry = self.entry(EntryKind::LeaseExpired, &next, Actor::System, detail, ctx);
                Ok(self.moved(ctx, next, Some(entry)))
            }
            State::Dispatched(flight) if flight.deadline <= ctx.now => {
                match ctx.rules.callback_timeout_action {
                    CallbackTimeoutAction::Hold => {
                        let held = Failure::Held { error: NO_CALLBACK.to_owned(), lease: flight.lease };
                        let next = self.with(State::Failed(held));
                        let entry = self.entry(
                            EntryKind::CallbackTimedOut,
                            &next,
                            Actor::System,
                            Some(NO_CALLBACK.to_owned()),
                            ctx,
                        );
                        Ok(self.moved(ctx, next, Some(entry)))
                    }
                    CallbackTimeoutAction::Retry => {
                        Ok(self.failed(EntryKind::CallbackTimedOut, NO_CALLBACK, false, ctx))
                    }
                }
            }
            State::Leased(_)
            | State::Dispatched(_)
            | State::Queued(_)
            | State::Sent(_)
            | State::Failed(_)
            | State::Skipped { .. }
            | State::Cancelled => Err(Illegal::NotDue(self.status())),
        }
    }
}
