//! Counts that stay cheap: exact up to a bound, then the planner's estimate.

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

/// Up to here counts are exact.
pub(crate) const BOUND: u64 = 10_000;

/// How many match.
pub(super) async fn total(
    connection: &mut AsyncPgConnection,
    conditions: &Conditions,
) -> Result<Total, StoreError> {
    let count = bounded(connection, conditions, BOUND + 1).await?;
    if count <= BOUND {
        return Ok(Total { count, is_estimate: false });
    }
    let count = estimate(connection, conditions).await?.max(count);
    Ok(Total { count, is_estimate: true })
}

/// How many match, counted up to `bound`.
pub(super) async fn bounded(
    connection: &mut AsyncPgConnection,
    conditions: &Conditions,
    bound: u64,
) -> Result<u64, StoreError> {
    let counting = Select::<_, BigInt> {
        head: Sql("select count(*) from (select"),
        tables: conditions.tables(),
        conditions: conditions.clone(),
        tail: format!(" limit {bound}) as counted"),
        row: PhantomData,
    };
    let count: i64 = counting.get_result(connection).await.map_err(of_statement)?;
    u64::try_from(count).map_err(|error| corrupt("count", error))
}

/// How many the planner thinks that match.
pub(super) async fn estimate(
    connection: &mut AsyncPgConnection,
    conditions: &Conditions,
) -> Result<u64, StoreError> {
    let select = Select::<_, Text> {
        head: Sql("select"),
        tables: conditions.tables(),
        conditions: conditions.clone(),
        tail: String::new(),
        row: PhantomData,
    };
    Explain(select).rows(connection).await
}

/// A query that is only planned.
pub(crate) struct Explain<Q>(pub(crate) Q);

impl<Q: QueryFragment<Pg> + Send> Explain<Q> {
    /// How many rows the planner expects.
    pub(crate) async fn rows(self, connection: &mut AsyncPgConnection) -> Result<u64, StoreError> {
        let plan: String = self.get_result(connection).await.map_err(of_statement)?;
        rows_of(&plan).ok_or_else(|| corrupt("plan", "has no rows"))
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

/// The estimate of a plan's topmost node, which comes first.
fn rows_of(plan: &str) -> Option<u64> {
    let (_, rest) = plan.split_once("\"Plan Rows\":")?;
    let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_estimate_is_that_of_the_topmost_node() {
        let plan = r#"[{"Plan": {"Node Type": "Join", "Plan Rows": 1234, "Plans": [{"Plan Rows": 5}]}}]"#;
        assert_eq!(super::rows_of(plan), Some(1234));
        assert_eq!(super::rows_of("[]"), None);
    }
}
