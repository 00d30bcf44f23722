//! Time and chance.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::policy::retry::Jitter;

/// The time of day.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> DateTime<Utc>;
    /// Waits.
    async fn sleep(&self, time: TimeDelta);
}

/// Chance: new ids, and the jitter of the backoff.
pub trait Entropy: Send + Sync {
    /// A new UUIDv7 for this instant; ids made one after the other sort in that order.
    fn uuid(&self, now: DateTime<Utc>) -> Uuid;
    /// Evenly spread over -1..=1.
    fn jitter(&self) -> Jitter;
}
