//! Reading messages for people and clients. Scope is part of each query.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::access::Scope;
use crate::channel::Channel;
use crate::ids::{BranchId, JobId, LeadId, LeaseId, MessageId, OwnerId, StudentId};
use crate::message::timeline::LeaseHolder;
use crate::message::{Entry, FailureKind, Message, Priority, Status};
use crate::rules::Limits;

/// What a list or a count is narrowed to; `None` is no filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The status.
    pub status: Option<Status>,
    /// RETRY, DEAD or HELD, of FAILED messages.
    pub failure_kind: Option<FailureKind>,
    /// The error of a dead or held message, word for word.
    pub cause: Option<String>,
    /// The channel.
    pub channel: Option<Channel>,
    /// The priority.
    pub priority: Option<Priority>,
    /// Created at or after.
    pub created_from: Option<DateTime<Utc>>,
    /// Created before.
    pub created_before: Option<DateTime<Utc>>,
    /// What is searched for; [`crate::search`] says what that finds.
    pub text: Option<String>,
    /// The lead.
    pub lead_id: Option<LeadId>,
    /// The student.
    pub student_id: Option<StudentId>,
    /// The owner.
    pub owner_id: Option<OwnerId>,
    /// The branch.
    pub branch_id: Option<BranchId>,
    /// The job.
    pub job_id: Option<JobId>,
}

/// Which part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The nth page, from 1.
    Number(u32),
    /// What follows this message in the list; stable while others arrive.
    After(MessageId),
}

/// A list that somebody wants, newest first.
#[derive(Debug, Clone)]
pub struct ListRequest {
    /// What the caller may see.
    pub scope: Scope,
    /// What the caller wants to see.
    pub filter: Filter,
    /// Which part.
    pub page: Page,
    /// How many at most.
    pub page_size: u32,
}

/// How many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    /// The number.
    pub count: u64,
    /// Whether it is the planner's estimate: beyond a bound nothing is counted.
    pub is_estimate: bool,
}

/// A part of a list.
#[derive(Debug, Clone)]
pub struct ListPage {
    /// The messages, newest first.
    pub items: Vec<Message>,
    /// How many match in all.
    pub total: Total,
    /// Where the next part starts; `None` at the end.
    pub next: Option<MessageId>,
}

/// One message with what is stored of its history.
#[derive(Debug, Clone)]
pub struct Detail {
    /// The message.
    pub message: Message,
    /// Its stored timeline entries, oldest first.
    pub entries: Vec<Entry>,
    /// The runs that leased it.
    pub holders: HashMap<LeaseId, LeaseHolder>,
}

/// The queue in numbers, within a scope.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    /// Messages by status.
    pub by_status: BTreeMap<Status, Total>,
    /// Messages by channel.
    pub by_channel: BTreeMap<Channel, Total>,
    /// Messages by priority.
    pub by_priority: BTreeMap<Priority, Total>,
    /// Due and waiting messages by channel.
    pub waiting_by_channel: BTreeMap<Channel, u64>,
    /// Due and waiting messages by priority.
    pub waiting_by_priority: BTreeMap<Priority, u64>,
    /// Settled as SENT in the last minute.
    pub sent_last_minute: u64,
    /// Settled as SENT in the last hour.
    pub sent_last_hour: u64,
    /// The due time of the message that is longest due.
    pub oldest_due_at: Option<DateTime<Utc>>,
    /// What is left of the global limit now; `None` where there is none.
    pub global_limit_left: Option<u32>,
    /// What is left of the caller's own owner limit now, when the scope is one owner.
    pub owner_limit_left: Option<u32>,
}

/// Reading messages.
#[async_trait]
pub trait MessageReader: Send + Sync {
    /// A part of a list.
    async fn list(&self, request: &ListRequest) -> Result<ListPage, StoreError>;

    /// One message with its history; `None` outside the scope.
    async fn detail(&self, id: MessageId, scope: &Scope) -> Result<Option<Detail>, StoreError>;

    /// The ids of the next messages that match, oldest first, after `after`: for work on all that match, in portions.
    async fn matching(
        &self,
        scope: &Scope,
        filter: &Filter,
        after: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<MessageId>, StoreError>;

    /// Which of these ids lie in the scope.
    async fn within(&self, scope: &Scope, ids: &[MessageId]) -> Result<Vec<MessageId>, StoreError>;

    /// How many messages are due, counted up to `bound`.
    async fn count_due(&self, now: DateTime<Utc>, scope: &Scope, bound: u32) -> Result<u32, StoreError>;

    /// The earliest time at which a message that waits becomes due, or a lease or a wait for a callback is over.
    async fn next_due_at(&self) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// The queue in numbers.
    async fn stats(&self, scope: &Scope, limits: &Limits, now: DateTime<Utc>) -> Result<Stats, StoreError>;

    /// When the limits next let one message of this owner be leased; `None` when they do now.
    async fn limit_free_at(
        &self,
        owner: Option<&OwnerId>,
        limits: &Limits,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, StoreError>;
}
