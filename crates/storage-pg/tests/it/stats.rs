//! The queue in numbers.

use domain::access::Scope;
use domain::channel::Channel;
use domain::message::{Callback, Event, Outcome, Priority, Status};
use domain::ports::{MessageReader, MessageStore};

use crate::build::{
    fixture, happen, insert, lease_id, lease_request, limits, message, morning, owned, owner, seconds, with,
};

#[tokio::test]
async fn numbers_are_those_of_the_scope() {
    let fixture = fixture().await;
    let store = &fixture.store;
    insert(store, (1..=4).map(|n| owned(n, "u1"))).await;
    insert(store, (5..=6).map(|n| with(owned(n, "u2"), |content| content.channel = Channel::Sms))).await;
    let mut low = message(7);
    low.priority = Priority::Low;
    insert(store, [low]).await;

    let limits = limits(10, 3);
    let mut request = lease_request(1, 2, morning());
    (request.limits, request.scope) = (limits, Scope { owner: Some(owner("u1")), branch: None });
    let leased = store.lease_due(&request).await.unwrap().messages;
    let outcome = Outcome::Sent { provider_message_id: None, sent_at: None };
    let sent = Event::Callback(Callback { outcome, attempt: None, lease: Some(lease_id(1)) });
    happen(store, &leased[0], sent, morning() + seconds(10)).await;

    let now = morning() + seconds(30);
    let all = store.stats(&Scope::everything(), &limits, now).await.unwrap();
    let count = |status| all.by_status[&status].count;
    assert_eq!([Status::Queued, Status::Leased, Status::Sent, Status::Failed].map(count), [5, 1, 1, 0]);
    let channel = |channel| all.by_channel[&channel].count;
    assert_eq!(
        [Channel::Zalo, Channel::Facebook, Channel::Sms, Channel::CallNote].map(channel),
        [5, 0, 2, 0]
    );
    let priority = |priority| all.by_priority[&priority].count;
    assert_eq!([Priority::High, Priority::Medium, Priority::Low].map(priority), [0, 6, 1]);
    assert_eq!(
        all.waiting_by_channel.clone().into_iter().collect::<Vec<_>>(),
        [(Channel::Zalo, 3), (Channel::Sms, 2)]
    );
    assert_eq!(
        all.waiting_by_priority.clone().into_iter().collect::<Vec<_>>(),
        [(Priority::Medium, 4), (Priority::Low, 1)]
    );
    assert_eq!((all.sent_last_minute, all.sent_last_hour), (1, 1));
    assert_eq!(all.oldest_due_at, Some(morning()));
    assert_eq!((all.global_limit_left, all.owner_limit_left), (Some(8), None));

    let own = Scope { owner: Some(owner("u1")), branch: None };
    let own = store.stats(&own, &limits, now + seconds(60)).await.unwrap();
    assert_eq!(own.by_status[&Status::Queued].count, 2);
    assert_eq!((own.by_channel[&Channel::Zalo].count, own.by_channel[&Channel::Sms].count), (4, 0));
    assert_eq!((own.by_priority[&Priority::Medium].count, own.by_priority[&Priority::Low].count), (4, 0));
    assert_eq!(own.waiting_by_channel.into_iter().collect::<Vec<_>>(), [(Channel::Zalo, 2)]);
    assert_eq!((own.sent_last_minute, own.sent_last_hour), (0, 1));
    assert_eq!(
        (own.global_limit_left, own.owner_limit_left),
        (Some(10), Some(3)),
        "a minute later all is free"
    );
}

#[tokio::test]
async fn many_messages_are_estimated_by_channel_and_priority() {
    let fixture = fixture().await;
    let store = &fixture.store;
    insert(store, (1..=2_400).map(|n| with(owned(n, "u1"), |content| content.channel = Channel::Sms))).await;
    insert(store, (2_401..=3_000).map(|n| owned(n, "u1"))).await;
    insert(store, (3_001..=3_100).map(|n| owned(n, "u2"))).await;
    fixture.database.connect().await.batch_execute("analyze").await.unwrap();

    let limits = limits(0, 0);
    let all = store.stats(&Scope::everything(), &limits, morning()).await.unwrap();
    let own = Scope { owner: Some(owner("u1")), branch: None };
    let own = store.stats(&own, &limits, morning()).await.unwrap();
    // The planner's sample is the whole table; of one owner's the newest are looked at, of which 600 are by Zalo. By SMS
    // there are as many as wait.
    for (stats, zalo, sms) in [(&all, 600..=800, 2_300..=2_500), (&own, 850..=950, 2_400..=2_400)] {
        assert!(stats.by_channel.values().all(|total| total.is_estimate));
        assert!(stats.by_priority[&Priority::Medium].is_estimate);
        assert!(zalo.contains(&stats.by_channel[&Channel::Zalo].count), "{:?}", stats.by_channel);
        assert!(sms.contains(&stats.by_channel[&Channel::Sms].count), "{:?}", stats.by_channel);
        assert_eq!(stats.by_channel[&Channel::CallNote].count, 0);
        assert!(stats.by_priority[&Priority::Medium].count >= 2_900, "{:?}", stats.by_priority);
        assert_eq!(stats.by_status[&Status::Queued].count, if zalo.start() == &600 { 3_100 } else { 3_000 });
    }
}
