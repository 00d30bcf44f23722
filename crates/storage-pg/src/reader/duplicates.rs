//! Foretelling the rule for duplicates.

use std::collections::HashSet;

use chrono::NaiveDate;
use diesel::sql_types::{Array, Date, Integer, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::ports::{DuplicateWindow, StoreError};
use domain::turns::Turns;
use uuid::Uuid;

use crate::error::of_statement;
use crate::messages::digest;
use crate::rows::number;
use crate::statement::{Sql, statement};
use crate::store::PgStore;

statement! {
    /// The keys that a message has that counts; the same test as in `outbound_insert_v4`.
    TakenKeys {
        keys: Vec<Uuid> => Array<SqlUuid>,
        today: NaiveDate => Date,
        days: i32 => Integer,
    } -> SqlUuid,
    Sql("
        select k.key from unnest($1) as k (key)
        where exists (
            select from outbound_message m
            join outbound_delivery d on d.message_id = m.id
            where m.duplicate_key = k.key
              and m.local_day > $2 - $3
              and (d.status in ('QUEUED', 'LEASED', 'DISPATCHED', 'SENT') or d.failure_kind = 'RETRY'))")
}

pub(super) async fn taken(
    store: &PgStore,
    keys: &[String],
    window: DuplicateWindow,
) -> Result<Vec<String>, StoreError> {
    let (mut digests, mut turns) = (Vec::with_capacity(keys.len()), Turns::default());
    for key in keys {
        digests.push(digest(key));
        turns.worked(key.len()).await;
    }
    let asking = TakenKeys { keys: digests.clone(), today: window.today, days: number(window.days) };
    let found: Vec<Uuid> = asking.load(&mut *store.connection().await?).await.map_err(of_statement)?;
    let found: HashSet<Uuid> = found.into_iter().collect();
    let is_taken = keys.iter().zip(digests).filter(|(_, digest)| found.contains(digest));
    Ok(is_taken.map(|(key, _)| key.clone()).collect())
}
