use proptest::prelude::*;

use super::*;

fn seconds(n: i64) -> TimeDelta {
    TimeDelta::seconds(n)
}

#[test]
fn durations_are_whole_numbers_with_a_unit() {
    for (text, expected) in [
        ("90s", 90),
        ("2m", 120),
        ("1h", 3_600),
        ("1d", 86_400),
        ("1h30m", 5_400),
        ("1d2h3m4s", 93_784),
        (" 5s ", 5),
        ("0s", 0),
        ("365d", 31_536_000),
    ] {
        assert_eq!(parse_duration(text), Ok(seconds(expected)), "{text}");
    }
}

#[test]
fn what_is_no_duration_is_refused_and_quoted() {
    for text in ["", " ", "2", "m", "2x", "2 m", "-2m", "1.5h", "2m2m", "30m1h", "2M", "2m3", "١m"] {
        let error = parse_duration(text).unwrap_err();
        assert_eq!(error, DurationError::Malformed(text.trim().to_owned()));
        assert!(error.to_string().contains(text.trim()));
    }
    for text in ["366d", "365d1s", "9223372036854775807d", "99999999999999999999s"] {
        assert_eq!(parse_duration(text), Err(DurationError::TooLong(text.to_owned())));
    }
}

#[test]
fn the_default_backs_off_2_10_and_60_minutes_and_then_the_message_is_dead() {
    let policy = RetryPolicy::parse("2m,10m,60m").unwrap();
    assert_eq!(policy, RetryPolicy::default());
    assert_eq!(policy.retries(), 3);
    let delays: Vec<_> = (1..=5).map(|n| policy.delay_after(n, Jitter::NONE)).collect();
    assert_eq!(delays, [Some(seconds(120)), Some(seconds(600)), Some(seconds(3_600)), None, None]);
    assert_eq!(policy.delay_after(0, Jitter::NONE), Some(seconds(120)));
    assert_eq!(policy.delay_after(u32::MAX, Jitter::NONE), None);
}

#[test]
fn jitter_moves_a_step_by_20_percent_to_either_side() {
    let policy = RetryPolicy::default();
    assert_eq!(policy.delay_after(1, Jitter::new(-1.0)), Some(seconds(96)));
    assert_eq!(policy.delay_after(1, Jitter::new(1.0)), Some(seconds(144)));
    assert_eq!(policy.delay_after(2, Jitter::new(0.5)), Some(seconds(660)));
    assert_eq!(policy.delay_after(1, Jitter::new(99.0)), Some(seconds(144)));
    assert_eq!(policy.delay_after(1, Jitter::new(f64::NEG_INFINITY)), Some(seconds(96)));
    assert_eq!(policy.delay_after(1, Jitter::new(f64::NAN)), Some(seconds(120)));
}

#[test]
fn an_empty_backoff_means_no_retries() {
    for text in ["", "  ", "off", "OFF"] {
        let policy = RetryPolicy::parse(text).unwrap();
        assert_eq!(policy.retries(), 0);
        assert_eq!(policy.delay_after(1, Jitter::NONE), None);
        assert_eq!(policy.to_string(), "");
    }
}

#[test]
fn a_bad_step_is_named_with_its_place() {
    let error = RetryPolicy::parse("2m,ten,60m").unwrap_err();
    assert_eq!(
        error,
        RetryPolicyError::Step { position: 2, error: DurationError::Malformed("ten".to_owned()) }
    );
    assert!(error.to_string().starts_with("step 2: `ten`"), "{error}");
    assert!(RetryPolicy::parse("2m,").is_err());
    assert!(RetryPolicy::parse(",").is_err());
    assert_eq!(RetryPolicy::parse(&["1s"; 51].join(",")), Err(RetryPolicyError::TooMany(51)));
    assert_eq!(RetryPolicy::parse(&["1s"; 50].join(",")).unwrap().retries(), 50);
}

#[test]
fn an_unaccepted_hand_off_waits_5_seconds_doubling_to_5_minutes() {
    let waits: Vec<_> = (0..9).map(|n| HandoffBackoff.wait(n, None).num_seconds()).collect();
    assert_eq!(waits, [5, 5, 10, 20, 40, 80, 160, 300, 300]);
    assert_eq!(HandoffBackoff.wait(u32::MAX, None), TimeDelta::minutes(5));
}

#[test]
fn retry_after_lengthens_the_wait_up_to_an_hour_and_never_shortens_it() {
    assert_eq!(HandoffBackoff.wait(1, Some(seconds(77))), seconds(77));
    assert_eq!(HandoffBackoff.wait(3, Some(seconds(1))), seconds(20));
    assert_eq!(HandoffBackoff.wait(9, Some(seconds(900))), seconds(900));
    assert_eq!(HandoffBackoff.wait(1, Some(TimeDelta::days(30))), TimeDelta::hours(1));
    assert_eq!(HandoffBackoff.wait(1, Some(TimeDelta::MIN)), seconds(5));
}

proptest! {
    #[test]
    fn a_delay_stays_within_a_fifth_of_its_step_and_grows_with_jitter(
        step in 0_i64..=31_536_000, a in -1.5_f64..1.5, b in -1.5_f64..1.5,
    ) {
        let policy = RetryPolicy(vec![seconds(step)]);
        let delay = |jitter| policy.delay_after(1, Jitter::new(jitter)).unwrap().num_milliseconds();
        prop_assert!((step * 800..=step * 1_200).contains(&delay(a)), "{}", delay(a));
        prop_assert!(delay(a.min(b)) <= delay(a.max(b)));
    }

    #[test]
    fn a_printed_policy_reads_back_as_itself(steps in proptest::collection::vec(0_i64..40_000_000, 0..8)) {
        let policy = RetryPolicy(steps.into_iter().map(|s| seconds(s.min(31_536_000))).collect());
        prop_assert_eq!(RetryPolicy::parse(&policy.to_string()), Ok(policy));
    }

    #[test]
    fn a_hand_off_wait_lies_between_5_seconds_and_an_hour(n: u32, after in proptest::option::of(any::<i32>())) {
        let wait = HandoffBackoff.wait(n, after.map(|s| seconds(s.into())));
        prop_assert!((HandoffBackoff::FIRST..=HandoffBackoff::LONGEST_RETRY_AFTER).contains(&wait));
        prop_assert!(HandoffBackoff.wait(n.saturating_add(1), None) >= HandoffBackoff.wait(n, None));
    }

    #[test]
    fn no_text_makes_the_parsers_panic(text in "\\PC{0,20}") {
        let _ = parse_duration(&text);
        let _ = RetryPolicy::parse(&text);
    }
}
