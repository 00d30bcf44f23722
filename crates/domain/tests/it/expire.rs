//! What is overdue.

use chrono::TimeDelta;
use domain::message::{Event, FailureKind, Status};
use domain::usecase::expire::expire;

use crate::build::{World, lease, message, morning, moved};

#[test]
fn a_lost_lease_is_due_again_at_once_and_a_lost_callback_is_held() {
    let world = World::new();
    let rules = &world.rules;
    world.put(vec![
        moved(&message(1), Event::Lease { lease: lease(1), pulled: false }, morning(), rules),
        moved(&message(2), Event::Lease { lease: lease(2), pulled: true }, morning(), rules),
    ]);
    assert_eq!(pollster::block_on(expire(&world.deps())).unwrap(), 0, "nothing is overdue yet");
    world.pass(TimeDelta::seconds(60));
    assert_eq!(pollster::block_on(expire(&world.deps())).unwrap(), 1);
    assert_eq!(world.get(1).status(), Status::Queued);
    assert_eq!(world.get(1).state.due_at(), Some(morning() + TimeDelta::seconds(60)));
    world.pass(TimeDelta::seconds(840));
    assert_eq!(pollster::block_on(expire(&world.deps())).unwrap(), 1);
    assert_eq!(world.get(2).state.failure_kind(), Some(FailureKind::Held));
    assert_eq!(world.get(2).retry_count, 0, "an unknown outcome is no failed attempt");
}
