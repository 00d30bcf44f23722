//! A clock that is set by hand, and chance without surprises.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::policy::retry::Jitter;
use domain::ports::{Clock, Entropy};
use uuid::Uuid;

/// Stands still until it is moved; sleeping moves it.
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Starts at this time.
    pub fn at(now: DateTime<Utc>) -> Self {
        Self(AtomicI64::new(now.timestamp_micros()))
    }

    /// Moves on.
    pub fn advance(&self, by: TimeDelta) {
        self.0.fetch_add(by.num_microseconds().unwrap_or(0), Ordering::SeqCst);
    }

    /// Jumps to a time.
    pub fn set(&self, now: DateTime<Utc>) {
        self.0.store(now.timestamp_micros(), Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0.load(Ordering::SeqCst)).unwrap_or_default()
    }

    async fn sleep(&self, time: TimeDelta) {
        self.advance(time);
    }
}

/// Ids that count up, and no jitter.
#[derive(Default)]
pub struct SteadyEntropy(AtomicU64);

impl Entropy for SteadyEntropy {
    fn uuid(&self, now: DateTime<Utc>) -> Uuid {
        let n = self.0.fetch_add(1, Ordering::SeqCst);
        let millis = u128::try_from(now.timestamp_millis()).unwrap_or(0);
        // The layout of a version 7 UUID: milliseconds, version, counter, variant.
        Uuid::from_u128((millis << 80) | (0x7 << 76) | (0x2 << 62) | u128::from(n))
    }

    fn jitter(&self) -> Jitter {
        Jitter::new(0.0)
    }
}
