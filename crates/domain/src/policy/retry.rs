//! How long a message waits before it is tried again (contract §4).
//!
//! Two different waits: [`RetryPolicy`] after an attempt that is known to have failed (it counts towards the
//! message's attempts), [`HandoffBackoff`] after a hand-off that N8N did not accept (it counts towards nothing).
//!
//! ```
//! use chrono::TimeDelta;
//! use domain::policy::retry::{Jitter, RetryPolicy};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let backoff = RetryPolicy::parse("2m,10m,60m")?;
//! assert_eq!(backoff.delay_after(1, Jitter::NONE), Some(TimeDelta::minutes(2)));
//! assert_eq!(backoff.delay_after(2, Jitter::new(1.0)), Some(TimeDelta::minutes(12)), "10 minutes and 20 %");
//! assert_eq!(backoff.delay_after(4, Jitter::NONE), None, "the fourth failure was the last");
//! # Ok(()) }
//! ```

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;

/// The longest duration that a setting may hold: 365 days.
pub const MAX_DURATION: TimeDelta = TimeDelta::days(365);

/// The most steps that a [`RetryPolicy`] may have.
pub const MAX_RETRIES: usize = 50;

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not whole numbers with units; the text, at most 40 characters of it.
    #[error(
        "`{0}` is no duration: give a whole number with its unit (s, m, h or d), such as 90s, 2m or 1h30m"
    )]
    Malformed(String),
    /// Longer than [`MAX_DURATION`]; the text, at most 40 characters of it.
    #[error("`{0}` is too long: at most 365d")]
    TooLong(String),
}

/// Reads a duration such as `90s`, `2m`, `1h30m` or `1d`: whole numbers with a unit (`s`, `m`, `h`, `d`), the
/// larger unit first, each unit at most once. White space around it is ignored; `0s` is allowed.
///
/// # Errors
/// [`DurationError`] quotes the text when it is not of this form or exceeds [`MAX_DURATION`].
pub fn parse_duration(text: &str) -> Result<TimeDelta, DurationError> {
    let text = text.trim();
    let quoted = || text.chars().take(40).collect::<String>();
    let mut rest = text;
    let mut total = TimeDelta::zero();
    let mut last_unit = i64::MAX;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let mut after = after.chars();
        let unit = match after.next() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3_600,
            Some('d') => 86_400,
            Some(_) | None => return Err(DurationError::Malformed(quoted())),
        };
        if number.is_empty() || unit >= last_unit {
            return Err(DurationError::Malformed(quoted()));
        }
        // Only digits here: what does not fit is too large, nothing else.
        let part = number.parse::<i64>().ok().and_then(|number| number.checked_mul(unit));
        let part = part.and_then(TimeDelta::try_seconds);
        total = part
            .and_then(|part| total.checked_add(&part))
            .filter(|total| *total <= MAX_DURATION)
            .ok_or_else(|| DurationError::TooLong(quoted()))?;
        last_unit = unit;
        rest = after.as_str();
    }
    if last_unit == i64::MAX {
        return Err(DurationError::Malformed(quoted()));
    }
    Ok(total)
}

/// The random part of a retry's wait, handed in: a number from -1 to 1, where -1 makes the wait the shortest, 1 the
/// longest that [`RetryPolicy`] may choose, and 0 exactly the step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jitter(f64);

impl Jitter {
    /// No jitter: exactly the step.
    pub const NONE: Self = Self(0.0);

    /// Takes any number: what lies outside -1 to 1 is moved to the nearer end, and NaN counts as 0.
    #[must_use]
    pub fn new(value: f64) -> Self {
        if value.is_nan() { Self::NONE } else { Self(value.clamp(-1.0, 1.0)) }
    }

    /// The number, from -1 to 1.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0
    }
}

/// Why a text is no [`RetryPolicy`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RetryPolicyError {
    /// One step is no duration; `position` counts from 1.
    #[error("step {position}: {error}")]
    Step {
        /// Which step, from 1.
        position: usize,
        /// What is wrong with it.
        error: DurationError,
    },
    /// More steps than [`MAX_RETRIES`].
    #[error("{0} steps: at most {MAX_RETRIES}")]
    TooMany(usize),
}

/// The waits between a message's attempts, from `RETRY_BACKOFF` (contract §4): one step a retry, each with
/// [`RetryPolicy::JITTER`] of jitter to either side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy(Vec<TimeDelta>);

impl RetryPolicy {
    /// How far jitter moves a step to either side, as a share of the step.
    pub const JITTER: f64 = 0.2;

