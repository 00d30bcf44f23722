use chrono::{NaiveDateTime, TimeDelta};
use proptest::prelude::*;

use super::*;

const VIETNAM: Tz = chrono_tz::Asia::Ho_Chi_Minh;

/// Zones with all kinds of clock changes: at night, at midnight, across midnight (St. John's), half an hour (Lord
/// Howe), a day that was skipped (Apia), and none at all.
const ZONES: [Tz; 16] = [
    VIETNAM,
    chrono_tz::UTC,
    chrono_tz::Europe::Berlin,
    chrono_tz::Europe::London,
    chrono_tz::Europe::Dublin,
    chrono_tz::America::New_York,
    chrono_tz::America::St_Johns,
    chrono_tz::America::Sao_Paulo,
    chrono_tz::America::Havana,
    chrono_tz::America::Santiago,
    chrono_tz::Africa::Cairo,
    chrono_tz::Asia::Tehran,
    chrono_tz::Asia::Beirut,
    chrono_tz::Australia::Lord_Howe,
    chrono_tz::Pacific::Apia,
    chrono_tz::Atlantic::Azores,
];

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn window(text: &str) -> Window {
    Window::parse(text).unwrap().unwrap()
}

fn hours(zone: Tz, text: &str) -> QuietHours {
    QuietHours::new(zone, Window::parse(text).unwrap())
}

fn until(hours: &QuietHours, at: &str) -> Option<DateTime<Utc>> {
    hours.closed_until(Channel::Sms, utc(at))
}

#[test]
fn a_window_is_two_times_of_day_or_off() {
    let time = |hour, minute| NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
    for (text, start, end) in [
        ("21:00-08:00", time(21, 0), time(8, 0)),
        ("9:05-17:30", time(9, 5), time(17, 30)),
        (" 21:00 - 8:00 ", time(21, 0), time(8, 0)),
        ("21:00-24:00", time(21, 0), time(0, 0)),
        ("0:00-00:01", time(0, 0), time(0, 1)),
    ] {
        let window = window(text);
        assert_eq!((window.start(), window.end()), (start, end), "{text}");
        assert_eq!(Window::parse(&window.to_string()), Ok(Some(window)));
    }
    assert_eq!(window("9:05-24:00").to_string(), "09:05-00:00");
    assert_eq!(Window::parse("off"), Ok(None));
    assert_eq!(Window::parse(" OFF "), Ok(None));
}

#[test]
fn other_texts_are_refused_and_quoted() {
    for text in [
        "",
        "21",
        "21-8",
        "21:00",
        "21:00-",
        "-08:00",
        "21:00-08:00-09:00",
        "24:00-08:00",
        "25:00-08:00",
        "21:60-08:00",
        "21:0-08:00",
        "021:00-08:00",
        "+1:00-08:00",
        "21:00-24:01",
        "21:00–08:00",
        "none",
    ] {
        assert_eq!(Window::parse(text), Err(WindowError::Malformed(text.to_owned())), "{text}");
    }
    assert!(Window::parse("21h").unwrap_err().to_string().contains("`21h` is no window"));
}

#[test]
fn a_window_without_extent_is_refused_and_off_is_offered() {
    for text in ["08:00-8:00", "00:00-24:00"] {
        let error = Window::parse(text).unwrap_err();
        assert!(matches!(error, WindowError::StartIsEnd(_)), "{text}");
        assert!(error.to_string().contains("`off`"), "{error}");
    }
}

#[test]
fn the_start_is_closed_and_the_end_is_open() {
    let quiet = hours(VIETNAM, "21:00-08:00");
    let end = Some(utc("2026-03-02T01:00:00Z"));
    assert_eq!(until(&quiet, "2026-03-01T13:59:59.999Z"), None);
    assert_eq!(until(&quiet, "2026-03-01T14:00:00Z"), end);
    assert_eq!(until(&quiet, "2026-03-01T17:00:00Z"), end, "midnight in Vietnam");
    assert_eq!(until(&quiet, "2026-03-02T00:59:59.999Z"), end);
    assert_eq!(until(&quiet, "2026-03-02T01:00:00Z"), None);
}

#[test]
fn a_window_within_one_day_ends_on_that_day() {
    let quiet = hours(VIETNAM, "12:00-13:30");
    assert_eq!(until(&quiet, "2026-03-01T05:00:00Z"), Some(utc("2026-03-01T06:30:00Z")));
    assert_eq!(until(&quiet, "2026-03-01T06:30:00Z"), None);
    assert_eq!(until(&quiet, "2026-03-01T04:59:59Z"), None);
    let evening = hours(VIETNAM, "21:00-24:00");
    assert_eq!(until(&evening, "2026-03-01T15:00:00Z"), Some(utc("2026-03-01T17:00:00Z")));
}

