//! More time for whoever pulled messages.

use chrono::TimeDelta;
use domain::access::Scope;
use domain::actor::Actor;
use domain::ids::LeaseId;
use domain::message::{Event, Status};
use domain::usecase::heartbeat::{Extended, HeartbeatError, heartbeat};
use domain::usecase::run_worker::{RunRequest, run_worker};

use crate::build::{World, lease, message, morning};
use crate::gateway::{ScriptedGateway, Stop};

fn run(world: &World, pull: bool) -> LeaseId {
    let request = RunRequest {
        batch: 10,
        concurrency: 1,
        dry_run: false,
        retry_failed_only: false,
        only: None,
        pull,
        scope: Scope::everything(),
        ignore_quiet_hours: false,
        by: Actor::Worker,
    };
    let gateway = ScriptedGateway::accepting(&world.clock);
    pollster::block_on(run_worker(&world.deps(), Some(&gateway), &Stop(false), &request))
        .unwrap()
        .lease
        .unwrap()
}

fn beat(world: &World, lease: LeaseId, minutes: i64) -> Result<Extended, HeartbeatError> {
    pollster::block_on(heartbeat(&world.deps(), lease, TimeDelta::minutes(minutes)))
}

#[test]
fn the_wait_of_what_is_in_flight_becomes_longer_and_never_shorter() {
    let world = World::new();
    world.put(vec![message(1), message(2)]);
    let lease = run(&world, true);
    world.pass(TimeDelta::minutes(14));
    let until = morning() + TimeDelta::minutes(44);
    assert_eq!(beat(&world, lease, 30).unwrap(), Extended { in_flight: 2, until });
    assert_eq!(world.get(1).state.lease_expires_at(), Some(until));
    let revision = world.get(1).revision;
    assert_eq!(beat(&world, lease, 1).unwrap(), Extended { in_flight: 2, until });
    assert_eq!(world.get(1).revision, revision, "nothing to change is no change");
    world.pass(TimeDelta::minutes(29));
    assert_eq!(pollster::block_on(domain::usecase::expire::expire(&world.deps())).unwrap(), 0);
    assert_eq!(world.get(2).status(), Status::Dispatched);
}

#[test]
fn a_lease_that_is_unknown_pushed_or_over_is_told_apart() {
    let world = World::new();
    assert!(matches!(beat(&world, lease(99), 5), Err(HeartbeatError::Unknown)));
    world.put(vec![message(1)]);
    let pushed = run(&world, false);
    assert!(matches!(beat(&world, pushed, 5), Err(HeartbeatError::NotPulled)));
    world.put(vec![message(2)]);
    let pulled = run(&world, true);
    world.pass(TimeDelta::hours(1));
    pollster::block_on(domain::usecase::expire::expire(&world.deps())).unwrap();
    assert!(matches!(beat(&world, pulled, 5), Err(HeartbeatError::Over)));
    let stale =
        world.get(2).apply(Event::Extend { lease: pulled, until: morning() }, &world.deps().context());
    assert!(stale.is_err());
}
