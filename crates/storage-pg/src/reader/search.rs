//! Lists of what a search finds.
//!
//! An index over words knows no order: it answers all rows that have a word before the newest can be told. That is fast
//! for words that are rare and slow for words that half of all messages have, and the planner knows nothing of what begins
//! with a word. So a few of the newest rows are looked at first, one by one: a word that is frequent is soon found often
//! enough, and only a word that is hardly among them goes to the index, which then also says how many there are.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, SqlType, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ports::{StoreError, Total};
use std::marker::PhantomData;
use uuid::Uuid;

use super::conditions::{Conditions, found};
use super::counted;
use super::keys::{Part, newest_with};
use crate::error::of_statement;
use crate::rows::corrupt;
use crate::terms::Search;

/// How many of the newest rows tell how frequent a word is.
const SAMPLE: u64 = 500;
/// What has no more in the sample goes to the index: a few thousandths of all at most.
const RARE: u64 = 1;
/// As does what is expected to be so few; they are counted.
const FEW: u64 = 2_000;
/// How many of the newest rows are looked at for the rest; and how many more, where the first ones make hope for enough
/// among these.
const NEWEST: [u64; 2] = [4_000, 40_000];

/// What a search finds of a part of a list.
pub(super) struct Found {
    /// The ids, newest first.
    pub(super) ids: Vec<Uuid>,
    /// How many there are in all.
    pub(super) total: Total,
}

/// The part of a list of what a search finds: of all that match, those before an id.
pub(super) async fn find(
    connection: &mut AsyncPgConnection,
    conditions: &Conditions,
    search: &Search,
    before: Option<Uuid>,
    part: Part,
) -> Result<Found, StoreError> {
    let mut these = conditions.clone();
    if let Some(id) = before {
        these.before(id);
    }
    let sample = Part { limit: SAMPLE, skipped: 0 };
    let mut ids: Vec<Uuid> =
        newest_with(&these, search, SAMPLE, sample).load(connection).await.map_err(of_statement)?;
    let hits = ids.len() as u64;
    let expected = match hits {
        0..=RARE => 0,
        _ => counted::expected(connection, conditions).await?.max(SAMPLE) * hits / SAMPLE,
    };
    if expected > FEW {
        let total = Total { count: expected, is_estimate: true };
        if hits >= part.end() {
            ids.drain(..usize::try_from(part.skipped).unwrap_or(usize::MAX));
            ids.truncate(usize::try_from(part.limit).unwrap_or(usize::MAX));
            return Ok(Found { ids, total });
        }
        for rows in NEWEST {
            let newest = newest_with(&these, search, rows, part);
            let ids: Vec<Uuid> = newest.load(connection).await.map_err(of_statement)?;
            if part.is_full(&ids) {
                return Ok(Found { ids, total });
            }
            // Too few even for ten times as many rows.
            if (ids.len() as u64) * 10 < part.limit {
                break;
            }
        }
    }
    let part = Shown::Part { before, part };
    let by_index = ByIndex { conditions, search, part, row: PhantomData::<(BigInt, Array<SqlUuid>)> };
    let (count, ids): (i64, Vec<Uuid>) = by_index.get_result(connection).await.map_err(of_statement)?;
    let count = u64::try_from(count).map_err(|error| corrupt("count", error))?;
    Ok(Found { ids, total: Total { count, is_estimate: false } })
}

/// The ids of what a search finds, oldest first.
pub(super) async fn oldest(
    connection: &mut AsyncPgConnection,
    conditions: &Conditions,
    search: &Search,
    limit: u32,
) -> Result<Vec<Uuid>, StoreError> {
    let by_index = ByIndex { conditions, search, part: Shown::Oldest { limit }, row: PhantomData::<SqlUuid> };
    by_index.load(connection).await.map_err(of_statement)
}

/// What the index finds.
struct ByIndex<'a, R> {
    conditions: &'a Conditions,
    search: &'a Search,
    part: Shown,
    row: PhantomData<R>,
}

/// What is shown of it.
enum Shown {
    /// How many there are, and the ids of a part, newest first.
    Part { before: Option<Uuid>, part: Part },
    /// The first ids.
    Oldest { limit: u32 },
}

impl<R> QueryFragment<Pg> for ByIndex<'_, R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        // Not to be mixed with the order: the planner would take it for a chance to walk through all ids.
        out.push_sql(
            "with those as materialized (select outbound_message.id from outbound_message where true",
        );
        self.conditions.on_message(&mut out)?;
        found(self.search, true, &mut out)?;
        out.push_sql("), found as materialized (select those.id from those");
        if self.conditions.need_delivery() {
            out.push_sql(" join outbound_delivery on outbound_delivery.message_id = those.id where true");
            self.conditions.on_delivery(&mut out)?;
        }
        out.push_sql(") ");
        match &self.part {
            Shown::Part { before, part: Part { limit, skipped } } => {
                out.push_sql("select (select count(*) from found), array(select found.id from found");
                if let Some(before) = before {
                    out.push_sql(" where found.id < ");
                    out.push_bind_param::<SqlUuid, _>(before)?;
                }
                out.push_sql(&format!(" order by 1 desc limit {limit} offset {skipped})"));
            }
            Shown::Oldest { limit } => {
                out.push_sql(&format!("select found.id from found order by 1 limit {limit}"));
            }
        }
        Ok(())
    }
}

impl<R> QueryId for ByIndex<'_, R> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<R: SqlType> Query for ByIndex<'_, R> {
    type SqlType = R;
}
