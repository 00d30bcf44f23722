//! The clock that all servers share: the machine's, shifted by what a file says.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;

use crate::hours;
use crate::moment::{Moment, SECOND, micros};

/// The servers' clock, which the harness moves, and what it was when.
#[derive(Debug)]
pub struct ShiftedClock {
    file: PathBuf,
    /// From when on which shift held, in microseconds.
    shifts: Mutex<Vec<(Moment, i64)>>,
}

impl ShiftedClock {
    /// A clock that begins so long before the end of the open hours.
    pub fn start(file: PathBuf, before_closing: Duration) -> anyhow::Result<Self> {
        let clock = Self { file, shifts: Mutex::new(Vec::new()) };
        let now = Moment::now();
        let begin = hours::closing_of_the_day(now.0) - micros(before_closing);
        clock.shift(now, begin - now.0)?;
        Ok(clock)
    }

    /// The file for `OUTBOUND_TEST_CLOCK_FILE`.
    pub const fn file(&self) -> &PathBuf {
        &self.file
    }

    /// What the servers' clock shows now.
    pub fn server_now(&self) -> i64 {
        self.history().at(Moment::now())
    }

    /// Moves the clock forward to shortly before the next opening; answers by how much.
    pub fn jump_to_opening(&self, before: Duration) -> anyhow::Result<i64> {
        let now = Moment::now();
        let server = self.history().at(now);
        let target = hours::next_opening(server) - micros(before);
        // Never backwards, not by a rounded second either: a clock that is just before the opening is left alone.
        if target <= server + 2 * SECOND {
            return Ok(0);
        }
        self.shift(now, target - now.0)?;
        Ok(target - server)
    }

    /// What it was when.
    pub fn history(&self) -> History {
        History(self.shifts.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    fn shift(&self, from: Moment, by: i64) -> anyhow::Result<()> {
        // A whole number of seconds, so that the servers read exactly what is written.
        let seconds = by.div_euclid(SECOND);
        let fresh = self.file.with_extension("new");
        std::fs::write(&fresh, format!("{seconds}\n")).context("cannot write the clock's file")?;
        std::fs::rename(&fresh, &self.file).context("cannot move the clock's file")?;
        let mut shifts = self.shifts.lock().unwrap_or_else(PoisonError::into_inner);
        shifts.push((from, seconds * SECOND));
        Ok(())
    }
}

/// What the servers' clock showed when.
#[derive(Debug, Clone, Default)]
pub struct History(Vec<(Moment, i64)>);

impl History {
    /// One that was always shifted by so many microseconds.
    pub fn constant(by: i64) -> Self {
        Self(vec![(Moment(i64::MIN), by)])
    }

    /// The servers' clock at a moment.
    pub fn at(&self, moment: Moment) -> i64 {
        let shift = self.0.iter().rev().find(|(from, _)| *from <= moment).or(self.0.first());
        moment.0 + shift.map_or(0, |(_, by)| *by)
    }

    /// When the clock was moved, but for its start.
    pub fn jumps(&self) -> impl Iterator<Item = Moment> + '_ {
        self.0.iter().skip(1).map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_starts_in_the_open_hours_and_jumps_forward_to_the_next() {
        let file = std::env::temp_dir().join(format!("chaos-clock-{}", std::process::id()));
        let clock = ShiftedClock::start(file.clone(), Duration::from_secs(30)).unwrap();
        let begin = clock.server_now();
        assert!(!hours::all_closed(begin) && hours::all_closed(begin + 31 * SECOND));
        clock.jump_to_opening(Duration::from_secs(2)).unwrap();
        let later = clock.server_now();
        assert!(later > begin + 23 * 3_600 * SECOND);
        assert!(hours::all_closed(later) && !hours::all_closed(later + 3 * SECOND));
        let written: i64 = std::fs::read_to_string(&file).unwrap().trim().parse().unwrap();
        assert!((Moment::now().0 + written * SECOND - clock.server_now()).abs() < SECOND);
        assert_eq!(clock.history().jumps().count(), 1);
        std::fs::remove_file(file).unwrap();
    }
}
