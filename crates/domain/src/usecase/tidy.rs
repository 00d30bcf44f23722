//! Forget what is out of date: expired idempotency keys, windows without a lease that counts and, where there is a
//! retention (`RETENTION_DAYS`), messages that are over, with their timelines, and runs.

use chrono::{DateTime, TimeDelta, Utc};

use super::run_worker::Stopping;
use crate::ports::{Clock, Housekeeping, StoreError};
use crate::rules::Rules;

/// How many rows go at a time.
const STEP: u32 = 500;
/// The wait between two steps, so that a large backlog leaves the database to the others.
const PAUSE: TimeDelta = TimeDelta::milliseconds(20);

/// What tidying works with.
#[derive(Clone, Copy)]
pub struct Tidying<'a> {
    /// The database.
    pub store: &'a dyn Housekeeping,
    /// The time.
    pub clock: &'a dyn Clock,
    /// The rules in force: the rule for duplicates needs messages that are over.
    pub rules: &'a Rules,
    /// Whether the process is stopping.
    pub stopping: &'a dyn Stopping,
    /// How long messages that are over are kept; `None` keeps them for good.
    pub retention: Option<TimeDelta>,
}

/// What was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tidied {
    /// Idempotency keys.
    pub answers: u32,
    /// Messages.
    pub messages: u32,
    /// Runs.
    pub runs: u32,
    /// Windows of owners.
    pub windows: u32,
}

/// One thing to forget.
#[derive(Clone, Copy)]
enum Chore {
    Answers,
    Messages { before: DateTime<Utc> },
    Runs { before: DateTime<Utc> },
    Windows,
}

/// Forgets what is out of date, in small steps with a wait in between, until nothing is left or the process stops.
pub async fn tidy(tidying: &Tidying<'_>) -> Result<Tidied, StoreError> {
    let mut tidied = Tidied {
        answers: tidying.all(Chore::Answers).await?,
        windows: tidying.all(Chore::Windows).await?,
        ..Tidied::default()
    };
    if let Some(before) = tidying.purge_before() {
        tidied.messages = tidying.all(Chore::Messages { before }).await?;
        tidied.runs = tidying.all(Chore::Runs { before }).await?;
    }
    Ok(tidied)
}

impl Tidying<'_> {
    /// All of it, step by step.
    async fn all(&self, chore: Chore) -> Result<u32, StoreError> {
        let mut total: u32 = 0;
        while !self.stopping.is_stopping() {
            let done = self.step(chore).await?;
            total = total.saturating_add(done);
            if done < STEP {
                break;
            }
            self.clock.sleep(PAUSE).await;
        }
        Ok(total)
    }

    async fn step(&self, chore: Chore) -> Result<u32, StoreError> {
        match chore {
            Chore::Answers => self.store.forget_answers(self.clock.now(), STEP).await,
            Chore::Messages { before } => self.store.purge_messages(before, STEP).await,
            Chore::Runs { before } => self.store.purge_runs(before, STEP).await,
            Chore::Windows => self.store.prune_windows(STEP).await,
        }
    }

    /// Before when a message must have changed last to be purged. Never a day that the rule for duplicates still
    /// looks at: a message that was sent and forgotten would be sent again.
    fn purge_before(&self) -> Option<DateTime<Utc>> {
        let now = self.clock.now();
        let kept_from = now.checked_sub_signed(self.retention?)?;
        let days_back = self.rules.dedupe_days.checked_sub(1);
        let looked_at_from = days_back.and_then(|days| {
            let quiet_hours = &self.rules.quiet_hours;
            let first = quiet_hours.local_day(now).checked_sub_days(chrono::Days::new(days.into()))?;
            Some(quiet_hours.day_bounds(first).0)
        });
        Some(looked_at_from.map_or(kept_from, |from| kept_from.min(from)))
    }
}
