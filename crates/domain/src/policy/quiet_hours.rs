//! When nothing may go out (contract §5), and the local days that go with the same time zone.
//!
//! Quiet hours are wall-clock time in one zone: start included, end excluded, across midnight when start > end. Each
//! local day that begins a window gives one interval of real time; between them it is open. On days when clocks
//! change:
//!
//! - a start or end that does not exist (clocks went forward over it) is the first instant after the gap;
//! - a start that comes twice (clocks went back over it) is the earlier instant, an end the later one. So within the
//!   repeated hour it may be closed although the wall clock, read alone, says open; never the other way round.
//!
//! ```
//! use chrono::{DateTime, Utc};
//! use domain::channel::Channel;
//! use domain::policy::quiet_hours::{QuietHours, Window};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let hours = QuietHours::new(chrono_tz::Asia::Ho_Chi_Minh, Window::parse("21:00-08:00")?);
//! let at = |text: &str| text.parse::<DateTime<Utc>>();
//! // 22:30 in Hồ Chí Minh City: closed until 08:00 of the next morning.
//! assert_eq!(hours.closed_until(Channel::Zalo, at("2026-03-02T15:30:00Z")?), Some(at("2026-03-03T01:00:00Z")?));
//! // 08:00 itself is open.
//! assert_eq!(hours.closed_until(Channel::Zalo, at("2026-03-03T01:00:00Z")?), None);
//! // A channel may have a window of its own, or none.
//! let hours = hours.with_channel(Channel::CallNote, Window::parse("off")?);
//! assert_eq!(hours.closed_until(Channel::CallNote, at("2026-03-02T15:30:00Z")?), None);
//! # Ok(()) }
//! ```

use std::fmt;

use chrono::{DateTime, Days, LocalResult, NaiveDate, NaiveTime, Offset, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};

use crate::channel::Channel;

/// Why a text or two times are no window of quiet hours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// Not `HH:MM-HH:MM`; the text, at most 40 characters of it.
    #[error("`{0}` is no window: give `HH:MM-HH:MM`, such as 21:00-08:00, or `off`")]
    Malformed(String),
    /// Start and end are the same, which could mean the whole day or nothing.
    #[error("start and end are both {0}: give two different times, or `off` for no quiet hours")]
    StartIsEnd(String),
}

/// A window of wall-clock time, start included, end excluded; across midnight when start > end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    start: NaiveTime,
    end: NaiveTime,
}

impl Window {
    /// A window between two times of day.
    ///
    /// # Errors
    /// [`WindowError::StartIsEnd`] when they are the same.
    pub fn new(start: NaiveTime, end: NaiveTime) -> Result<Self, WindowError> {
        if start == end {
            return Err(WindowError::StartIsEnd(start.format("%H:%M").to_string()));
        }
        Ok(Self { start, end })
    }

    /// Reads `OPS_QUIET_HOURS`: `HH:MM-HH:MM` (or `H:MM`; `24:00` as the end is midnight), or `off` for none.
    ///
    /// # Errors
    /// [`WindowError`] when the text is of another form or both times are the same.
    pub fn parse(text: &str) -> Result<Option<Self>, WindowError> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("off") {
            return Ok(None);
        }
        let times = text.split_once('-').and_then(|(start, end)| {
            let end = end.trim();
            let end = if end == "24:00" { Some(NaiveTime::MIN) } else { time_of_day(end) };
            Some((time_of_day(start.trim())?, end?))
        });
        let (start, end) = times.ok_or_else(|| WindowError::Malformed(text.chars().take(40).collect()))?;
        Self::new(start, end).map(Some)
    }

    /// The first time of day that is quiet.
    #[must_use]
    pub fn start(self) -> NaiveTime {
        self.start
    }

    /// The first time of day that is not quiet any more.
    #[must_use]
    pub fn end(self) -> NaiveTime {
        self.end
    }

    /// Whether the wall clock's time lies in the window.
    #[must_use]
    pub fn contains(self, time: NaiveTime) -> bool {
        if self.start < self.end {
            self.start <= time && time < self.end
        } else {
            self.start <= time || time < self.end
        }
    }

    /// The instants between which the window that starts on `day` is closed; empty where clocks skip all of it.
    fn interval(self, zone: Tz, day: NaiveDate) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let end_day = if self.start < self.end { day } else { day.succ_opt()? };
        let (start, _) = instants(zone, day, self.start);
        let (_, end) = instants(zone, end_day, self.end);
        Some((start, end))
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start.format("%H:%M"), self.end.format("%H:%M"))
    }
}

