//! Saving that messages went out, unread.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::actor::Actor;
use domain::message::SentReport;
use domain::ports::StoreError;
use uuid::Uuid;

use crate::error::of_statement;
use crate::statement::{Sparse, Sql, statement};
use crate::store::PgStore;

statement! {
    /// Does what the domain does with a callback that says SENT, in the plain case; a test holds the two against each
    /// other. Where each stood is read by its key, and what is told in the timeline comes from there; the row is then
    /// found by its place, and left alone if it has another revision by now. The subselects keep the plan: see
    /// [`super::LoadMessages`].
    SaveSent<'a> {
        id: Vec<Uuid> => Array<SqlUuid>,
        provider_message_id: Sparse<&'a str> => Array<Nullable<Text>>,
        sent_at: Vec<DateTime<Utc>> => Array<Timestamptz>,
        created_until: Sparse<DateTime<Utc>> => Array<Nullable<Timestamptz>>,
        now: DateTime<Utc> => Timestamptz,
        actor: String => Text,
    } -> SqlUuid,
    Sql("
        with saved as (
            update outbound_delivery d
            set status = 'SENT', sent_at = was.sent_at, provider_message_id = was.provider_message_id,
                next_attempt_at = null, attempt_failed = null, resume_status = null, lease_id = null, leased_at = null,
                lease_expires_at = null, error = null, handoff_failures = 0, lost_leases = 0, attempted = true,
                revision = d.revision + 1, updated_at = $5
            from (
                select n.id, n.provider_message_id, n.sent_at, s.*
                from (
                    select unnest((select $1)) as id, unnest((select $2)) as provider_message_id,
                           unnest((select $3)) as sent_at, unnest((select $4)) as created_until
                ) n
                cross join lateral (
                    select ctid as place, revision, status, attempt, lease_id, leased_at, dispatched_at
                    from outbound_delivery
                    where message_id = n.id
                      and (status = 'LEASED' or status = 'DISPATCHED' and error is null)
                      and (n.created_until is null or created_at <= n.created_until)
                      and updated_at <= (select $5)
                    offset 0
                ) s
            ) was
            where d.ctid = was.place and d.revision = was.revision
            returning was.*
        )
        insert into outbound_event (
            message_id, at, kind, from_status, to_status, actor, attempt, lease_id, leased_at, dispatched_at, detail)
        select id, $5, 'SETTLED', status, 'SENT', $6, attempt, lease_id, leased_at, dispatched_at, provider_message_id
        from saved
        returning message_id")
}

pub(super) async fn save_sent(
    store: &PgStore,
    reports: &[SentReport],
    now: DateTime<Utc>,
) -> Result<Vec<bool>, StoreError> {
    // The order in which the rows are locked, which is that of all other saves.
    let mut ordered: Vec<&SentReport> = reports.iter().collect();
    ordered.sort_unstable_by_key(|report| report.id);
    let mut statement = SaveSent { now, actor: Actor::N8n.to_string(), ..SaveSent::default() };
    for SentReport { id, provider_message_id, sent_at, created_until } in ordered {
        statement.id.push(id.uuid());
        statement.provider_message_id.0.push(provider_message_id.as_deref());
        statement.sent_at.push(*sent_at);
        statement.created_until.0.push(*created_until);
    }
    let saved: Vec<Uuid> = statement.load(&mut *store.connection().await?).await.map_err(of_statement)?;
    let saved: HashSet<Uuid> = saved.into_iter().collect();
    Ok(reports.iter().map(|report| saved.contains(&report.id.uuid())).collect())
}
