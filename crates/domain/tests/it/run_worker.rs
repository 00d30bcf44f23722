//! One run of the worker, against an N8N in memory.

use chrono::TimeDelta;
use domain::access::Scope;
use domain::actor::Actor;
use domain::channel::Channel;
use domain::contact::{Contact, ContactId};
use domain::ids::{LeadId, OwnerId};
use domain::message::{Callback, Content, Event, Message, Outcome, Priority, State, Status};
use domain::phone::PhoneNumber;
use domain::policy::circuit::CircuitLabel;
use domain::policy::rate_limit::RateLimit;
use domain::ports::{ContactStore, DeliveryGateway, HandOffAnswer};
use domain::rules::Limits;
use domain::usecase::record_callbacks::record_callbacks;
use domain::usecase::run_worker::{RunReport, RunRequest, Warning, run_worker};
use uuid::Uuid;

use crate::build::{World, content, lease, message, morning, moved};
use crate::gateway::{ScriptedGateway, Stop};

fn request() -> RunRequest {
    RunRequest {
        batch: 50,
        concurrency: 5,
        dry_run: false,
        retry_failed_only: false,
        only: None,
        pull: false,
        scope: Scope::everything(),
        ignore_quiet_hours: false,
        by: Actor::Worker,
    }
}

fn run(world: &World, gateway: &dyn DeliveryGateway, request: &RunRequest) -> RunReport {
    pollster::block_on(run_worker(&world.deps(), Some(gateway), &Stop(false), request)).unwrap()
}

fn unlimited(world: &mut World) {
    world.rules.limits = Limits { global: RateLimit::per_minute(0), per_owner: RateLimit::per_minute(0) };
}

#[test]
fn a_batch_goes_out_by_priority_then_due_time_and_waits_for_its_callbacks() {
    let world = World::new();
    let priorities = [Priority::Low, Priority::High, Priority::Medium, Priority::High];
    let messages =
        (1u128..).zip(priorities).map(|(n, priority)| Message { priority, ..message(n) }).collect();
    world.put(messages);
    let gateway = ScriptedGateway::accepting(&world.clock);
    let report = run(&world, &gateway, &RunRequest { concurrency: 1, ..request() });
    let order: Vec<u128> = gateway
        .received()
        .iter()
        .map(|key| {
            let id: Uuid = key.split(':').next().unwrap().parse().unwrap();
            id.as_u128()
        })
        .collect();
    assert_eq!(order, [2, 4, 3, 1]);
    assert_eq!((report.processed, report.skipped, report.sent, report.failed), (4, 4, 0, 0));
    assert_eq!(report.by_priority[&Priority::High], 2);
    assert!(world.all(1..=4).iter().all(|m| m.status() == Status::Dispatched));
}

#[test]
fn without_a_webhook_nothing_is_leased_and_the_answer_says_so() {
    let world = World::new();
    world.put(vec![message(1)]);
    let report = pollster::block_on(run_worker(&world.deps(), None, &Stop(false), &request())).unwrap();
    assert_eq!(report.warnings, [Warning::NoWebhook]);
    assert!(!report.webhook_enabled);
    assert_eq!((report.processed, world.get(1).status()), (0, Status::Queued));
    world.clock.set("2026-03-02T14:00:00Z".parse().unwrap()); // 21:00 in Ho Chi Minh City
    let report = pollster::block_on(run_worker(&world.deps(), None, &Stop(false), &request())).unwrap();
    assert_eq!(report.warnings, [Warning::NoWebhook], "inside quiet hours too");
}

#[test]
fn inside_quiet_hours_nothing_is_leased_unless_an_admin_passes_them() {
    let world = World::new();
    world.put(vec![message(1)]);
    world.clock.set("2026-03-02T14:00:00Z".parse().unwrap()); // 21:00 in Ho Chi Minh City
    let gateway = ScriptedGateway::accepting(&world.clock);
    let report = run(&world, &gateway, &request());
    assert!(report.quiet.active);
    assert_eq!(report.quiet.ends_at, Some("2026-03-03T01:00:00Z".parse().unwrap()));
    assert_eq!((report.processed, gateway.received().len()), (0, 0));
    assert_eq!(run(&world, &gateway, &RunRequest { ignore_quiet_hours: true, ..request() }).processed, 1);
}