/// `H:MM` or `HH:MM`, 0:00 to 23:59.
fn time_of_day(text: &str) -> Option<NaiveTime> {
    let (hour, minute) = text.split_once(':')?;
    let number = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
        let valid = lengths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        if valid { part.parse::<u32>().ok() } else { None }
    };
    NaiveTime::from_hms_opt(number(hour, 1..=2)?, number(minute, 2..=2)?, 0)
}

/// The earliest and the latest instant at which the zone's wall clock shows this: the same one but where clocks went
/// back; where clocks went forward over it, the first instant after the gap.
fn instants(zone: Tz, day: NaiveDate, time: NaiveTime) -> (DateTime<Utc>, DateTime<Utc>) {
    let local = day.and_time(time);
    let (earliest, latest) = match zone.from_local_datetime(&local) {
        LocalResult::Single(at) => (at.to_utc(), at.to_utc()),
        LocalResult::Ambiguous(one, other) => (one.to_utc(), other.to_utc()),
        LocalResult::None => {
            // Without an end of the gap, at the ends of time, UTC is as good as anything.
            let after = GapInfo::new(&local, &zone).and_then(|gap| gap.end);
            let after = after.map_or_else(|| local.and_utc(), |after| after.to_utc());
            (after, after)
        }
    };
    (earliest.min(latest), earliest.max(latest))
}

/// The wall clock's date; at the ends of time, where it has none, the date in UTC.
fn local_date(zone: Tz, at: DateTime<Utc>) -> NaiveDate {
    let utc = at.naive_utc();
    let offset = zone.offset_from_utc_datetime(&utc).fix();
    utc.checked_add_offset(offset).unwrap_or(utc).date()
}

/// The quiet hours as users see them (contract §9, `quietHours`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuietStatus {
    /// Whether every channel is closed.
    pub active: bool,
    /// When the first of the closed channels opens; `None` when none is closed.
    pub ends_at: Option<DateTime<Utc>>,
    /// The closed channels, in their natural order, with the time at which each opens.
    pub closed: Vec<(Channel, DateTime<Utc>)>,
}

/// A channel that may be used, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenChannel {
    /// The channel.
    pub channel: Channel,
    /// When its next quiet hours begin; `None` when it has none, or when they are passed.
    pub closes_at: Option<DateTime<Utc>>,
}

impl OpenChannel {
    /// Every channel, whatever the quiet hours say.
    #[must_use]
    pub fn all() -> Vec<Self> {
        Channel::ALL.iter().map(|channel| Self { channel: *channel, closes_at: None }).collect()
    }
}

/// The quiet hours of all channels, in one time zone (`OPS_QUIET_HOURS`, `OPS_QUIET_HOURS_<CHANNEL>`, `OPS_TZ`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuietHours {
    zone: Tz,
    default: Option<Window>,
    overrides: Vec<(Channel, Option<Window>)>,
}

impl QuietHours {
    /// The same window (`None` = no quiet hours) for every channel.
    #[must_use]
    pub fn new(zone: Tz, default: Option<Window>) -> Self {
        Self { zone, default, overrides: Vec::new() }
    }

    /// Another window, or none, for one channel.
    #[must_use]
    pub fn with_channel(mut self, channel: Channel, window: Option<Window>) -> Self {
        self.overrides.retain(|(one, _)| *one != channel);
        self.overrides.push((channel, window));
        self
    }

    /// The time zone of the windows and of local days.
    #[must_use]
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// The window of the channels that have none of their own.
    #[must_use]
    pub fn default_window(&self) -> Option<Window> {
        self.default
    }

