//! What is read for metrics.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::channel::Channel;
use domain::ids::LeaseId;
use domain::message::{Message, Priority};
use domain::ports::MessageStore;
use storage_pg::{Backlog, Observer, PoolStatus};

use crate::build::{fixture, insert, lease, lease_request, limits, message, morning, seconds, with};

#[tokio::test]
async fn the_backlog_is_what_waits_by_channel_and_priority_up_to_a_bound() {
    let fixture = fixture().await;
    let store = &fixture.store;
    let high = |n| {
        let mut one = message(n);
        one.priority = Priority::High;
        with(one, |content| content.channel = Channel::Sms)
    };
    insert(store, (1..=3).map(message)).await;
    insert(store, (4..=8).map(high)).await;
    lease(store, 1, 1, morning()).await;
    let of = async |after: i64, bound| {
        let all = store.backlog(morning() + seconds(after), bound).await.unwrap();
        assert_eq!(all.len(), Channel::ALL.len() * Priority::ALL.len(), "each pair once");
        all.into_iter().filter(|one| one.due + one.later > 0).collect::<Vec<_>>()
    };
    let zalo = Backlog {
        channel: Channel::Zalo,
        priority: Priority::Medium,
        due: 3,
        later: 0,
        oldest_due_at: Some(morning()),
    };
    let sms = Backlog { channel: Channel::Sms, priority: Priority::High, due: 4, ..zalo.clone() };
    let mut now = of(0, 100).await;
    now.sort_by_key(|one| one.due);
    assert_eq!(now, [zalo.clone(), sms]);
    let mut before = of(-1, 100).await;
    before.sort_by_key(|one| one.later);
    assert_eq!(before[0], Backlog { due: 0, later: 3, oldest_due_at: None, ..zalo });
    assert!(of(0, 2).await.iter().all(|one| one.due == 2), "no further than the bound");
}

#[tokio::test]
async fn limits_and_connections() {
    let fixture = fixture().await;
    let store = &fixture.store;
    insert(store, (1..=3).map(message)).await;
    let mut request = lease_request(1, 3, morning());
    request.limits = limits(10, 0);
    store.lease_due(&request).await.unwrap();
    assert_eq!(store.limit_left(&limits(10, 0), morning()).await.unwrap(), Some(7));
    assert_eq!(store.limit_left(&limits(10, 0), morning() + seconds(61)).await.unwrap(), Some(10));
    assert_eq!(store.limit_left(&limits(0, 5), morning()).await.unwrap(), None);

    let PoolStatus { in_use, open, most, waiting } = store.pool_status();
    assert!(open >= 1 && in_use <= open, "{in_use} of {open}");
    assert_eq!((most, waiting), (10, 0));
}

#[derive(Default)]
struct Noting {
    inserted: Mutex<usize>,
    leased: Mutex<Vec<usize>>,
}

impl Observer for Noting {
    fn inserted(&self, messages: &[Message], took: Duration) {
        assert!(took > Duration::ZERO);
        *self.inserted.lock().unwrap() += messages.len();
    }

    fn leased(&self, lease: LeaseId, messages: &[Message], took: Duration) {
        assert!(took > Duration::ZERO);
        assert!(messages.iter().all(|message| message.state.lease_id() == Some(lease)));
        self.leased.lock().unwrap().push(messages.len());
    }
}

#[tokio::test]
async fn inserts_and_leases_are_observed_and_dry_runs_are_not() {
    let fixture = fixture().await;
    let noting = Arc::new(Noting::default());
    let store = fixture.store.clone().observed_by(noting.clone());
    insert(&store, (1..=3).map(message)).await;
    let dry = domain::ports::LeaseRequest { dry_run: true, ..lease_request(9, 2, morning()) };
    store.lease_due(&dry).await.unwrap();
    for n in 1..=3 {
        lease(&store, n, 2, morning()).await;
    }
    assert_eq!(*noting.leased.lock().unwrap(), [2, 1, 0]);
    assert_eq!(*noting.inserted.lock().unwrap(), 3);
}
