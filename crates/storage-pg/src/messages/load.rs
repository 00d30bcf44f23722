//! Reading whole messages.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::ids::{LeaseId, MessageId};
use domain::message::Message;
use domain::ports::StoreError;
use uuid::Uuid;

use crate::error::of_statement;
use crate::rows::{MessageRow, MessageSql, messages};
use crate::statement::{SelectMessages, statement};
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
    /// Those whose lease, or wait for a callback, is over.
    LoadOverdue { now: DateTime<Utc> => Timestamptz, limit: i64 => BigInt, } -> MessageSql,
    SelectMessages("
        from (
            select * from outbound_delivery where lease_expires_at <= $1
            order by lease_expires_at, message_id limit $2
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
    match (ids, &store.groups) {
        ([id], Some(groups)) => Ok(groups.loads.submit(*id).await?.1.into_iter().collect()),
        _ => load_all(store, ids).await,
    }
}

/// Reads messages by one statement.
pub(crate) async fn load_all(store: &PgStore, ids: &[MessageId]) -> Result<Vec<Message>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    ids.sort_unstable();
    ids.dedup();
    let rows: Vec<MessageRow> =
        LoadMessages { ids }.load(&mut *store.connection().await?).await.map_err(of_statement)?;
    messages(rows)
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
