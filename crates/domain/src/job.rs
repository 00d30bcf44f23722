//! A job: the messages that one AI action asked for (contract §9, `PATCH /api/outbound/jobs/{id}`).

mod withheld;

use chrono::{DateTime, Utc};

use crate::actor::Actor;
use crate::ids::{ActionKey, BranchId, JobId, OwnerId, RunId, SuggestionId, TaskId};
use crate::vocabulary::vocabulary;

vocabulary! {
    /// Where a job stands.
    pub enum JobStatus {
        /// Created; N8N has not taken it up.
        New = "NEW",
        /// N8N works on it.
        Dispatched = "DISPATCHED",
        /// N8N is done with it.
        Done = "DONE",
        /// N8N gave up; a new run may take it up again.
        Failed = "FAILED",
    }
}

/// A group of messages with a status of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id, made by this system.
    pub id: JobId,
    /// What people call it.
    pub title: String,
    /// Where it stands.
    pub status: JobStatus,
    /// The AI action that it came from.
    pub action_key: Option<ActionKey>,
    /// The AI suggestion that it came from.
    pub suggestion_id: Option<SuggestionId>,
    /// The CRM task that it belongs to.
    pub task_id: Option<TaskId>,
    /// N8N's run that works on it.
    pub run_id: Option<RunId>,
    /// Why the last run failed.
    pub last_error: Option<String>,
    /// A note for people.
    pub note: Option<String>,
    /// Whose job it is.
    pub owner_id: Option<OwnerId>,
    /// The branch that it belongs to.
    pub branch_id: Option<BranchId>,
    /// Who created it.
    pub created_by: Actor,
    /// When N8N took it up, the last time.
    pub dispatched_at: Option<DateTime<Utc>>,
    /// When N8N was done with it.
    pub done_at: Option<DateTime<Utc>>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// What N8N says about a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobUpdate {
    /// The new status.
    pub status: JobStatus,
    /// N8N's run.
    pub run_id: Option<RunId>,
    /// Why the run failed.
    pub last_error: Option<String>,
}

/// One line of a job's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobEntry {
    /// When.
    pub at: DateTime<Utc>,
    /// The status before; `None` for the creation.
    pub from: Option<JobStatus>,
    /// The status after.
    pub to: JobStatus,
    /// By whom.
    pub by: Actor,
    /// Run id or error, for people.
    pub detail: Option<String>,
}

/// A step that the job's state machine does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a job that is {from} can't become {to}")]
pub struct IllegalJobStep {
    /// Where the job stands.
    pub from: JobStatus,
    /// What was asked for.
    pub to: JobStatus,
}

impl Job {
    /// NEW -> DISPATCHED -> DONE or FAILED; FAILED -> DISPATCHED for a new run; the same again changes nothing (`None`).
    pub fn apply(&self, update: &JobUpdate, now: DateTime<Utc>) -> Result<Option<Self>, IllegalJobStep> {
        use JobStatus::{Dispatched, Done, Failed, New};
        let run_id = update.run_id.clone().or_else(|| self.run_id.clone());
        let next = Self { status: update.status, run_id, updated_at: now, ..self.clone() };
        match (self.status, update.status) {
            (New, New) | (Dispatched, Dispatched) | (Done, Done) | (Failed, Failed) => Ok(None),
            (New | Failed, Dispatched) => {
                Ok(Some(Self { dispatched_at: Some(now), last_error: None, ..next }))
            }
            (Dispatched, Done) => Ok(Some(Self { done_at: Some(now), last_error: None, ..next })),
            (Dispatched, Failed) => Ok(Some(Self { last_error: update.last_error.clone(), ..next })),
            (New, Done | Failed)
            | (Dispatched | Done | Failed, New)
            | (Done, Dispatched | Failed)
            | (Failed, Done) => Err(IllegalJobStep { from: self.status, to: update.status }),
        }
    }
}
