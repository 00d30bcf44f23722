//! What was found out a moment ago about how many rows match: estimates, and what is decided by.

use std::time::Duration;

use diesel::debug_query;
use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;
use diesel_async::AsyncPgConnection;
use domain::ports::StoreError;

use super::conditions::Conditions;
use super::counted;
use super::recent::Recent;

/// How long an expectation of the planner holds. It changes when PostgreSQL looks at the table again.
const OF_PLANNER: Duration = Duration::from_secs(10);
/// How long it holds what was seen in the table: that there are many, or how frequent a word is.
const OF_ROWS: Duration = Duration::from_secs(1);

/// What is remembered, by what was asked for: to ask takes as long as to read a page.
pub(crate) struct Expectations {
    planned: Recent<u64>,
    many: Recent<()>,
    samples: Recent<Hits>,
}

/// What a look at the newest rows came to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hits {
    /// How many were looked at.
    pub(super) seen: u64,
    /// How many of them match.
    pub(super) hits: u64,
}

impl Default for Expectations {
    fn default() -> Self {
        Self {
            planned: Recent::holding(OF_PLANNER),
            many: Recent::holding(OF_ROWS),
            samples: Recent::holding(OF_ROWS),
        }
    }
}

impl Expectations {
    /// How many the planner expects to match.
    pub(super) async fn of(
        &self,
        connection: &mut AsyncPgConnection,
        conditions: &Conditions,
    ) -> Result<u64, StoreError> {
        let asked = text(&counted::matching(conditions));
        if let Some(expected) = self.planned.answer(&asked) {
            return Ok(expected);
        }
        let expected = counted::expected(connection, conditions).await?;
        self.planned.remember(asked, expected);
        Ok(expected)
    }

    /// How many match, counted up to `bound`; for a second it is believed that they are so many.
    pub(super) async fn bounded(
        &self,
        connection: &mut AsyncPgConnection,
        conditions: &Conditions,
        bound: u64,
    ) -> Result<u64, StoreError> {
        let asked = text(&counted::counting(conditions, bound));
        if self.many.answer(&asked).is_some() {
            return Ok(bound);
        }
        let count = counted::bounded(connection, conditions, bound).await?;
        if count >= bound {
            self.many.remember(asked, ());
        }
        Ok(count)
    }

    /// What a look came to within the last second.
    pub(super) fn hits(&self, look: &impl QueryFragment<Pg>) -> Option<Hits> {
        self.samples.answer(&text(look))
    }

    /// Remembers it.
    pub(super) fn looked(&self, look: &impl QueryFragment<Pg>, hits: Hits) {
        self.samples.remember(text(look), hits);
    }
}

fn text(query: &impl QueryFragment<Pg>) -> String {
    debug_query::<Pg, _>(query).to_string()
}
