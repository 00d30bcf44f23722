//! One message with its history.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::access::Scope;
use domain::ids::{LeaseId, MessageId};
use domain::message::Entry;
use domain::message::timeline::LeaseHolder;
use domain::ports::{Detail, StoreError};
use uuid::Uuid;

use crate::error::of_statement;
use crate::messages::LoadMessages;
use crate::rows::event::{self, EventRow};
use crate::rows::{MessageRow, message, read};
use crate::schema::{outbound_event, outbound_run as r};
use crate::store::PgStore;

pub(super) async fn detail(
    store: &PgStore,
    id: MessageId,
    scope: &Scope,
) -> Result<Option<Detail>, StoreError> {
    let mut connection = store.connection().await?;
    let row: Option<MessageRow> = LoadMessages { ids: vec![id.uuid()] }
        .get_result(&mut *connection)
        .await
        .optional()
        .map_err(of_statement)?;
    let Some(message) = row.map(message).transpose()? else { return Ok(None) };
    if !scope.covers(message.content.owner_id.as_ref(), message.content.branch_id.as_ref()) {
        return Ok(None);
    }
    let entries = entries(&mut connection, id).await?;
    let leases = entries.iter().filter_map(|entry| entry.lease).chain(message.state.lease_id());
    let holders = holders(&mut connection, leases.map(LeaseId::uuid).collect()).await?;
    Ok(Some(Detail { message, entries, holders }))
}

async fn entries(connection: &mut AsyncPgConnection, id: MessageId) -> Result<Vec<Entry>, StoreError> {
    let rows: Vec<EventRow> = outbound_event::table
        .filter(outbound_event::message_id.eq(id.uuid()))
        .order(outbound_event::id)
        .select(event::COLUMNS)
        .load(connection)
        .await
        .map_err(of_statement)?;
    rows.into_iter().map(Entry::try_from).collect()
}

pub(super) async fn holders(
    connection: &mut AsyncPgConnection,
    leases: Vec<Uuid>,
) -> Result<HashMap<LeaseId, LeaseHolder>, StoreError> {
    if leases.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(Uuid, String, bool, bool)> = r::table
        .filter(r::lease_id.eq_any(leases))
        .select((r::lease_id, r::actor, r::pulled, r::ignored_quiet_hours))
        .load(connection)
        .await
        .map_err(of_statement)?;
    rows.into_iter()
        .map(|(lease, by, pulled, ignored_quiet_hours)| {
            Ok((LeaseId::new(lease), LeaseHolder { by: read("actor", &by)?, pulled, ignored_quiet_hours }))
        })
        .collect()
}
