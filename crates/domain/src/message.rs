//! The message: what is sent, and where it stands.
//!
//! [`Message`] is the aggregate, [`State`] owns the data of each status, and [`Message::apply`] is the only way from
//! one state to another (contract §2).

pub mod event;
pub mod state;
pub mod timeline;
pub mod transition;

use chrono::{DateTime, Utc};

use crate::actor::Actor;
use crate::address::{Address, recipient_keys};
use crate::channel::Channel;
use crate::ids::{BranchId, JobId, LeadId, MessageId, NotificationId, OwnerId, StudentId, TemplateKey};
use crate::vocabulary::vocabulary;

pub use event::{Callback, Event, Outcome};
pub use state::{Failure, FailureKind, InFlight, Lease, Resume, Retry, Sent, State, Status, Waiting};
pub use timeline::{Entry, EntryKind};
pub use transition::{Change, Context, Illegal, SentReport, Step, Unchanged};

vocabulary! {
    /// How urgent a message is; the first goes first (contract §3).
    pub enum Priority {
        /// Before all others.
        High = "HIGH",
        /// The default.
        Medium = "MEDIUM",
        /// After all others.
        Low = "LOW",
    }
}

/// What is sent, to whom and on whose behalf. It never changes once the message exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The way it goes.
    pub channel: Channel,
    /// Where it goes; `None` where N8N looks the address up by lead or student (Facebook and call notes only).
    pub to: Option<Address>,
    /// The template that the text came from.
    pub template_key: Option<TemplateKey>,
    /// The text as the customer sees it, NFC-normalised.
    pub text: Text,
    /// The lead that it is for.
    pub lead_id: Option<LeadId>,
    /// The student that it is for.
    pub student_id: Option<StudentId>,
    /// The CRM notification that it belongs to.
    pub notification_id: Option<NotificationId>,
    /// Whose message it is; counts against that owner's limit.
    pub owner_id: Option<OwnerId>,
    /// The branch that it belongs to.
    pub branch_id: Option<BranchId>,
    /// The job that it belongs to.
    pub job_id: Option<JobId>,
    /// The recipient's name, where known.
    pub full_name: Option<String>,
    /// The owner's name, where known.
    pub owner_name: Option<String>,
    /// Who queued it.
    pub created_by: Actor,
    /// The time it was asked to go at, if any.
    pub scheduled_at: Option<DateTime<Utc>>,
}

/// A message's text: printed in full by nobody's `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Text(pub String);

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<{} characters>", self.0.chars().count())
    }
}

impl Content {
    /// The keys by which the recipient is known, the most telling first.
    pub fn recipient_keys(&self) -> Vec<String> {
        recipient_keys(self.student_id.as_ref(), self.lead_id.as_ref(), self.to.as_ref())
    }

    /// What makes two messages of one day duplicates of each other (contract §7): recipient, and template or text.
    pub fn duplicate_key(&self) -> String {
        duplicate_key(&self.recipient_keys(), self.template_key.as_ref(), &self.text.0)
    }
}

/// The duplicates' key of a message to the recipient with these keys: the first counts, and the text only where there
/// is no template.
pub fn duplicate_key(recipient_keys: &[String], template: Option<&TemplateKey>, text: &str) -> String {
    let recipient = recipient_keys.first().map_or("", String::as_str);
    match template {
        Some(key) => format!("{recipient}\u{1f}template:{key}"),
        None => format!("{recipient}\u{1f}text:{text}"),
    }
}

/// Where a message stands, without what is sent but for the channel, whose hours count: all that a move needs.
pub type Standing = Message<Channel>;

/// A message with its history's sum: counters, times and state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<C = Content> {
    /// Its id, made by this system.
    pub id: MessageId,
    /// What is sent, or what is known of it.
    pub content: C,
    /// How urgent it is.
    pub priority: Priority,
    /// The number of the attempt under way or next, from 1. It grows only when the one before is known to have failed,
    /// so that a repeat after an unknown outcome carries the same idempotency key.
    pub attempt: u32,
    /// How many attempts failed since it was last queued.
    pub retry_count: u32,
    /// How many hand-offs in a row N8N did not accept.
    pub handoff_failures: u32,
    /// How many leases in a row ended because their process died.
    pub lost_leases: u32,
    /// Whether it may ever have reached N8N.
    pub attempted: bool,
    /// When it was queued.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Where it stands.
    pub state: State,
    /// Counts its changes; a writer who read an older revision changes nothing.
    pub revision: i32,
}

impl Message {
    /// A new message: due at its scheduled time, or now. A time that has passed is now: it is no way to the front.
    pub fn queued(
        id: MessageId,
        content: Content,
        priority: Priority,
        scheduled_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Self {
        let content = Content { scheduled_at, ..content };
        let due_at = scheduled_at.map_or(now, |at| at.max(now));
        let state = State::Queued(Waiting { due_at, error: None });
        Self {
            id,
            content,
            priority,
            attempt: 1,
            retry_count: 0,
            handoff_failures: 0,
            lost_leases: 0,
            attempted: false,
            created_at: now,
            updated_at: now,
            state,
            revision: 0,
        }
    }

    /// Where it stands.
    pub fn standing(&self) -> Standing {
        self.clone_with(self.content.channel)
    }

    /// The message after a move of it.
    pub fn after(&self, change: &Change) -> Self {
        change.message.clone_with(self.content.clone())
    }
}

impl<C> Message<C> {
    /// The same with other content.
    fn clone_with<D>(&self, content: D) -> Message<D> {
        let Self {
            id,
            content: _,
            priority,
            attempt,
            retry_count,
            handoff_failures,
            lost_leases,
            attempted,
            created_at,
            updated_at,
            state,
            revision,
        } = self;
        Message {
            id: *id,
            content,
            priority: *priority,
            attempt: *attempt,
            retry_count: *retry_count,
            handoff_failures: *handoff_failures,
            lost_leases: *lost_leases,
            attempted: *attempted,
            created_at: *created_at,
            updated_at: *updated_at,
            state: state.clone(),
            revision: *revision,
        }
    }

    /// Whether all is done about it: only a person could set it going again. One that is held is not over: it may
    /// have been sent, and its callback may still come.
    pub const fn is_over(&self) -> bool {
        match &self.state {
            State::Sent(_)
            | State::Skipped { .. }
            | State::Cancelled
            | State::Failed(Failure::Dead { .. }) => true,
            State::Queued(_)
            | State::Leased(_)
            | State::Dispatched(_)
            | State::Failed(Failure::Retry(_) | Failure::Held { .. }) => false,
        }
    }

    /// The same message, stored but never sent: a duplicate or a suppressed recipient.
    pub fn skipped(self, reason: SkipReason) -> Self {
        Self { state: State::Skipped { reason: reason.as_str().to_owned() }, ..self }
    }

    /// The status word.
    pub const fn status(&self) -> Status {
        self.state.status()
    }

    /// `<messageId>:<attempt>`: what N8N drops repeats by (contract §9).
    pub fn idempotency_key(&self) -> String {
        format!("{}:{}", self.id, self.attempt)
    }
}

vocabulary! {
    /// Why a message is stored without being sent.
    pub enum SkipReason {
        /// The same recipient and text or template, within the window (contract §7).
        DuplicateToday = "DUPLICATE_TODAY",
        /// The recipient has opted out of the channel (contract §8).
        OptedOut = "OPTED_OUT",
    }
}
