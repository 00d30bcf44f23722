//! Random sequences of events against the state machine.

use chrono::TimeDelta;
use domain::actor::Actor;
use domain::ids::OwnerId;
use domain::message::{
    Callback, Context, Event, Failure, FailureKind, Illegal, Message, Outcome, State, Status, Step,
};
use domain::policy::retry::Jitter;
use domain::rules::{CallbackTimeoutAction, Rules};
use proptest::prelude::*;

use crate::build::{lease, message, morning, moved};

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Sent { provider_message_id: Some("p1".to_owned()), sent_at: None }),
        any::<bool>().prop_map(|permanent| Outcome::Failed { error: "busy".to_owned(), permanent }),
        Just(Outcome::Skipped { reason: "blocked".to_owned() }),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let lease_id = || (1u128..4).prop_map(lease);
    prop_oneof![
        (lease_id(), any::<bool>()).prop_map(|(lease, pulled)| Event::Lease { lease, pulled }),
        lease_id().prop_map(|lease| Event::Accepted { lease }),
        lease_id().prop_map(|lease| Event::OutcomeUnknown { lease }),
        lease_id().prop_map(|lease| Event::NotAccepted { lease, error: "503".to_owned(), retry_after: None }),
        lease_id().prop_map(|lease| Event::Refused { lease, error: "400".to_owned() }),
        lease_id().prop_map(|lease| Event::Released { lease, reason: "shutdown".to_owned() }),
        lease_id().prop_map(|lease| Event::Suppressed { lease }),
        Just(Event::Expired),
        (outcome(), prop::option::of(1u32..4), prop::option::of(lease_id()))
            .prop_map(|(outcome, attempt, lease)| Event::Callback(Callback { outcome, attempt, lease })),
        Just(Event::Cancel { by: Actor::User(OwnerId::parse("u1").unwrap()) }),
        Just(Event::Requeue { by: Actor::System }),
        lease_id().prop_map(|lease| Event::Extend { lease, until: morning() + TimeDelta::hours(2) }),
    ]
}

fn steps() -> impl Strategy<Value = Vec<(Event, i64)>> {
    prop::collection::vec((event(), prop_oneof![Just(0i64), 1i64..120, 900i64..8_000]), 1..60)
}

/// Whether an event is a known failure of an attempt.
fn is_failure(event: &Event, before: &Message, rules: &Rules) -> bool {
    match event {
        Event::Refused { .. } => true,
        Event::Callback(callback) => matches!(callback.outcome, Outcome::Failed { .. }),
        Event::Expired => {
            rules.callback_timeout_action == CallbackTimeoutAction::Retry
                && before.status() == Status::Dispatched
        }
        Event::Lease { .. }
        | Event::Accepted { .. }
        | Event::OutcomeUnknown { .. }
        | Event::NotAccepted { .. }
        | Event::Released { .. }
        | Event::Suppressed { .. }
        | Event::Cancel { .. }
        | Event::Requeue { .. }
        | Event::Extend { .. } => false,
    }
}

/// The lease that an event speaks for, where it speaks for a holder.
fn holder(event: &Event) -> Option<domain::ids::LeaseId> {
    match event {
        Event::Accepted { lease }
        | Event::OutcomeUnknown { lease }
        | Event::NotAccepted { lease, .. }
        | Event::Refused { lease, .. }
        | Event::Released { lease, .. }
        | Event::Suppressed { lease }
        | Event::Extend { lease, .. } => Some(*lease),
        Event::Lease { .. }
        | Event::Expired
        | Event::Callback(_)
        | Event::Cancel { .. }
        | Event::Requeue { .. } => None,
    }
}

/// What a message shows besides its status: of each, whether it has one.
fn data(state: &State) -> [bool; 6] {
    [
        state.due_at().is_some(),
        state.lease_id().is_some(),
        state.lease_expires_at().is_some(),
        state.dispatched_at().is_some(),
        state.error().is_some(),
        state.failure_kind().is_some(),
    ]
}

