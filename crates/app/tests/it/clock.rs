//! A clock that tests move by hand.

use std::sync::{Mutex, PoisonError};

use app::clock::SystemClock;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::ports::Clock;

/// The system's clock, moved to wherever a test wants it, or standing still there. A wait takes its real time.
#[derive(Debug, Default)]
pub struct TestClock(Mutex<Hands>);

#[derive(Debug, Clone, Copy)]
enum Hands {
    Shifted(TimeDelta),
    Still(DateTime<Utc>),
}

impl Default for Hands {
    fn default() -> Self {
        Self::Shifted(TimeDelta::zero())
    }
}

impl TestClock {
    /// Moves on by so much; one that stands still stands still there.
    pub fn advance(&self, by: TimeDelta) {
        self.change(|hands| match hands {
            Hands::Shifted(shift) => Hands::Shifted(shift + by),
            Hands::Still(at) => Hands::Still(at + by),
        });
    }

    /// Shows this time and stands still.
    pub fn stand_still_at(&self, at: DateTime<Utc>) {
        self.change(|_| Hands::Still(at));
    }

    fn change(&self, new: impl FnOnce(Hands) -> Hands) {
        let mut hands = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *hands = new(*hands);
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Hands::Shifted(shift) => SystemClock.now() + shift,
            Hands::Still(at) => at,
        }
    }

    async fn sleep(&self, time: TimeDelta) {
        SystemClock.sleep(time).await;
    }
}