#[test]
fn without_a_window_it_is_always_open() {
    let quiet = hours(VIETNAM, "off");
    assert_eq!(until(&quiet, "2026-03-01T15:00:00Z"), None);
    assert_eq!(quiet.next_start(Channel::Sms, utc("2026-03-01T15:00:00Z")), None);
    assert_eq!(quiet.open_channels(utc("2026-03-01T15:00:00Z")), OpenChannel::all());
}

#[test]
fn a_channel_may_have_a_window_of_its_own_or_none() {
    let quiet = hours(VIETNAM, "21:00-08:00")
        .with_channel(Channel::Sms, Some(window("01:00-02:00")))
        .with_channel(Channel::Sms, Some(window("20:00-09:00")))
        .with_channel(Channel::CallNote, None);
    assert_eq!(quiet.window(Channel::Zalo), Some(window("21:00-08:00")));
    assert_eq!(quiet.window(Channel::Sms), Some(window("20:00-09:00")));
    assert_eq!(quiet.window(Channel::CallNote), None);

    let status = quiet.status(utc("2026-03-01T13:30:00Z"));
    assert_eq!(status.closed, [(Channel::Sms, utc("2026-03-02T02:00:00Z"))]);
    assert!(!status.active);

    let night = utc("2026-03-01T15:00:00Z");
    assert_eq!(quiet.open_channels(night), [OpenChannel { channel: Channel::CallNote, closes_at: None }]);
    let morning = quiet.open_channels(utc("2026-03-02T01:00:00Z"));
    let zalo = OpenChannel { channel: Channel::Zalo, closes_at: Some(utc("2026-03-02T14:00:00Z")) };
    assert_eq!(morning[0], zalo, "and it says when it closes");
    assert_eq!(morning.len(), 3, "all but SMS");
    let status = quiet.status(night);
    assert!(!status.active, "one channel is open");
    assert_eq!(status.ends_at, Some(utc("2026-03-02T01:00:00Z")), "the earliest of the ends");
    assert_eq!(status.closed.len(), 3);
}

#[test]
fn they_are_active_when_every_channel_is_closed() {
    let quiet = hours(VIETNAM, "21:00-08:00").with_channel(Channel::Facebook, Some(window("22:00-06:00")));
    let status = quiet.status(utc("2026-03-01T15:30:00Z"));
    assert!(status.active);
    assert_eq!(status.ends_at, Some(utc("2026-03-01T23:00:00Z")));
    let open = quiet.status(utc("2026-03-01T05:00:00Z"));
    assert_eq!(open, QuietStatus { active: false, ends_at: None, closed: Vec::new() });
}

#[test]
fn the_next_start_is_the_one_after_the_quiet_hours_that_go_on() {
    let quiet = hours(VIETNAM, "21:00-08:00");
    let next = |at| quiet.next_start(Channel::Zalo, utc(at));
    assert_eq!(next("2026-03-01T05:00:00Z"), Some(utc("2026-03-01T14:00:00Z")));
    assert_eq!(next("2026-03-01T13:59:59Z"), Some(utc("2026-03-01T14:00:00Z")));
    assert_eq!(next("2026-03-01T14:00:00Z"), Some(utc("2026-03-02T14:00:00Z")));
    assert_eq!(next("2026-03-01T20:00:00Z"), Some(utc("2026-03-02T14:00:00Z")));
}

#[test]
fn an_end_that_clocks_skip_is_the_first_instant_after_the_gap() {
    // Berlin, 2026-03-29: 02:00 becomes 03:00 at 01:00 UTC.
    let quiet = hours(chrono_tz::Europe::Berlin, "22:00-02:30");
    assert_eq!(until(&quiet, "2026-03-28T23:00:00Z"), Some(utc("2026-03-29T01:00:00Z")));
    let quiet = hours(chrono_tz::Europe::Berlin, "02:30-06:00");
    assert_eq!(until(&quiet, "2026-03-29T00:59:59Z"), None);
    assert_eq!(until(&quiet, "2026-03-29T01:00:00Z"), Some(utc("2026-03-29T04:00:00Z")));
    let skipped = hours(chrono_tz::Europe::Berlin, "02:10-02:50");
    assert_eq!(until(&skipped, "2026-03-29T01:00:00Z"), None);
    let next = skipped.next_start(Channel::Sms, utc("2026-03-28T12:00:00Z"));
    assert_eq!(next, Some(utc("2026-03-30T00:10:00Z")), "that day's quiet hours fall away");
}