/// What a status must have (`Some(true)`), must not have (`Some(false)`) or may have, in the same order.
fn allowed(state: &State) -> [Option<bool>; 6] {
    const HAS: Option<bool> = Some(true);
    const NOT: Option<bool> = Some(false);
    const MAY: Option<bool> = None;
    //    due, lease, expires, dispatched, error, kind
    match (state.status(), state.failure_kind()) {
        (Status::Queued, _) => [HAS, NOT, NOT, NOT, MAY, NOT],
        (Status::Leased, _) => [NOT, HAS, HAS, NOT, MAY, NOT],
        (Status::Dispatched, _) => [NOT, HAS, HAS, HAS, MAY, NOT],
        (Status::Sent, _) => [NOT, NOT, NOT, MAY, NOT, NOT],
        (Status::Failed, Some(FailureKind::Retry)) => [HAS, NOT, NOT, NOT, HAS, HAS],
        (Status::Failed, Some(FailureKind::Dead)) => [NOT, NOT, NOT, NOT, HAS, HAS],
        (Status::Failed, Some(FailureKind::Held)) => [NOT, HAS, NOT, NOT, HAS, HAS],
        (Status::Failed, None) => panic!("FAILED says of which kind"),
        (Status::Skipped, _) => [NOT, NOT, NOT, NOT, HAS, NOT],
        (Status::Cancelled, _) => [NOT, NOT, NOT, NOT, NOT, NOT],
    }
}

proptest! {
    #[test]
    fn whatever_happens_the_promises_hold(steps in steps(), retry_timeouts in any::<bool>()) {
        let action = if retry_timeouts { CallbackTimeoutAction::Retry } else { CallbackTimeoutAction::Hold };
        let rules = Rules { callback_timeout_action: action, ..Rules::default() };
        let mut now = morning();
        let mut message = message(1);
        let mut keys_known_failed: Vec<String> = Vec::new();
        for (event, seconds) in steps {
            now += TimeDelta::seconds(seconds);
            let before = message.clone();
            let result = before.apply(event.clone(), &Context { now, jitter: Jitter::new(0.5), rules: &rules });
            if let Some(lease) = holder(&event) && before.state.lease_id() != Some(lease) {
                prop_assert!(matches!(result, Err(Illegal::StaleLease(_))), "a stale lease changes nothing");
            }
            let Ok(Step::Moved(change)) = result else { continue };
            prop_assert_eq!(change.from_revision, before.revision);
            let after = before.after(&change);
            prop_assert_eq!(after.revision, before.revision + 1);
            prop_assert!(!matches!(before.state, State::Sent(_)), "SENT is never left");
            for (has, allowed) in data(&after.state).into_iter().zip(allowed(&after.state)) {
                prop_assert!(allowed.is_none_or(|wanted| wanted == has), "no state holds data of another: {:?}", after.state);
            }
            if matches!(event, Event::Requeue { .. }) {
                prop_assert_eq!(after.retry_count, 0);
                prop_assert!(after.attempt > before.attempt, "a requeue is a new attempt");
            } else {
                let failed = u32::from(is_failure(&event, &before, &rules));
                prop_assert_eq!(after.retry_count, before.retry_count + failed, "retryCount counts failed attempts only");
            }
            // A key that is known to have failed is never handed off again; every other repeat carries the same key.
            if matches!(after.state, State::Leased(_)) || matches!(event, Event::Lease { .. }) {
                prop_assert!(!keys_known_failed.contains(&after.idempotency_key()));
            }
            if is_failure(&event, &before, &rules) && !matches!(event, Event::Expired) {
                keys_known_failed.push(before.idempotency_key());
            }
            if let State::Failed(Failure::Retry(retry)) = &after.state {
                let open = rules.quiet_hours.closed_until(after.content.channel, retry.due_at).is_none();
                prop_assert!(open || !is_failure(&event, &before, &rules), "a retry never falls into quiet hours");
            }
            message = after;
        }
    }

    #[test]
    fn a_release_puts_everything_back_as_it_was(failed_first in any::<bool>(), pulled in Just(false)) {
        let rules = Rules::default();
        let mut before = message(1);
        let mut now = morning();
        if failed_first {
            let leased = moved(&before, Event::Lease { lease: lease(9), pulled }, now, &rules);
            before = moved(&leased, Event::Refused { lease: lease(9), error: "400".to_owned() }, now, &rules);
            now += TimeDelta::hours(1);
        }
        let leased = moved(&before, Event::Lease { lease: lease(1), pulled }, now, &rules);
        let back = moved(&leased, Event::Released { lease: lease(1), reason: "limit".to_owned() }, now, &rules);
        let unchanged = Message { revision: before.revision, updated_at: before.updated_at, ..back };
        prop_assert_eq!(unchanged, before);
    }
}

