//! Sums for people who want to see how it goes. Scope is part of each query; each costs the same however long the
//! queue is, as nothing is counted beyond a bound.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::access::Scope;
use crate::channel::Channel;
use crate::ids::{BranchId, OwnerId};
use crate::message::{FailureKind, Priority, Status};

/// Each sum of [`InsightReader::created`] and [`InsightReader::depth`] is counted up to here.
pub const MOST_COUNTED: u32 = 50_000;

/// Messages that were created in one span of time and stand alike now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpanCount {
    /// Which span: 0 is the first.
    pub span: usize,
    /// Where they stand.
    pub status: Status,
    /// What those that are FAILED wait for.
    pub failure_kind: Option<FailureKind>,
    /// How many, up to [`MOST_COUNTED`].
    pub count: u64,
}

/// Messages of one channel that stand alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChannelCount {
    /// The channel.
    pub channel: Channel,
    /// Where they stand.
    pub status: Status,
    /// What those that are FAILED wait for.
    pub failure_kind: Option<FailureKind>,
    /// How many.
    pub count: u64,
}

/// What waits with one priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// The priority.
    pub priority: Priority,
    /// How many are due, up to [`MOST_COUNTED`] a channel.
    pub due: u64,
    /// How many wait for a later time, up to [`MOST_COUNTED`] a channel.
    pub later: u64,
    /// The due time of the one that is longest due.
    pub oldest_due_at: Option<DateTime<Utc>>,
}

/// How much of their limit an owner has used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerUse {
    /// The owner.
    pub owner_id: OwnerId,
    /// The owner's name and branch, as their latest message has them.
    pub owner_name: Option<String>,
    /// See `owner_name`.
    pub branch_id: Option<BranchId>,
    /// How many leases count against the limit now.
    pub used: u32,
}

/// FAILED messages that nothing but a person moves on, with the same error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StuckGroup {
    /// Dead, or held: those may have been sent.
    pub kind: FailureKind,
    /// The error.
    pub cause: String,
    /// How many of those that were looked at.
    pub count: u64,
    /// When the latest came to this.
    pub latest_at: DateTime<Utc>,
    /// The channels that they go by.
    pub channels: Vec<Channel>,
}

/// Sums.
#[async_trait]
pub trait InsightReader: Send + Sync {
    /// Messages by the span of time that they were created in and by where they stand now; span `n` goes from
    /// `bounds[n]` to before `bounds[n + 1]`. Times are those in the ids. In no particular order, without zeros.
    async fn created(&self, scope: &Scope, bounds: &[DateTime<Utc>]) -> Result<Vec<SpanCount>, StoreError>;

    /// The newest `limit` messages since `since`, by channel and by where they stand.
    async fn outcomes(
        &self,
        scope: &Scope,
        since: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<ChannelCount>, StoreError>;

    /// What waits, for each priority, the highest first.
    async fn depth(&self, scope: &Scope, now: DateTime<Utc>) -> Result<Vec<Depth>, StoreError>;

    /// The owners who have used most of their limit, the busiest first.
    async fn busiest_owners(
        &self,
        scope: &Scope,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<OwnerUse>, StoreError>;

    /// What these owners are called, as the latest message of each says; those of whom it says nothing are left out.
    async fn owner_names(&self, ids: &[OwnerId]) -> Result<BTreeMap<OwnerId, String>, StoreError>;

    /// Dead and held messages by kind and error, the largest group first. Of each kind the newest `limit` are
    /// looked at.
    async fn stuck(&self, scope: &Scope, limit: u32) -> Result<Vec<StuckGroup>, StoreError>;
}
