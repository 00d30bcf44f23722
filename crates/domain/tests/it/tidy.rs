//! What is forgotten, and what never.

use chrono::TimeDelta;
use domain::message::{Callback, Event, Message, Outcome, Status};
use domain::ports::{LeaseMode, LeaseRequest, MessageStore, RunStore};
use domain::rules::Rules;
use domain::usecase::run_worker::Stopping;
use domain::usecase::tidy::{Tidied, Tidying, tidy};

use crate::build::{World, lease, message, morning, moved};

struct Going(bool);

impl Stopping for Going {
    fn is_stopping(&self) -> bool {
        !self.0
    }
}

const KEPT_FOR: TimeDelta = TimeDelta::days(1);

fn run(world: &World, retention: Option<TimeDelta>, going: bool) -> Tidied {
    let tidying = Tidying {
        store: &world.store,
        clock: &world.clock,
        rules: &world.rules,
        stopping: &Going(going),
        retention,
    };
    pollster::block_on(tidy(&tidying)).unwrap()
}

fn cancelled(n: u128, rules: &Rules) -> Message {
    moved(&message(n), Event::Cancel { by: domain::actor::Actor::System }, morning(), rules)
}

fn left(world: &World, ids: impl IntoIterator<Item = u128>) -> Vec<u128> {
    let ids: Vec<_> = ids.into_iter().map(|n| message(n).id).collect();
    let mut left: Vec<_> = pollster::block_on(world.store.load(&ids)).unwrap();
    left.sort_by_key(|message| message.id);
    left.iter().map(|message| message.id.uuid().as_u128()).collect()
}

fn failed(permanent: bool) -> Event {
    let outcome = Outcome::Failed { error: "no such number".to_owned(), permanent };
    Event::Callback(Callback { outcome, attempt: None, lease: None })
}

#[test]
fn only_what_is_over_and_old_is_forgotten() {
    let world = World::new();
    let rules = &world.rules;
    let at = morning();
    let flying = |n| moved(&message(n), Event::Lease { lease: lease(n), pulled: true }, at, rules);
    let sent = Outcome::Sent { provider_message_id: None, sent_at: None };
    let sent = Event::Callback(Callback { outcome: sent, attempt: None, lease: None });
    world.put(vec![
        cancelled(1, rules),
        moved(&flying(2), sent, at, rules),
        moved(&flying(3), failed(true), at, rules),
        message(4).skipped(domain::message::SkipReason::DuplicateToday),
        // What stays: queued, leased, dispatched, waiting for its retry, held.
        message(5),
        moved(&message(6), Event::Lease { lease: lease(6), pulled: false }, at, rules),
        flying(7),
        moved(&flying(8), failed(false), at, rules),
        moved(&flying(9), Event::Expired, at + rules.callback_timeout, rules),
    ]);
    assert!(!world.get(9).is_over() && world.get(9).status() == Status::Failed);
    world.pass(KEPT_FOR);
    assert_eq!(run(&world, Some(KEPT_FOR), true).messages, 0, "a day old, no older");
    world.pass(TimeDelta::days(30));
    assert_eq!(run(&world, None, true), Tidied::default(), "no retention: all is kept");
    assert_eq!(run(&world, Some(KEPT_FOR), true).messages, 4);
    assert_eq!(left(&world, 1..=9), [5, 6, 7, 8, 9]);
}

#[test]
fn a_backlog_goes_in_steps_with_a_wait_between_them_unless_the_process_stops() {
    let world = World::new();
    world.put((1..=1_200).map(|n| cancelled(n, &world.rules)).collect());
    world.pass(TimeDelta::days(3));
    let before = domain::ports::Clock::now(&world.clock);
    assert_eq!(run(&world, Some(KEPT_FOR), false), Tidied::default(), "stopping");
    assert_eq!(run(&world, Some(KEPT_FOR), true).messages, 1_200);
    let waited = domain::ports::Clock::now(&world.clock) - before;
    assert_eq!(waited, TimeDelta::milliseconds(40), "two waits between three steps");
}

#[test]
fn what_the_rule_for_duplicates_looks_at_is_kept() {
    let mut world = World::new();
    world.rules.dedupe_days = 7;
    world.put(vec![cancelled(1, &world.rules)]);
    // Monday at ten; the following Sunday still counts it.
    world.pass(TimeDelta::days(6) + TimeDelta::hours(13));
    assert_eq!(run(&world, Some(KEPT_FOR), true).messages, 0);
    // The Monday after does not.
    world.pass(TimeDelta::hours(1));
    assert_eq!(run(&world, Some(KEPT_FOR), true).messages, 1);
}

#[test]
fn runs_go_when_their_messages_are_no_longer_under_way_and_windows_when_they_are_empty() {
    let world = World::new();
    let owned = |n, owner: &str| {
        let mut message = message(n);
        message.content = crate::build::content(Some(owner));
        message
    };
    world.put(vec![owned(1, "u1"), owned(2, "u2")]);
    let lease_one = |n: u128, limit| {
        let now = domain::ports::Clock::now(&world.clock);
        let request = LeaseRequest {
            now,
            lease: lease(n),
            lease_expires_at: now + TimeDelta::seconds(60),
            limit,
            channels: domain::policy::quiet_hours::OpenChannel::all(),
            scope: domain::access::Scope::everything(),
            retry_failed_only: false,
            only: None,
            limits: world.rules.limits,
            mode: LeaseMode::Pull { deadline: now + TimeDelta::days(7) },
            by: domain::actor::Actor::Worker,
            ignored_quiet_hours: false,
            dry_run: false,
        };
        pollster::block_on(world.store.lease_due(&request)).unwrap().messages
    };
    let first = lease_one(1, 1);
    world.pass(TimeDelta::seconds(60));
    assert_eq!(lease_one(2, 1).len(), 1);
    assert_eq!(run(&world, None, true).windows, 0, "the first lease counts for a minute and a second");
    world.pass(TimeDelta::seconds(1));
    world.put(vec![owned(3, "u2")]);
    assert_eq!(lease_one(3, 1).len(), 1);
    assert_eq!(run(&world, None, true).windows, 1);

    world.pass(TimeDelta::days(3));
    assert_eq!(run(&world, Some(KEPT_FOR), true).runs, 0, "all of them are under way");
    let rules = &world.rules;
    let change = match first[0].apply(failed(true), &world.deps().context()).unwrap() {
        domain::message::Step::Moved(change) => *change,
        domain::message::Step::Same(..) => panic!("nothing changed under {rules:?}"),
    };
    pollster::block_on(world.store.save(&[change])).unwrap();
    assert_eq!(run(&world, Some(KEPT_FOR), true).runs, 1);
    let runs = pollster::block_on(world.store.runs(10)).unwrap();
    assert_eq!(runs.iter().map(|run| run.lease).collect::<Vec<_>>(), [lease(3), lease(2)]);
}