#[test]
fn the_number_of_backoff_steps_is_the_number_of_retries_then_it_is_dead() {
    let rules = Rules::default();
    let mut message = message(1);
    let mut now = morning();
    let mut waits = Vec::new();
    for attempt in 1..=4 {
        now += TimeDelta::hours(2);
        let leased = moved(&message, Event::Lease { lease: lease(attempt), pulled: false }, now, &rules);
        assert_eq!(u128::from(leased.attempt), attempt);
        message =
            moved(&leased, Event::Refused { lease: lease(attempt), error: "no".to_owned() }, now, &rules);
        waits.push(message.state.due_at().map(|due| (due - now).num_minutes()));
    }
    assert_eq!(waits, [Some(2), Some(10), Some(60), None]);
    assert!(matches!(message.state, State::Failed(Failure::Dead { .. })));
    assert_eq!(message.retry_count, 4);
}

#[test]
fn a_lease_lost_three_times_is_held_with_its_key_unchanged() {
    let rules = Rules::default();
    let mut message = message(1);
    let mut now = morning();
    for n in 1..=3 {
        assert!(matches!(message.state, State::Queued(_)));
        message = moved(&message, Event::Lease { lease: lease(n), pulled: false }, now, &rules);
        assert!(message.idempotency_key().ends_with(":1"));
        now += TimeDelta::seconds(60);
        message = moved(&message, Event::Expired, now, &rules);
    }
    assert!(matches!(message.state, State::Failed(Failure::Held { .. })));
}

#[test]
fn a_timed_out_callback_under_retry_repeats_the_same_key() {
    let rules = Rules { callback_timeout_action: CallbackTimeoutAction::Retry, ..Rules::default() };
    let sent = moved(&message(1), Event::Lease { lease: lease(1), pulled: true }, morning(), &rules);
    let late = morning() + TimeDelta::seconds(900);
    let retry = moved(&sent, Event::Expired, late, &rules);
    assert_eq!(retry.retry_count, 1);
    let again =
        moved(&retry, Event::Lease { lease: lease(2), pulled: true }, late + TimeDelta::hours(1), &rules);
    assert_eq!(again.idempotency_key(), sent.idempotency_key());
}

/// A retry's hand-off may have reached N8N before its lease was lost: N8N would drop what comes under the same key.
#[test]
fn a_requeue_never_brings_back_a_key_that_was_used() {
    let rules = Rules::default();
    let first = moved(&message(1), Event::Lease { lease: lease(1), pulled: false }, morning(), &rules);
    let failed = Event::Refused { lease: lease(1), error: "no".to_owned() };
    let failed = moved(&first, failed, morning(), &rules);
    let later = morning() + TimeDelta::hours(1);
    let second = moved(&failed, Event::Lease { lease: lease(2), pulled: false }, later, &rules);
    let lost = moved(&second, Event::Expired, later + TimeDelta::hours(1), &rules);
    let (now, by) = (later + TimeDelta::hours(2), Actor::System);
    let cancelled = moved(&lost, Event::Cancel { by: by.clone() }, now, &rules);
    for before in [lost, cancelled] {
        let requeued = moved(&before, Event::Requeue { by: by.clone() }, now, &rules);
        assert_eq!(requeued.attempt, second.attempt + 1);
    }
    let untried = moved(&failed, Event::Requeue { by }, now, &rules);
    assert_eq!(untried.attempt, failed.attempt + 1);
}
