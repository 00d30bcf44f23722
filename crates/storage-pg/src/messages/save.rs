//! Saving changes.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::message::{Change, Entry, Message, Standing};
use domain::ports::{Saved, StoreError};
use uuid::Uuid;

use crate::error::of_statement;
use crate::rows::delivery::Stand;
use crate::rows::number;
use crate::statement::{Sparse, Sql, statement};
use crate::store::PgStore;

statement! {
    /// Saves changes; see the function in the migrations.
    SaveChanges<'a> {
        id: Vec<Uuid> => Array<SqlUuid>,
        from_revision: Vec<i32> => Array<Integer>,
        status: Vec<&'static str> => Array<Text>,
        next_attempt_at: Sparse<DateTime<Utc>> => Array<Nullable<Timestamptz>>,
        attempt: Vec<i32> => Array<Integer>,
        retry_count: Vec<i32> => Array<Integer>,
        handoff_failures: Vec<i32> => Array<Integer>,
        lost_leases: Vec<i32> => Array<Integer>,
        attempted: Vec<bool> => Array<Bool>,
        attempt_failed: Sparse<bool> => Array<Nullable<Bool>>,
        resume_status: Sparse<&'static str> => Array<Nullable<Text>>,
        lease_id: Sparse<Uuid> => Array<Nullable<SqlUuid>>,
        leased_at: Sparse<DateTime<Utc>> => Array<Nullable<Timestamptz>>,
        lease_expires_at: Sparse<DateTime<Utc>> => Array<Nullable<Timestamptz>>,
        dispatched_at: Sparse<DateTime<Utc>> => Array<Nullable<Timestamptz>>,
        sent_at: Sparse<DateTime<Utc>> => Array<Nullable<Timestamptz>>,
        provider_message_id: Sparse<&'a str> => Array<Nullable<Text>>,
        error: Sparse<&'a str> => Array<Nullable<Text>>,
        failure_kind: Sparse<&'static str> => Array<Nullable<Text>>,
        revision: Vec<i32> => Array<Integer>,
        updated_at: Vec<DateTime<Utc>> => Array<Timestamptz>,
        entry_at: Sparse<DateTime<Utc>> => Array<Nullable<Timestamptz>>,
        entry_kind: Sparse<&'static str> => Array<Nullable<Text>>,
        entry_from: Sparse<&'static str> => Array<Nullable<Text>>,
        entry_to: Sparse<&'static str> => Array<Nullable<Text>>,
        entry_actor: Sparse<String> => Array<Nullable<Text>>,
        entry_attempt: Sparse<i32> => Array<Nullable<Integer>>,
        entry_lease_id: Sparse<Uuid> => Array<Nullable<SqlUuid>>,
        entry_leased_at: Sparse<DateTime<Utc>> => Array<Nullable<Timestamptz>>,
        entry_dispatched_at: Sparse<DateTime<Utc>> => Array<Nullable<Timestamptz>>,
        entry_detail: Sparse<&'a str> => Array<Nullable<Text>>,
    } -> Array<SqlUuid>,
    Sql("select outbound_save_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
        $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31)")
}

pub(super) async fn save(store: &PgStore, changes: &[Change]) -> Result<Vec<Saved>, StoreError> {
    match (changes, &store.groups) {
        ([change], Some(groups)) => Ok(vec![groups.saves.submit(change.clone()).await?.1]),
        _ => save_all(store, changes).await,
    }
}

/// Saves changes by one statement, each of another message.
pub(crate) async fn save_all(store: &PgStore, changes: &[Change]) -> Result<Vec<Saved>, StoreError> {
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = SaveChanges::default();
    // The order in which the rows are locked: two calls with the same messages take turns, never wait for each other.
    let mut ordered: Vec<&Change> = changes.iter().collect();
    ordered.sort_unstable_by_key(|change| change.message.id);
    for change in ordered {
        statement.push(change);
    }
    let saved: Vec<Uuid> =
        statement.get_result(&mut *store.connection().await?).await.map_err(of_statement)?;
    let saved: HashSet<Uuid> = saved.into_iter().collect();
    let is_saved = |change: &Change| saved.contains(&change.message.id.uuid());
    if changes.iter().any(|change| is_saved(change) && is_due(&change.message)) {
        store.waker.wake();
    }
    let answer = |change| if is_saved(change) { Saved::Done } else { Saved::Stale };
    Ok(changes.iter().map(answer).collect())
}

/// Whether a worker could take it at once.
fn is_due(message: &Standing) -> bool {
    message.state.due_at().is_some_and(|due_at| due_at <= message.updated_at)
}

impl<'a> SaveChanges<'a> {
    fn push(&mut self, change: &'a Change) {
        let Change { message, from_revision, entry } = change;
        let Message {
            id,
            content: _,
            priority: _,
            attempt,
            retry_count,
            handoff_failures,
            lost_leases,
            attempted,
            created_at: _,
            updated_at,
            state,
            revision,
        } = message;
        self.id.push(id.uuid());
        self.from_revision.push(*from_revision);
        self.status.push(state.status().as_str());
        self.attempt.push(number(*attempt));
        self.retry_count.push(number(*retry_count));
        self.handoff_failures.push(number(*handoff_failures));
        self.lost_leases.push(number(*lost_leases));
        self.attempted.push(*attempted);
        self.revision.push(*revision);
        self.updated_at.push(*updated_at);
        self.push_stand(state.into());
        self.push_entry(entry.as_ref());
    }

    fn push_stand(&mut self, stand: Stand<'a>) {
        let Stand {
            next_attempt_at,
            attempt_failed,
            resume_status,
            lease_id,
            leased_at,
            lease_expires_at,
            dispatched_at,
            sent_at,
            provider_message_id,
            error,
            failure_kind,
        } = stand;
        self.next_attempt_at.0.push(next_attempt_at);
        self.attempt_failed.0.push(attempt_failed);
        self.resume_status.0.push(resume_status);
        self.lease_id.0.push(lease_id);
        self.leased_at.0.push(leased_at);
        self.lease_expires_at.0.push(lease_expires_at);
        self.dispatched_at.0.push(dispatched_at);
        self.sent_at.0.push(sent_at);
        self.provider_message_id.0.push(provider_message_id);
        self.error.0.push(error);
        self.failure_kind.0.push(failure_kind);
    }

    fn push_entry(&mut self, entry: Option<&'a Entry>) {
        self.entry_at.0.push(entry.map(|entry| entry.at));
        self.entry_kind.0.push(entry.map(|entry| entry.kind.as_str()));
        self.entry_from.0.push(entry.map(|entry| entry.from.as_str()));
        self.entry_to.0.push(entry.map(|entry| entry.to.as_str()));
        self.entry_actor.0.push(entry.map(|entry| entry.by.to_string()));
        self.entry_attempt.0.push(entry.map(|entry| number(entry.attempt)));
        self.entry_lease_id.0.push(entry.and_then(|entry| entry.lease).map(|lease| lease.uuid()));
        self.entry_leased_at.0.push(entry.and_then(|entry| entry.leased_at));
        self.entry_dispatched_at.0.push(entry.and_then(|entry| entry.dispatched_at));
        self.entry_detail.0.push(entry.and_then(|entry| entry.detail.as_deref()));
    }
}
