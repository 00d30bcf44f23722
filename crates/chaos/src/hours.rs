//! The quiet hours that the servers are given, and the harness's own idea of them.
//!
//! A day is open for two minutes only, so that its end can be waited for; the rest of it is jumped over. One channel
//! closes a minute before the others.

use chrono::{DateTime, SecondsFormat};

use crate::moment::SECOND;

/// The time zone of the settings: no change of clocks, seven hours ahead of UTC.
const ZONE: &str = "Asia/Ho_Chi_Minh";
const AHEAD: i64 = 7 * 3_600 * SECOND;
const DAY: i64 = 24 * 3_600 * SECOND;
const OPENS: i64 = 8 * 3_600 * SECOND;
/// The channel that closes earlier.
const EARLY: &str = "ZALO";
const EARLY_CLOSES: i64 = OPENS + 60 * SECOND;
const CLOSES: i64 = OPENS + 120 * SECOND;

/// The settings that say the same.
pub fn settings() -> [(&'static str, &'static str); 3] {
    [("OPS_TZ", ZONE), ("OPS_QUIET_HOURS", "08:02-08:00"), ("OPS_QUIET_HOURS_ZALO", "08:01-08:00")]
}

/// Whether nothing may go out on the channel, by the server's clock.
pub fn closed(channel: &str, server: i64) -> bool {
    let closes = if channel == EARLY { EARLY_CLOSES } else { CLOSES };
    !(OPENS..closes).contains(&time_of_day(server))
}

/// Whether nothing at all may go out.
pub fn all_closed(server: i64) -> bool {
    closed("", server)
}

/// How long everything has been closed; `None` while something is open.
pub fn closed_for(server: i64) -> Option<i64> {
    all_closed(server).then(|| (time_of_day(server) - CLOSES).rem_euclid(DAY))
}

/// How long the channel has been closed; zero while it is open.
pub fn channel_closed_for(channel: &str, server: i64) -> i64 {
    let closes = if channel == EARLY { EARLY_CLOSES } else { CLOSES };
    if closed(channel, server) { (time_of_day(server) - closes).rem_euclid(DAY) } else { 0 }
}

/// The next opening after this time.
pub fn next_opening(server: i64) -> i64 {
    let until = (OPENS - time_of_day(server)).rem_euclid(DAY);
    server + if until == 0 { DAY } else { until }
}

/// The time at which today's (by the server's clock) open time ends.
pub fn closing_of_the_day(server: i64) -> i64 {
    server - time_of_day(server) + CLOSES
}

/// A time as the API takes it.
pub fn rfc3339(server: i64) -> String {
    DateTime::from_timestamp_micros(server)
        .map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true))
        .unwrap_or_default()
}

/// The other way round.
pub fn parse(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.timestamp_micros())
}

fn time_of_day(server: i64) -> i64 {
    (server + AHEAD).rem_euclid(DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> i64 {
        parse(&format!("2026-03-05T{time}+07:00")).unwrap()
    }

    #[test]
    fn the_day_is_open_from_eight_for_two_minutes_and_for_zalo_for_one() {
        for (time, sms, zalo) in [
            ("07:59:59.999", true, true),
            ("08:00:00", false, false),
            ("08:00:59.999", false, false),
            ("08:01:00", false, true),
            ("08:02:00", true, true),
            ("23:00:00", true, true),
        ] {
            assert_eq!((closed("SMS", at(time)), closed("ZALO", at(time))), (sms, zalo), "{time}");
        }
        assert_eq!(closed_for(at("08:02:07")), Some(7 * SECOND));
        assert_eq!(closed_for(at("08:01:07")), None);
        assert_eq!(channel_closed_for("ZALO", at("08:01:07")), 7 * SECOND);
    }

    #[test]
    fn the_next_opening_is_always_ahead() {
        assert_eq!(next_opening(at("07:59:59")) - at("07:59:59"), SECOND);
        assert_eq!(next_opening(at("08:00:00")) - at("08:00:00"), DAY);
        assert_eq!(closing_of_the_day(at("07:00:00")), at("08:02:00"));
    }

    #[test]
    fn times_survive_their_text() {
        assert_eq!(parse(&rfc3339(at("08:00:00.25"))), Some(at("08:00:00.25")));
    }
}
