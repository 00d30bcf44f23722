//! [`InsightReader`]: sums for people. `tests/it/insight.rs` holds them against `memory-store`'s and watches their
//! plans.

mod statements;

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel_async::RunQueryDsl;
use domain::access::Scope;
use domain::channel::Channel;
use domain::ids::OwnerId;
use domain::message::{FailureKind, Priority, Status};
use domain::policy::rate_limit::RateWindow;
use domain::ports::insight::MOST_COUNTED;
use domain::ports::{ChannelCount, Depth, InsightReader, OwnerUse, SpanCount, StoreError, StuckGroup};
use uuid::Uuid;

use self::statements::{CreatedByAll, CreatedBySome, Outcomes, OwnerWindows, OwnersSaid, Stuck, Waiting};
use crate::error::of_statement;
use crate::reader::all_channels;
use crate::rows::delivery::priority;
use crate::rows::{corrupt, count, read, read_option};
use crate::store::PgStore;

/// At most so many owners' windows are looked through.
const MOST_WINDOWS: i64 = 10_000;
/// Of so many of the busiest owners it is asked to which branch they belong.
const MOST_CANDIDATES: usize = 200;

/// Kind, error, how many, when the latest came to this, and the channels.
type StuckRow = (String, String, i64, DateTime<Utc>, Vec<String>);

#[async_trait]
impl InsightReader for PgStore {
    async fn created(&self, scope: &Scope, bounds: &[DateTime<Utc>]) -> Result<Vec<SpanCount>, StoreError> {
        let bounds = bounds.iter().map(|bound| first_id(*bound)).collect();
        let most = i64::from(MOST_COUNTED);
        let connection = &mut *self.connection().await?;
        let rows: Vec<(i32, String, Option<String>, i64)> = if *scope == Scope::everything() {
            CreatedByAll { bounds, most }.load(connection).await
        } else {
            let most = most * 4;
            CreatedBySome { bounds, most, owner_id: owner(scope), branch_id: branch(scope) }
                .load(connection)
                .await
        }
        .map_err(of_statement)?;
        rows.into_iter()
            .map(|(nth, status, kind, counted)| {
                Ok(SpanCount {
                    // PostgreSQL counts from 1.
                    span: usize::try_from(nth - 1).map_err(|error| corrupt("span", error))?,
                    status: read::<Status>("status", &status)?,
                    failure_kind: read_option("failure_kind", kind.as_deref())?,
                    count: number(counted)?,
                })
            })
            .collect()
    }

