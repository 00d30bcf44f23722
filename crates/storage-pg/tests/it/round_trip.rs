//! Whatever the state machine makes of a message is read back as it was saved.

use chrono::{DateTime, TimeDelta, Utc};
use domain::access::Scope;
use domain::actor::Actor;
use domain::address::Address;
use domain::channel::Channel;
use domain::ids::{BranchId, JobId, NotificationId, StudentId};
use domain::message::{Callback, Content, Context, Entry, Event, Message, Outcome, Priority, Step};
use domain::policy::retry::Jitter;
use domain::ports::{MessageReader, MessageStore, Saved};
use domain::rules::Rules;
use proptest::prelude::*;
use storage_pg::PgStore;
use uuid::Uuid;

use crate::build::{fixture, insert, lease_id, load_one, message, morning, owner};

fn contents() -> impl Strategy<Value = Content> {
    (any::<[bool; 7]>(), 0..4_usize, "[a-zA-Zđ%_'\\\\ ]{1,40}").prop_map(|(has, channel, text)| {
        let base = message(1).content;
        let channel = Channel::ALL[channel];
        let address = if channel == Channel::Facebook { "psid-1" } else { "0901234567" };
        Content {
            channel,
            to: has[0].then(|| Address::parse(channel, address).unwrap()),
            template_key: base.template_key.filter(|_| has[1]),
            text: domain::message::Text(text.clone()),
            student_id: has[2].then(|| StudentId::parse("s1").unwrap()),
            notification_id: has[3].then(|| NotificationId::parse("n1").unwrap()),
            owner_id: has[4].then(|| owner("u1")),
            branch_id: has[5].then(|| BranchId::parse("b1").unwrap()),
            job_id: has[6].then(|| JobId::new(Uuid::from_u128(3))),
            full_name: has[0].then(|| text.clone()),
            owner_name: has[4].then_some(text),
            created_by: if has[1] { Actor::User(owner("u1")) } else { Actor::Service },
            scheduled_at: None,
            ..base
        }
    })
}

fn events() -> impl Strategy<Value = Event> {
    let lease = lease_id(1);
    let error = || "[a-z ]{1,20}";
    let outcome = prop_oneof![
        (any::<bool>(), any::<bool>()).prop_map(|(id, at)| Outcome::Sent {
            provider_message_id: id.then(|| "p1".to_owned()),
            sent_at: at.then(morning),
        }),
        (error(), any::<bool>()).prop_map(|(error, permanent)| Outcome::Failed { error, permanent }),
        error().prop_map(|reason| Outcome::Skipped { reason }),
    ];
    prop_oneof![
        4 => any::<bool>().prop_map(move |pulled| Event::Lease { lease, pulled }),
        2 => Just(Event::Accepted { lease }),
        1 => Just(Event::OutcomeUnknown { lease }),
        1 => error().prop_map(move |error| Event::NotAccepted { lease, error, retry_after: None }),
        1 => error().prop_map(move |error| Event::Refused { lease, error }),
        1 => error().prop_map(move |reason| Event::Released { lease, reason }),
        1 => Just(Event::Suppressed { lease }),
        2 => Just(Event::Expired),
        3 => outcome.prop_map(|outcome| Event::Callback(Callback { outcome, attempt: None, lease: None })),
        1 => Just(Event::Cancel { by: Actor::User(owner("u1")) }),
        2 => Just(Event::Requeue { by: Actor::System }),
        1 => (0..9_000_i64).prop_map(move |s| Event::Extend { lease, until: morning() + TimeDelta::seconds(s) }),
    ]
}

#[derive(Debug, Clone)]
struct Story {
    content: Content,
    priority: Priority,
    scheduled_at: Option<DateTime<Utc>>,
    events: Vec<(Event, i64, f64)>,
    retry_on_time_out: bool,
}

fn stories() -> impl Strategy<Value = Story> {
    let steps = prop::collection::vec((events(), 0..5_000_000_000_i64, -1.0..1.0_f64), 1..14);
    (contents(), 0..3_usize, any::<bool>(), steps, any::<bool>()).prop_map(
        |(content, priority, scheduled, events, retry_on_time_out)| Story {
            content,
            priority: Priority::ALL[priority],
            scheduled_at: scheduled.then(|| morning() + TimeDelta::microseconds(1_234_567)),
            events,
            retry_on_time_out,
        },
    )
}

async fn check(store: &PgStore, story: Story) {
    let mut rules = Rules::default();
    if story.retry_on_time_out {
        rules.callback_timeout_action = domain::rules::CallbackTimeoutAction::Retry;
    }
    let id = domain::ids::MessageId::new(Uuid::from_u128(u128::from(rand())));
    let mut message = Message::queued(id, story.content, story.priority, story.scheduled_at, morning());
    assert_eq!(insert(store, [message.clone()]).await, std::slice::from_ref(&message));
    let mut told: Vec<Entry> = Vec::new();
    let mut now = morning();
    for (event, microseconds, jitter) in story.events {
        now += TimeDelta::microseconds(microseconds);
        let context = Context { now, jitter: Jitter::new(jitter), rules: &rules };
        let Ok(Step::Moved(change)) = message.apply(event, &context) else { continue };
        let change = whole_microseconds(*change);
        assert_eq!(store.save(std::slice::from_ref(&change)).await.unwrap(), [Saved::Done]);
        assert_eq!(store.save(std::slice::from_ref(&change)).await.unwrap(), [Saved::Stale], "fenced");
        message = message.after(&change);
        told.extend(change.entry);
        assert_eq!(load_one(store, id).await, message);
    }
    let detail = store.detail(id, &Scope::everything()).await.unwrap().unwrap();
    assert_eq!(detail.entries, told);
}

/// PostgreSQL keeps microseconds; a jittered wait is finer.
fn whole_microseconds(mut change: domain::message::Change) -> domain::message::Change {
    use chrono::SubsecRound;
    use domain::message::{Failure, Resume, State};
    match &mut change.message.state {
        State::Queued(waiting) => waiting.due_at = waiting.due_at.trunc_subsecs(6),
        State::Failed(Failure::Retry(retry)) => retry.due_at = retry.due_at.trunc_subsecs(6),
        State::Leased(lease) => match &mut lease.resume {
            Resume::Queued(waiting) => waiting.due_at = waiting.due_at.trunc_subsecs(6),
            Resume::Retry(retry) => retry.due_at = retry.due_at.trunc_subsecs(6),
        },
        State::Failed(_)
        | State::Dispatched(_)
        | State::Sent(_)
        | State::Skipped { .. }
        | State::Cancelled => {}
    }
    change
}

/// A new number for each story.
fn rand() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[test]
fn every_state_that_the_domain_makes_is_read_back_as_it_was_saved() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let fixture = runtime.block_on(fixture());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    runner
        .run(&stories(), |story| {
            runtime.block_on(check(&fixture.store, story));
            Ok(())
        })
        .unwrap();
    drop(fixture);
}
