//! What N8N says, in every order it may say it.

use chrono::TimeDelta;
use domain::access::Scope;
use domain::ids::MessageId;
use domain::message::{Callback, Event, Illegal, Outcome, State, Status};
use domain::ports::MessageReader;
use domain::usecase::record_callbacks::{Recorded, record_callbacks};
use proptest::prelude::*;
use uuid::Uuid;

use crate::build::{World, lease, message, morning, moved};

fn id(n: u128) -> MessageId {
    MessageId::new(Uuid::from_u128(n))
}

fn sent(provider: &str) -> Callback {
    plain(Outcome::Sent { provider_message_id: Some(provider.to_owned()), sent_at: None })
}

fn failed() -> Callback {
    plain(Outcome::Failed { error: "busy".to_owned(), permanent: false })
}

fn plain(outcome: Outcome) -> Callback {
    Callback { outcome, attempt: None, lease: None }
}

fn say(world: &World, callbacks: Vec<Callback>) -> Vec<Recorded> {
    let callbacks: Vec<_> = callbacks.into_iter().map(|callback| (id(1), callback)).collect();
    pollster::block_on(record_callbacks(&world.deps(), &callbacks)).unwrap()
}

/// A world with message 1 pulled under lease 1.
fn dispatched() -> World {
    let world = World::new();
    world.put(vec![moved(
        &message(1),
        Event::Lease { lease: lease(1), pulled: true },
        morning(),
        &world.rules,
    )]);
    world
}

#[test]
fn failed_over_sent_changes_nothing_and_is_noted_once() {
    let world = dispatched();
    let answers = say(&world, vec![sent("p1"), failed(), failed(), sent("p2")]);
    assert_eq!(answers, [Recorded::Applied, Recorded::Unchanged, Recorded::Unchanged, Recorded::Unchanged]);
    let State::Sent(state) = world.get(1).state else { panic!("must be SENT") };
    assert_eq!(state.provider_message_id.as_deref(), Some("p1"));
    let detail = pollster::block_on(world.store.detail(id(1), &Scope::everything())).unwrap().unwrap();
    assert_eq!(detail.entries.len(), 2, "the settlement, and the contradiction once");
}

#[test]
fn a_repeated_failure_is_counted_once() {
    let world = dispatched();
    let answers = say(&world, vec![failed(), failed(), failed()]);
    assert_eq!(answers, [Recorded::Applied, Recorded::Unchanged, Recorded::Unchanged]);
    assert_eq!(world.get(1).retry_count, 1);
}

#[test]
fn a_message_that_went_out_is_sent_whatever_was_believed_before() {
    let world = dispatched();
    assert_eq!(say(&world, vec![failed(), sent("late")]), [Recorded::Applied, Recorded::Applied]);
    assert_eq!(world.get(1).status(), Status::Sent);
}

#[test]
fn a_failure_that_names_an_older_lease_or_attempt_changes_nothing() {
    let world = dispatched();
    let older = Callback { lease: Some(lease(7)), ..failed() };
    assert_eq!(say(&world, vec![older]), [Recorded::Unchanged]);
    say(&world, vec![failed()]);
    world.pass(TimeDelta::hours(1));
    let again = moved(
        &world.get(1),
        Event::Lease { lease: lease(2), pulled: true },
        morning() + TimeDelta::hours(1),
        &world.rules,
    );
    let second = World::new();
    second.put(vec![again]);
    assert_eq!(say(&second, vec![Callback { attempt: Some(1), ..failed() }]), [Recorded::Unchanged]);
    assert_eq!(say(&second, vec![Callback { attempt: Some(2), ..failed() }]), [Recorded::Applied]);
}

#[test]
fn a_message_that_was_never_handed_off_has_no_callback() {
    let world = World::new();
    world.put(vec![message(1)]);
    assert_eq!(say(&world, vec![sent("p")]), [Recorded::Illegal(Illegal::NeverAttempted(Status::Queued))]);
}

#[test]
fn sent_at_must_lie_between_the_creation_and_five_minutes_from_now() {
    let at = |time| vec![plain(Outcome::Sent { provider_message_id: None, sent_at: Some(time) })];
    for wrong in [morning() - TimeDelta::days(1), morning() + TimeDelta::minutes(6)] {
        assert_eq!(say(&dispatched(), at(wrong)), [Recorded::Illegal(Illegal::SentAt)]);
    }
    assert_eq!(say(&dispatched(), at(morning() + TimeDelta::minutes(4))), [Recorded::Applied]);
}

#[test]
fn an_unknown_message_is_told_apart() {
    let world = World::new();
    assert_eq!(say(&world, vec![sent("p")]), [Recorded::Unknown]);
}

proptest! {
    #[test]
    fn any_order_with_one_sent_in_it_ends_as_sent(before in 0usize..4, after in 0usize..4, skipped in any::<bool>()) {
        let other = || if skipped { plain(Outcome::Skipped { reason: "r".to_owned() }) } else { failed() };
        let mut callbacks: Vec<_> = (0..before).map(|_| other()).collect();
        callbacks.push(sent("p"));
        callbacks.extend((0..after).map(|_| other()));
        let world = dispatched();
        let answers = say(&world, callbacks);
        prop_assert_eq!(world.get(1).status(), Status::Sent);
        prop_assert!(answers.iter().filter(|answer| **answer == Recorded::Applied).count() <= 2);
        prop_assert!(world.get(1).retry_count <= 1);
    }
}
