//! Lists of what a search finds.
//!
//! An index over words knows no order: it answers all rows that have a word before the newest can be told. That is fast
//! for words that are rare and slow for words that half of all messages have. So a few of the newest rows are looked at
//! first, one by one. A word that is hardly among them goes to the index, which then also says how many there are; one
//! that is frequent is soon found often enough by walking on. Where it is not, the shorter way is taken: by the word, or
//! by the other conditions.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, SqlType, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ports::{StoreError, Total};
use std::marker::PhantomData;
use uuid::Uuid;

use super::conditions::{Conditions, Lead, Use, found};
use super::counted;
use super::expectations::Hits;
use super::keys::{self, Newest, Part, Sample};
use crate::error::of_statement;
use crate::rows::corrupt;
use crate::store::PgStore;
use crate::terms::Search;

/// How many of the newest rows tell how frequent a word is.
const SAMPLE: u64 = 300;
/// What has no more in the sample goes to the index: a few thousandths of all at most.
const RARE: u64 = 1;
/// As does what is expected to be so few; they are counted.
const FEW: u64 = 2_000;
/// How many of the newest rows are looked at for the rest, and how many if these are too few.
const NEWEST: [u64; 2] = [4_000, FARTHEST];
const FARTHEST: u64 = 40_000;

/// What a search finds of a part of a list.
pub(super) struct Found {
    /// The ids, newest first.
    pub(super) ids: Vec<Uuid>,
    /// How many there are in all.
    pub(super) total: Total,
}

/// The part of a list of what a search finds: of all that match, those before an id.
pub(super) async fn find(
    store: &PgStore,
    connection: &mut AsyncPgConnection,
    conditions: &Conditions,
    search: &Search,
    before: Option<Uuid>,
    part: Part,
) -> Result<Found, StoreError> {
    let these = &conditions.before(before);
    let lead = these.lead().filter(|_| !these.are_of_somebody()).unwrap_or(Lead::Message);
    let looking =
        |conditions, lead, rows, part| Newest { conditions, lead, search: Some(search), rows, part };
    let sample = |conditions, lead| Sample(looking(conditions, lead, SAMPLE, WHOLE));
    // Of all, whatever part is asked for: so each part is told the same total.
    let of_all = sample(conditions, lead);
    let lately = store.expectations.hits(&of_all);
    let (Hits { seen, hits }, looked) = match lately {
        Some(hits) => (hits, None),
        None => {
            let (hits, ids) = look_and_remember(store, connection, &of_all).await?;
            (hits, before.is_none().then_some(ids))
        }
    };
    let looked_among = match lead {
        Lead::Message => conditions.in_order(),
        Lead::Queued | Lead::Settled | Lead::Failure => conditions.of_lead(),
    };
    let looked_among = store.expectations.of(connection, &looked_among).await?.max(seen);
    let total = if seen < SAMPLE {
        Total { count: hits, is_estimate: false }
    } else {
        Total { count: looked_among * hits / SAMPLE, is_estimate: true }
    };
    let known_to_be_rare = hits <= RARE && seen >= SAMPLE && !these.need_delivery();
    if looked.is_none() && known_to_be_rare {
        return by_index(connection, conditions, search, before, part).await;
    }
    // Twice the rows that should do, in few sizes: each is a statement that is kept.
    let rows = (2 * part.end() * SAMPLE / hits.max(1)).next_power_of_two();
    if looked.is_none() && total.is_estimate && total.count > FEW && rows < SAMPLE {
        let ids = looking(these, lead, rows, part).ids(connection).await?;
        if part.is_full(&ids) {
            return Ok(Found { ids, total });
        }
    }
    let (Hits { seen: left, hits: hits_left }, ids) = match looked {
        Some(ids) => (Hits { seen, hits }, ids),
        None => look(connection, &sample(these, lead)).await?,
    };
    let is_found = left < SAMPLE || hits_left >= part.end();
    let ids = ids.into_iter().skip(as_usize(part.skipped)).take(as_usize(part.limit));
    let enough = Found { ids: ids.collect(), total };
    if (seen < SAMPLE && left < SAMPLE) || (is_found && total.count > FEW) {
        return Ok(enough);
    }
    // How frequent the word is, wherever the messages stand.
    let messages = &conditions.in_order();
    let Hits { seen: of, hits: of_word } = if these.need_delivery() {
        hits_lately(store, connection, &sample(messages, Lead::Message)).await?
    } else {
        Hits { seen, hits }
    };
    let all = match lead {
        Lead::Message => looked_among,
        Lead::Queued | Lead::Settled | Lead::Failure => {
            store.expectations.of(connection, messages).await?.max(SAMPLE)
        }
    };
    let mut have_word = all * of_word / of.max(1);
    if of_word <= RARE || have_word <= FEW {
        return by_index(connection, conditions, search, before, part).await;
    }
    if is_found {
        return Ok(enough);
    }
    for rows in NEWEST {
        if hits_left * rows / SAMPLE < part.end() && (hits_left == 0 || rows < FARTHEST) {
            continue;
        }
        let ids = looking(these, lead, rows, part).ids(connection).await?;
        if part.is_full(&ids) {
            return Ok(Found { ids, total });
        }
        if lead == Lead::Message && !these.need_delivery() {
            // Now it is known better: just used perhaps, and else rare.
            have_word = have_word.min(all * (part.skipped + ids.len() as u64) / rows);
        }
    }
    let match_otherwise = counted::expected(connection, these).await?;
    if match_otherwise.saturating_mul(4) > have_word {
        return by_index(connection, conditions, search, before, part).await;
    }
    let mut these = these.clone();
    these.found_by(search.clone());
    Ok(Found { ids: keys::in_any_order(connection, &these, part).await?, total })
}

