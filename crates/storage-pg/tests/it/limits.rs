//! The limits hold with any number of leasers (lesson 12).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};
use domain::ids::OwnerId;
use domain::ports::{MessageReader, MessageStore};
use tokio::sync::Barrier;

use crate::build::{fixture, insert, lease_request, limits, message, morning, owned, owner, seconds};

/// When which owner's message was leased.
type Log = Vec<(DateTime<Utc>, Option<OwnerId>)>;

/// The most in any window of 60 seconds, both ends included.
fn most_in_a_minute(times: &[DateTime<Utc>]) -> usize {
    let within =
        |end: &DateTime<Utc>| times.iter().filter(|at| **at <= *end && **at >= *end - seconds(60)).count();
    times.iter().map(within).max().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_leasers_never_overshoot_a_limit_in_any_minute() {
    let fixture = fixture().await;
    insert(&fixture.store, (1..=3_000).map(|n| owned(n, &format!("o{}", n % 7)))).await;
    insert(&fixture.store, (3_001..=3_100).map(message)).await;
    // One clock for all; each leaser moves it on by an odd part of a second.
    let clock = Arc::new(AtomicI64::new(0));
    let leasers = (0..8_u128).map(|leaser| {
        let (store, clock) = (fixture.store.clone(), Arc::clone(&clock));
        tokio::spawn(async move {
            let mut log = Log::new();
            for run in 0..60 {
                let now =
                    morning() + chrono::TimeDelta::milliseconds(clock.fetch_add(377, Ordering::Relaxed));
                let mut request = lease_request(leaser * 1_000 + run, 17, now);
                request.limits = limits(120, 30);
                let leased = store.lease_due(&request).await.unwrap().messages;
                log.extend(leased.into_iter().map(|one| (one.updated_at, one.content.owner_id)));
            }
            log
        })
    });
    let mut log = Log::new();
    for leaser in leasers.collect::<Vec<_>>() {
        log.extend(leaser.await.unwrap());
    }
    let all: Vec<_> = log.iter().map(|(at, _)| *at).collect();
    let most = most_in_a_minute(&all);
    assert!(most <= 120, "{most} in a minute");
    assert!(most > 100, "the limit is used, not merely kept: {most}");
    assert!(all.len() > 300, "three minutes' worth: {}", all.len());
    let mut owners: HashMap<OwnerId, Vec<DateTime<Utc>>> = HashMap::new();
    for (at, owner) in log {
        if let Some(owner) = owner {
            owners.entry(owner).or_default().push(at);
        }
    }
    for (owner, times) in owners {
        let most = most_in_a_minute(&times);
        assert!(most <= 30, "{most} of {owner} in a minute");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn leases_in_the_same_moment_share_one_limit() {
    let fixture = fixture().await;
    insert(&fixture.store, (1..=2_000).map(|n| owned(n, &format!("o{}", n % 50)))).await;
    let barrier = Arc::new(Barrier::new(8));
    let leasers = (0..8_u128).map(|leaser| {
        let (store, barrier) = (fixture.store.clone(), Arc::clone(&barrier));
        tokio::spawn(async move {
            let mut taken = Vec::new();
            for round in 0..10 {
                let now = morning() + seconds(100) * i32::try_from(round).unwrap();
                let mut request = lease_request(leaser * 1_000 + round, 50, now);
                request.limits = limits(120, 30);
                barrier.wait().await;
                taken.push(store.lease_due(&request).await.unwrap().messages.len());
            }
            taken
        })
    });
    let mut rounds = [0; 10];
    for leaser in leasers.collect::<Vec<_>>() {
        for (round, taken) in leaser.await.unwrap().into_iter().enumerate() {
            rounds[round] += taken;
        }
    }
    assert_eq!(rounds, [120; 10]);
}

#[tokio::test]
async fn the_limits_open_again_when_the_store_says_so() {
    let fixture = fixture().await;
    insert(&fixture.store, (1..=30).map(|n| owned(n, "busy"))).await;
    let limits = limits(20, 10);
    let mut request = lease_request(1, 50, morning());
    request.limits = limits;
    let first = fixture.store.lease_due(&request).await.unwrap();
    assert_eq!((first.messages.len(), first.rate_limited), (10, 20));

    let busy = owner("busy");
    let free_at = fixture.store.limit_free_at(Some(&busy), &limits, morning()).await.unwrap().unwrap();
    assert_eq!(free_at, morning() + seconds(61));
    assert_eq!(
        fixture.store.limit_free_at(None, &limits, morning()).await.unwrap(),
        None,
        "10 of 20 are left"
    );

    request.now = free_at - seconds(1);
    request.lease = crate::build::lease_id(2);
    assert!(fixture.store.lease_due(&request).await.unwrap().messages.is_empty());
    request.now = free_at;
    assert_eq!(fixture.store.lease_due(&request).await.unwrap().messages.len(), 10);
}

#[tokio::test]
async fn a_clock_that_goes_back_frees_nothing() {
    let fixture = fixture().await;
    insert(&fixture.store, (1..=30).map(message)).await;
    let mut request = lease_request(1, 10, morning());
    request.limits = limits(10, 0);
    assert_eq!(fixture.store.lease_due(&request).await.unwrap().messages.len(), 10);
    request.now = morning() + seconds(61);
    request.lease = crate::build::lease_id(2);
    assert_eq!(fixture.store.lease_due(&request).await.unwrap().messages.len(), 10);
    request.now = morning();
    request.lease = crate::build::lease_id(3);
    assert!(fixture.store.lease_due(&request).await.unwrap().messages.is_empty());
}

#[tokio::test]
async fn a_lease_counts_for_the_second_in_which_it_really_happens() {
    let fixture = fixture().await;
    insert(&fixture.store, (1..=10).map(message)).await;
    // A millionth of a second before the next one: the call takes longer than that.
    let mut request = lease_request(1, 10, morning() + chrono::TimeDelta::microseconds(999_999));
    request.limits = limits(10, 0);
    let leased = fixture.store.lease_due(&request).await.unwrap().messages;
    assert!(leased.iter().all(|one| one.updated_at >= morning() + seconds(1)));
    let lasts = request.lease_expires_at - request.now;
    assert!(leased.iter().all(|one| one.state.lease_expires_at() == Some(one.updated_at + lasts)));
    let free_at = fixture.store.limit_free_at(None, &request.limits, morning() + seconds(2)).await.unwrap();
    assert!(free_at >= Some(morning() + seconds(62)), "{free_at:?}");
}

#[tokio::test]
async fn a_lease_counts_for_the_second_that_its_timeline_names() {
    let fixture = fixture().await;
    insert(&fixture.store, (1..=20).map(message)).await;
    let mut request = lease_request(1, 10, morning() + seconds(1));
    request.limits = limits(10, 0);
    // Another process, whose clock is a little ahead, has just given one of them back.
    let database = fixture.database.connect().await;
    let ahead = "update outbound_delivery set updated_at = '2026-03-02 03:00:02.2Z' where message_id = (
                     select message_id from outbound_delivery order by message_id limit 1)";
    database.batch_execute(ahead).await.unwrap();
    let leased = fixture.store.lease_due(&request).await.unwrap().messages;
    let latest = leased.iter().map(|one| one.updated_at).max().unwrap();
    let free_at = fixture.store.limit_free_at(None, &request.limits, morning() + seconds(3)).await.unwrap();
    assert!(free_at.unwrap() - latest > seconds(60), "{free_at:?} {latest}");
}

#[tokio::test]
async fn a_limit_above_a_thousand_binds() {
    let fixture = fixture().await;
    insert(&fixture.store, (1..=1_700).map(message)).await;
    let mut taken = 0;
    for n in 1..=8 {
        let mut request = lease_request(n, 200, morning());
        request.limits = limits(1_500, 0);
        taken += fixture.store.lease_due(&request).await.unwrap().messages.len();
    }
    assert_eq!(taken, 1_500);
}