    async fn outcomes(
        &self,
        scope: &Scope,
        since: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<ChannelCount>, StoreError> {
        let asking = Outcomes {
            since: first_id(since),
            most: limit.into(),
            owner_id: owner(scope),
            branch_id: branch(scope),
        };
        let rows: Vec<(String, String, Option<String>, i64)> =
            asking.load(&mut *self.connection().await?).await.map_err(of_statement)?;
        rows.into_iter()
            .map(|(channel, status, kind, counted)| {
                Ok(ChannelCount {
                    channel: read("channel", &channel)?,
                    status: read("status", &status)?,
                    failure_kind: read_option("failure_kind", kind.as_deref())?,
                    count: number(counted)?,
                })
            })
            .collect()
    }

    async fn depth(&self, scope: &Scope, now: DateTime<Utc>) -> Result<Vec<Depth>, StoreError> {
        let asking = Waiting {
            channels: all_channels(),
            now,
            most: MOST_COUNTED.into(),
            owner_id: owner(scope),
            branch_id: branch(scope),
        };
        let rows: Vec<(i16, i64, i64, Option<DateTime<Utc>>)> =
            asking.load(&mut *self.connection().await?).await.map_err(of_statement)?;
        let mut all: Vec<Depth> = rows
            .into_iter()
            .map(|(rank, due, later, oldest_due_at)| {
                let priority: Priority = priority(rank)?;
                Ok(Depth { priority, due: number(due)?, later: number(later)?, oldest_due_at })
            })
            .collect::<Result<_, StoreError>>()?;
        all.sort_by_key(|depth| depth.priority);
        Ok(all)
    }

    async fn busiest_owners(
        &self,
        scope: &Scope,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<OwnerUse>, StoreError> {
        let own = scope.owner.as_ref().map(|id| format!("owner:{id}"));
        let asking = OwnerWindows { owner_key: own.as_deref(), most: MOST_WINDOWS };
        let connection = &mut *self.connection().await?;
        let rows: Vec<(String, Vec<i64>, Vec<i32>)> = asking.load(connection).await.map_err(of_statement)?;
        let mut used = Vec::new();
        for (key, seconds, counts) in rows {
            let Some(id) = key.strip_prefix("owner:") else { continue };
            let slots = seconds.into_iter().zip(counts).map(|(second, n)| Ok((second, count("slot", n)?)));
            let window = RateWindow::from_slots(slots.collect::<Result<_, StoreError>>()?);
            used.push((id.to_owned(), window.used(now)));
        }
        used.retain(|(_, used)| *used > 0);
        used.sort_by(|(a, used_a), (b, used_b)| used_b.cmp(used_a).then_with(|| a.cmp(b)));
        used.truncate(MOST_CANDIDATES);
        let asking = OwnersSaid { owner_ids: used.iter().map(|(id, _)| id.clone()).collect() };
        let said: Vec<(String, Option<String>, Option<String>)> =
            asking.load(connection).await.map_err(of_statement)?;
        let said: HashMap<_, _> = said.into_iter().map(|(id, name, branch)| (id, (name, branch))).collect();
        let mut all = Vec::new();
        for (id, used) in used {
            let (owner_name, branch) = said.get(&id).cloned().unwrap_or_default();
            let owner_id: OwnerId = read("owner", &id)?;
            let branch_id = read_option("branch", branch.as_deref())?;
            if scope.covers(Some(&owner_id), branch_id.as_ref()) {
                all.push(OwnerUse { owner_id, owner_name, branch_id, used });
            }
        }
        all.truncate(limit as usize);
        Ok(all)
    }

    async fn owner_names(&self, ids: &[OwnerId]) -> Result<BTreeMap<OwnerId, String>, StoreError> {
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let asking = OwnersSaid { owner_ids: ids.iter().map(ToString::to_string).collect() };
        let said: Vec<(String, Option<String>, Option<String>)> =
            asking.load(&mut *self.connection().await?).await.map_err(of_statement)?;
        let named = said.into_iter().filter_map(|(id, name, _branch)| Some((id, name?)));
        named.map(|(id, name)| Ok((read("owner", &id)?, name))).collect()
    }

    async fn stuck(&self, scope: &Scope, limit: u32) -> Result<Vec<StuckGroup>, StoreError> {
        let asking = Stuck { most: limit.into(), owner_id: owner(scope), branch_id: branch(scope) };
        let rows: Vec<StuckRow> = asking.load(&mut *self.connection().await?).await.map_err(of_statement)?;
        rows.into_iter()
            .map(|(kind, cause, counted, latest_at, channels)| {
                let mut channels: Vec<Channel> =
                    channels.iter().map(|word| read("channel", word)).collect::<Result<_, _>>()?;
                channels.sort_unstable();
                let kind: FailureKind = read("failure_kind", &kind)?;
                Ok(StuckGroup { kind, cause, count: number(counted)?, latest_at, channels })
            })
            .collect()
    }
}

fn owner(scope: &Scope) -> Option<&str> {
    scope.owner.as_ref().map(|id| id.as_str())
}

fn branch(scope: &Scope) -> Option<&str> {
    scope.branch.as_ref().map(|id| id.as_str())
}

/// The smallest id that a message of this time or later can have: a UUIDv7 begins with its milliseconds.
fn first_id(time: DateTime<Utc>) -> Uuid {
    let millis = u128::try_from(time.timestamp_millis()).unwrap_or_default();
    Uuid::from_u128(millis << 80)
}

fn number(counted: i64) -> Result<u64, StoreError> {
    u64::try_from(counted).map_err(|error| corrupt("count", error))
}
