//! An entry of a timeline: a row of `outbound_event`.

use chrono::{DateTime, Utc};
use diesel::Queryable;
use domain::ids::LeaseId;
use domain::message::Entry;
use domain::ports::StoreError;
use uuid::Uuid;

use super::{columns, count, read};

columns!(outbound_event: at, kind, from_status, to_status, actor, attempt, lease_id, leased_at, dispatched_at, detail);

/// The row.
#[derive(Queryable)]
pub(crate) struct EventRow {
    at: DateTime<Utc>,
    kind: String,
    from_status: String,
    to_status: String,
    actor: String,
    attempt: i32,
    lease_id: Option<Uuid>,
    leased_at: Option<DateTime<Utc>>,
    dispatched_at: Option<DateTime<Utc>>,
    detail: Option<String>,
}

impl TryFrom<EventRow> for Entry {
    type Error = StoreError;

    fn try_from(row: EventRow) -> Result<Self, StoreError> {
        Ok(Self {
            at: row.at,
            kind: read("kind", &row.kind)?,
            from: read("from_status", &row.from_status)?,
            to: read("to_status", &row.to_status)?,
            by: read("actor", &row.actor)?,
            attempt: count("attempt", row.attempt)?,
            lease: row.lease_id.map(LeaseId::new),
            leased_at: row.leased_at,
            dispatched_at: row.dispatched_at,
            detail: row.detail,
        })
    }
}
