//! Storing more at once than one statement takes: portions, but one piece.

use std::time::Duration;

use chrono::NaiveDate;
use domain::access::Scope;
use domain::message::{Message, Status};
use domain::ports::{Begin, DuplicateWindow, Idempotency, MessageReader, MessageStore, NewMessage};
use futures_util::StreamExt as _;
use futures_util::stream::{iter, once};
use storage_pg::PgStore;

use crate::build::{fixture, message, morning, with};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);
/// Several portions, the last of them not full.
const MANY: u128 = 2_500;

fn today() -> Option<DuplicateWindow> {
    Some(DuplicateWindow { today: NaiveDate::from_ymd_opt(2026, 3, 2).unwrap(), days: 1 })
}

/// Messages with ids from `base` on, each to the lead of its own number.
fn people(base: u128, numbers: impl IntoIterator<Item = u128>) -> Vec<NewMessage> {
    let new = |n| {
        let message = with(message(base + n), |content| content.lead_id = message(n).content.lead_id);
        NewMessage { message, allow_duplicate: false }
    };
    numbers.into_iter().map(new).collect()
}

fn queued(stored: &[Message]) -> usize {
    stored.iter().filter(|one| one.status() == Status::Queued).count()
}

async fn due(store: &PgStore) -> u32 {
    store.count_due(morning(), &Scope::everything(), 100_000).await.unwrap()
}

#[tokio::test]
async fn of_equal_ones_in_different_portions_the_first_alone_is_queued() {
    let fixture = fixture().await;
    let mut all = people(0, 1..=MANY);
    all.extend(people(10_000, [1, MANY]));
    let stored = fixture.store.insert(all, today()).await.unwrap();
    assert_eq!(queued(&stored), MANY as usize);
    for twin in &stored[MANY as usize..] {
        assert_eq!(twin.state.error(), Some("DUPLICATE_TODAY"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn large_requests_with_the_same_people_in_opposite_orders_all_end_and_queue_each_once() {
    let fixture = fixture().await;
    let call = |all: Vec<NewMessage>| {
        let store = fixture.store.clone();
        tokio::spawn(async move { store.insert(all, today()).await.unwrap() })
    };
    let mut calls: Vec<_> = (1..=3)
        .flat_map(|n| [people(n * 20_000, 1..=MANY), people(n * 20_000 + 10_000, (1..=MANY).rev())])
        .map(call)
        .collect();
    // One by one, and as many as take a lock for each.
    calls.extend((1..=50).map(|n| call(people(200_000, [n * 40]))));
    calls.push(call(people(210_000, (1..=400).rev())));
    let mut sum = 0;
    for call in calls {
        sum += queued(&tokio::time::timeout(LONG, call).await.expect("an end").unwrap());
    }
    assert_eq!(sum, MANY as usize);
}

#[tokio::test]
async fn when_one_of_any_portion_can_not_be_stored_none_is() {
    let fixture = fixture().await;
    fixture.store.insert(people(0, [1, MANY]), None).await.unwrap();
    for taken in [1, MANY] {
        let mut all = people(10_000, 1..=MANY);
        all[taken as usize - 1].message.id = message(taken).id;
        fixture.store.insert(all, None).await.unwrap_err();
        assert_eq!(due(&fixture.store).await, 2);
    }
    let again = fixture.store.insert(people(10_000, 1..=MANY), today()).await.unwrap();
    assert_eq!(queued(&again), MANY as usize - 2, "nothing is left locked or counted");
}

#[tokio::test]
async fn portions_are_part_of_the_transaction_that_they_are_stored_in() {
    let fixture = fixture().await;
    let Begin::Fresh(unit) = fixture.store.begin(None).await.unwrap() else { panic!("fresh") };
    let stored = unit.stores().insert(people(0, 1..=MANY), today()).await.unwrap();
    assert_eq!(queued(&stored), MANY as usize);
    drop(unit);
    assert_eq!(due(&fixture.store).await, 0);
}

#[tokio::test]
async fn a_portion_is_at_work_while_the_next_is_still_made() {
    let fixture = fixture().await;
    let client = fixture.database.connect().await;
    let locked = "select from pg_locks l join pg_database d on d.oid = l.database
        where l.locktype = 'advisory' and l.granted and d.datname = current_database()";
    let first = iter([people(0, 1..=1_000)]);
    let second = once(async {
        while client.query(locked, &[]).await.unwrap().is_empty() {}
        people(10_000, 1_001..=1_500)
    });
    let all = Box::pin(first.chain(second));
    let stored = tokio::time::timeout(LONG, fixture.store.insert_portions(all, today())).await;
    assert_eq!(queued(&stored.expect("an end").unwrap()), 1_500);
}
