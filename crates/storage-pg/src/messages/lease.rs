//! Leasing due messages.

use std::collections::HashMap;
use std::time::Instant;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::ids::MessageId;
use domain::message::Message;
use domain::policy::rate_limit::RateLimit;
use domain::ports::{LeaseMode, LeaseRequest, Leased, StoreError};
use uuid::Uuid;

use super::lease_one::LeaseOne;
use super::{LoadLeased, LoadMessages};
use crate::error::of_statement;
use crate::rows::{MessageRow, count, messages, number};
use crate::statement::{Sql, statement};
use crate::store::PgStore;

statement! {
    /// Leases; see the function in the migrations.
    LeaseDue<'a> {
        now: DateTime<Utc> => Timestamptz,
        waited_ms: i32 => Integer,
        lease_id: Uuid => SqlUuid,
        lease_expires_at: DateTime<Utc> => Timestamptz,
        deadline: Option<DateTime<Utc>> => Nullable<Timestamptz>,
        limit: i32 => Integer,
        channels: Vec<&'static str> => Array<Text>,
        closes_at: Vec<Option<DateTime<Utc>>> => Array<Nullable<Timestamptz>>,
        owner_id: Option<&'a str> => Nullable<Text>,
        branch_id: Option<&'a str> => Nullable<Text>,
        retry_only: bool => Bool,
        global_limit: Option<i32> => Nullable<Integer>,
        owner_limit: Option<i32> => Nullable<Integer>,
        actor: String => Text,
        ignored_quiet_hours: bool => Bool,
        dry_run: bool => Bool,
        read_next: bool => Bool,
    } -> (Array<SqlUuid>, Array<SqlUuid>, Integer),
    // Where the messages are read next, which waits for the disk, the commit of the lease need not: limited leases take
    // turns until they are committed, and would otherwise each wait for the disk of all before.
    Sql("select leased, suppressed, rate_limited
         from outbound_lease_v2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
         where not ($17 and cardinality(leased) > 0) or set_config('synchronous_commit', 'off', true) = 'off'")
}

pub(super) async fn lease_due(store: &PgStore, request: &LeaseRequest) -> Result<Leased, StoreError> {
    let started = Instant::now();
    let leased = lease(store, request, started).await?;
    if let Some(observer) = store.observer.as_ref().filter(|_| !request.dry_run) {
        observer.leased(request.lease, &leased.messages, started.elapsed());
    }
    Ok(leased)
}

async fn lease(store: &PgStore, request: &LeaseRequest, started: Instant) -> Result<Leased, StoreError> {
    let mut connection = store.connection().await?;
    // The wait for a connection counts: the request's time is that of its beginning.
    let waited_ms = i32::try_from(started.elapsed().as_millis()).unwrap_or(i32::MAX);
    let read_next = store.groups.is_some() && !request.dry_run;
    let statement = LeaseDue { waited_ms, read_next, ..LeaseDue::from(request) };
    let answer: Result<(Vec<Uuid>, Vec<Uuid>, i32), _> = match request.only {
        None => statement.get_result(&mut *connection).await,
        Some(only) => LeaseOne::new(only, statement).get_result(&mut *connection).await,
    };
    let (leased, suppressed, rate_limited) = answer.map_err(of_statement)?;
    if leased.len() < usize::try_from(request.limit).unwrap_or(usize::MAX) {
        store.due_count.forget();
    }
    // Read apart from the lease, which is committed by now: however large the texts and however slow this process, no
    // lock is held while they travel.
    let ids = leased.clone();
    let rows: Vec<MessageRow> = if leased.is_empty() {
        Vec::new()
    } else if read_next {
        LoadLeased { ids }.load(&mut *connection).await.map_err(of_statement)?
    } else {
        LoadMessages { ids }.load(&mut *connection).await.map_err(of_statement)?
    };
    Ok(Leased {
        messages: in_order(&leased, held(messages(rows)?, request)),
        suppressed: suppressed.into_iter().map(MessageId::new).collect(),
        rate_limited: count("rate_limited", rate_limited)?,
    })
}

/// Leaves out what was lost again before it could be read: a process that slept through its lease.
fn held(mut messages: Vec<Message>, request: &LeaseRequest) -> Vec<Message> {
    messages.retain(|message| request.dry_run || message.state.lease_id() == Some(request.lease));
    messages
}

/// The lease's order is that of its ids, whatever order the rows came in.
fn in_order(ids: &[Uuid], messages: Vec<Message>) -> Vec<Message> {
    let mut by_id: HashMap<Uuid, Message> = messages.into_iter().map(|one| (one.id.uuid(), one)).collect();
    ids.iter().filter_map(|id| by_id.remove(id)).collect()
}

impl<'a> From<&'a LeaseRequest> for LeaseDue<'a> {
    fn from(request: &'a LeaseRequest) -> Self {
        let LeaseRequest {
            now,
            lease,
            lease_expires_at,
            limit,
            channels,
            scope,
            retry_failed_only,
            only: _,
            limits,
            mode,
            by,
            ignored_quiet_hours,
            dry_run,
        } = request;
        let most = |limit: RateLimit| limit.get().map(number);
        Self {
            now: *now,
            waited_ms: 0,
            lease_id: lease.uuid(),
            lease_expires_at: *lease_expires_at,
            deadline: match mode {
                LeaseMode::Push => None,
                LeaseMode::Pull { deadline } => Some(*deadline),
            },
            limit: number(*limit),
            channels: channels.iter().map(|open| open.channel.as_str()).collect(),
            closes_at: channels.iter().map(|open| open.closes_at).collect(),
            owner_id: scope.owner.as_ref().map(|id| id.as_str()),
            branch_id: scope.branch.as_ref().map(|id| id.as_str()),
            retry_only: *retry_failed_only,
            global_limit: most(limits.global),
            owner_limit: most(limits.per_owner),
            actor: by.to_string(),
            ignored_quiet_hours: *ignored_quiet_hours,
            dry_run: *dry_run,
            read_next: false,
        }
    }
}
