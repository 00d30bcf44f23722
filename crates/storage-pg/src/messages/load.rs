//! Reading whole messages.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::ids::{LeaseId, MessageId};
use domain::message::{Message, Standing};
use domain::ports::StoreError;
use uuid::Uuid;

use crate::error::of_statement;
use crate::rows::{MessageRow, MessageSql, StandingRow, StandingSql, messages, standing};
use crate::statement::{SelectMessages, SelectStandings, statement};
use crate::store::PgStore;

statement! {
    /// By id. `offset 0` keeps the planner from joining: two index probes a message, whatever it believes of the
    /// tables' sizes. The ids come by a subselect: of a bare `$1` the planner would look at the length and plan anew
    /// for each call, which takes longer than to read a message.
    LoadMessages { ids: Vec<Uuid> => Array<SqlUuid>, } -> MessageSql,
    SelectMessages("
        from unnest((select $1)) as wanted (id)
        cross join lateral (select * from outbound_message where id = wanted.id offset 0) as outbound_message
        cross join lateral (select * from outbound_delivery where message_id = wanted.id offset 0) as outbound_delivery")
}

statement! {
    /// The same right after they were leased. What it writes is for nobody: with something written, its commit waits
    /// until that and the lease before it are on the disk.
    LoadLeased { ids: Vec<Uuid> => Array<SqlUuid>, } -> MessageSql,
    SelectMessages("
        from (select pg_logical_emit_message(true, 'outbound', '')) as on_disk
        cross join unnest((select $1)) as wanted (id)
        cross join lateral (select * from outbound_message where id = wanted.id offset 0) as outbound_message
        cross join lateral (select * from outbound_delivery where message_id = wanted.id offset 0) as outbound_delivery")
}

statement! {
    /// Where they stand. Rows of the version before do not say when their message was created.
    LoadStandings { ids: Vec<Uuid> => Array<SqlUuid>, } -> StandingSql,
    SelectStandings("
        from unnest((select $1)) as wanted (id)
        cross join lateral (select * from outbound_delivery where message_id = wanted.id offset 0) as outbound_delivery")
}

statement! {
    /// Those whose lease, or wait for a callback, is over. The plan is kept, as that of [`LoadMessages`]; so the planner
    /// must be told that they are few: 10,000, more than anybody asks for.
    LoadOverdue { now: DateTime<Utc> => Timestamptz, limit: i64 => BigInt, } -> MessageSql,
    SelectMessages("
        from (
            select * from (
                select * from outbound_delivery where lease_expires_at <= (select $1)
                order by lease_expires_at, message_id limit 10000
            ) as few order by lease_expires_at, message_id limit (select $2)
        ) as outbound_delivery
        cross join lateral (
            select * from outbound_message where id = outbound_delivery.message_id offset 0
        ) as outbound_message
        order by outbound_delivery.lease_expires_at, outbound_delivery.message_id")
}

statement! {
    /// Those that one lease handed off.
    LoadOfLease { lease: Uuid => SqlUuid, } -> MessageSql,
    SelectMessages("
        from (
            select * from outbound_delivery
            where lease_id = $1 and lease_expires_at is not null and status = 'DISPATCHED' offset 0
        ) as outbound_delivery
        cross join lateral (
            select * from outbound_message where id = outbound_delivery.message_id offset 0
        ) as outbound_message")
}

pub(super) async fn load(store: &PgStore, ids: &[MessageId]) -> Result<Vec<Message>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids = once_each(ids);
    let rows: Vec<MessageRow> =
        LoadMessages { ids }.load(&mut *store.connection().await?).await.map_err(of_statement)?;
    messages(rows)
}

/// Reads where messages stand by one statement.
pub(super) async fn load_standing(store: &PgStore, ids: &[MessageId]) -> Result<Vec<Standing>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids = once_each(ids);
    let rows: Vec<StandingRow> =
        LoadStandings { ids }.load(&mut *store.connection().await?).await.map_err(of_statement)?;
    rows.into_iter().map(standing).collect()
}

/// In the order of the index, each once.
fn once_each(ids: &[MessageId]) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

pub(super) async fn overdue(
    store: &PgStore,
    now: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<Message>, StoreError> {
    let statement = LoadOverdue { now, limit: limit.into() };
    let rows: Vec<MessageRow> =
        statement.load(&mut *store.connection().await?).await.map_err(of_statement)?;
    messages(rows)
}

pub(super) async fn of_lease(store: &PgStore, lease: LeaseId) -> Result<Vec<Message>, StoreError> {
    let statement = LoadOfLease { lease: lease.uuid() };
    let rows: Vec<MessageRow> =
        statement.load(&mut *store.connection().await?).await.map_err(of_statement)?;
    messages(rows)
}