#[test]
fn where_a_time_comes_twice_quiet_hours_start_with_the_first_and_end_with_the_second() {
    // Berlin, 2026-10-25: 03:00 becomes 02:00 at 01:00 UTC.
    let quiet = hours(chrono_tz::Europe::Berlin, "22:00-02:30");
    assert_eq!(until(&quiet, "2026-10-25T00:45:00Z"), Some(utc("2026-10-25T01:30:00Z")));
    let quiet = hours(chrono_tz::Europe::Berlin, "02:30-06:00");
    assert_eq!(until(&quiet, "2026-10-25T00:29:59Z"), None);
    assert_eq!(until(&quiet, "2026-10-25T00:30:00Z"), Some(utc("2026-10-25T05:00:00Z")));
    assert_eq!(until(&quiet, "2026-10-25T01:15:00Z"), Some(utc("2026-10-25T05:00:00Z")));
}

#[test]
fn windows_that_meet_where_clocks_go_back_are_one() {
    let quiet = hours(chrono_tz::Europe::Berlin, "02:30-02:20");
    // Ends at the second 02:20, but begins anew with the first 02:30.
    assert_eq!(until(&quiet, "2026-10-24T12:00:00Z"), Some(utc("2026-10-26T01:20:00Z")));
}

#[test]
fn a_night_that_contains_a_clock_change_ends_by_the_wall_clock() {
    let quiet = hours(chrono_tz::Europe::Berlin, "21:00-08:00");
    assert_eq!(until(&quiet, "2026-03-28T22:00:00Z"), Some(utc("2026-03-29T06:00:00Z")));
    assert_eq!(until(&quiet, "2026-10-24T22:00:00Z"), Some(utc("2026-10-25T07:00:00Z")));
}

#[test]
fn a_day_that_the_zone_skipped_is_empty_and_its_night_goes_on() {
    // Apia had no 2011-12-30.
    let quiet = hours(chrono_tz::Pacific::Apia, "21:00-08:00");
    assert_eq!(until(&quiet, "2011-12-30T09:00:00Z"), Some(utc("2011-12-30T18:00:00Z")));
    let (start, end) = quiet.day_bounds(NaiveDate::from_ymd_opt(2011, 12, 30).unwrap());
    assert_eq!((start, end), (utc("2011-12-30T10:00:00Z"), utc("2011-12-30T10:00:00Z")));
}

#[test]
fn a_local_day_runs_from_midnight_to_midnight() {
    let quiet = hours(VIETNAM, "off");
    let day = NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
    assert_eq!(quiet.day_bounds(day), (utc("2026-03-01T17:00:00Z"), utc("2026-03-02T17:00:00Z")));
    assert_eq!(quiet.local_day(utc("2026-03-01T16:59:59.999Z")), day.pred_opt().unwrap());
    assert_eq!(quiet.local_day(utc("2026-03-01T17:00:00Z")), day);
    let berlin = hours(chrono_tz::Europe::Berlin, "off");
    let long = NaiveDate::from_ymd_opt(2026, 10, 25).unwrap();
    assert_eq!(berlin.day_bounds(long), (utc("2026-10-24T22:00:00Z"), utc("2026-10-25T23:00:00Z")));
}

#[test]
fn the_ends_of_time_do_not_make_it_panic() {
    for zone in ZONES {
        let quiet = hours(zone, "21:00-08:00");
        for at in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            let near = |days| at.checked_add_signed(TimeDelta::days(days)).unwrap_or(at);
            for at in [at, near(1), near(-1), near(3), near(-3)] {
                let _ = (quiet.status(at), quiet.next_start(Channel::Sms, at), quiet.local_day(at));
            }
        }
        for day in [NaiveDate::MIN, NaiveDate::MAX] {
            let _ = quiet.day_bounds(day);
        }
    }
}

fn windows() -> impl Strategy<Value = Window> {
    let minute = prop_oneof![0_u32..1_440, 0_u32..240, 1_320_u32..1_440];
    (minute.clone(), minute).prop_filter_map("equal", |(start, end)| {
        let time = |minute: u32| NaiveTime::from_hms_opt(minute / 60, minute % 60, 0);
        Window::new(time(start)?, time(end)?).ok()
    })
}