    /// The channel's window; `None` when it has no quiet hours.
    #[must_use]
    pub fn window(&self, channel: Channel) -> Option<Window> {
        self.overrides.iter().find(|(one, _)| *one == channel).map_or(self.default, |(_, window)| *window)
    }

    /// When the channel opens, if it is closed at `now`: later than `now`, and open at that instant. `None` = open.
    #[must_use]
    pub fn closed_until(&self, channel: Channel, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let window = self.window(channel)?;
        let mut until = None;
        // Two intervals may meet where clocks change; hence again from the end of the one that was found.
        while let Some(end) = self.interval_end(window, until.unwrap_or(now)) {
            until = Some(end);
        }
        until
    }

    /// The first instant from `at` on at which the channel is open: `at` itself when it is.
    #[must_use]
    pub fn next_allowed(&self, channel: Channel, at: DateTime<Utc>) -> DateTime<Utc> {
        self.closed_until(channel, at).unwrap_or(at)
    }

    /// When the channel's next quiet hours begin, strictly after `now`; those that go on at `now` are not meant.
    /// `None` when it has none.
    #[must_use]
    pub fn next_start(&self, channel: Channel, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let window = self.window(channel)?;
        let open = self.next_allowed(channel, now);
        self.intervals(window, open, 4).map(|(start, _)| start).filter(|start| *start > open).min()
    }

    /// The channels that are open at `now`, in their natural order, and when each closes.
    #[must_use]
    pub fn open_channels(&self, now: DateTime<Utc>) -> Vec<OpenChannel> {
        let open = Channel::ALL.iter().filter(|channel| self.closed_until(**channel, now).is_none());
        open.map(|channel| OpenChannel { channel: *channel, closes_at: self.next_start(*channel, now) })
            .collect()
    }

    /// The state of all channels at `now`.
    #[must_use]
    pub fn status(&self, now: DateTime<Utc>) -> QuietStatus {
        let closed: Vec<_> = Channel::ALL
            .iter()
            .filter_map(|channel| Some((*channel, self.closed_until(*channel, now)?)))
            .collect();
        QuietStatus {
            active: closed.len() == Channel::ALL.len(),
            ends_at: closed.iter().map(|(_, until)| *until).min(),
            closed,
        }
    }

    /// The local day of an instant: the one whose [`QuietHours::day_bounds`] hold it. That is the wall clock's date,
    /// but where clocks go back over midnight: there the new day goes on, although the old date shows once more.
    #[must_use]
    pub fn local_day(&self, at: DateTime<Utc>) -> NaiveDate {
        let day = local_date(self.zone, at);
        match day.succ_opt() {
            Some(next) if self.day_start(next) <= at => next,
            Some(_) | None => day,
        }
    }

    /// The instants at which the local day begins (included) and the next one does (excluded); the same where a zone
    /// skipped the whole day.
    #[must_use]
    pub fn day_bounds(&self, day: NaiveDate) -> (DateTime<Utc>, DateTime<Utc>) {
        let end = day.succ_opt().map_or(DateTime::<Utc>::MAX_UTC, |next| self.day_start(next));
        (self.day_start(day), end)
    }

    fn day_start(&self, day: NaiveDate) -> DateTime<Utc> {
        instants(self.zone, day, NaiveTime::MIN).0
    }

    /// The end of the interval that `at` lies in.
    fn interval_end(&self, window: Window, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.intervals(window, at, 1)
            .filter(|(start, end)| *start <= at && at < *end)
            .map(|(_, end)| end)
            .max()
    }

    /// The intervals that begin two days before `at` to `after` days after it, without the empty ones. A local day
    /// and its window last more than two days in no zone.
    fn intervals(
        &self,
        window: Window,
        at: DateTime<Utc>,
        after: u64,
    ) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>)> + '_ {
        let today = local_date(self.zone, at);
        let first = today.checked_sub_days(Days::new(2)).unwrap_or(NaiveDate::MIN);
        (0..=after.saturating_add(2))
            .filter_map(move |days| first.checked_add_days(Days::new(days)))
            .filter_map(move |day| window.interval(self.zone, day))
            .filter(|(start, end)| start < end)
    }
}

#[cfg(test)]
mod tests;
