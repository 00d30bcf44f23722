//! A lease that has to wait may not take what closed in the meantime (contract §5).

use std::time::{Duration, Instant};

use domain::channel::Channel;
use domain::ports::MessageStore;

use crate::build::{fixture, insert, lease_request, limits, message, morning, numbers, with};

/// One message of each of two channels; ZALO closes a moment from now. `blocking` holds the lease up until after that.
async fn leased_after_a_wait(blocking: &str) -> Vec<u128> {
    let fixture = fixture().await;
    let messages = [(1, Channel::Zalo), (2, Channel::Facebook)];
    insert(
        &fixture.store,
        messages.map(|(n, channel)| with(message(n), |content| content.channel = channel)),
    )
    .await;
    let mut request = lease_request(1, 50, morning());
    request.limits = limits(100, 100);
    let closes = Duration::from_millis(300);
    for open in request.channels.iter_mut().filter(|open| open.channel == Channel::Zalo) {
        open.closes_at = Some(morning() + closes);
    }

    let holder = fixture.database.connect().await;
    holder.batch_execute(&format!("begin; {blocking}")).await.unwrap();
    let started = Instant::now();
    let store = fixture.store.clone();
    let lease = tokio::spawn(async move { store.lease_due(&request).await });
    while started.elapsed() < 2 * closes {
        tokio::task::yield_now().await;
    }
    holder.batch_execute("commit").await.unwrap();
    numbers(&lease.await.unwrap().unwrap().messages)
}

#[tokio::test]
async fn a_wait_for_the_limits_turn_over_closing_time_leases_nothing_of_what_closed() {
    assert_eq!(leased_after_a_wait("select from outbound_rate_window where key = '' for update").await, [2]);
}

#[tokio::test]
async fn a_wait_for_the_table_over_closing_time_leases_nothing_of_what_closed() {
    assert_eq!(leased_after_a_wait("lock table outbound_delivery in access exclusive mode").await, [2]);
}

#[tokio::test]
async fn without_a_wait_both_are_leased() {
    let fixture = fixture().await;
    insert(&fixture.store, [message(1), message(2)]).await;
    let mut request = lease_request(1, 50, morning());
    for open in &mut request.channels {
        open.closes_at = Some(morning() + Duration::from_secs(60));
    }
    request.now = morning() + Duration::from_secs(60);
    assert!(fixture.store.lease_due(&request).await.unwrap().messages.is_empty(), "the end is excluded");
    request.now = morning();
    assert_eq!(fixture.store.lease_due(&request).await.unwrap().messages.len(), 2);
}
