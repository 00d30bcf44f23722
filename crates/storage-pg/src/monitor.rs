//! What is worth watching of the database and the queue: for metrics, not for decisions.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Integer, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::channel::Channel;
use domain::ids::LeaseId;
use domain::message::{Message, Priority};
use domain::ports::StoreError;
use domain::rules::Limits;

use crate::error::of_statement;
use crate::reader::{all_channels, global_window};
use crate::rows::delivery::priority;
use crate::rows::{count, number, read};
use crate::statement::{Sql, statement};
use crate::store::{PgStore, Source};

/// Is told what the store does. Called on the way, so it must cost next to nothing.
pub trait Observer: Send + Sync {
    /// Messages were stored, in so much time. Inside a transaction that is told before its end, which may undo it.
    fn inserted(&self, messages: &[Message], took: Duration);
    /// Messages were leased, or none was due, in so much time, the wait for a connection included.
    fn leased(&self, lease: LeaseId, messages: &[Message], took: Duration);
}

/// The waiting messages of one channel and priority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// The channel.
    pub channel: Channel,
    /// The priority.
    pub priority: Priority,
    /// Those that could go out now, counted up to the bound.
    pub due: u32,
    /// Those whose time is to come, counted up to the bound.
    pub later: u32,
    /// Since when the first of them is due.
    pub oldest_due_at: Option<DateTime<Utc>>,
}

/// The pool's connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolStatus {
    /// In use now.
    pub in_use: usize,
    /// Open.
    pub open: usize,
    /// As many as there may be.
    pub most: usize,
    /// Callers that wait for one.
    pub waiting: usize,
}

statement! {
    /// Two index ranges for each channel and priority, each read up to a bound.
    CountBacklog {
        channels: Vec<&'static str> => Array<Text>,
        now: DateTime<Utc> => Timestamptz,
        bound: i32 => Integer,
    } -> (Text, SmallInt, BigInt, Nullable<Timestamptz>, BigInt),
    Sql("
        select c.channel, r.rank, due.count, due.first, later.count
        from unnest($1) as c (channel), unnest(array[1, 2, 3]::smallint[]) as r (rank),
        lateral (
            select count(*) as count, min(w.at) as first
            from (
                select d.next_attempt_at as at from outbound_delivery d
                where d.channel = c.channel and d.priority = r.rank and d.next_attempt_at <= $2
                  and d.next_attempt_at is not null and d.lease_id is null
                order by d.next_attempt_at limit $3
            ) w
        ) due,
        lateral (
            select count(*) as count
            from (
                select from outbound_delivery d
                where d.channel = c.channel and d.priority = r.rank and d.next_attempt_at > $2
                  and d.next_attempt_at is not null and d.lease_id is null
                order by d.next_attempt_at limit $3
            ) w
        ) later")
}

/// Channel, priority, how many are due and since when, how many come later.
type BacklogRow = (String, i16, i64, Option<DateTime<Utc>>, i64);

impl PgStore {
    /// The waiting messages by channel and priority, each pair once; nothing is counted beyond the bound.
    pub async fn backlog(&self, now: DateTime<Utc>, bound: u32) -> Result<Vec<Backlog>, StoreError> {
        let counting = CountBacklog { channels: all_channels(), now, bound: number(bound) };
        let rows: Vec<BacklogRow> =
            counting.load(&mut *self.connection().await?).await.map_err(of_statement)?;
        let backlog = rows.into_iter().map(|(channel, rank, due, oldest_due_at, later)| {
            Ok(Backlog {
                channel: read("channel", &channel)?,
                priority: priority(rank)?,
                due: count("due", due)?,
                later: count("later", later)?,
                oldest_due_at,
            })
        });
        backlog.collect()
    }

    /// What is left of the limit over all messages; `None` where there is none.
    pub async fn limit_left(&self, limits: &Limits, now: DateTime<Utc>) -> Result<Option<u32>, StoreError> {
        if limits.global.get().is_none() {
            return Ok(None);
        }
        Ok(Some(global_window(self).await?.remaining(limits.global, now)))
    }

    /// How the pool's connections are used now.
    pub fn pool_status(&self) -> PoolStatus {
        let Source::Pool(pool) = &self.source else { return PoolStatus::default() };
        let status = pool.status();
        PoolStatus {
            in_use: status.size.saturating_sub(status.available),
            open: status.size,
            most: status.max_size,
            waiting: status.waiting,
        }
    }
}