/// All that match in a sample.
const WHOLE: Part = Part { limit: SAMPLE, skipped: 0 };

/// Looks at the newest rows: what that came to, and the ids of those that match.
async fn look(
    connection: &mut AsyncPgConnection,
    sample: &Sample<'_>,
) -> Result<(Hits, Vec<Uuid>), StoreError> {
    let (seen, ids) = sample.look(connection).await?;
    Ok((Hits { seen, hits: ids.len() as u64 }, ids))
}

/// The same, to be remembered: not where it saw all that there are, which is told exactly.
async fn look_and_remember(
    store: &PgStore,
    connection: &mut AsyncPgConnection,
    sample: &Sample<'_>,
) -> Result<(Hits, Vec<Uuid>), StoreError> {
    let (hits, ids) = look(connection, sample).await?;
    if hits.seen >= SAMPLE {
        store.expectations.looked(sample, hits);
    }
    Ok((hits, ids))
}

/// What that came to, now or within the last second.
async fn hits_lately(
    store: &PgStore,
    connection: &mut AsyncPgConnection,
    sample: &Sample<'_>,
) -> Result<Hits, StoreError> {
    match store.expectations.hits(sample) {
        Some(hits) => Ok(hits),
        None => Ok(look_and_remember(store, connection, sample).await?.0),
    }
}

fn as_usize(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// By the index over words, which finds all that have a word.
pub(super) async fn by_index(
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
        let is_usual = match &self.part {
            Shown::Part { part, .. } => part.is_usual(),
            Shown::Oldest { .. } => false,
        };
        let by = if is_usual && self.conditions.are_none() && self.search.is_usual() {
            Use::KeptIndex
        } else {
            out.unsafe_to_cache_prepared();
            Use::Index
        };
        // Not to be mixed with the order: the planner would take it for a chance to walk through all ids.
        out.push_sql(
            "with those as materialized (select outbound_message.id from outbound_message where true",
        );
        self.conditions.on_message(&mut out)?;
        found(self.search, by, &mut out)?;
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
