//! What is known of the queue goes into the explanation of a message.

use chrono::{DateTime, TimeDelta, Utc};
use domain::access::Scope;
use domain::actor::Actor;
use domain::explain::Reason;
use domain::message::Message;
use domain::policy::circuit::Circuit;
use domain::policy::rate_limit::RateLimit;
use domain::ports::{RunStore, SharedCircuit};
use domain::rules::{Limits, Rules};
use domain::usecase::explain::explain_message;
use domain::usecase::run_worker::{RunRequest, run_worker};

use crate::build::{World, content, message, morning};
use crate::gateway::Stop;

fn reasons(world: &World, message: &Message) -> Vec<Reason> {
    pollster::block_on(explain_message(&world.deps(), message, true)).unwrap().reasons
}

fn owned(n: u128, owner: &str) -> Message {
    let one = message(n);
    Message { content: content(Some(owner)), ..one }
}

#[test]
fn the_owner_s_limit_and_that_over_all_are_told_apart() {
    let limits = Limits { global: RateLimit::per_minute(3), per_owner: RateLimit::per_minute(1) };
    let world = World { rules: Rules { limits, ..Rules::default() }, ..World::new() };
    world.put(vec![owned(1, "u1"), owned(2, "u1"), owned(3, "u2")]);
    let pull = RunRequest {
        batch: 10,
        concurrency: 1,
        dry_run: false,
        retry_failed_only: false,
        only: None,
        pull: true,
        scope: Scope::everything(),
        ignore_quiet_hours: false,
        by: Actor::Worker,
    };
    pollster::block_on(run_worker(&world.deps(), None, &Stop(false), &pull)).unwrap();
    let free: DateTime<Utc> = morning() + TimeDelta::seconds(61);
    assert_eq!(reasons(&world, &world.get(2)), [Reason::OwnerLimit(free)]);
    world.put(vec![message(4)]);
    assert_eq!(reasons(&world, &world.get(4)), [Reason::WaitingForWorker]);
    pollster::block_on(run_worker(&world.deps(), None, &Stop(false), &pull)).unwrap();
    world.put(vec![message(5)]);
    assert_eq!(reasons(&world, &world.get(5)), [Reason::GlobalLimit(free)]);
    assert_eq!(reasons(&world, &world.get(2)), [Reason::OwnerLimit(free), Reason::GlobalLimit(free)]);
}

#[test]
fn the_shared_circuit_is_asked_and_only_for_what_waits() {
    let world = World::new();
    let until = morning() + TimeDelta::seconds(30);
    let open = SharedCircuit { circuit: Circuit::Open { until, failures: 5 }, revision: 0 };
    assert!(pollster::block_on(world.store.save_circuit(&open)).unwrap());
    assert_eq!(reasons(&world, &message(1)), [Reason::CircuitOpen(until)]);
    let skipped = message(2).skipped(domain::message::SkipReason::OptedOut);
    assert_eq!(reasons(&world, &skipped), [Reason::Suppressed]);
}
