//! The ids of a part of a list, newest first. What the messages say is read by them afterwards, by a statement that is
//! prepared once.
//!
//! Where messages stand has indexes in the order of the ids. With something else to look for besides, the newest of those
//! are looked at one by one, as far as there is hope to find enough; what is left is found by the other conditions.

use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ports::StoreError;
use uuid::Uuid;

use super::conditions::{BOTH, Conditions, DELIVERY, Lead, MESSAGE, Select, Use, found};
use crate::error::of_statement;
use crate::rows::corrupt;
use crate::statement::Sql;
use crate::store::PgStore;
use crate::terms::Search;

/// How many rows in flight are looked at one by one.
const IN_FLIGHT: u64 = 4_000;
/// The most rows that are looked at for something else than where they stand, but for rounding: a few microseconds for ten.
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

    /// Whether many ask for such a part, and not for one of their own size or place.
    pub(super) const fn is_usual(self) -> bool {
        // One more than a page has: of the API, of the queue in a browser, and of clients who take many.
        self.skipped == 0 && matches!(self.limit, 21 | 41 | 51 | 101)
    }

    /// Whether so many are all that were asked for.
    pub(super) fn is_full(self, ids: &[Uuid]) -> bool {
        ids.len() as u64 == self.limit
    }
}

/// The ids of a part: of all that match, so many as the planner expects, those before an id.
pub(super) async fn page(
    store: &PgStore,
    connection: &mut AsyncPgConnection,
    all: &Conditions,
    expected: u64,
    before: Option<Uuid>,
    part: Part,
) -> Result<Vec<Uuid>, StoreError> {
    let these = &all.before(before);
    let mut ways = Vec::new();
    match these.lead() {
        None => {}
        Some(Lead::Message) => ways.push((Lead::Message, IN_FLIGHT)),
        Some(lead @ (Lead::Queued | Lead::Settled | Lead::Failure)) => {
            let by_lead = reach(store, connection, all, expected, part).await?;
            // The newest of all may stand elsewhere yet: there the lead knows better.
            if before.is_some()
                && let Some(rows) = of_somebody(store, connection, all, expected, part).await?
                && by_lead.is_none_or(|by_lead| 3 * rows < by_lead)
            {
                ways.push((Lead::Message, rows));
            }
            ways.extend(by_lead.map(|rows| (lead, rows)));
        }
    }
    for (lead, rows) in ways {
        let newest = Newest { conditions: these, lead, search: None, rows, part };
        let ids = newest.ids(connection).await?;
        if part.is_full(&ids) || these.is_all_said_by_lead() {
            return Ok(ids);
        }
    }
    in_any_order(connection, these, part).await
}

/// How many of somebody's newest messages must be looked at to find the part; each takes as long as three rows of where
/// messages stand. `None` where they are too many, or nobody's.
async fn of_somebody(
    store: &PgStore,
    connection: &mut AsyncPgConnection,
    all: &Conditions,
    expected: u64,
    part: Part,
) -> Result<Option<u64>, StoreError> {
    if !all.are_of_somebody() || all.is_all_said_by_lead() {
        return Ok(None);
    }
    let of_somebody = store.expectations.of(connection, &all.in_order()).await?;
    Ok(spread(of_somebody, expected, part))
}

/// Twice as many rows as it takes to find the part, if what matches is spread evenly among so many.
fn spread(among: u64, expected: u64, part: Part) -> Option<u64> {
    let rows = part.end().saturating_mul(2).saturating_mul((among / expected.max(1)).max(1));
    // In few sizes: each is a statement that is kept.
    (rows <= FARTHEST).then(|| rows.next_power_of_two())
}

/// How many of the newest rows that stand so must be looked at to find the part, by what the planner knows; `None` where
/// they are too many.
async fn reach(
    store: &PgStore,
    connection: &mut AsyncPgConnection,
    all: &Conditions,
    expected: u64,
    part: Part,
) -> Result<Option<u64>, StoreError> {
    if all.is_all_said_by_lead() {
        return Ok(Some(part.end()));
    }
    let of_lead = store.expectations.of(connection, &all.of_lead()).await?;
    Ok(spread(of_lead, expected, part))
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
    let id = if tables == DELIVERY { "outbound_delivery.message_id" } else { "outbound_message.id" };
    let tail = format!(" order by {id} desc limit {limit} offset {skipped}");
    select(connection, tables, conditions.clone(), tail).await
}

