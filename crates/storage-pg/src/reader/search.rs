//! Lists of what a search finds.
//!
//! An index over words knows no order: it answers all rows that have a word before the newest can be told. That is fast
//! for words that are rare and slow for words that half of all messages have. So the newest rows are looked at first,
//! one by one: a word that is frequent is soon found often enough, and only a word that is not goes to the index.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ports::{StoreError, Total};
use std::marker::PhantomData;
use uuid::Uuid;

use super::conditions::{Conditions, MESSAGE, Select, found};
use super::counted::{bounded, estimate};
use crate::error::of_statement;
use crate::rows::corrupt;
use crate::statement::Sql;
use crate::terms::Search;

/// Up to here what a search finds is counted: each row costs more than in a list without words.
const BOUND: u64 = 1_000;
/// How many of the newest rows are looked at one by one.
pub(super) const NEWEST: u64 = 4_000;
/// What more of them have is not counted beyond the bound: its share is known well enough, its index entries are many.
const FREQUENT: u64 = 200;
/// How many more, where the first ones make hope for enough among these.
const MORE: u64 = 40_000;

/// The ids of a part of what a search finds, newest first.
pub(super) async fn page(
    connection: &mut AsyncPgConnection,
    conditions: &Conditions,
    search: &Search,
    limit: u64,
    skipped: u64,
) -> Result<Vec<Uuid>, StoreError> {
    for rows in [NEWEST, MORE] {
        let floor = floor(connection, conditions, rows).await?;
        let mut newest = conditions.clone();
        newest.found_by(search.clone());
        if let Some(floor) = floor {
            newest.from(floor);
        }
        let select = Select::<_, SqlUuid> {
            head: Sql("select outbound_message.id"),
            tables: newest.tables(),
            conditions: newest,
            tail: format!(" order by outbound_message.id desc limit {limit} offset {skipped}"),
            row: PhantomData,
        };
        let ids: Vec<Uuid> = select.load(connection).await.map_err(of_statement)?;
        if floor.is_none() || ids.len() as u64 == limit {
            return Ok(ids);
        }
        // Too few even for ten times as many rows: rare enough for the index.
        if (ids.len() as u64) * (MORE / NEWEST) < limit {
            break;
        }
    }
    let by_index = ByIndex {
        conditions,
        search,
        part: Part::Ids(format!(" order by 1 desc limit {limit} offset {skipped}")),
        row: PhantomData::<SqlUuid>,
    };
    by_index.load(connection).await.map_err(of_statement)
}

/// The ids of what a search finds, oldest first.
pub(super) async fn oldest(
    connection: &mut AsyncPgConnection,
    conditions: &Conditions,
    search: &Search,
    limit: u32,
) -> Result<Vec<Uuid>, StoreError> {
    let part = Part::Ids(format!(" order by 1 limit {limit}"));
    let by_index = ByIndex { conditions, search, part, row: PhantomData::<SqlUuid> };
    by_index.load(connection).await.map_err(of_statement)
}

/// How many a search finds.
pub(super) async fn total(
    connection: &mut AsyncPgConnection,
    conditions: &Conditions,
    search: &Search,
) -> Result<Total, StoreError> {
    let floor = floor(connection, conditions, NEWEST).await?;
    let mut newest = conditions.clone();
    newest.found_by(search.clone());
    if let Some(floor) = floor {
        newest.from(floor);
    }
    let hits = bounded(connection, &newest, NEWEST).await?;
    if floor.is_none() {
        return Ok(Total { count: hits, is_estimate: false });
    }
    // As many among all as among the newest.
    let expected = estimate(connection, &conditions.telling_apart()).await?.max(NEWEST) * hits / NEWEST;
    if expected > 5 * BOUND || (expected > BOUND && hits > FREQUENT) {
        return Ok(Total { count: expected, is_estimate: true });
    }
    let part = Part::Count(BOUND + 1);
    let counting = ByIndex { conditions, search, part, row: PhantomData::<BigInt> };
    let count: i64 = counting.get_result(connection).await.map_err(of_statement)?;
    let count = u64::try_from(count).map_err(|error| corrupt("count", error))?;
    let is_estimate = count > BOUND;
    Ok(Total { count: if is_estimate { count.max(expected) } else { count }, is_estimate })
}

/// Where the newest rows, so many, end; `None` where there are no others.
pub(super) async fn floor(
    connection: &mut AsyncPgConnection,
    conditions: &Conditions,
    rows: u64,
) -> Result<Option<Uuid>, StoreError> {
    let select = Select::<_, SqlUuid> {
        head: Sql("select outbound_message.id"),
        tables: MESSAGE,
        conditions: conditions.ordered_by_index(),
        tail: format!(" order by outbound_message.id desc limit 1 offset {rows}"),
        row: PhantomData,
    };
    let found: Vec<Uuid> = select.load(connection).await.map_err(of_statement)?;
    Ok(found.into_iter().next())
}

/// What the index finds.
struct ByIndex<'a, R> {
    conditions: &'a Conditions,
    search: &'a Search,
    part: Part,
    row: PhantomData<R>,
}

enum Part {
    /// The ids, with this tail.
    Ids(String),
    /// How many, up to here.
    Count(u64),
}

impl<R> QueryFragment<Pg> for ByIndex<'_, R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        // Not to be mixed with the order: the planner would take it for a chance to walk through all ids.
        out.push_sql("with found as ");
        out.push_sql(match self.part {
            Part::Ids(_) => "materialized (",
            Part::Count(_) => "not materialized (",
        });
        out.push_sql("select outbound_message.id from outbound_message where true");
        self.conditions.on_message(&mut out)?;
        found(self.search, true, &mut out)?;
        out.push_sql(") ");
        out.push_sql(match self.part {
            Part::Ids(_) => "select found.id from found",
            Part::Count(_) => "select count(*) from (select from found",
        });
        if self.conditions.need_delivery() {
            out.push_sql(" join outbound_delivery on outbound_delivery.message_id = found.id");
        }
        out.push_sql(" where true");
        self.conditions.on_delivery(&mut out)?;
        match &self.part {
            Part::Ids(tail) => out.push_sql(tail),
            Part::Count(bound) => out.push_sql(&format!(" limit {bound}) as counted")),
        }
        Ok(())
    }
}

impl<R> QueryId for ByIndex<'_, R> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<R> Query for ByIndex<'_, R> {
    type SqlType = R;
}
