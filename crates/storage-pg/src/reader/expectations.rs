//! What the planner expected a moment ago.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::debug_query;
use diesel::pg::Pg;
use diesel_async::AsyncPgConnection;
use domain::ports::StoreError;

use super::conditions::Conditions;
use super::counted;

/// How long an expectation holds. It is none but an estimate, and changes when PostgreSQL looks at the table again.
const FRESH: Duration = Duration::from_secs(10);
/// The most that are remembered; with more, all are forgotten.
const MOST: usize = 1_000;

/// Expectations by what is asked for: to ask takes as long as to read a page.
#[derive(Default)]
pub(crate) struct Expectations(Mutex<HashMap<String, (u64, Instant)>>);

impl Expectations {
    /// How many the planner expects to match.
    pub(super) async fn of(
        &self,
        connection: &mut AsyncPgConnection,
        conditions: &Conditions,
    ) -> Result<u64, StoreError> {
        let asked = debug_query::<Pg, _>(&counted::matching(conditions)).to_string();
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&asked).copied();
        if let Some((expected, since)) = known
            && since.elapsed() < FRESH
        {
            return Ok(expected);
        }
        let expected = counted::expected(connection, conditions).await?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(asked, (expected, Instant::now()));
        Ok(expected)
    }
}
