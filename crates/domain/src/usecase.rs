//! What the product does, one use case a file, against the [`crate::ports`].

pub mod contacts;
pub mod create;
pub mod expire;
pub mod explain;
pub mod heartbeat;
pub mod jobs;
pub mod manage;
pub mod record_callbacks;
pub mod run_worker;
pub mod templates;
pub mod tidy;

use crate::actor::Actor;
use crate::audit::{AuditAction, AuditEntry};
use crate::message::Context;
use crate::ports::{Clock, Entropy, Stores};
use crate::rules::Rules;

/// What every use case works with. The stores may be the whole database or one transaction.
#[derive(Clone, Copy)]
pub struct Deps<'a> {
    /// The database.
    pub stores: &'a dyn Stores,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Chance.
    pub entropy: &'a dyn Entropy,
    /// The rules in force.
    pub rules: &'a Rules,
}

impl<'a> Deps<'a> {
    /// Now, a throw of the dice, and the rules: what a move of the state machine needs.
    pub fn context(&self) -> Context<'a> {
        Context { now: self.clock.now(), jitter: self.entropy.jitter(), rules: self.rules }
    }

    /// A deed of this moment, for the audit trail.
    pub fn deed(&self, by: &Actor, action: AuditAction) -> AuditEntry {
        let now = self.clock.now();
        AuditEntry::new(self.entropy.uuid(now), now, by, action)
    }
}
