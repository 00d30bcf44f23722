//! The rules of Outbound, and nothing else: no clock, no randomness, no I/O.
//!
//! Time and chance are handed in, adapters implement the [`ports`], and the [`usecase`]s say what the product does.
//!
//! # Where to begin
//!
//! 1. [`message`]: what is sent, where it stands, and [`message::Message::apply`], the one function that moves it. It
//!    is the state machine of `docs/STATES.md`.
//! 2. [`policy`]: when a message may go. [`policy::quiet_hours`], [`policy::rate_limit`], [`policy::circuit`] hold it
//!    back, [`policy::lease_order`] says who is first, [`policy::retry`] how long it waits after a failure.
//! 3. [`explain`]: the same rules once more, to tell people why a message has not gone.
//! 4. What a message is made of: [`channel`], [`address`], [`phone`], [`template`], [`text`], [`sms`], [`contact`].
//! 5. [`access`] and [`actor`]: who may, and who did.
//! 6. [`ports`], then [`usecase`]: what is done with all that. [`usecase::run_worker`] is the heart,
//!    [`usecase::create`] the way in, [`usecase::record_callbacks`] the way out.
//!
//! # A message's life, in a test's words
//!
//! ```
//! use chrono::{DateTime, TimeDelta, Utc};
//! use domain::actor::Actor;
//! use domain::address::Address;
//! use domain::channel::Channel;
//! use domain::ids::{LeaseId, MessageId};
//! use domain::message::{Callback, Content, Context, Event, Message, Outcome, Priority, Status, Step, Text};
//! use domain::policy::retry::Jitter;
//! use domain::rules::Rules;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let morning: DateTime<Utc> = "2026-03-02T02:00:00Z".parse()?;
//! let content = Content {
//!     channel: Channel::Sms,
//!     to: Some(Address::parse(Channel::Sms, "0901234567")?),
//!     template_key: None,
//!     text: Text("Chào anh".to_owned()),
//!     lead_id: None, student_id: None, notification_id: None, owner_id: None, branch_id: None, job_id: None,
//!     full_name: None, owner_name: None, created_by: Actor::System,
//!     scheduled_at: None,
//! };
//! // Ids are made outside, as time and chance are.
//! let (id, lease) = (MessageId::new(uuid::Uuid::from_u128(1)), LeaseId::new(uuid::Uuid::from_u128(2)));
//! let message = Message::queued(id, content, Priority::High, None, morning);
//!
//! let rules = Rules::default();
//! let step = |message: &Message, event: Event, seconds: i64| {
//!     let ctx = Context { now: morning + TimeDelta::seconds(seconds), jitter: Jitter::NONE, rules: &rules };
//!     message.apply(event, &ctx)
//! };
//! let moved = |message: &Message, event: Event, seconds: i64| match step(message, event, seconds) {
//!     Ok(Step::Moved(change)) => message.after(&change),
//!     other => panic!("{other:?}"),
//! };
//! let leased = moved(&message, Event::Lease { lease, pulled: false }, 1);
//! assert_eq!(leased.idempotency_key(), format!("{id}:1"));
//! let dispatched = moved(&leased, Event::Accepted { lease }, 2);
//! let failed = Callback { outcome: Outcome::Failed { error: "busy".into(), permanent: false }, attempt: None, lease: None };
//! let waits = moved(&dispatched, Event::Callback(failed), 3);
//! assert_eq!((waits.status(), waits.retry_count), (Status::Failed, 1));
//! assert_eq!(waits.state.due_at(), Some(morning + TimeDelta::seconds(3) + TimeDelta::minutes(2)), "RETRY_BACKOFF");
//! let again = moved(&waits, Event::Lease { lease, pulled: false }, 200);
//! assert_eq!(again.idempotency_key(), format!("{id}:2"), "a failure is known: a new attempt has a new key");
//!
//! let sent = Callback { outcome: Outcome::Sent { provider_message_id: None, sent_at: None }, attempt: None, lease: None };
//! let sent = moved(&waits, Event::Callback(sent), 4);
//! assert_eq!(sent.status(), Status::Sent, "a late callback still settles it");
//! assert!(step(&sent, Event::Requeue { by: Actor::System }, 5).is_err(), "SENT is never left");
//! # Ok(()) }
//! ```
//!
//! The stores in memory are in the crate `memory-store`; `tests/it/build.rs` shows how a use case is run on them.

pub mod access;
pub mod actor;
pub mod address;
pub mod audit;
pub mod channel;
pub mod contact;
pub mod explain;
pub mod ids;
pub mod job;
pub mod message;
pub mod parcel;
pub mod phone;
pub mod policy;
pub mod ports;
pub mod rules;
pub mod search;
pub mod sms;
pub mod template;
pub mod text;
pub mod turns;
pub mod usecase;
pub mod vocabulary;
