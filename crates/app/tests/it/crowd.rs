//! Many messages at once, put into the queue past HTTP.

use chrono::{DateTime, Utc};
use domain::actor::Actor;
use domain::address::Address;
use domain::channel::Channel;
use domain::ids::{MessageId, OwnerId};
use domain::message::{Content, Message, Priority, Text};
use domain::ports::{Clock as _, Entropy as _, MessageStore as _, NewMessage};

use crate::support::TestApp;

/// Queues so many messages, over all channels, priorities and ten owners; answers their ids.
pub async fn queue(app: &TestApp, count: u32) -> Vec<String> {
    let now = app.clock.now();
    let new: Vec<NewMessage> =
        (0..count).map(|n| NewMessage { message: message(n, now), allow_duplicate: true }).collect();
    let stored = app.storage.store.insert(new, None).await.unwrap();
    stored.iter().map(|message| message.id.to_string()).collect()
}

fn message(n: u32, now: DateTime<Utc>) -> Message {
    let nth = |list: usize| n as usize % list;
    let channel = Channel::ALL[nth(Channel::ALL.len())];
    let content = Content {
        channel,
        to: Some(Address::parse(channel, &format!("09012{n:05}")).unwrap()),
        template_key: None,
        text: Text(format!("Chào anh/chị số {n}, lớp học bắt đầu lúc 18:00")),
        lead_id: None,
        student_id: None,
        notification_id: None,
        owner_id: Some(OwnerId::parse(format!("u{}", n % 10)).unwrap()),
        branch_id: None,
        job_id: None,
        full_name: None,
        owner_name: None,
        created_by: Actor::System,
        scheduled_at: None,
    };
    let id = MessageId::new(app::clock::RandomEntropy::default().uuid(now));
    Message::queued(id, content, Priority::ALL[nth(Priority::ALL.len())], None, now)
}
