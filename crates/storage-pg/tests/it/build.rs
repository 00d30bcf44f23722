//! Databases, messages and leases in few words.

use chrono::{DateTime, TimeDelta, Utc};
use domain::access::Scope;
use domain::actor::Actor;
use domain::address::Address;
use domain::channel::Channel;
use domain::ids::{LeadId, LeaseId, MessageId, OwnerId, TemplateKey};
use domain::message::{Content, Context, Event, Message, Priority, Step, Text};
use domain::policy::quiet_hours::OpenChannel;
use domain::policy::rate_limit::RateLimit;
use domain::policy::retry::Jitter;
use domain::ports::{LeaseMode, LeaseRequest, Leased, MessageStore, NewMessage};
use domain::rules::{Limits, Rules};
use storage_pg::{PgStore, PoolSettings};
use test_support::database::TestDatabase;
use uuid::Uuid;

/// A database and a store on it.
pub struct Fixture {
    pub database: TestDatabase,
    pub store: PgStore,
}

pub async fn fixture() -> Fixture {
    let database = TestDatabase::create().await;
    let store = store(database.url(), 10).await;
    Fixture { database, store }
}

pub async fn store(url: &str, size: usize) -> PgStore {
    PgStore::connect(PoolSettings::new(url, size)).await.unwrap()
}

/// Ten in the morning in Ho Chi Minh City.
pub fn morning() -> DateTime<Utc> {
    "2026-03-02T03:00:00Z".parse().unwrap()
}

pub fn seconds(n: i64) -> TimeDelta {
    TimeDelta::seconds(n)
}

/// Number `n` of those that were made in the morning: ids hold the time.
pub fn message_id(n: u128) -> MessageId {
    MessageId::new(Uuid::from_u128(first_of(morning()) + n))
}

fn first_of(time: DateTime<Utc>) -> u128 {
    (u128::try_from(time.timestamp_millis()).unwrap() << 80) | (7 << 76) | (0b10 << 62)
}

/// The `n` of a [`message_id`].
pub fn number(id: MessageId) -> u128 {
    id.uuid().as_u128() - first_of(morning())
}

pub fn lease_id(n: u128) -> LeaseId {
    LeaseId::new(Uuid::from_u128(n))
}

pub fn owner(name: &str) -> OwnerId {
    OwnerId::parse(name).unwrap()
}

/// A message to a lead of its own, due at once.
pub fn message(n: u128) -> Message {
    let content = Content {
        channel: Channel::Zalo,
        to: Some(Address::parse(Channel::Zalo, "0901234567").unwrap()),
        template_key: Some(TemplateKey::parse("remind_remaining").unwrap()),
        text: Text(format!("Chào bạn số {n}")),
        lead_id: Some(LeadId::parse(format!("lead-{n}")).unwrap()),
        student_id: None,
        notification_id: None,
        owner_id: None,
        branch_id: None,
        job_id: None,
        full_name: None,
        owner_name: None,
        created_by: Actor::System,
        scheduled_at: None,
    };
    Message::queued(message_id(n), content, Priority::Medium, None, morning())
}

/// The same with other content.
pub fn with(message: Message, change: impl FnOnce(&mut Content)) -> Message {
    let mut message = message;
    change(&mut message.content);
    message
}

pub fn owned(n: u128, name: &str) -> Message {
    with(message(n), |content| content.owner_id = Some(owner(name)))
}

/// Stores messages as they are, without the rule for duplicates.
pub async fn insert(store: &PgStore, messages: impl IntoIterator<Item = Message>) -> Vec<Message> {
    let new = messages.into_iter().map(|message| NewMessage { message, allow_duplicate: false }).collect();
    store.insert(new, None).await.unwrap()
}

/// A push lease of everything, without limits.
pub fn lease_request(lease: u128, limit: u32, now: DateTime<Utc>) -> LeaseRequest {
    LeaseRequest {
        now,
        lease: lease_id(lease),
        lease_expires_at: now + seconds(60),
        limit,
        channels: OpenChannel::all(),
        scope: Scope::everything(),
        retry_failed_only: false,
        only: None,
        limits: limits(0, 0),
        mode: LeaseMode::Push,
        by: Actor::Worker,
        ignored_quiet_hours: false,
        dry_run: false,
    }
}

pub fn limits(global: u32, per_owner: u32) -> Limits {
    Limits { global: RateLimit::per_minute(global), per_owner: RateLimit::per_minute(per_owner) }
}

pub async fn lease(store: &PgStore, lease: u128, limit: u32, now: DateTime<Utc>) -> Leased {
    store.lease_due(&lease_request(lease, limit, now)).await.unwrap()
}

pub async fn load_one(store: &PgStore, id: MessageId) -> Message {
    store.load(&[id]).await.unwrap().pop().unwrap()
}

/// Applies an event and saves what comes of it; answers the message as it is stored then.
pub async fn happen(store: &PgStore, message: &Message, event: Event, now: DateTime<Utc>) -> Message {
    let rules = Rules::default();
    let context = Context { now, jitter: Jitter::new(0.0), rules: &rules };
    match message.apply(event, &context).unwrap() {
        Step::Moved(change) => {
            let saved = store.save(std::slice::from_ref(&change)).await.unwrap();
            assert_eq!(saved, [domain::ports::Saved::Done]);
            load_one(store, message.id).await
        }
        Step::Same(why, _) => panic!("nothing changed: {why:?}"),
    }
}

pub fn numbers(messages: &[Message]) -> Vec<u128> {
    messages.iter().map(|message| number(message.id)).collect()
}

/// Numbers that look random and are the same each time.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let n = self.roll(from.len() as u64);
        &from[usize::try_from(n).unwrap()]
    }
}
