//! Jobs.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{StoreError, Total};
use crate::access::Scope;
use crate::ids::{JobId, OwnerId, SuggestionId};
use crate::job::{Job, JobEntry, JobStatus};
use crate::message::Status;

/// What a list of jobs is narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// The status.
    pub status: Option<JobStatus>,
    /// The AI suggestion.
    pub suggestion_id: Option<SuggestionId>,
    /// The owner.
    pub owner_id: Option<OwnerId>,
}

/// A job with the counts of its messages.
#[derive(Debug, Clone)]
pub struct JobView {
    /// The job.
    pub job: Job,
    /// Its messages by status; a status without messages is left out.
    pub message_counts: BTreeMap<Status, u64>,
    /// How many of those that are FAILED wait for a retry.
    pub retries_waiting: u64,
}

/// A part of the list of jobs.
#[derive(Debug, Clone)]
pub struct JobPage {
    /// The jobs, newest first.
    pub items: Vec<JobView>,
    /// How many match in all.
    pub total: Total,
}

/// Jobs.
#[async_trait]
pub trait JobStore: Send + Sync {
    /// Stores a new job; its messages follow in the same transaction where there is one.
    async fn insert_job(&self, job: &Job) -> Result<(), StoreError>;
    /// Jobs, newest first; `page` from 1.
    async fn jobs(
        &self,
        scope: &Scope,
        filter: &JobFilter,
        page: u32,
        page_size: u32,
    ) -> Result<JobPage, StoreError>;
    /// One job; `None` outside the scope.
    async fn job(&self, id: JobId, scope: &Scope) -> Result<Option<JobView>, StoreError>;
    /// A job's history, oldest first.
    async fn job_history(&self, id: JobId) -> Result<Vec<JobEntry>, StoreError>;
    /// Stores a change and its history line, only while the job still has the status `from`; false when it has not.
    async fn save_job(&self, from: JobStatus, job: &Job, entry: &JobEntry) -> Result<bool, StoreError>;
}
