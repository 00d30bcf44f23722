//! Forgetting what is out of date.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;

/// Deletes what nobody needs any more, a step at a time: no call holds many rows or waits for anybody else's. Each
/// answers how many it deleted; fewer than `limit` means that there is no more, but for what others held.
#[async_trait]
pub trait Housekeeping: Send + Sync {
    /// Forgets idempotency keys that have expired, with their answers.
    async fn forget_answers(&self, now: DateTime<Utc>, limit: u32) -> Result<u32, StoreError>;

    /// Deletes messages that are over ([`crate::message::Message::is_over`]) and last changed before that time, the
    /// longest unchanged first, each with its timeline.
    async fn purge_messages(&self, before: DateTime<Utc>, limit: u32) -> Result<u32, StoreError>;

    /// Deletes runs that began before that time, but those whose messages are still under way: they name who holds
    /// the lease.
    async fn purge_runs(&self, before: DateTime<Utc>, limit: u32) -> Result<u32, StoreError>;

    /// Deletes the windows of owners none of whose leases counts any more. Needs no time: what counts is measured
    /// from the newest lease of all, which no later lease can be before.
    async fn prune_windows(&self, limit: u32) -> Result<u32, StoreError>;
}
