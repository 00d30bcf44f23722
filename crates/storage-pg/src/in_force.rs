//! By what the server works, left in the database for the commands beside it: their environment is their own.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _};
use diesel_async::RunQueryDsl as _;
use domain::ports::StoreError;
use serde_json::Value;

use crate::error::of_statement;
use crate::schema::outbound_in_force as f;
use crate::store::PgStore;

/// Where hand-offs go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GatewayKind {
    /// To N8N.
    N8n,
    /// To what stands in for it: nothing is sent.
    Simulator,
}

impl GatewayKind {
    const ALL: [Self; 2] = [Self::N8n, Self::Simulator];

    const fn as_str(self) -> &'static str {
        match self {
            Self::N8n => "N8N",
            Self::Simulator => "SIMULATOR",
        }
    }
}

/// By what the server that started last works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// Where its hand-offs go; `None` where it can't push.
    pub gateway: Option<GatewayKind>,
    /// The texts of its settings that are rules, by name. No secrets: whoever may read the database may read them.
    pub rules: BTreeMap<String, String>,
    /// When it started.
    pub started_at: DateTime<Utc>,
}

impl PgStore {
    /// Leaves word, in place of what the server before left.
    ///
    /// # Errors
    /// When the database can't be reached.
    pub async fn leave_in_force(&self, in_force: &InForce) -> Result<(), StoreError> {
        let InForce { gateway, rules, started_at } = in_force;
        let rules = rules.iter().map(|(name, text)| (name.clone(), Value::from(text.as_str())));
        let row = (
            f::gateway.eq(gateway.map(GatewayKind::as_str)),
            f::rules.eq(Value::Object(rules.collect())),
            f::started_at.eq(*started_at),
        );
        diesel::insert_into(f::table)
            .values((f::id.eq(true), row.clone()))
            .on_conflict(f::id)
            .do_update()
            .set(row)
            .execute(&mut *self.connection().await?)
            .await
            .map_err(of_statement)?;
        Ok(())
    }

    /// What was left; `None` where no server has started on this database yet.
    ///
    /// # Errors
    /// When the database can't be reached, or what was left makes no sense.
    pub async fn in_force(&self) -> Result<Option<InForce>, StoreError> {
        let row: Option<(Option<String>, Value, DateTime<Utc>)> = f::table
            .select((f::gateway, f::rules, f::started_at))
            .first(&mut *self.connection().await?)
            .await
            .optional()
            .map_err(of_statement)?;
        let Some((gateway, rules, started_at)) = row else { return Ok(None) };
        let unknown = || StoreError::Corrupt("outbound_in_force".to_owned());
        let kind = |word: String| {
            GatewayKind::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or_else(unknown)
        };
        Ok(Some(InForce {
            gateway: gateway.map(kind).transpose()?,
            rules: serde_json::from_value(rules).map_err(|_| unknown())?,
            started_at,
        }))
    }
}
