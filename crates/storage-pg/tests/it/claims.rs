//! Several workers at once (lessons 1 and 14).

use std::collections::HashSet;

use domain::access::Scope;
use domain::ids::BranchId;
use domain::message::{Priority, Status};
use domain::ports::{LeaseRequest, MessageStore};
use tokio_postgres::Client;

use crate::build::{
    Fixture, fixture, insert, lease, lease_request, limits, message, message_id, morning, numbers, seconds,
    store, with,
};

/// Ten thousand, because a lease that looks again at what others were faster with would take minutes here.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn workers_side_by_side_lease_everything_once_and_each_batch_in_order() {
    let fixture = fixture().await;
    let priorities = Priority::ALL;
    insert(
        &fixture.store,
        (1..=10_000_u128).map(|n| {
            let mut one = message(n);
            one.priority = priorities[(n % 3) as usize];
            one
        }),
    )
    .await;
    let workers = (0..8_u128).map(|worker| {
        let store = fixture.store.clone();
        tokio::spawn(async move {
            let mut taken = Vec::new();
            for run in 1.. {
                let batch = lease(&store, worker * 10_000 + run, 37, morning() + seconds(1)).await.messages;
                if batch.is_empty() {
                    break;
                }
                let order: Vec<_> = batch.iter().map(|one| (one.priority, one.created_at, one.id)).collect();
                assert!(order.is_sorted(), "a batch is in the order of the queue");
                assert!(batch.iter().all(|one| one.status() == Status::Leased));
                taken.extend(numbers(&batch));
            }
            taken
        })
    });
    let mut all = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        all.extend(worker.await.unwrap());
    }
    let distinct: HashSet<_> = all.iter().collect();
    assert_eq!((all.len(), distinct.len()), (10_000, 10_000), "each once");
}

/// Somebody holds the first five of ten.
async fn five_of_ten_are_held() -> (Fixture, Client) {
    let fixture = fixture().await;
    insert(
        &fixture.store,
        (1..=10).map(|n| with(message(n), |content| content.branch_id = BranchId::parse("b1").ok())),
    )
    .await;
    let holder = fixture.database.connect().await;
    holder
        .batch_execute(&format!(
            "begin; select from outbound_delivery where message_id < '{}' for update",
            message_id(6)
        ))
        .await
        .unwrap();
    (fixture, holder)
}

#[tokio::test]
async fn a_lease_does_not_wait_for_rows_that_somebody_holds() {
    let everything = lease_request(1, 5, morning());
    let limited = LeaseRequest { limits: limits(120, 30), ..everything.clone() };
    let of_all = LeaseRequest { limits: limits(5, 0), limit: 50, ..everything.clone() };
    let branch = Scope { branch: BranchId::parse("b1").ok(), ..Scope::everything() };
    let scoped = LeaseRequest { scope: branch.clone(), ..everything.clone() };
    let both = LeaseRequest { scope: branch, ..limited.clone() };
    for request in [everything, limited, of_all, scoped, both] {
        let (fixture, _holder) = five_of_ten_are_held().await;
        let batch = fixture.store.lease_due(&request).await.unwrap();
        assert_eq!(
            numbers(&batch.messages),
            [6, 7, 8, 9, 10],
            "a full batch of the others, at once: {request:?}"
        );
    }
}

#[tokio::test]
async fn a_limited_lease_takes_what_is_left_where_somebody_holds_the_rest() {
    let (fixture, _holder) = five_of_ten_are_held().await;
    let request = LeaseRequest { limits: limits(120, 30), ..lease_request(1, 8, morning()) };
    let batch = fixture.store.lease_due(&request).await.unwrap();
    assert_eq!((numbers(&batch.messages), batch.rate_limited), (vec![6, 7, 8, 9, 10], 0));
}

#[tokio::test]
async fn what_a_limit_over_all_holds_back_is_counted_beside_what_somebody_holds() {
    let (fixture, _holder) = five_of_ten_are_held().await;
    let request = LeaseRequest { limits: limits(3, 0), ..lease_request(1, 8, morning()) };
    let batch = fixture.store.lease_due(&request).await.unwrap();
    assert_eq!((numbers(&batch.messages), batch.rate_limited), (vec![6, 7, 8], 7));
}

#[tokio::test]
async fn every_high_goes_before_any_medium_whatever_came_first() {
    let fixture = fixture().await;
    insert(&fixture.store, (1..=60).map(message)).await;
    insert(
        &fixture.store,
        (61..=100).map(|n| {
            let mut one = message(n);
            one.priority = Priority::High;
            one
        }),
    )
    .await;
    let batch = lease(&fixture.store, 1, 50, morning()).await.messages;
    let expected: Vec<u128> = (61..=100).chain(1..=10).collect();
    assert_eq!(numbers(&batch), expected);
}

/// The lease is committed without waiting for the disk, so that the next one has its turn; the reading after it waits.
#[tokio::test]
async fn what_is_leased_is_on_the_disk_when_it_is_answered() {
    let fixture = fixture().await;
    let client = fixture.database.connect().await;
    let durable = "do $$ begin
        execute format('alter database %I set synchronous_commit = on', current_database());
    end $$";
    client.batch_execute(durable).await.unwrap();
    let store = store(fixture.database.url(), 2).await;
    insert(&store, (1..=50).map(message)).await;
    for run in 1..=5 {
        let logged: String =
            client.query_one("select pg_current_wal_insert_lsn()::text", &[]).await.unwrap().get(0);
        assert_eq!(lease(&store, run, 10, morning() + seconds(1)).await.messages.len(), 10);
        // Ten rows and their index entries.
        let on_disk = format!("select pg_current_wal_flush_lsn() - '{logged}'::pg_lsn > 1000");
        assert!(client.query_one(&on_disk, &[]).await.unwrap().get::<_, bool>(0), "run {run}");
    }
}
