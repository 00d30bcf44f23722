//! How many messages may be leased in a minute (contract §6).
//!
//! In no window of 60 seconds are more messages leased than the limit. The leases are counted per whole second, in
//! *slots*; a slot of second `s` counts at second `e` while `s > e - 61`, thus for 61 slots in all.
//!
//! Why this holds at any precision: take any 60-second window with its leases, and let `t` be the last of them, in
//! second `e = floor(t)`. Every other lease `u` of the window has `u >= t - 60 s`, thus `floor(u) >= e - 60`, thus
//! its slot was counted when `t` was admitted. So `t` was admitted only when all of them with it were within the
//! limit. The price is that a lease may be held back for up to one second longer than needed.
//!
//! A clock that goes backwards (another process's) frees nothing: the effective second is never below the newest
//! slot's. The clock should be one for all processes (the database's): one that runs ahead moves the window with it.
//!
//! ```
//! use chrono::{DateTime, TimeDelta, Utc};
//! use domain::policy::rate_limit::{RateLimit, RateWindow};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let now: DateTime<Utc> = "2026-03-02T02:00:00Z".parse()?;
//! let (limit, mut window) = (RateLimit::per_minute(30), RateWindow::default());
//! window.charge(now, 28);
//! assert_eq!(window.remaining(limit, now + TimeDelta::seconds(10)), 2);
//! // Three must wait until the first second counts no more.
//! let three = window.free_at(limit, now + TimeDelta::seconds(10), 3);
//! assert_eq!(three, Some(now + TimeDelta::seconds(61)));
//! assert_eq!(window.remaining(RateLimit::UNLIMITED, now), u32::MAX);
//! # Ok(()) }
//! ```

use std::fmt;
use std::num::NonZeroU32;

use chrono::{DateTime, Utc};

/// How many seconds' slots count, the current second's included: 60 and the one that the window began in.
pub const SLOTS: i64 = 61;

/// A limit of leases per minute, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit(Option<NonZeroU32>);

impl RateLimit {
    /// No limit.
    pub const UNLIMITED: Self = Self(None);

    /// So many leases in any 60 seconds; 0 means no limit.
    #[must_use]
    pub const fn per_minute(limit: u32) -> Self {
        Self(NonZeroU32::new(limit))
    }

    /// The number of leases in any 60 seconds; `None` when there is no limit.
    #[must_use]
    pub fn get(self) -> Option<u32> {
        self.0.map(NonZeroU32::get)
    }
}

impl fmt::Display for RateLimit {
    /// As the settings take it: the number, 0 for no limit.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().unwrap_or(0).fmt(f)
    }
}

/// What was leased in the last minute, per whole second.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RateWindow {
    /// (Unix second, leases in it), oldest first, each second once, no zero counts.
    slots: Vec<(i64, u32)>,
}

impl RateWindow {
    /// From stored slots (Unix second, leases in it), in any order; those of the same second are added up.
    #[must_use]
    pub fn from_slots(mut slots: Vec<(i64, u32)>) -> Self {
        slots.retain(|(_, count)| *count > 0);
        slots.sort_unstable();
        slots.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                kept.1 = kept.1.saturating_add(later.1);
            }
            same
        });
        Self { slots }
    }

    /// The slots (Unix second, leases in it), oldest first.
    #[must_use]
    pub fn slots(&self) -> &[(i64, u32)] {
        &self.slots
    }

    /// How many leases count at `now`.
    #[must_use]
    pub fn used(&self, now: DateTime<Utc>) -> u32 {
        self.counted(self.effective(now)).fold(0, |sum, (_, count)| sum.saturating_add(count))
    }

    /// How many more leases fit at `now`; `u32::MAX` without a limit.
    #[must_use]
    pub fn remaining(&self, limit: RateLimit, now: DateTime<Utc>) -> u32 {
        limit.get().map_or(u32::MAX, |limit| limit.saturating_sub(self.used(now)))
    }

    /// Counts `count` leases made at `now`, and drops the slots that count no more. Without leases nothing is
    /// dropped: there would be no newer slot to keep a clock that goes backwards from freeing what was dropped.
    pub fn charge(&mut self, now: DateTime<Utc>, count: u32) {
        if count == 0 {
            return;
        }
        let second = self.effective(now);
        self.slots.retain(|(slot, _)| counts(*slot, second));
        match self.slots.last_mut() {
            Some((newest, used)) if *newest == second => *used = used.saturating_add(count),
            Some(_) | None => self.slots.push((second, count)),
        }
    }

    /// When `wanted` more leases will fit: `now` itself when they do already, `None` when they never will (more than
    /// the limit).
    #[must_use]
    pub fn free_at(&self, limit: RateLimit, now: DateTime<Utc>, wanted: u32) -> Option<DateTime<Utc>> {
        if self.remaining(limit, now) >= wanted {
            return Some(now);
        }
        let allowed = limit.get()?.checked_sub(wanted)?;
        let mut used = self.used(now);
        let mut at = now;
        for (slot, count) in self.counted(self.effective(now)) {
            if used <= allowed {
                break;
            }
            used = used.saturating_sub(count);
            at = DateTime::from_timestamp(slot.saturating_add(SLOTS), 0)?;
        }
        Some(at)
    }

    /// The second that counts as the present one: never before the newest slot.
    fn effective(&self, now: DateTime<Utc>) -> i64 {
        self.slots.last().map_or(now.timestamp(), |(newest, _)| now.timestamp().max(*newest))
    }

    fn counted(&self, second: i64) -> impl Iterator<Item = (i64, u32)> + '_ {
        self.slots.iter().copied().filter(move |(slot, _)| counts(*slot, second))
    }
}

/// Whether a slot still counts at that second.
fn counts(slot: i64, second: i64) -> bool {
    slot > second.saturating_sub(SLOTS)
}

#[cfg(test)]
mod tests;
