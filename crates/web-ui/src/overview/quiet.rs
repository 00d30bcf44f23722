//! The quiet hours of each channel, as a band over the day.

use chrono::{DateTime, NaiveTime, Timelike, Utc};
use domain::channel::Channel;
use domain::policy::quiet_hours::QuietHours;

use crate::lang::Lang;
use crate::present::people;
use crate::present::time::clock;

/// The band is so wide: a unit is a minute.
const DAY: u32 = 24 * 60;

/// A channel's day.
pub(super) struct Band {
    pub(super) channel: &'static str,
    pub(super) icon: &'static str,
    /// The quiet parts: from which minute, for how many.
    pub(super) parts: Vec<(u32, u32)>,
    pub(super) is_quiet: bool,
    pub(super) said: String,
}

/// The present minute of the local day.
pub(super) fn minute(now: DateTime<Utc>, calendar: &QuietHours) -> u32 {
    minutes(now.with_timezone(&calendar.zone()).time())
}

pub(super) fn bands(lang: Lang, now: DateTime<Utc>, calendar: &QuietHours) -> Vec<Band> {
    let band = |channel: &Channel| {
        let parts = calendar.window(*channel).map_or_else(Vec::new, |window| {
            let (start, end) = (minutes(window.start()), minutes(window.end()));
            if start < end { vec![(start, end - start)] } else { vec![(0, end), (start, DAY - start)] }
        });
        let until = calendar.closed_until(*channel, now);
        let at = |at: DateTime<Utc>| clock(at, now, calendar.zone());
        let said = match (until, calendar.next_start(*channel, now)) {
            (Some(until), _) => format!("{} {}", lang.t("yên lặng đến", "quiet until"), at(until)),
            (None, Some(start)) => format!("{} {}", lang.t("gửi được đến", "open until"), at(start)),
            (None, None) => lang.t("gửi được cả ngày", "open all day").to_owned(),
        };
        Band {
            channel: people::channel(lang, *channel),
            icon: people::channel_icon(*channel),
            parts: parts.into_iter().filter(|(_, length)| *length > 0).collect(),
            is_quiet: until.is_some(),
            said,
        }
    };
    Channel::ALL.iter().map(band).collect()
}

fn minutes(time: NaiveTime) -> u32 {
    time.hour() * 60 + time.minute()
}

#[cfg(test)]
mod tests {
    use domain::explain::Language;
    use domain::policy::quiet_hours::Window;

    use super::*;

    #[test]
    fn a_window_across_midnight_is_at_both_ends_of_the_day() {
        let night = Window::parse("21:00-08:00").unwrap();
        let calendar = QuietHours::new(chrono_tz::UTC, night).with_channel(Channel::CallNote, None);
        let now = "2026-03-02T22:30:00Z".parse().unwrap();
        let bands = bands(Lang(Language::English), now, &calendar);
        assert_eq!(bands[0].parts, [(0, 480), (1_260, 180)]);
        assert_eq!((bands[0].is_quiet, bands[0].said.as_str()), (true, "quiet until 03/03 08:00"));
        let call = bands.last().unwrap();
        assert_eq!((call.parts.len(), call.said.as_str()), (0, "open all day"));
        assert_eq!(minute(now, &calendar), 1_350);
    }
}
