//! Times of day and durations, in the zone of the quiet hours.

use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

use crate::lang::Lang;

/// How a date field writes a time.
pub(crate) const LOCAL: &str = "%Y-%m-%dT%H:%M";

/// The time that a date field says.
pub(crate) fn from_local(text: &str, zone: Tz) -> Option<DateTime<Utc>> {
    let local = NaiveDateTime::parse_from_str(text, LOCAL).ok()?;
    zone.from_local_datetime(&local).earliest().map(|at| at.to_utc())
}

/// A time as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    /// As short as it can be said today.
    pub(crate) short: String,
    /// In full.
    pub(crate) full: String,
    /// For machines.
    pub(crate) iso: String,
}

/// Says a time, as seen from `now`.
pub(crate) fn moment(at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> Moment {
    let (local, today) = (at.with_timezone(&zone), now.with_timezone(&zone));
    let form = if local.date_naive() == today.date_naive() {
        "%H:%M:%S"
    } else if local.format("%Y").to_string() == today.format("%Y").to_string() {
        "%d/%m %H:%M"
    } else {
        "%d/%m/%Y %H:%M"
    };
    Moment {
        short: local.format(form).to_string(),
        full: local.format("%H:%M:%S %d/%m/%Y").to_string(),
        iso: at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
    }
}

/// Hour and minute, with the day where it is not today.
pub(crate) fn clock(at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    let (local, today) = (at.with_timezone(&zone), now.with_timezone(&zone));
    let form = if local.date_naive() == today.date_naive() { "%H:%M" } else { "%d/%m %H:%M" };
    local.format(form).to_string()
}

/// A duration in its two largest units.
pub(crate) fn duration(lang: Lang, time: TimeDelta) -> String {
    let seconds = time.num_seconds().max(0);
    if seconds < 1 {
        return format!("{} ms", time.num_milliseconds().max(0));
    }
    let units = [
        (86_400, lang.t(" ngày", " d")),
        (3_600, lang.t(" giờ", " h")),
        (60, lang.t(" phút", " min")),
        (1, lang.t(" giây", " s")),
    ];
    let mut rest = seconds;
    let mut said = Vec::new();
    for (size, name) in units {
        let count = rest / size;
        rest %= size;
        if count > 0 {
            said.push(format!("{count}{name}"));
        } else if !said.is_empty() {
            break;
        }
        if said.len() == 2 {
            break;
        }
    }
    said.join(" ")
}

#[cfg(test)]
mod tests {
    use domain::explain::Language;

    use super::*;

    #[test]
    fn a_time_of_today_needs_no_date() {
        let now = "2026-03-02T10:00:00Z".parse().unwrap();
        let short = |at: &str| moment(at.parse().unwrap(), now, chrono_tz::Asia::Ho_Chi_Minh).short;
        assert_eq!(short("2026-03-02T01:02:03Z"), "08:02:03");
        assert_eq!(short("2026-03-01T01:02:03Z"), "01/03 08:02");
        assert_eq!(short("2025-12-31T01:02:03Z"), "31/12/2025 08:02");
    }

    #[test]
    fn a_duration_has_at_most_two_units() {
        let said = |seconds| duration(Lang(Language::English), TimeDelta::seconds(seconds));
        assert_eq!(
            [said(5), said(125), said(3_600), said(3_605), said(90_061)],
            ["5 s", "2 min 5 s", "1 h", "1 h", "1 d 1 h"]
        );
    }
}
