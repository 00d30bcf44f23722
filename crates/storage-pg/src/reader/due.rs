//! What is due, and when the next thing will be.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Integer, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::access::Scope;
use domain::channel::Channel;
use domain::ports::StoreError;

use crate::error::of_statement;
use crate::rows::{count, number};
use crate::statement::{Sql, statement};
use crate::store::PgStore;

statement! {
    /// Counts what is due, up to a bound.
    CountDue<'a> {
        now: DateTime<Utc> => Timestamptz,
        channels: Vec<&'static str> => Array<Text>,
        owner_id: Option<&'a str> => Nullable<Text>,
        branch_id: Option<&'a str> => Nullable<Text>,
        bound: i32 => Integer,
    } -> Integer,
    Sql("select outbound_count_due_v1($1, $2, $3, $4, false, $5)")
}

statement! {
    /// The earliest end of any wait: one index probe for each channel and priority, and one for what is in flight.
    NextDueAt { channels: Vec<&'static str> => Array<Text>, } -> Nullable<Timestamptz>,
    Sql("
        select min(at) from (
            select first.next_attempt_at as at
            from unnest($1) as c (channel), unnest(array[1, 2, 3]::smallint[]) as r (rank),
            lateral (
                select d.next_attempt_at from outbound_delivery d
                where d.channel = c.channel and d.priority = r.rank
                  and d.next_attempt_at is not null and d.lease_id is null
                order by d.next_attempt_at limit 1
            ) first
            union all
            (select lease_expires_at from outbound_delivery
             where lease_expires_at is not null order by lease_expires_at limit 1)
        ) ends")
}

/// Every channel by its word.
pub(crate) fn all_channels() -> Vec<&'static str> {
    Channel::ALL.iter().map(|channel| channel.as_str()).collect()
}

pub(super) async fn count_due(
    store: &PgStore,
    now: DateTime<Utc>,
    scope: &Scope,
    bound: u32,
) -> Result<u32, StoreError> {
    let whole_queue = scope.owner.is_none() && scope.branch.is_none();
    if whole_queue && let Some(many) = store.due_count.remembered(bound) {
        return Ok(many);
    }
    let counting = CountDue {
        now,
        channels: all_channels(),
        owner_id: scope.owner.as_ref().map(|id| id.as_str()),
        branch_id: scope.branch.as_ref().map(|id| id.as_str()),
        bound: number(bound),
    };
    let found: i32 = counting.get_result(&mut *store.connection().await?).await.map_err(of_statement)?;
    let found = count("count", found)?;
    if whole_queue {
        store.due_count.remember(found);
    }
    Ok(found)
}

/// A large count of what is due, for a moment: every run of the worker asks, and to count ten thousand takes as long
/// as to lease. A small count is never remembered: where it matters it is exact.
#[derive(Default)]
pub(crate) struct DueCount(Mutex<Option<(Instant, u32)>>);

impl DueCount {
    /// How large a count must be.
    const MANY: u32 = 2_000;
    /// How long it is remembered.
    const MOMENT: Duration = Duration::from_secs(1);

    fn remembered(&self, bound: u32) -> Option<u32> {
        let (since, found) = (*self.seen())?;
        (since.elapsed() < Self::MOMENT).then_some(found.min(bound))
    }

    fn remember(&self, found: u32) {
        *self.seen() = (found >= Self::MANY).then(|| (Instant::now(), found));
    }

    /// The queue was seen to be emptier than that.
    pub(crate) fn forget(&self) {
        *self.seen() = None;
    }

    fn seen(&self) -> MutexGuard<'_, Option<(Instant, u32)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) async fn next_due_at(store: &PgStore) -> Result<Option<DateTime<Utc>>, StoreError> {
    let asking = NextDueAt { channels: all_channels() };
    asking.get_result(&mut *store.connection().await?).await.map_err(of_statement)
}
