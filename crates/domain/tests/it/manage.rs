//! Cancel and requeue.

use domain::access::Scope;
use domain::actor::Actor;
use domain::ids::{MessageId, OwnerId};
use domain::message::{Event, Message, Priority, Status};
use domain::ports::Filter;
use domain::usecase::manage::{Act, manage, manage_matching, rehearse, rehearse_matching};
use uuid::Uuid;

use crate::build::{World, content, lease, message, morning, moved};

fn owned(n: u128, owner: &str) -> Message {
    Message::queued(MessageId::new(Uuid::from_u128(n)), content(Some(owner)), Priority::Low, None, morning())
}

fn scope(owner: &str) -> Scope {
    Scope { owner: Some(OwnerId::parse(owner).unwrap()), branch: None }
}

#[test]
fn only_messages_in_the_scope_are_touched_and_the_rest_is_unknown() {
    let world = World::new();
    world.put(vec![owned(1, "u1"), owned(2, "u2")]);
    let ids = [world.get(1).id, world.get(2).id];
    let managed =
        pollster::block_on(manage(&world.deps(), Act::Cancel, &Actor::System, &scope("u1"), &ids)).unwrap();
    assert_eq!(managed.changed.len(), 1);
    assert_eq!(managed.unknown, [ids[1]]);
    assert_eq!(world.get(2).status(), Status::Queued);
}

#[test]
fn what_is_in_flight_can_t_be_cancelled() {
    let world = World::new();
    world.put(vec![moved(
        &message(1),
        Event::Lease { lease: lease(1), pulled: false },
        morning(),
        &world.rules,
    )]);
    let ids = [world.get(1).id];
    let all = Scope::everything();
    let managed = pollster::block_on(manage(&world.deps(), Act::Cancel, &Actor::System, &all, &ids)).unwrap();
    assert_eq!((managed.changed.len(), managed.refused.len()), (0, 1));
}

#[test]
fn all_that_match_are_cancelled_and_requeued_in_portions_with_progress() {
    let world = World::new();
    world.put((1..=2_500).map(|n| owned(n, if n % 2 == 0 { "u1" } else { "u2" })).collect());
    let mut heard = 0;
    let filter = Filter { priority: Some(Priority::Low), ..Filter::default() };
    for act in [Act::Cancel, Act::Requeue] {
        let counts = pollster::block_on(manage_matching(
            &world.deps(),
            act,
            &Actor::System,
            &scope("u1"),
            &filter,
            &mut |_| heard += 1,
        ))
        .unwrap();
        assert_eq!((counts.changed, counts.refused), (1_250, 0));
    }
    assert_eq!(heard, 4);
    assert_eq!(world.get(2).attempt, 2);
    assert_eq!(world.get(1).attempt, 1);
}

#[test]
fn a_rehearsal_says_what_would_happen_and_changes_nothing() {
    let world = World::new();
    let leased =
        moved(&owned(2, "u1"), Event::Lease { lease: lease(1), pulled: false }, morning(), &world.rules);
    world.put(vec![owned(1, "u1"), leased, owned(3, "u2")]);
    let ids = [1, 2, 3].map(|n| world.get(n).id);
    let deps = world.deps();
    let said = pollster::block_on(rehearse(&deps, Act::Cancel, &Actor::System, &scope("u1"), &ids)).unwrap();
    let statuses: Vec<Status> = said.changed.iter().map(Message::status).collect();
    assert_eq!(statuses, [Status::Cancelled]);
    assert_eq!((said.refused.len(), said.unknown.len()), (1, 1));
    let (all, filter) = (Scope::everything(), Filter::default());
    let mut heard = 0;
    let mut hear = |_| heard += 1;
    let counted = rehearse_matching(&deps, Act::Cancel, &Actor::System, &all, &filter, &mut hear);
    let counted = pollster::block_on(counted).unwrap();
    assert_eq!((counted.changed, counted.refused, heard), (2, 1, 1));
    assert_eq!([1, 2, 3].map(|n| world.get(n).status()), [Status::Queued, Status::Leased, Status::Queued]);
}
