//! Writing messages.

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use futures_util::stream::BoxStream;

use super::StoreError;
use crate::access::Scope;
use crate::actor::Actor;
use crate::ids::{LeaseId, MessageId};
use crate::message::{Change, Entry, Message, SentReport, Standing};
use crate::policy::quiet_hours::OpenChannel;
use crate::rules::Limits;

/// A message to be stored, QUEUED unless the store finds that it must be skipped.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// The message as the domain made it.
    pub message: Message,
    /// Whether it passes the rule for duplicates.
    pub allow_duplicate: bool,
}

/// New messages, a portion at a time.
pub type Portions<'a> = BoxStream<'a, Vec<NewMessage>>;

/// The days in which a second message like the first is a duplicate (contract §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DuplicateWindow {
    /// Today, in OPS_TZ.
    pub today: NaiveDate,
    /// How many days, today included, count; at least 1.
    pub days: u32,
}

/// Whether the run hands off itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseMode {
    /// The run hands off: the messages become LEASED until `lease_expires_at`.
    Push,
    /// The caller takes them: they become DISPATCHED at once, until `deadline`.
    Pull {
        /// When the wait for the callbacks ends.
        deadline: DateTime<Utc>,
    },
}

/// What a run wants to lease.
#[derive(Debug, Clone)]
pub struct LeaseRequest {
    /// Now.
    pub now: DateTime<Utc>,
    /// The new lease.
    pub lease: LeaseId,
    /// When the lease ends (push mode).
    pub lease_expires_at: DateTime<Utc>,
    /// At most so many messages.
    pub limit: u32,
    /// The channels that are open now. One that closes before the lease really happens, however long it had to wait
    /// for its turn, counts as closed.
    pub channels: Vec<OpenChannel>,
    /// Only messages in this scope.
    pub scope: Scope,
    /// Only FAILED messages whose retry is due.
    pub retry_failed_only: bool,
    /// Only this message, and it by the same rules as all others; it passes what stands in front of it.
    pub only: Option<MessageId>,
    /// The limits in force.
    pub limits: Limits,
    /// Push or pull.
    pub mode: LeaseMode,
    /// Who asked for the run.
    pub by: Actor,
    /// Whether an admin passes the quiet hours; kept for the timeline.
    pub ignored_quiet_hours: bool,
    /// Only look: nothing is leased, charged or changed.
    pub dry_run: bool,
}

/// What a run leased (or, in a dry run, would lease).
#[derive(Debug, Clone, Default)]
pub struct Leased {
    /// The messages in the lease's order (contract §3), after the lease.
    pub messages: Vec<Message>,
    /// Messages that the lease turned to SKIPPED because their recipient has opted out; not in `messages`.
    pub suppressed: Vec<MessageId>,
    /// How many due messages the limits held back, counted up to a bound.
    pub rate_limited: u32,
}

/// What came of saving one change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// Stored.
    Done,
    /// The message has changed since it was read: read it again and decide again.
    Stale,
}

/// Writing messages. Each call is all or nothing, and done when it returns.
#[async_trait]
pub trait MessageStore: Send + Sync {
    /// Stores new messages in one piece. Duplicates within `window` and suppressed recipients are stored SKIPPED.
    /// Answers the messages as stored, in the order given. Holds under concurrent calls: of several equal ones exactly
    /// one is queued. Wakes the workers.
    async fn insert(
        &self,
        new: Vec<NewMessage>,
        window: Option<DuplicateWindow>,
    ) -> Result<Vec<Message>, StoreError>;

    /// The same for many, which are made while those before them are stored; in one piece all the same.
    async fn insert_portions(
        &self,
        portions: Portions<'_>,
        window: Option<DuplicateWindow>,
    ) -> Result<Vec<Message>, StoreError>;

    /// Leases due messages by priority, then due time, then id, across owners, within the limits (contract §3, §6):
    /// with any number of callers at once no message is leased twice, no limit is overshot, and no caller waits for
    /// another's messages. Messages whose recipient has opted out are skipped instead.
    async fn lease_due(&self, request: &LeaseRequest) -> Result<Leased, StoreError>;

    /// Reads messages by id; unknown ones are left out. In no particular order.
    async fn load(&self, ids: &[MessageId]) -> Result<Vec<Message>, StoreError>;

    /// The same without what is sent.
    async fn load_standing(&self, ids: &[MessageId]) -> Result<Vec<Standing>, StoreError>;

    /// Saves changes with their timeline entries, each only if its message still has the revision that it was made
    /// from. At most one change a message in one call. Answers in the order given.
    async fn save(&self, changes: &[Change]) -> Result<Vec<Saved>, StoreError>;

    /// Takes down that messages went out without reading them first, where that is plain and the message has not moved
    /// after `now`; see [`SentReport`]. At most one report a message in one call. Answers in the order given whether it
    /// did; where it did not, nothing is said of the message. A store may leave all of them.
    async fn save_sent(&self, reports: &[SentReport], now: DateTime<Utc>) -> Result<Vec<bool>, StoreError> {
        let _ = now;
        Ok(vec![false; reports.len()])
    }

    /// Keeps timeline entries that go with no change; the same entry about a message is kept once.
    async fn note(&self, entries: &[(MessageId, Entry)]) -> Result<(), StoreError>;

    /// LEASED and DISPATCHED messages whose time is over, the longest overdue first.
    async fn overdue(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<Message>, StoreError>;

    /// The DISPATCHED messages of one lease.
    async fn of_lease(&self, lease: LeaseId) -> Result<Vec<Message>, StoreError>;
}
