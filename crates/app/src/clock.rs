//! The time and chance of the real world. Everything else has them handed in.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::policy::retry::Jitter;
use domain::ports::{Clock, Entropy};
use rand::Rng as _;
use uuid::Uuid;

use crate::settings::ServerSettings;

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the time")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    async fn sleep(&self, time: TimeDelta) {
        tokio::time::sleep(time.to_std().unwrap_or_default()).await;
    }
}

/// The clock that the settings ask for: the system's, but in tests of what takes hours.
pub fn of_settings(settings: &ServerSettings) -> Arc<dyn Clock> {
    match &settings.test_clock {
        None => Arc::new(SystemClock),
        Some(file) => {
            tracing::warn!(file = %file.display(), "OUTBOUND_TEST_CLOCK_FILE is set: THE CLOCK IS NOT REAL, for tests alone");
            Arc::new(ShiftedClock::new(file.clone()))
        }
    }
}

/// How long a shift that was read holds before the file is read again.
const READ_AGAIN: Duration = Duration::from_millis(20);

/// The system's clock, shifted by the seconds that a file holds (`OUTBOUND_TEST_CLOCK_FILE`): for tests of what takes
/// hours. A wait takes its real time.
#[derive(Debug)]
pub struct ShiftedClock {
    file: PathBuf,
    shift: Mutex<Option<(Instant, TimeDelta)>>,
}

impl ShiftedClock {
    /// Shifted by what the file holds; by nothing as long as it holds no number.
    pub fn new(file: PathBuf) -> Self {
        Self { file, shift: Mutex::new(None) }
    }

    fn shift(&self) -> TimeDelta {
        let mut shift = self.shift.lock().unwrap_or_else(PoisonError::into_inner);
        match *shift {
            Some((read_at, by)) if read_at.elapsed() < READ_AGAIN => by,
            last => {
                let text = std::fs::read_to_string(&self.file).unwrap_or_default();
                let seconds = text.trim().parse::<f64>().ok().filter(|seconds| seconds.is_finite());
                let by = seconds.and_then(|seconds| TimeDelta::try_milliseconds((seconds * 1_000.0) as i64));
                // A file that is just being written is read again next time; until then the old shift holds.
                let by = by.unwrap_or(last.map_or(TimeDelta::zero(), |(_, by)| by));
                *shift = Some((Instant::now(), by));
                by
            }
        }
    }
}

#[async_trait]
impl Clock for ShiftedClock {
    fn now(&self) -> DateTime<Utc> {
        let now = SystemClock.now();
        now.checked_add_signed(self.shift()).unwrap_or(now)
    }

    async fn sleep(&self, time: TimeDelta) {
        SystemClock.sleep(time).await;
    }
}

/// Real chance.
#[derive(Debug, Default)]
pub struct RandomEntropy {
    last: Mutex<(u64, u128)>,
}

/// The random bits of a UUIDv7.
const RANDOM_BITS: u32 = 74;

impl Entropy for RandomEntropy {
    /// Ids of one millisecond count up from a random start, in random steps, so that they sort as they were made and
    /// none can be guessed from another. A clock that goes backwards is waited for in this way too.
    fn uuid(&self, now: DateTime<Utc>) -> Uuid {
        let mut rng = rand::rng();
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let step = u128::from(rng.random::<u32>()) + 1;
        *last = match *last {
            (at, random) if millis <= at && random + step < 1 << RANDOM_BITS => (at, random + step),
            // Half of the range is left to count up in.
            (at, _) => {
                (millis.max(at + u64::from(millis <= at)), rng.random::<u128>() >> (128 - RANDOM_BITS + 1))
            }
        };
        let (at, random) = *last;
        // 12 bits, the version before them, then 62 bits, the variant before them.
        let high = (u128::from(at) << 80) | (7 << 76) | ((random >> 62) << 64);
        Uuid::from_u128(high | (0b10 << 62) | (random & ((1 << 62) - 1)))
    }

    fn jitter(&self) -> Jitter {
        Jitter::new(rand::rng().random_range(-1.0..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_7_and_sort_as_they_were_made() {
        let entropy = RandomEntropy::default();
        let start = DateTime::from_timestamp_millis(1_800_000_000_000).unwrap();
        // Ten in each millisecond, and now and then a step back.
        let times =
            (0..20_000).map(|n| start + TimeDelta::milliseconds(n / 10 - if n % 100 == 7 { 50 } else { 0 }));
        let ids: Vec<Uuid> = times.map(|now| entropy.uuid(now)).collect();
        assert!(ids.is_sorted() && ids.iter().all(|id| id.get_version_num() == 7));
        let mut once = ids.clone();
        once.dedup();
        assert_eq!(once.len(), ids.len());
        assert_eq!(ids[0].get_variant(), uuid::Variant::RFC4122);
        assert_eq!(ids[0].as_u128() >> 80, 1_800_000_000_000);
    }

    #[test]
    fn jitter_goes_to_both_sides() {
        let entropy = RandomEntropy::default();
        let thrown: Vec<f64> = (0..1_000).map(|_| entropy.jitter().value()).collect();
        assert!(thrown.iter().any(|value| *value < -0.5) && thrown.iter().any(|value| *value > 0.5));
    }

    #[test]
    fn a_shifted_clock_follows_its_file() {
        let file = std::env::temp_dir().join(format!("outbound-clock-{}", std::process::id()));
        let clock = ShiftedClock::new(file.clone());
        let real = || SystemClock.now();
        assert!((clock.now() - real()).abs() < TimeDelta::seconds(5), "no file, no shift");
        std::fs::write(&file, "3600\n").unwrap();
        let deadline = Instant::now() + Duration::from_secs(5);
        while clock.now() - real() < TimeDelta::minutes(59) {
            assert!(Instant::now() < deadline);
            std::thread::yield_now();
        }
        std::fs::remove_file(&file).unwrap();
    }
}