#[test]
fn what_is_left_when_quiet_hours_begin_is_released() {
    let mut world = World::new();
    unlimited(&mut world);
    world.put((1..=10).map(message).collect());
    world.clock.set("2026-03-02T13:59:57Z".parse().unwrap());
    let gateway = ScriptedGateway::accepting(&world.clock).taking(TimeDelta::seconds(1));
    let report = run(&world, &gateway, &RunRequest { concurrency: 1, ..request() });
    assert_eq!((report.processed, report.released), (3, 7));
    assert!(world.all(4..=10).iter().all(|m| m.status() == Status::Queued && m.revision == 2));
}

#[test]
fn a_slow_n8n_gets_no_hand_off_after_the_run_s_time_nor_one_that_could_outlive_its_lease() {
    let mut world = World::new();
    unlimited(&mut world);
    world.put((1..=20).map(message).collect());
    let gateway = ScriptedGateway::accepting(&world.clock).taking(TimeDelta::seconds(9));
    let report = run(&world, &gateway, &RunRequest { concurrency: 1, ..request() });
    assert_eq!(report.processed, 3, "at 0, 9 and 18 s; one at 27 s would start too late");
    assert!(report.duration <= TimeDelta::seconds(29), "N8N waits 30 s for the answer: {}", report.duration);
    assert_eq!(report.released, 17);
    world.rules.max_run = TimeDelta::hours(1);
    let report = run(&world, &gateway, &RunRequest { concurrency: 1, ..request() });
    assert!(report.processed <= 6, "60 s of lease less 12 s for the last hand-off: {}", report.processed);
}

#[test]
fn what_would_get_its_turn_too_late_is_given_back_without_waiting_for_it() {
    let mut world = World::new();
    unlimited(&mut world);
    world.put((1..=50).map(message).collect());
    let gateway = ScriptedGateway::accepting(&world.clock).pacing(TimeDelta::seconds(1));
    let report = run(&world, &gateway, &request());
    assert!(report.duration <= TimeDelta::seconds(29), "N8N waits 30 s for the answer: {}", report.duration);
    assert_eq!(report.processed + report.released, 50);
    assert!(report.processed >= 15 && report.released >= 15, "{} went out", report.processed);
    assert!(world.all(1..=50).iter().all(|m| m.lost_leases == 0));
}

#[test]
fn what_the_database_refuses_takes_no_other_outcome_with_it_and_stops_the_run() {
    let mut world = World::new();
    unlimited(&mut world);
    world.put((1..=10).map(message).collect());
    let gateway = ScriptedGateway::new(&world.clock, |m| {
        // Somebody else's hand breaks one row: its save is refused.
        if m.id.uuid().as_u128() == 2 {
            world.store.refuse(m.id);
        }
        HandOffAnswer::Accepted
    });
    let one_by_one = RunRequest { concurrency: 1, ..request() };
    assert!(
        pollster::block_on(run_worker(&world.deps(), Some(&gateway), &Stop(false), &one_by_one)).is_err()
    );
    let handed_off = gateway.received().len();
    let saved = world.all(1..=10).iter().filter(|m| m.status() == Status::Dispatched).count();
    assert_eq!(saved, handed_off - 1, "all but the refused one are saved");
    assert_eq!(world.get(2).status(), Status::Leased);
}

#[test]
fn a_probe_that_hands_nothing_off_is_given_back() {
    let mut world = World::new();
    unlimited(&mut world);
    world.put((1..=6).map(message).collect());
    let down = ScriptedGateway::failing(&world.clock);
    run(&world, &down, &RunRequest { concurrency: 1, ..request() });
    world.pass(TimeDelta::seconds(31));
    world.rules.lease_for = TimeDelta::seconds(1); // Too short for any hand-off: the probe is released.
    assert_eq!(run(&world, &down, &request()).released, 1);
    world.rules.lease_for = TimeDelta::seconds(60);
    let up = ScriptedGateway::accepting(&world.clock);
    assert_eq!(run(&world, &up, &request()).processed, 1, "another may probe at once");
}

