//! [`AuditLog`].

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::audit::AuditEntry;
use domain::ids::AuditId;
use domain::ports::{AuditLog, AuditRequest, StoreError};
use serde_json::Value;
use uuid::Uuid;

use crate::error::of_statement;
use crate::rows::{corrupt, read};
use crate::schema::outbound_audit as a;
use crate::statement::{Sql, statement};
use crate::store::PgStore;

statement! {
    /// Adds deeds, in one statement however many.
    AddDeeds {
        ids: Vec<Uuid> => Array<SqlUuid>,
        times: Vec<DateTime<Utc>> => Array<Timestamptz>,
        actors: Vec<String> => Array<Text>,
        actions: Vec<&'static str> => Array<Text>,
        subjects: Vec<Option<String>> => Array<Nullable<Text>>,
        details: Vec<Value> => Array<Jsonb>,
    } -> Integer,
    Sql("
        insert into outbound_audit (id, at, actor, action, subject, detail)
        select * from unnest($1, $2, $3, $4, $5, $6)")
}

type AuditRow = (Uuid, DateTime<Utc>, String, String, Option<String>, Value);

#[async_trait]
impl AuditLog for PgStore {
    async fn record(&self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        let Some(first) = entries.first() else { return Ok(()) };
        let mut adding = AddDeeds::default();
        for AuditEntry { id, at, actor, action, subject, detail } in entries {
            adding.ids.push(id.uuid());
            adding.times.push(*at);
            adding.actors.push(actor.to_string());
            adding.actions.push(action.as_str());
            adding.subjects.push(subject.clone());
            adding.details.push(detail.iter().map(|(name, value)| (name.clone(), value.clone())).collect());
        }
        adding.execute(&mut *self.connection().await?).await.map_err(of_statement)?;
        let AuditEntry { actor, action, subject, .. } = first;
        let subject = subject.as_deref().unwrap_or("-");
        tracing::info!(%actor, %action, subject, entries = entries.len(), "audit");
        Ok(())
    }

    async fn audit(&self, request: &AuditRequest) -> Result<Vec<AuditEntry>, StoreError> {
        let AuditRequest { actor, action, subject, after, limit } = request;
        let mut query = a::table.order(a::id.desc()).limit((*limit).into()).into_boxed();
        if let Some(actor) = actor {
            query = query.filter(a::actor.eq(actor.to_string()));
        }
        if let Some(action) = action {
            query = query.filter(a::action.eq(action.as_str()));
        }
        if let Some(subject) = subject {
            query = query.filter(a::subject.eq(subject));
        }
        if let Some(after) = after {
            query = query.filter(a::id.lt(after.uuid()));
        }
        let rows: Vec<AuditRow> = query.load(&mut *self.connection().await?).await.map_err(of_statement)?;
        rows.into_iter().map(entry).collect()
    }
}

fn entry((id, at, actor, action, subject, detail): AuditRow) -> Result<AuditEntry, StoreError> {
    let detail: BTreeMap<String, String> =
        serde_json::from_value(detail).map_err(|error| corrupt("detail", error))?;
    Ok(AuditEntry {
        id: AuditId::new(id),
        at,
        actor: read("actor", &actor)?,
        action: read("action", &action)?,
        subject,
        detail,
    })
}