    /// Reads `RETRY_BACKOFF`: durations ([`parse_duration`]) separated by commas. An empty text, or `off`, means
    /// that nothing is retried.
    ///
    /// # Errors
    /// [`RetryPolicyError`] names the step that is bad, or says that there are too many.
    pub fn parse(text: &str) -> Result<Self, RetryPolicyError> {
        let text = text.trim();
        if text.is_empty() || text.eq_ignore_ascii_case("off") {
            return Ok(Self(Vec::new()));
        }
        let steps = text.split(',').enumerate().map(|(index, step)| {
            parse_duration(step).map_err(|error| RetryPolicyError::Step { position: index + 1, error })
        });
        let steps = steps.collect::<Result<Vec<_>, _>>()?;
        if steps.len() > MAX_RETRIES {
            return Err(RetryPolicyError::TooMany(steps.len()));
        }
        Ok(Self(steps))
    }

    /// How many times a message is tried again after its first attempt.
    #[must_use]
    pub fn retries(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// The steps without jitter, in order.
    #[must_use]
    pub fn steps(&self) -> &[TimeDelta] {
        &self.0
    }

    /// How long to wait after the `failures`-th failed attempt (1 = the first; 0 is taken for 1), in whole
    /// milliseconds; `None` when the attempts are exhausted and the message is dead.
    #[must_use]
    pub fn delay_after(&self, failures: u32, jitter: Jitter) -> Option<TimeDelta> {
        let index = usize::try_from(failures.saturating_sub(1)).ok()?;
        let step = *self.0.get(index)?;
        let seconds = step.as_seconds_f64() * (1.0 + Self::JITTER * jitter.value());
        // Half a millisecond more, so that cutting off rounds to the nearest one.
        let jittered = std::time::Duration::try_from_secs_f64(seconds + 0.000_5)
            .ok()
            .and_then(|delay| i64::try_from(delay.as_millis()).ok())
            .and_then(TimeDelta::try_milliseconds);
        Some(jittered.unwrap_or(step))
    }
}

impl Default for RetryPolicy {
    /// 2 min, 10 min, 60 min.
    fn default() -> Self {
        Self(vec![TimeDelta::minutes(2), TimeDelta::minutes(10), TimeDelta::minutes(60)])
    }
}

impl FromStr for RetryPolicy {
    type Err = RetryPolicyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for RetryPolicy {
    /// As `RETRY_BACKOFF` takes it, with each step in its largest whole unit; empty for no retries.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            let seconds = step.num_seconds();
            let (number, unit) = match seconds {
                0 => (0, "s"),
                s if s % 86_400 == 0 => (s / 86_400, "d"),
                s if s % 3_600 == 0 => (s / 3_600, "h"),
                s if s % 60 == 0 => (s / 60, "m"),
                s => (s, "s"),
            };
            write!(f, "{}{number}{unit}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// How long a message waits after a hand-off that N8N did not accept (contract §4): 5 s, doubling to 5 min. Such a
/// failure uses up none of the message's attempts, so there is no end to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HandoffBackoff;

impl HandoffBackoff {
    /// The wait after the first failure.
    pub const FIRST: TimeDelta = TimeDelta::seconds(5);
    /// The longest wait of its own.
    pub const LONGEST: TimeDelta = TimeDelta::minutes(5);
    /// The longest `Retry-After` that is honoured, without which one odd header would park a message for ever; a longer
    /// one counts as this.
    pub const LONGEST_RETRY_AFTER: TimeDelta = TimeDelta::hours(1);

    /// The wait after `failures` hand-offs in a row that were not accepted (1 = the first; 0 is taken for 1): never
    /// shorter than `retry_after`, as far as that is honoured.
    #[must_use]
    pub fn wait(self, failures: u32, retry_after: Option<TimeDelta>) -> TimeDelta {
        let doubled = 2_i32.checked_pow(failures.saturating_sub(1));
        let own = doubled.and_then(|factor| Self::FIRST.checked_mul(factor)).unwrap_or(Self::LONGEST);
        own.min(Self::LONGEST).max(honoured(retry_after))
    }
}

/// The part of a `Retry-After` that is honoured: from zero to [`HandoffBackoff::LONGEST_RETRY_AFTER`].
pub(super) fn honoured(retry_after: Option<TimeDelta>) -> TimeDelta {
    retry_after.unwrap_or_default().clamp(TimeDelta::zero(), HandoffBackoff::LONGEST_RETRY_AFTER)
}

#[cfg(test)]
mod tests;
