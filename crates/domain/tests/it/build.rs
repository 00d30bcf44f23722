//! Messages, callers and worlds in few words.

use chrono::{DateTime, TimeDelta, Utc};
use domain::access::{Caller, Role};
use domain::actor::Actor;
use domain::address::Address;
use domain::channel::Channel;
use domain::ids::{BranchId, LeaseId, MessageId, OwnerId};
use domain::message::{Content, Context, Event, Message, Priority, Step, Text};
use domain::policy::retry::Jitter;
use domain::ports::{MessageStore, NewMessage};
use domain::rules::Rules;
use domain::usecase::Deps;
use memory_store::{ManualClock, MemoryStore, SteadyEntropy};
use uuid::Uuid;

/// Ten in the morning in Ho Chi Minh City: no quiet hours.
pub fn morning() -> DateTime<Utc> {
    "2026-03-02T03:00:00Z".parse().unwrap()
}

pub fn lease(n: u128) -> LeaseId {
    LeaseId::new(Uuid::from_u128(n))
}

pub fn content(owner: Option<&str>) -> Content {
    Content {
        channel: Channel::Zalo,
        to: Some(Address::parse(Channel::Zalo, "0901234567").unwrap()),
        template_key: None,
        text: Text("Chào bạn".to_owned()),
        lead_id: None,
        student_id: None,
        notification_id: None,
        owner_id: owner.map(|o| OwnerId::parse(o).unwrap()),
        branch_id: None,
        job_id: None,
        full_name: None,
        owner_name: None,
        created_by: Actor::System,
        scheduled_at: None,
    }
}

pub fn message(n: u128) -> Message {
    Message::queued(MessageId::new(Uuid::from_u128(n)), content(None), Priority::Medium, None, morning())
}

pub fn caller(role: Role, sub: &str, branch: Option<&str>) -> Caller {
    Caller {
        subject: OwnerId::parse(sub).unwrap(),
        role,
        branch: branch.map(|b| BranchId::parse(b).unwrap()),
        name: None,
    }
}

/// Applies an event that must move the message.
pub fn moved(message: &Message, event: Event, now: DateTime<Utc>, rules: &Rules) -> Message {
    match message.apply(event, &Context { now, jitter: Jitter::new(0.0), rules }).unwrap() {
        Step::Moved(change) => message.after(&change),
        Step::Same(why, _) => panic!("nothing changed: {why:?}"),
    }
}

/// A queue with its clock and rules.
pub struct World {
    pub store: MemoryStore,
    pub clock: ManualClock,
    pub entropy: SteadyEntropy,
    pub rules: Rules,
}

impl World {
    pub fn new() -> Self {
        Self {
            store: MemoryStore::new(),
            clock: ManualClock::at(morning()),
            entropy: SteadyEntropy::default(),
            rules: Rules::default(),
        }
    }

    pub fn deps(&self) -> Deps<'_> {
        Deps { stores: &self.store, clock: &self.clock, entropy: &self.entropy, rules: &self.rules }
    }

    /// Stores messages as they are, past the rule for duplicates.
    pub fn put(&self, messages: Vec<Message>) {
        let new = messages.into_iter().map(|message| NewMessage { message, allow_duplicate: true }).collect();
        pollster::block_on(self.store.insert(new, None)).unwrap();
    }

    pub fn get(&self, n: u128) -> Message {
        pollster::block_on(self.store.load(&[MessageId::new(Uuid::from_u128(n))])).unwrap().remove(0)
    }

    pub fn all(&self, ids: std::ops::RangeInclusive<u128>) -> Vec<Message> {
        ids.map(|n| self.get(n)).collect()
    }

    pub fn pass(&self, time: TimeDelta) {
        self.clock.advance(time);
    }
}
