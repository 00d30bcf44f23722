//! The ids of a part of a list, newest first. What the messages say is read by them afterwards, by a statement that is
//! prepared once.
//!
//! Where messages stand has indexes in the order of the ids. With something else to look for besides, the newest of those
//! are looked at one by one, as far as there is hope to find enough; what is left is found by the other conditions.

use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::Uuid as SqlUuid;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ports::StoreError;
use uuid::Uuid;

use super::conditions::{BOTH, Conditions, DELIVERY, Lead, Select, found};
use super::counted;
use crate::error::of_statement;
use crate::statement::Sql;
use crate::terms::Search;

/// How many rows in flight are looked at one by one.
const IN_FLIGHT: u64 = 4_000;
/// The most rows that are looked at for something else than where they stand: a few microseconds for ten.
const FARTHEST: u64 = 10_000;

/// A part of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    /// At most so many.
    pub(super) limit: u64,
    /// After so many.
    pub(super) skipped: u64,
}

impl Part {
    /// How many rows must be found.
    pub(super) const fn end(self) -> u64 {
        self.limit.saturating_add(self.skipped)
    }

    /// Whether so many are all that were asked for.
    pub(super) fn is_full(self, ids: &[Uuid]) -> bool {
        ids.len() as u64 == self.limit
    }
}

/// The ids of a part, of so many as the planner expects in all.
pub(super) async fn page(
    connection: &mut AsyncPgConnection,
    conditions: &Conditions,
    expected: u64,
    part: Part,
) -> Result<Vec<Uuid>, StoreError> {
    if let Some(lead) = conditions.lead() {
        let rows = match lead {
            Lead::Message => Some(IN_FLIGHT),
            Lead::Queued | Lead::Settled | Lead::Failure => {
                reach(connection, conditions, expected, part).await?
            }
        };
        if let Some(rows) = rows {
            let newest = Newest { conditions, lead, search: None, rows, part };
            let ids = newest.ids(connection).await?;
            if part.is_full(&ids) || conditions.is_all_said_by_lead() {
                return Ok(ids);
            }
        }
    }
    in_any_order(connection, conditions, part).await
}

/// How many of the newest rows that stand so must be looked at to find the part, by what the planner knows; `None` where
/// they are too many.
async fn reach(
    connection: &mut AsyncPgConnection,
    conditions: &Conditions,
    expected: u64,
    part: Part,
) -> Result<Option<u64>, StoreError> {
    if conditions.is_all_said_by_lead() {
        return Ok(Some(part.end()));
    }
    let all = counted::expected(connection, &conditions.of_lead()).await?;
    // Twice as many as it takes if they are spread evenly.
    let rows = part.end().saturating_mul(2).saturating_mul((all / expected.max(1)).max(1));
    Ok((rows <= FARTHEST).then_some(rows))
}

/// By whatever index the planner finds useful.
pub(super) async fn in_any_order(
    connection: &mut AsyncPgConnection,
    conditions: &Conditions,
    Part { limit, skipped }: Part,
) -> Result<Vec<Uuid>, StoreError> {
    // By the message's own table wherever it may have the index.
    let tables = if conditions.is_about_the_message() && conditions.need_delivery() {
        BOTH
    } else {
        conditions.tables()
    };
    let (head, id) = if tables == DELIVERY {
        ("select outbound_delivery.message_id", "outbound_delivery.message_id")
    } else {
        ("select outbound_message.id", "outbound_message.id")
    };
    let select = Select::<_, SqlUuid> {
        head: Sql(head),
        tables,
        conditions: conditions.clone(),
        tail: format!(" order by {id} desc limit {limit} offset {skipped}"),
        row: PhantomData,
    };
    select.load(connection).await.map_err(of_statement)
}

/// The newest rows that an index finds in their order, looked at one by one.
pub(super) struct Newest<'a> {
    /// What must hold.
    pub(super) conditions: &'a Conditions,
    /// What leads.
    pub(super) lead: Lead,
    /// What must be found in them.
    pub(super) search: Option<&'a Search>,
    /// At most so many are looked at.
    pub(super) rows: u64,
    /// What is asked for of those that match.
    pub(super) part: Part,
}

impl Newest<'_> {
    /// The ids of those that match.
    pub(super) async fn ids(self, connection: &mut AsyncPgConnection) -> Result<Vec<Uuid>, StoreError> {
        self.load(connection).await.map_err(of_statement)
    }

    fn of_messages<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Self { conditions, lead: _, search, rows, part: Part { limit, skipped } } = self;
        out.push_sql("select outbound_message.id from (select * from outbound_message where true");
        conditions.on_message_in_order(out)?;
        out.push_sql(&format!(" order by outbound_message.id desc limit {rows}) as outbound_message"));
        if conditions.need_delivery() {
            out.push_sql(" join outbound_delivery on outbound_delivery.message_id = outbound_message.id");
        }
        out.push_sql(" where true");
        conditions.on_both(out)?;
        if let Some(search) = search {
            found(search, false, out)?;
        }
        out.push_sql(&format!(" order by outbound_message.id desc limit {limit} offset {skipped}"));
        Ok(())
    }

    fn of_deliveries<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Self { conditions, lead, search, rows, part: Part { limit, skipped } } = self;
        // In the whole order of the index, which no other index has: else the planner might go through all messages
        // to the first that stands so.
        let order = match lead {
            Lead::Settled => "outbound_delivery.status desc, outbound_delivery.message_id desc",
            Lead::Failure => "outbound_delivery.failure_kind desc, outbound_delivery.message_id desc",
            Lead::Queued | Lead::Message => "outbound_delivery.message_id desc",
        };
        out.push_sql("select outbound_delivery.message_id from (select * from outbound_delivery where true");
        conditions.lead_on_delivery(*lead, out)?;
        out.push_sql(&format!(" order by {order} limit {rows}) as outbound_delivery"));
        if conditions.needs_message() || search.is_some() {
            out.push_sql(" join outbound_message on outbound_message.id = outbound_delivery.message_id");
        }
        out.push_sql(" where true");
        conditions.rest_of_lead(out)?;
        if let Some(search) = search {
            found(search, false, out)?;
        }
        out.push_sql(&format!(" order by {order} limit {limit} offset {skipped}"));
        Ok(())
    }
}

impl QueryFragment<Pg> for Newest<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        match self.lead {
            Lead::Message => self.of_messages(&mut out),
            Lead::Queued | Lead::Settled | Lead::Failure => self.of_deliveries(&mut out),
        }
    }
}

impl QueryId for Newest<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Newest<'_> {
    type SqlType = SqlUuid;
}
