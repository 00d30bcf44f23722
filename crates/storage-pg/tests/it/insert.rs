//! Storing messages: duplicates under concurrent requests (lesson 5), and bulk.

use chrono::NaiveDate;
use domain::access::Scope;
use domain::actor::Actor;
use domain::ids::JobId;
use domain::message::{Event, Message, Status};
use domain::ports::{
    DuplicateReader, DuplicateWindow, Filter, ListRequest, MessageReader, MessageStore, NewMessage, Page,
};
use storage_pg::PgStore;
use uuid::Uuid;

use crate::build::{fixture, happen, lease, load_one, message, message_id, morning, seconds, with};

fn day(n: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, n).unwrap()
}

fn window(today: u32, days: u32) -> Option<DuplicateWindow> {
    Some(DuplicateWindow { today: day(today), days })
}

/// Number `n`, to the same person with the same template as all others.
fn alike(n: u128) -> Message {
    with(message(n), |content| content.lead_id = message(1).content.lead_id)
}

fn new(message: Message, allow_duplicate: bool) -> NewMessage {
    NewMessage { message, allow_duplicate }
}

async fn statuses(
    store: &PgStore,
    messages: Vec<NewMessage>,
    window: Option<DuplicateWindow>,
) -> Vec<Status> {
    store.insert(messages, window).await.unwrap().iter().map(Message::status).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_equal_requests_at_once_exactly_one_is_queued() {
    let fixture = fixture().await;
    let requests = (1..=50).map(|n| {
        let store = fixture.store.clone();
        tokio::spawn(async move { statuses(&store, vec![new(alike(n), false)], window(2, 1)).await })
    });
    let mut queued = 0;
    for request in requests.collect::<Vec<_>>() {
        queued += request.await.unwrap().iter().filter(|status| **status == Status::Queued).count();
    }
    assert_eq!(queued, 1);
    let request = ListRequest {
        scope: Scope::everything(),
        filter: Filter { status: Some(Status::Skipped), ..Filter::default() },
        page: Page::Number(1),
        page_size: 100,
    };
    let skipped = fixture.store.list(&request).await.unwrap();
    assert_eq!(skipped.total.count, 49);
    assert!(skipped.items.iter().all(|one| one.state.error() == Some("DUPLICATE_TODAY")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn large_and_small_requests_keep_the_rule_between_them() {
    let fixture = fixture().await;
    // Two large requests with the same 700 people in opposite orders, and the same people one by one.
    let person = |base: u128, n: u128| {
        new(
            with(message(base + n), |content| {
                content.lead_id = message(n).content.lead_id;
            }),
            false,
        )
    };
    let large = |base: u128, backwards: bool| {
        let store = fixture.store.clone();
        let mut all: Vec<_> = (1..=700).map(|n| person(base, n)).collect();
        if backwards {
            all.reverse();
        }
        tokio::spawn(async move { statuses(&store, all, window(2, 1)).await })
    };
    let mut calls = vec![large(10_000, false), large(20_000, true)];
    for n in 1..=100 {
        let (store, one) = (fixture.store.clone(), person(30_000, n));
        calls.push(tokio::spawn(async move { statuses(&store, vec![one], window(2, 1)).await }));
    }
    let mut queued = 0;
    for call in calls {
        queued += call.await.unwrap().iter().filter(|status| **status == Status::Queued).count();
    }
    assert_eq!(queued, 700, "each person once");
}

#[tokio::test]
async fn what_counts_as_a_duplicate() {
    use Status::{Queued, Skipped};
    let fixture = fixture().await;
    let store = &fixture.store;
    let batch = vec![new(alike(1), false), new(alike(2), false), new(alike(3), true), new(message(4), false)];
    assert_eq!(statuses(store, batch, window(2, 1)).await, [Queued, Skipped, Queued, Queued]);
    let key = alike(1).content.duplicate_key();
    let taken = store.taken(&[key.clone(), "else".to_owned()], window(2, 1).unwrap()).await.unwrap();
    assert_eq!(taken, std::slice::from_ref(&key));
    assert_eq!(statuses(store, vec![new(alike(5), false)], window(3, 1)).await, [Queued], "another day");
    assert_eq!(statuses(store, vec![new(alike(6), false)], window(3, 2)).await, [Skipped], "a wider window");
    assert_eq!(statuses(store, vec![new(alike(7), false)], None).await, [Queued], "the rule is off");

    // Whatever will not be sent does not count: here all that are alike are cancelled.
    for n in [1, 3, 5, 7] {
        let one = load_one(store, message_id(n)).await;
        happen(store, &one, Event::Cancel { by: Actor::System }, morning()).await;
    }
    assert_eq!(store.taken(&[key], window(3, 2).unwrap()).await.unwrap(), [] as [String; 0]);
    assert_eq!(statuses(store, vec![new(alike(8), false)], window(3, 2)).await, [Queued]);
}

#[tokio::test]
async fn a_failed_message_counts_only_while_it_waits_for_its_retry() {
    let fixture = fixture().await;
    let store = &fixture.store;
    statuses(store, vec![new(alike(1), false)], window(2, 1)).await;
    let leased = lease(store, 1, 1, morning()).await.messages.remove(0);
    let refused = Event::Refused { lease: crate::build::lease_id(1), error: "no".to_owned() };
    let failed = happen(store, &leased, refused, morning()).await;
    assert_eq!(statuses(store, vec![new(alike(2), false)], window(2, 1)).await, [Status::Skipped]);
    happen(store, &failed, Event::Cancel { by: Actor::System }, morning() + seconds(1)).await;
    assert_eq!(statuses(store, vec![new(alike(3), false)], window(2, 1)).await, [Status::Queued]);
}

#[tokio::test]
async fn ten_thousand_in_one_call_are_stored_as_given() {
    let fixture = fixture().await;
    let job = JobId::new(Uuid::from_u128(77));
    let all: Vec<_> =
        (1..=10_000).map(|n| new(with(message(n), |content| content.job_id = Some(job)), false)).collect();
    let stored = fixture.store.insert(all, window(2, 1)).await.unwrap();
    assert_eq!(stored.len(), 10_000);
    assert!(stored.iter().enumerate().all(|(at, one)| one.id == message_id(at as u128 + 1)));
    assert!(stored.iter().all(|one| one.status() == Status::Queued));
    let due = fixture.store.count_due(morning(), &Scope::everything(), 20_000).await.unwrap();
    assert_eq!(due, 10_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_message_that_can_not_be_stored_fails_none_of_those_that_came_at_the_same_time() {
    let fixture = fixture().await;
    statuses(&fixture.store, vec![new(message(1), false)], window(2, 1)).await;
    // Number 1 is taken.
    let requests = (1..=40).map(|n| {
        let store = fixture.store.clone();
        tokio::spawn(async move { store.insert(vec![new(message(n), true)], window(2, 1)).await })
    });
    for (n, request) in (1..=40).zip(requests.collect::<Vec<_>>()) {
        let stored = request.await.unwrap();
        assert_eq!(stored.is_ok(), n != 1, "{n}: {stored:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn messages_that_come_at_once_before_and_after_midnight_keep_each_its_day() {
    let fixture = fixture().await;
    let requests = (1..=40).map(|n| {
        let store = fixture.store.clone();
        let today = if n % 2 == 0 { 2 } else { 3 };
        tokio::spawn(async move { statuses(&store, vec![new(alike(n), false)], window(today, 1)).await })
    });
    let mut queued = 0;
    for request in requests.collect::<Vec<_>>() {
        queued += request.await.unwrap().iter().filter(|status| **status == Status::Queued).count();
    }
    // The window of the 2nd takes in what bears the 3rd, but not the other way round.
    assert!((1..=2).contains(&queued), "{queued}");
}