/// The ids of what matches, by these tables.
pub(super) async fn select(
    connection: &mut AsyncPgConnection,
    tables: &'static str,
    conditions: Conditions,
    tail: String,
) -> Result<Vec<Uuid>, StoreError> {
    let head = Sql(if tables == DELIVERY {
        "select outbound_delivery.message_id"
    } else {
        "select outbound_message.id"
    });
    let select = Select::<_, SqlUuid> { head, tables, conditions, tail, row: PhantomData };
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

    /// Whether many lists are asked for in the same words, so that the statement may be kept.
    fn is_usual(&self) -> bool {
        self.conditions.are_few() && self.search.is_none_or(Search::is_usual)
    }

    /// The name of the table that leads, and its ids.
    const fn names(&self) -> (&'static str, &'static str) {
        match self.lead {
            Lead::Message => (MESSAGE, "outbound_message.id"),
            Lead::Queued | Lead::Settled | Lead::Failure => (DELIVERY, "outbound_delivery.message_id"),
        }
    }

    /// In the whole order of the index, which no other index has: else the planner might go through all messages to the
    /// first that stands so.
    const fn order(&self) -> &'static str {
        match self.lead {
            Lead::Message => "outbound_message.id desc",
            Lead::Queued => "outbound_delivery.message_id desc",
            Lead::Settled => "outbound_delivery.status desc, outbound_delivery.message_id desc",
            Lead::Failure => "outbound_delivery.failure_kind desc, outbound_delivery.message_id desc",
        }
    }

    /// The rows that are looked at.
    fn looked_at<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(&format!("select * from {} where true", self.names().0));
        match self.lead {
            Lead::Message => self.conditions.on_message_in_order(out)?,
            lead @ (Lead::Queued | Lead::Settled | Lead::Failure) => {
                self.conditions.lead_on_delivery(lead, out)?;
            }
        }
        out.push_sql(&format!(" order by {} limit {}", self.order(), self.rows));
        Ok(())
    }

    /// What must hold of them.
    fn matching<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Self { conditions, lead, search, rows: _, part: Part { limit, skipped } } = self;
        if *lead == Lead::Message {
            if conditions.need_delivery() {
                out.push_sql(" join outbound_delivery on outbound_delivery.message_id = outbound_message.id");
            }
            out.push_sql(" where true");
            conditions.on_both(out)?;
        } else {
            if conditions.needs_message() || search.is_some() {
                out.push_sql(" join outbound_message on outbound_message.id = outbound_delivery.message_id");
            }
            out.push_sql(" where true");
            conditions.rest_of_lead(out)?;
        }
        if let Some(search) = search {
            found(search, Use::Rows, out)?;
        }
        out.push_sql(&format!(" order by {} limit {limit} offset {skipped}", self.order()));
        Ok(())
    }
}

impl QueryFragment<Pg> for Newest<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if !(self.is_usual() && self.part.is_usual()) {
            out.unsafe_to_cache_prepared();
        }
        let (table, id) = self.names();
        out.push_sql(&format!("select {id} from ("));
        self.looked_at(&mut out)?;
        out.push_sql(&format!(") as {table}"));
        self.matching(&mut out)
    }
}

impl QueryId for Newest<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Newest<'_> {
    type SqlType = SqlUuid;
}

/// The same, with how many rows there were to be looked at: fewer than asked for are all that the conditions leave.
pub(super) struct Sample<'a>(pub(super) Newest<'a>);

impl Sample<'_> {
    /// How many were looked at, and the ids of those that match.
    pub(super) async fn look(
        &self,
        connection: &mut AsyncPgConnection,
    ) -> Result<(u64, Vec<Uuid>), StoreError> {
        let (seen, ids): (i64, Vec<Uuid>) = self.get_result(connection).await.map_err(of_statement)?;
        Ok((u64::try_from(seen).map_err(|error| corrupt("count", error))?, ids))
    }
}

impl QueryFragment<Pg> for Sample<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if !self.0.is_usual() {
            out.unsafe_to_cache_prepared();
        }
        let (table, id) = self.0.names();
        out.push_sql("with newest as materialized (");
        self.0.looked_at(&mut out)?;
        out.push_sql(&format!(
            ") select (select count(*) from newest), array(select {id} from newest as {table}"
        ));
        self.0.matching(&mut out)?;
        out.push_sql(")");
        Ok(())
    }
}

impl QueryId for Sample<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Sample<'_> {
    type SqlType = (BigInt, Array<SqlUuid>);
}