/// Instants from 2007 to 2027, most of them within three hours of a change of some zone's clocks.
fn instants_near_changes() -> impl Strategy<Value = (Tz, DateTime<Utc>)> {
    (proptest::sample::select(&ZONES[..]), 0_i64..7_300, -180_i64..180, 0_u32..4, 0_i64..86_400_000).prop_map(
        |(zone, day, minutes, kind, millis)| {
            let base = utc("2007-01-01T00:00:00Z") + TimeDelta::days(day);
            if kind == 0 {
                return (zone, base + TimeDelta::milliseconds(millis));
            }
            let change = next_change(zone, base).unwrap_or(base);
            (zone, change + TimeDelta::minutes(minutes) + TimeDelta::milliseconds(millis % 3))
        },
    )
}

/// The first change of the zone's clocks within a year, found by halving.
fn next_change(zone: Tz, from: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let shift = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local() - at.naive_utc();
    let changed = (0..370).map(|day| from + TimeDelta::days(day)).find(|at| shift(*at) != shift(from))?;
    let (mut before, mut after) = (changed - TimeDelta::days(1), changed);
    while after - before > TimeDelta::seconds(1) {
        let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
        if shift(middle) == shift(before) { before = middle } else { after = middle }
    }
    Some(after)
}

fn comes_twice(zone: Tz, local: NaiveDateTime) -> bool {
    matches!(zone.from_local_datetime(&local), LocalResult::Ambiguous(..))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_closed_channel_opens_later_and_is_open_then_and_not_before(
        (zone, now) in instants_near_changes(), window in windows(),
    ) {
        let quiet = QuietHours::new(zone, Some(window));
        if let Some(until) = quiet.closed_until(Channel::Zalo, now) {
            prop_assert!(until > now);
            prop_assert_eq!(quiet.closed_until(Channel::Zalo, until), None);
            for moment in [now + (until - now) / 2, until - TimeDelta::milliseconds(1)] {
                prop_assert_eq!(quiet.closed_until(Channel::Zalo, moment.max(now)), Some(until));
            }
        }
    }

    #[test]
    fn closed_is_what_the_wall_clock_says_but_never_ends_early_where_an_hour_comes_twice(
        (zone, now) in instants_near_changes(), window in windows(),
    ) {
        let local = now.with_timezone(&zone).naive_local();
        let by_the_clock = window.contains(local.time());
        let closed = QuietHours::new(zone, Some(window)).closed_until(Channel::Zalo, now).is_some();
        prop_assert!(closed || !by_the_clock, "open at {local} in {window}");
        if !comes_twice(zone, local) {
            prop_assert_eq!(closed, by_the_clock, "{} in {}", local, window);
        }
    }

    #[test]
    fn next_allowed_is_open_and_allows_itself((zone, at) in instants_near_changes(), window in windows()) {
        let quiet = QuietHours::new(zone, Some(window));
        let allowed = quiet.next_allowed(Channel::Sms, at);
        prop_assert!(allowed >= at);
        prop_assert_eq!(quiet.next_allowed(Channel::Sms, allowed), allowed);
        let open = quiet.open_channels(allowed);
        let sms = open.iter().find(|open| open.channel == Channel::Sms);
        let closes_at = sms.and_then(|open| open.closes_at);
        prop_assert!(closes_at.is_some_and(|at| at > allowed && quiet.closed_until(Channel::Sms, at).is_some()));
    }

    #[test]
    fn the_next_start_turns_open_into_closed((zone, now) in instants_near_changes(), window in windows()) {
        let quiet = QuietHours::new(zone, Some(window));
        let start = quiet.next_start(Channel::Sms, now).unwrap();
        let just_before = start - TimeDelta::milliseconds(1);
        prop_assert!(start > now && quiet.closed_until(Channel::Sms, start).is_some());
        prop_assert!(quiet.closed_until(Channel::Sms, just_before).is_none());
        let open = quiet.next_allowed(Channel::Sms, now);
        prop_assert!(quiet.closed_until(Channel::Sms, open + (start - open) / 2).is_none());
    }

    #[test]
    fn each_instant_lies_in_the_bounds_of_its_local_day_and_days_meet((zone, at) in instants_near_changes()) {
        let quiet = QuietHours::new(zone, None);
        let day = quiet.local_day(at);
        let (start, end) = quiet.day_bounds(day);
        prop_assert!(start <= at && at < end, "{at} in {day}: {start} to {end}");
        prop_assert_eq!(quiet.day_bounds(day.succ_opt().unwrap()).0, end);
        let local = at.with_timezone(&zone).naive_local();
        prop_assert!(day == local.date() || comes_twice(zone, local));
    }
}
