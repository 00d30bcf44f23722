//! Jobs: create one with its messages, and let N8N move it (contract §9).

use super::Deps;
use super::create::{self, Batch, CreateCommand, CreateError};
use crate::access::{Caller, Scope};
use crate::actor::Actor;
use crate::ids::{ActionKey, JobId, SuggestionId, TaskId};
use crate::job::{IllegalJobStep, Job, JobEntry, JobStatus, JobUpdate};
use crate::ports::{JobView, StoreError};

/// How often an update is decided anew because the job changed in between.
const MAX_RACES: usize = 20;

/// A job that an AI action asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateJob {
    /// What people call it; otherwise the action's key, or a word for it.
    pub title: Option<String>,
    /// The AI action.
    pub action_key: Option<ActionKey>,
    /// The AI suggestion.
    pub suggestion_id: Option<SuggestionId>,
    /// The CRM task.
    pub task_id: Option<TaskId>,
    /// A note for people.
    pub note: Option<String>,
    /// Its messages; their `job_id` is set here.
    pub messages: CreateCommand,
}

/// A job with what became of its recipients.
#[derive(Debug, Clone)]
pub struct CreatedJob {
    /// The job; `None` when no recipient could be sent to, and then nothing is stored.
    pub job: Option<Job>,
    /// Its messages, and the recipients that were left out.
    pub batch: Batch,
}

/// Creates a job and queues its messages. Give it a transaction's stores: job and messages come into being together.
pub async fn create_job(
    deps: &Deps<'_>,
    caller: &Caller,
    command: CreateJob,
) -> Result<CreatedJob, CreateError> {
    let now = deps.clock.now();
    let id = JobId::new(deps.entropy.uuid(now));
    let messages = CreateCommand { job_id: Some(id), ..command.messages };
    let planned = create::plan(deps, caller, &messages).await?;
    let Some((_, first)) = planned.messages.first() else {
        return Ok(CreatedJob { job: None, batch: planned });
    };
    // One recipient: the job is that message's owner's; several: it is the caller's.
    let alone = messages.recipients.len() == 1;
    let owner = if alone { first.content.owner_id.clone() } else { messages.owner_id.clone() };
    let branch = if alone { first.content.branch_id.clone() } else { messages.branch_id.clone() };
    let title = command.title.or_else(|| command.action_key.as_ref().map(ToString::to_string));
    let job = Job {
        id,
        title: title.unwrap_or_else(|| "Outbound messages".to_owned()),
        status: JobStatus::New,
        action_key: command.action_key,
        suggestion_id: command.suggestion_id,
        task_id: command.task_id,
        run_id: None,
        last_error: None,
        note: command.note,
        owner_id: owner.or_else(|| Some(caller.subject.clone())),
        branch_id: branch.or_else(|| caller.branch.clone()),
        created_by: Actor::User(caller.subject.clone()),
        dispatched_at: None,
        done_at: None,
        created_at: now,
        updated_at: now,
    };
    deps.stores.insert_job(&job).await?;
    let batch = create::store(deps, &messages, planned).await?;
    Ok(CreatedJob { job: Some(job), batch })
}

/// What a job's history says where N8N names its run; the run's id follows.
pub const RUN: &str = "run ";

/// Why a job was not updated.
#[derive(Debug, thiserror::Error)]
pub enum UpdateJobError {
    /// There is none, or it lies outside the scope.
    #[error("there is no such job")]
    Unknown,
    /// Its state machine has no such step.
    #[error(transparent)]
    Illegal(#[from] IllegalJobStep),
    /// It kept changing; ask again.
    #[error("the job keeps changing")]
    Contended,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Moves a job as N8N says; the same status again changes nothing. Answers the job as it is now.
pub async fn update_job(
    deps: &Deps<'_>,
    id: JobId,
    update: &JobUpdate,
    by: Actor,
) -> Result<JobView, UpdateJobError> {
    for _ in 0..MAX_RACES {
        let view = deps.stores.job(id, &Scope::everything()).await?.ok_or(UpdateJobError::Unknown)?;
        let now = deps.clock.now();
        let Some(next) = view.job.apply(update, now)? else { return Ok(view) };
        let detail =
            next.last_error.clone().or_else(|| next.run_id.as_ref().map(|run| format!("{RUN}{run}")));
        let entry =
            JobEntry { at: now, from: Some(view.job.status), to: next.status, by: by.clone(), detail };
        if deps.stores.save_job(view.job.status, &next, &entry).await? {
            return Ok(JobView { job: next, ..view });
        }
    }
    Err(UpdateJobError::Contended)
}