#[test]
fn an_outage_of_n8n_uses_up_no_attempt_and_opens_the_circuit_then_one_message_probes() {
    let mut world = World::new();
    unlimited(&mut world);
    world.put((1..=30).map(message).collect());
    let down = ScriptedGateway::failing(&world.clock);
    let report = run(&world, &down, &RunRequest { concurrency: 1, ..request() });
    assert_eq!((report.failed, report.released), (5, 25));
    assert_eq!(report.circuit, CircuitLabel::Open);
    assert!(
        world
            .all(1..=30)
            .iter()
            .all(|m| m.status() == Status::Queued && m.retry_count == 0 && m.attempt == 1)
    );
    let refused = run(&world, &down, &request());
    assert!(matches!(refused.warnings.as_slice(), [Warning::CircuitOpen { .. }]));
    assert_eq!(down.received().len(), 5);
    world.pass(TimeDelta::seconds(31));
    assert_eq!(run(&world, &down, &request()).processed, 1, "one message probes");
    world.pass(TimeDelta::seconds(31));
    let up = ScriptedGateway::accepting(&world.clock);
    assert_eq!(run(&world, &up, &request()).processed, 1);
    assert_eq!(run(&world, &up, &request()).circuit, CircuitLabel::Closed);
    world.pass(TimeDelta::minutes(5));
    run(&world, &up, &request());
    assert!(
        world
            .all(1..=30)
            .iter()
            .all(|m| m.status() == Status::Dispatched && m.idempotency_key().ends_with(":1"))
    );
}

#[test]
fn no_answer_means_it_may_have_gone_out_so_it_is_not_sent_again() {
    let world = World::new();
    world.put(vec![message(1)]);
    let silent = ScriptedGateway::new(&world.clock, |_| HandOffAnswer::Unknown);
    assert_eq!(run(&world, &silent, &request()).skipped, 1);
    let after = world.get(1);
    assert_eq!((after.status(), after.state.error()), (Status::Dispatched, Some("no answer from N8N")));
    run(&world, &silent, &request());
    assert_eq!(silent.received().len(), 1);
}

#[test]
fn an_answer_with_an_outcome_counts_as_the_callback() {
    let world = World::new();
    world.put((1..=3).map(message).collect());
    let gateway = ScriptedGateway::new(&world.clock, |m| {
        HandOffAnswer::Settled(match m.id.uuid().as_u128() {
            1 => Outcome::Sent { provider_message_id: Some("p".to_owned()), sent_at: None },
            2 => Outcome::Failed { error: "no".to_owned(), permanent: true },
            _ => Outcome::Skipped { reason: "blocked".to_owned() },
        })
    });
    let report = run(&world, &gateway, &request());
    assert_eq!((report.processed, report.sent, report.failed, report.dropped), (3, 1, 1, 1));
    let statuses: Vec<_> = world.all(1..=3).iter().map(Message::status).collect();
    assert_eq!(statuses, [Status::Sent, Status::Failed, Status::Skipped]);
}

#[test]
fn a_callback_that_overtakes_the_answer_is_not_undone_by_it() {
    let world = World::new();
    world.put(vec![message(1)]);
    let gateway = ScriptedGateway::new(&world.clock, |m| {
        let sent = Outcome::Sent { provider_message_id: Some("fast".to_owned()), sent_at: None };
        let callback = Callback { outcome: sent, attempt: None, lease: None };
        pollster::block_on(record_callbacks(&world.deps(), &[(m.id, callback)])).unwrap();
        HandOffAnswer::Accepted
    });
    run(&world, &gateway, &request());
    assert!(matches!(world.get(1).state, State::Sent(_)));
}

#[test]
fn a_stopping_process_releases_what_it_has_not_handed_off() {
    let world = World::new();
    world.put(vec![message(1)]);
    let gateway = ScriptedGateway::accepting(&world.clock);
    let report =
        pollster::block_on(run_worker(&world.deps(), Some(&gateway), &Stop(true), &request())).unwrap();
    assert_eq!(report.warnings, [Warning::Stopping]);
    assert_eq!(world.get(1).status(), Status::Queued);
}

#[test]
fn limits_hold_back_and_the_answer_says_how_many() {
    let mut world = World::new();
    world.rules.limits = Limits { global: RateLimit::per_minute(8), per_owner: RateLimit::per_minute(3) };
    let owned = |n: u128, owner| Message { content: content(Some(owner)), ..message(n) };
    let mut messages: Vec<_> = (1..=10).map(|n| owned(n, "busy")).collect();
    messages.extend((11..=15).map(|n| owned(n, "quiet")));
    world.put(messages);
    let gateway = ScriptedGateway::accepting(&world.clock);
    let report = run(&world, &gateway, &request());
    assert_eq!((report.processed, report.rate_limited), (6, 9));
    assert_eq!(report.by_owner.iter().map(|o| o.count).collect::<Vec<_>>(), [3, 3]);
    assert_eq!(run(&world, &gateway, &request()).processed, 0);
    world.pass(TimeDelta::seconds(61));
    assert_eq!(run(&world, &gateway, &request()).processed, 5);
}

