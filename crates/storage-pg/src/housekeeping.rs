//! [`Housekeeping`]: forgetting what is out of date.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Integer, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::ports::{Housekeeping, StoreError};

use crate::error::of_statement;
use crate::rows::{count, number};
use crate::statement::{Sql, statement};
use crate::store::PgStore;

statement! {
    /// Forgets keys that have expired; one that is just taken anew is left alone.
    ForgetAnswers { now: DateTime<Utc> => Timestamptz, limit: i64 => BigInt, } -> Integer,
    Sql("
        delete from outbound_idempotency where ctid = any (array(
            select ctid from outbound_idempotency where expires_at <= $1
            order by expires_at limit $2 for update skip locked))")
}

statement! {
    /// Deletes messages; see the function in the migrations.
    PurgeMessages { before: DateTime<Utc> => Timestamptz, limit: i32 => Integer, } -> Integer,
    Sql("select outbound_purge_messages_v1($1, $2)")
}

statement! {
    /// Deletes runs; see the function in the migrations.
    PurgeRuns { before: DateTime<Utc> => Timestamptz, limit: i32 => Integer, } -> Integer,
    Sql("select outbound_purge_runs_v1($1, $2)")
}

statement! {
    /// Deletes owners' windows whose newest second counts no more. The row of all messages stays: it is the lock of
    /// the limited leases and their clock, from which this is measured.
    PruneWindows { limit: i64 => BigInt, } -> Integer,
    Sql("
        delete from outbound_rate_window where ctid = any (array(
            select w.ctid from outbound_rate_window w
            where w.key > '' and w.seconds[cardinality(w.seconds)] <= (
                select g.seconds[cardinality(g.seconds)] - 61 from outbound_rate_window g where g.key = '')
            limit $1 for update of w skip locked))")
}

#[async_trait]
impl Housekeeping for PgStore {
    async fn forget_answers(&self, now: DateTime<Utc>, limit: u32) -> Result<u32, StoreError> {
        let forgetting = ForgetAnswers { now, limit: limit.into() };
        let gone = forgetting.execute(&mut *self.connection().await?).await.map_err(of_statement)?;
        count("keys", gone)
    }

    async fn purge_messages(&self, before: DateTime<Utc>, limit: u32) -> Result<u32, StoreError> {
        let purging = PurgeMessages { before, limit: number(limit) };
        let gone: i32 = purging.get_result(&mut *self.connection().await?).await.map_err(of_statement)?;
        count("messages", gone)
    }

    async fn purge_runs(&self, before: DateTime<Utc>, limit: u32) -> Result<u32, StoreError> {
        let purging = PurgeRuns { before, limit: number(limit) };
        let gone: i32 = purging.get_result(&mut *self.connection().await?).await.map_err(of_statement)?;
        count("runs", gone)
    }

    async fn prune_windows(&self, limit: u32) -> Result<u32, StoreError> {
        let pruning = PruneWindows { limit: limit.into() };
        let gone = pruning.execute(&mut *self.connection().await?).await.map_err(of_statement)?;
        count("windows", gone)
    }
}
