//! Timeline entries that go with no change.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::ids::MessageId;
use domain::message::Entry;
use domain::ports::StoreError;
use uuid::Uuid;

use super::insert::digest;
use crate::error::of_statement;
use crate::rows::number;
use crate::statement::{Sql, statement};
use crate::store::PgStore;

statement! {
    /// Keeps entries, each only if the message has none yet that says the same.
    NoteEntries<'a> {
        message_id: Vec<Uuid> => Array<SqlUuid>,
        at: Vec<DateTime<Utc>> => Array<Timestamptz>,
        kind: Vec<&'static str> => Array<Text>,
        from: Vec<&'static str> => Array<Text>,
        to: Vec<&'static str> => Array<Text>,
        actor: Vec<String> => Array<Text>,
        attempt: Vec<i32> => Array<Integer>,
        lease_id: Vec<Option<Uuid>> => Array<Nullable<SqlUuid>>,
        leased_at: Vec<Option<DateTime<Utc>>> => Array<Nullable<Timestamptz>>,
        dispatched_at: Vec<Option<DateTime<Utc>>> => Array<Nullable<Timestamptz>>,
        detail: Vec<Option<&'a str>> => Array<Nullable<Text>>,
        note_key: Vec<Uuid> => Array<SqlUuid>,
    } -> Integer,
    Sql("
        insert into outbound_event (message_id, at, kind, from_status, to_status, actor, attempt, lease_id, leased_at,
            dispatched_at, detail, note_key)
        select * from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        on conflict (message_id, note_key) where note_key is not null do nothing")
}

pub(super) async fn note(store: &PgStore, entries: &[(MessageId, Entry)]) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut ordered: Vec<_> = entries.iter().map(|(id, entry)| (id.uuid(), note_key(entry), entry)).collect();
    ordered.sort_unstable_by_key(|(id, key, _)| (*id, *key));
    let mut statement = NoteEntries::default();
    for (id, key, entry) in ordered {
        statement.message_id.push(id);
        statement.at.push(entry.at);
        statement.kind.push(entry.kind.as_str());
        statement.from.push(entry.from.as_str());
        statement.to.push(entry.to.as_str());
        statement.actor.push(entry.by.to_string());
        statement.attempt.push(number(entry.attempt));
        statement.lease_id.push(entry.lease.map(|lease| lease.uuid()));
        statement.leased_at.push(entry.leased_at);
        statement.dispatched_at.push(entry.dispatched_at);
        statement.detail.push(entry.detail.as_deref());
        statement.note_key.push(key);
    }
    statement.execute(&mut *store.connection().await?).await.map_err(of_statement)?;
    Ok(())
}

/// What the entry says, apart from when.
fn note_key(entry: &Entry) -> Uuid {
    let Entry { at: _, kind, from, to, by, attempt, lease, leased_at: _, dispatched_at: _, detail } = entry;
    let lease = lease.map(|lease| lease.to_string()).unwrap_or_default();
    let detail = detail.as_deref().unwrap_or_default();
    digest(&format!("{kind}\u{1f}{from}\u{1f}{to}\u{1f}{by}\u{1f}{attempt}\u{1f}{lease}\u{1f}{detail}"))
}
