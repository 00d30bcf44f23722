//! Why a message has not gone yet.

use chrono::{DateTime, TimeDelta, Utc};
use domain::explain::{Facts, Language, explain};
use domain::message::{Event, Message};
use domain::policy::circuit::Circuit;
use domain::rules::Rules;

use crate::build::{lease, message, morning, moved};

fn facts(rules: &Rules, now: DateTime<Utc>) -> Facts<'_> {
    Facts {
        now,
        rules,
        circuit: Circuit::default(),
        webhook_enabled: true,
        global_limit_until: None,
        owner_limit_until: None,
        opted_out: false,
    }
}

fn codes(message: &Message, facts: &Facts<'_>) -> Vec<&'static str> {
    explain(message, facts).reasons.iter().map(|reason| reason.code()).collect()
}

#[test]
fn a_message_that_nothing_holds_back_waits_for_the_worker_and_goes_now() {
    let rules = Rules::default();
    let facts = facts(&rules, morning());
    assert_eq!(codes(&message(1), &facts), ["WAITING_FOR_WORKER"]);
    assert_eq!(explain(&message(1), &facts).expected_at, Some(morning()));
}

#[test]
fn all_that_holds_it_back_is_told_and_the_latest_decides() {
    let rules = Rules::default();
    let night: DateTime<Utc> = "2026-03-02T15:00:00Z".parse().unwrap();
    let open = Circuit::Open { until: night + TimeDelta::seconds(20), failures: 5 };
    let facts = Facts {
        owner_limit_until: Some(night + TimeDelta::seconds(40)),
        circuit: open,
        ..facts(&rules, night)
    };
    assert_eq!(codes(&message(1), &facts), ["QUIET_HOURS", "OWNER_LIMIT", "CIRCUIT_OPEN"]);
    let explanation = explain(&message(1), &facts);
    assert_eq!(explanation.expected_at, Some("2026-03-03T01:00:00Z".parse().unwrap()));
    let sentence = explanation.reasons[0].sentence(Language::Vietnamese, rules.quiet_hours.zone());
    assert_eq!(sentence, "Đang trong giờ yên lặng đến 08:00:00 03/03/2026.");
}

#[test]
fn a_scheduled_message_that_falls_into_the_night_goes_in_the_morning() {
    let rules = Rules::default();
    let at: DateTime<Utc> = "2026-03-02T20:00:00Z".parse().unwrap();
    let before = message(1);
    let scheduled = Message::queued(before.id, before.content, before.priority, Some(at), morning());
    let facts = facts(&rules, morning());
    assert_eq!(codes(&scheduled, &facts), ["SCHEDULED", "QUIET_HOURS"]);
    assert_eq!(explain(&scheduled, &facts).expected_at, Some("2026-03-03T01:00:00Z".parse().unwrap()));
}

#[test]
fn what_is_in_flight_or_given_up_says_so() {
    let rules = Rules::default();
    let pulled = moved(&message(1), Event::Lease { lease: lease(1), pulled: true }, morning(), &rules);
    let facts = facts(&rules, morning());
    assert_eq!(codes(&pulled, &facts), ["WAITING_FOR_CALLBACK"]);
    let held = moved(&pulled, Event::Expired, morning() + TimeDelta::hours(1), &rules);
    assert_eq!(codes(&held, &facts), ["OUTCOME_UNKNOWN"]);
    assert_eq!(explain(&held, &facts).expected_at, None);
}

#[test]
fn the_language_is_the_one_that_is_spoken_and_liked_best() {
    for header in ["vi-VN,vi;q=0.9,en;q=0.8", "VI", "en;q=0.1, vi;q=0.9", "fr, vi;q=0.2", "vi;q=?, en;q=0.5"]
    {
        assert_eq!(Language::accepted(header), Language::Vietnamese, "{header}");
    }
    for header in ["", "*", "fr, en-GB;q=0.5", "en, vi", "vi;q=0", "vi;q=0.5,en", "vi;q=NaN", ";q=1,,"] {
        assert_eq!(Language::accepted(header), Language::English, "{header}");
    }
}
