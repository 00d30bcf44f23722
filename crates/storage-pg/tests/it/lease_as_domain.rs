//! The lease in SQL changes a message as [`Message::apply`] does.

use domain::channel::Channel;
use domain::message::{Context, Event, Message, Step};
use domain::policy::quiet_hours::OpenChannel;
use domain::policy::retry::Jitter;
use domain::ports::{LeaseMode, MessageReader, MessageStore};
use domain::rules::Rules;

use crate::build::{
    Fixture, fixture, happen, insert, lease_id, lease_request, limits, load_one, message, morning, number,
    seconds,
};

fn as_domain(message: &Message, pulled: bool, now: chrono::DateTime<chrono::Utc>) -> Message {
    let rules = Rules { lease_for: seconds(60), callback_timeout: seconds(900), ..Rules::default() };
    let context = Context { now, jitter: Jitter::new(0.0), rules: &rules };
    match message.apply(Event::Lease { lease: lease_id(7), pulled }, &context).unwrap() {
        Step::Moved(change) => message.after(&change),
        Step::Same(why, _) => panic!("nothing changed: {why:?}"),
    }
}

/// One of each kind that can be leased: fresh, put back with an error, failed, and failed without being known to.
async fn each_kind(fixture: &Fixture) -> Vec<Message> {
    let store = &fixture.store;
    insert(store, (1..=4).map(message)).await;
    let leased = store.lease_due(&lease_request(1, 3, morning())).await.unwrap().messages;
    let [back, refused, lost] = leased.as_slice() else { panic!("three") };
    let lease = lease_id(1);
    let not_accepted = Event::NotAccepted { lease, error: "503".to_owned(), retry_after: None };
    happen(store, back, not_accepted, morning()).await;
    happen(store, refused, Event::Refused { lease, error: "400".to_owned() }, morning()).await;
    let flying = happen(store, lost, Event::Accepted { lease }, morning()).await;
    let rules =
        Rules { callback_timeout_action: domain::rules::CallbackTimeoutAction::Retry, ..Rules::default() };
    let context = Context { now: morning() + seconds(2_000), jitter: Jitter::new(0.0), rules: &rules };
    let Step::Moved(change) = flying.apply(Event::Expired, &context).unwrap() else { panic!("it moves") };
    store.save(&[*change]).await.unwrap();
    let mut kinds = Vec::new();
    for n in 1..=4 {
        kinds.push(load_one(store, crate::build::message_id(n)).await);
    }
    kinds
}

async fn compare(limited: bool, pulled: bool) {
    let fixture = fixture().await;
    let before = each_kind(&fixture).await;
    let now = morning() + seconds(100_000);
    let mut request = lease_request(7, 10, now);
    if limited {
        request.limits = limits(1_000, 1_000);
    }
    if pulled {
        request.mode = LeaseMode::Pull { deadline: now + seconds(900) };
    }
    let leased = fixture.store.lease_due(&request).await.unwrap().messages;
    assert_eq!(leased.len(), 4);
    for old in before {
        let new = leased.iter().find(|one| one.id == old.id).unwrap();
        assert_eq!(*new, as_domain(&old, pulled, now));
    }
    let runs = domain::ports::RunStore::runs(&fixture.store, 5).await.unwrap();
    let run = runs.iter().find(|run| run.lease == lease_id(7)).unwrap();
    assert_eq!((run.leased, run.pulled, run.started_at), (4, pulled, now));
}

#[tokio::test]
async fn push_and_pull_with_and_without_limits_change_what_the_domain_changes() {
    for (limited, pulled) in [(false, false), (false, true), (true, false), (true, true)] {
        compare(limited, pulled).await;
    }
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let fixture = fixture().await;
    insert(&fixture.store, (1..=5).map(message)).await;
    for limits in [limits(0, 0), limits(10, 10)] {
        let mut request = lease_request(7, 3, morning());
        request.dry_run = true;
        request.limits = limits;
        let looked_at = fixture.store.lease_due(&request).await.unwrap().messages;
        assert_eq!(looked_at.len(), 3);
        for one in looked_at {
            assert_eq!(one, message(number(one.id)));
        }
    }
    let limits = limits(10, 10);
    let stats = fixture.store.stats(&domain::access::Scope::everything(), &limits, morning()).await.unwrap();
    assert_eq!(stats.global_limit_left, Some(10));
    assert_eq!(domain::ports::RunStore::runs(&fixture.store, 5).await.unwrap(), []);
}

#[tokio::test]
async fn closed_channels_and_scopes_are_left_alone() {
    let fixture = fixture().await;
    insert(&fixture.store, (1..=3).map(message)).await;
    let mut request = lease_request(7, 3, morning());
    request.channels.retain(|open| matches!(open.channel, Channel::Sms | Channel::Facebook));
    assert!(fixture.store.lease_due(&request).await.unwrap().messages.is_empty());
    request.channels = Vec::new();
    assert!(fixture.store.lease_due(&request).await.unwrap().messages.is_empty());
    request.channels = OpenChannel::all();
    request.scope.owner = Some(crate::build::owner("somebody"));
    assert!(fixture.store.lease_due(&request).await.unwrap().messages.is_empty());
}
