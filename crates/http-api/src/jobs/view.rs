//! A job as clients see it (contract §9).

use std::collections::BTreeMap;

use domain::actor::Actor;
use domain::job::{Job, JobEntry, JobStatus};
use domain::message::{Message, Status};
use domain::ports;
use serde::Serialize;
use utoipa::ToSchema;

use crate::words::{Id, JobStatusWord, Time};

/// A job.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobView<'a> {
    id: Id,
    /// What people call it. What may be a phone number is hidden from those who may not read messages.
    title: &'a str,
    #[schema(value_type = JobStatusWord)]
    status: &'static str,
    action_key: Option<&'a str>,
    suggestion_id: Option<&'a str>,
    task_id: Option<&'a str>,
    /// N8N's run that works on it.
    run_id: Option<&'a str>,
    /// Why the last run failed; null for those who may not read messages.
    last_error: Option<&'a str>,
    /// A note for people; null for those who may not read messages.
    note: Option<&'a str>,
    owner_id: Option<&'a str>,
    branch_id: Option<&'a str>,
    /// The user who created it.
    created_by_id: Option<&'a str>,
    dispatched_at: Option<Time>,
    done_at: Option<Time>,
    created_at: Time,
    updated_at: Time,
    message_counts: MessageCounts,
    /// How many of those that are FAILED wait for a retry; with QUEUED, LEASED and DISPATCHED none either, nothing
    /// moves any more by itself.
    retries_waiting: u64,
}

/// How many messages have which status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) struct MessageCounts {
    queued: u64,
    leased: u64,
    dispatched: u64,
    sent: u64,
    failed: u64,
    skipped: u64,
    cancelled: u64,
}

impl MessageCounts {
    /// The counts; a status that is not in there has none.
    pub(crate) fn new(by_status: &BTreeMap<Status, u64>) -> Self {
        let of = |status| by_status.get(&status).copied().unwrap_or(0);
        Self {
            queued: of(Status::Queued),
            leased: of(Status::Leased),
            dispatched: of(Status::Dispatched),
            sent: of(Status::Sent),
            failed: of(Status::Failed),
            skipped: of(Status::Skipped),
            cancelled: of(Status::Cancelled),
        }
    }

    /// The counts of these messages.
    pub(super) fn of<'m>(messages: impl Iterator<Item = &'m Message>) -> Self {
        let mut by_status = BTreeMap::new();
        for message in messages {
            *by_status.entry(message.status()).or_default() += 1;
        }
        Self::new(&by_status)
    }
}

impl<'a> JobView<'a> {
    /// The job with its counts; what the reader may not see has been withheld.
    pub(crate) fn new(view: &'a ports::JobView) -> Self {
        Self::with(&view.job, MessageCounts::new(&view.message_counts), view.retries_waiting)
    }

    pub(super) fn with(job: &'a Job, message_counts: MessageCounts, retries_waiting: u64) -> Self {
        // Every field is named, so that a new one can't be forgotten here.
        let Job {
            id,
            title,
            status,
            action_key,
            suggestion_id,
            task_id,
            run_id,
            last_error,
            note,
            owner_id,
            branch_id,
            created_by,
            dispatched_at,
            done_at,
            created_at,
            updated_at,
        } = job;
        Self {
            id: Id(id.uuid()),
            title,
            status: status.as_str(),
            action_key: action_key.as_ref().map(|key| key.as_str()),
            suggestion_id: suggestion_id.as_ref().map(|id| id.as_str()),
            task_id: task_id.as_ref().map(|id| id.as_str()),
            run_id: run_id.as_ref().map(|id| id.as_str()),
            last_error: last_error.as_deref(),
            note: note.as_deref(),
            owner_id: owner_id.as_ref().map(|id| id.as_str()),
            branch_id: branch_id.as_ref().map(|id| id.as_str()),
            created_by_id: match created_by {
                Actor::User(id) => Some(id.as_str()),
                Actor::Operator(_) | Actor::Worker | Actor::N8n | Actor::Service | Actor::System => None,
            },
            dispatched_at: dispatched_at.map(Time),
            done_at: done_at.map(Time),
            created_at: Time(*created_at),
            updated_at: Time(*updated_at),
            message_counts,
            retries_waiting,
        }
    }
}

/// One line of a job's history.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobLineView<'a> {
    at: Time,
    /// The status before; null for the creation.
    #[schema(value_type = Option<JobStatusWord>)]
    from: Option<&'static str>,
    /// The status after.
    #[schema(value_type = JobStatusWord)]
    to: &'static str,
    /// By whom: `user:<id>`, `cli:<user of the machine>`, `n8n`, `service` or `system`.
    by: String,
    /// Run or error; null for those who may not read messages.
    detail: Option<&'a str>,
}

impl<'a> JobLineView<'a> {
    /// The line; what the reader may not see has been withheld.
    pub(crate) fn new(entry: &'a JobEntry) -> Self {
        let JobEntry { at, from, to, by, detail } = entry;
        Self {
            at: Time(*at),
            from: from.map(JobStatus::as_str),
            to: to.as_str(),
            by: by.to_string(),
            detail: detail.as_deref(),
        }
    }
}