#[test]
fn pull_mode_gives_the_messages_to_the_caller_and_a_dry_run_changes_nothing() {
    let world = World::new();
    world.put((1..=3).map(message).collect());
    let gateway = ScriptedGateway::accepting(&world.clock);
    let dry = run(&world, &gateway, &RunRequest { dry_run: true, pull: true, ..request() });
    assert_eq!((dry.processed, dry.messages.len(), dry.lease), (3, 0, None));
    assert!(world.all(1..=3).iter().all(|m| m.revision == 0));
    let pulled = run(&world, &gateway, &RunRequest { pull: true, ..request() });
    assert_eq!((pulled.processed, pulled.messages.len(), gateway.received().len()), (3, 3, 0));
    assert!(world.all(1..=3).iter().all(|m| m.status() == Status::Dispatched));
}

#[test]
fn retry_failed_only_leaves_queued_messages_alone() {
    let world = World::new();
    let leased = moved(&message(1), Event::Lease { lease: lease(1), pulled: false }, morning(), &world.rules);
    let failed =
        moved(&leased, Event::Refused { lease: lease(1), error: "e".to_owned() }, morning(), &world.rules);
    world.put(vec![failed, message(2)]);
    world.pass(TimeDelta::minutes(5));
    let gateway = ScriptedGateway::accepting(&world.clock);
    run(&world, &gateway, &RunRequest { retry_failed_only: true, ..request() });
    assert_eq!(gateway.received(), [format!("{}:2", world.get(1).id)]);
    assert_eq!(world.get(2).status(), Status::Queued);
}

#[test]
fn a_run_for_one_message_passes_those_in_front_and_keeps_every_rule() {
    let mut world = World::new();
    world.rules.limits = Limits { global: RateLimit::per_minute(1), per_owner: RateLimit::per_minute(0) };
    world.put(vec![Message { priority: Priority::High, ..message(1) }, message(2), message(3)]);
    let gateway = ScriptedGateway::accepting(&world.clock);
    let one = |n| RunRequest { only: Some(message(n).id), ..request() };
    let sent = run(&world, &gateway, &one(2));
    assert_eq!((sent.processed, sent.rate_limited), (1, 0));
    assert_eq!(gateway.received(), [format!("{}:1", world.get(2).id)]);
    assert_eq!((world.get(1).status(), world.get(3).status()), (Status::Queued, Status::Queued));
    let limited = run(&world, &gateway, &one(3));
    assert_eq!((limited.processed, limited.rate_limited), (0, 1));
    world.pass(TimeDelta::seconds(61));
    let gone = run(&world, &gateway, &one(2));
    assert_eq!((gone.processed, gone.rate_limited), (0, 0), "it has gone already");
}

#[test]
fn an_opt_out_that_arrives_after_queueing_stops_the_message_at_the_lease() {
    let world = World::new();
    let lead = LeadId::parse("l1").unwrap();
    world.put(vec![Message {
        content: Content { lead_id: Some(lead.clone()), ..content(None) },
        ..message(1)
    }]);
    let contact = Contact {
        id: ContactId::Lead(lead),
        full_name: None,
        phone: Some(PhoneNumber::parse("0901234567").unwrap()),
        zalo_user_id: None,
        facebook_psid: None,
        owner_id: Some(OwnerId::parse("u1").unwrap()),
        owner_name: None,
        branch_id: None,
        opted_out: [Channel::Zalo].into_iter().collect(),
    };
    pollster::block_on(world.store.upsert_contacts(&[contact], morning())).unwrap();
    let gateway = ScriptedGateway::accepting(&world.clock);
    let report = run(&world, &gateway, &request());
    assert_eq!((report.processed, report.dropped, gateway.received().len()), (0, 1, 0));
    assert_eq!(world.get(1).state.error(), Some("OPTED_OUT"));
}
