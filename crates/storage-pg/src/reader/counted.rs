//! Counts that stay cheap: exact up to a bound where that is quick, else by the planner's estimate.

use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::ports::{StoreError, Total};

use super::conditions::{Conditions, Select};
use crate::error::of_statement;
use crate::rows::corrupt;
use crate::statement::Sql;
use crate::store::PgStore;

/// Up to here counts are exact.
pub(crate) const BOUND: u64 = 10_000;

/// Where the planner expects so many, they are not counted: the count would end at the bound and not be shown.
const SURELY_MORE: u64 = 2 * BOUND;
/// If there are so many, the planner is believed.
const PROBE: u64 = 1_000;
/// What the planner may hold counting for, in its own units; more than that takes longer than a page may.
const DEAR: f64 = 3_000.0;

/// How many match, where the planner expects so many.
pub(super) async fn total(
    store: &PgStore,
    connection: &mut AsyncPgConnection,
    conditions: &Conditions,
    expected: u64,
) -> Result<Total, StoreError> {
    let estimate = Total { count: expected, is_estimate: true };
    if expected > SURELY_MORE {
        // What stood somewhere may have moved on before the planner hears of it.
        let count = if conditions.only_say_where() {
            store.expectations.bounded(connection, conditions, PROBE).await?
        } else {
            PROBE
        };
        return Ok(if count < PROBE { Total { count, is_estimate: false } } else { estimate });
    }
    Ok(if_cheap(connection, conditions, expected).await?.unwrap_or(estimate))
}

/// The same, counted up to the bound; `None` where the planner holds that for dear.
pub(super) async fn if_cheap(
    connection: &mut AsyncPgConnection,
    conditions: &Conditions,
    expected: u64,
) -> Result<Option<Total>, StoreError> {
    let plan = Explain(counting(conditions, BOUND + 1)).plan(connection).await?;
    if plan.cost > DEAR {
        return Ok(None);
    }
    let count = bounded(connection, conditions, BOUND + 1).await?;
    if count <= BOUND {
        return Ok(Some(Total { count, is_estimate: false }));
    }
    Ok(Some(Total { count: expected.max(count), is_estimate: true }))
}

/// How many match, counted up to `bound`.
pub(super) async fn bounded(
    connection: &mut AsyncPgConnection,
    conditions: &Conditions,
    bound: u64,
) -> Result<u64, StoreError> {
    let count: i64 = counting(conditions, bound).get_result(connection).await.map_err(of_statement)?;
    u64::try_from(count).map_err(|error| corrupt("count", error))
}

/// Counts them.
pub(super) fn counting(conditions: &Conditions, bound: u64) -> Select<Sql, BigInt> {
    Select {
        head: Sql("select count(*) from (select"),
        tables: conditions.tables(),
        conditions: conditions.clone(),
        tail: format!(" limit {bound}) as counted"),
        row: PhantomData,
    }
}

/// How many the planner expects to match.
pub(super) async fn expected(
    connection: &mut AsyncPgConnection,
    conditions: &Conditions,
) -> Result<u64, StoreError> {
    Explain(matching(conditions)).rows(connection).await
}

/// What matches, as far as the conditions tell it apart.
pub(super) fn matching(conditions: &Conditions) -> Select<Sql, Text> {
    let conditions = conditions.telling_apart();
    Select {
        head: Sql("select"),
        tables: conditions.tables(),
        conditions,
        tail: String::new(),
        row: PhantomData,
    }
}

/// A query that is only planned.
pub(crate) struct Explain<Q>(pub(crate) Q);

/// What the planner expects.
#[derive(Debug, PartialEq)]
struct Plan {
    cost: f64,
    rows: u64,
}

impl<Q: QueryFragment<Pg> + Send> Explain<Q> {
    /// How many rows the planner expects.
    pub(crate) async fn rows(self, connection: &mut AsyncPgConnection) -> Result<u64, StoreError> {
        Ok(self.plan(connection).await?.rows)
    }

    async fn plan(self, connection: &mut AsyncPgConnection) -> Result<Plan, StoreError> {
        let plan: String = self.get_result(connection).await.map_err(of_statement)?;
        Plan::read(&plan).ok_or_else(|| corrupt("plan", "says neither cost nor rows"))
    }
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Explain<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql("explain (format json) ");
        self.0.walk_ast(out.reborrow())
    }
}

impl<Q> QueryId for Explain<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q> Query for Explain<Q> {
    type SqlType = Text;
}

impl Plan {
    /// That of the topmost node, which comes first.
    fn read(plan: &str) -> Option<Self> {
        let number = |name: &str| {
            let (_, rest) = plan.split_once(name)?;
            rest.trim_start().split([',', '\n', '}']).next().map(str::trim)
        };
        Some(Self {
            cost: number("\"Total Cost\":")?.parse().ok()?,
            rows: number("\"Plan Rows\":")?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_estimate_is_that_of_the_topmost_node() {
        let plan = r#"[{"Plan": {"Node Type": "Join", "Total Cost": 9.5, "Plan Rows": 1234,
            "Plans": [{"Total Cost": 1, "Plan Rows": 5}]}}]"#;
        assert_eq!(super::Plan::read(plan), Some(super::Plan { cost: 9.5, rows: 1234 }));
        assert_eq!(super::Plan::read("[]"), None);
    }
}
