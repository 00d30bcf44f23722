//! Lists of what a search finds.
//!
//! An index over words knows no order: it answers all rows that have a word before the newest can be told. That is fast
//! for words that are rare and slow for words that half of all messages have, and the planner knows nothing of what begins
//! with a word. So a few of the newest rows are looked at first, one by one. Only a word that is hardly among them goes to
//! the index, which then also says how many there are; one that is frequent is soon found often enough among the rows
//! that match otherwise.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, SqlType, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ports::{StoreError, Total};
use std::marker::PhantomData;
use uuid::Uuid;

use super::conditions::{Conditions, Lead, found};
use super::counted;
use super::keys::{self, Newest, Part};
use crate::error::of_statement;
use crate::rows::corrupt;
use crate::terms::Search;

/// How many of the newest rows tell how frequent a word is.
const SAMPLE: u64 = 500;
/// What has no more in the sample goes to the index: a few thousandths of all at most.
const RARE: u64 = 1;
/// As does what is expected to be so few; they are counted.
const FEW: u64 = 2_000;
/// How many of the newest rows are looked at for the rest, and then how many more.
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
    // One owner's messages are found by the owner; else by where they stand.
    let by_lead = conditions.lead().filter(|_| !conditions.are_of_an_owner());
    let lead = by_lead.unwrap_or(Lead::Message);
    let looking = |rows, part| Newest { conditions: &these, lead, search: Some(search), rows, part };
    let sample = Part { limit: SAMPLE, skipped: 0 };
    let ids = looking(SAMPLE, sample).ids(connection).await?;
    let hits = ids.len() as u64;
    // How frequent the word is, wherever the messages stand.
    let messages = these.in_order();
    let of_word = if these.need_delivery() {
        let all = Newest {
            conditions: &messages,
            lead: Lead::Message,
            search: Some(search),
            rows: SAMPLE,
            part: sample,
        };
        all.ids(connection).await?.len() as u64
    } else {
        hits
    };
    let is_rare = of_word <= RARE || share(connection, &conditions.in_order(), of_word).await? <= FEW;
    if is_rare {
        return by_index(connection, conditions, search, before, part).await;
    }
    let looked_among = if lead == Lead::Message { conditions.in_order() } else { conditions.of_lead() };
    let count = share(connection, &looked_among, hits).await?;
    let total = Total { count, is_estimate: true };
    if hits >= part.end() {
        let ids = ids.into_iter().skip(as_usize(part.skipped)).take(as_usize(part.limit));
        return Ok(Found { ids: ids.collect(), total });
    }
    for rows in NEWEST {
        if hits * rows / SAMPLE < part.end() {
            continue;
        }
        let ids = looking(rows, part).ids(connection).await?;
        if part.is_full(&ids) {
            return Ok(Found { ids, total });
        }
    }
    these.found_by(search.clone());
    Ok(Found { ids: keys::in_any_order(connection, &these, part).await?, total })
}

/// How many there are of what so many of the sample are.
async fn share(connection: &mut AsyncPgConnection, of: &Conditions, hits: u64) -> Result<u64, StoreError> {
    Ok(counted::expected(connection, of).await?.max(SAMPLE) * hits / SAMPLE)
}

fn as_usize(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

async fn by_index(
    connection: &mut AsyncPgConnection,
    conditions: &Conditions,
    search: &Search,
    before: Option<Uuid>,
    part: Part,
) -> Result<Found, StoreError> {
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
