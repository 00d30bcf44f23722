//! Sending a list in parts, each in a transaction of its own and under a key of its own: one that is sent again, after
//! a broken connection or a restart, is answered as the first time.

use chrono::TimeDelta;
use domain::access::Caller;
use domain::actor::Actor;
use domain::ids::JobId;
use domain::job::{JobStatus, JobUpdate};
use domain::message::Status;
use domain::ports::{Begin, Claim, StoredAnswer};
use domain::usecase::Deps;
use domain::usecase::create::{Batch, CreateCommand, CreateError, create};
use domain::usecase::jobs::{CreateJob, UpdateJobError, create_job, update_job};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::draft::{Draft, Recipients, Terms};
use super::report::sentence;
use super::sheet::Sheet;
use crate::error::PageError;
use crate::lang::Lang;
use crate::pages::Pages;
use crate::present::{people, problem};

/// How many rows a part has.
pub(super) const ROWS: usize = 500;
/// What claims name a part by.
const ROUTE: &str = "POST /outbound/bulk/send";
/// How long a part that was sent is remembered, in hours.
const KEPT_HOURS: i64 = 72;

/// Which part of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    /// From 0.
    pub(super) index: usize,
    /// Whether the list ends with it.
    pub(super) is_last: bool,
    /// The rows of the whole list.
    pub(super) total: usize,
    /// The job that the parts before belong to.
    pub(super) job: Option<JobId>,
}

/// What became of a part.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Done {
    /// The job; `None` while every row was rejected.
    pub(super) job: Option<String>,
    /// How many were queued.
    pub(super) created: usize,
    /// How many were stored without being queued.
    pub(super) skipped: usize,
    /// How many were left out.
    pub(super) rejected: usize,
}

/// What sending a part came to.
pub(super) enum Outcome {
    /// It is stored.
    Done(Done),
    /// Nothing of it is: this is wrong for all rows.
    Wrong(Vec<String>),
    /// The same part is being sent at this moment.
    Again,
}

/// Somebody who sends a list.
#[derive(Clone)]
pub(super) struct Sender {
    pub(super) caller: Caller,
    pub(super) lang: Lang,
}

impl Sender {
    /// Sends the rows of one part.
    pub(super) async fn part(
        &self,
        pages: &Pages,
        draft: &Draft,
        terms: &Terms,
        sheet: &Sheet,
        part: Part,
    ) -> Result<Outcome, PageError> {
        let at = match draft.goes_at(pages) {
            Ok(at) => at,
            Err(wrong) => return Ok(Outcome::Wrong(vec![problem::sentence(self.lang, &wrong)])),
        };
        self.check_job(pages, part.job).await?;
        let Recipients { specs, unreadable, places: _ } = Recipients::read(self.lang, sheet, &terms.roles);
        let command = CreateCommand { job_id: part.job, ..draft.command(at, specs) };
        let now = pages.clock.now();
        let claim = Claim {
            key: format!("{}.{}", draft.key, part.index),
            route: ROUTE.to_owned(),
            actor: self.caller.subject.to_string(),
            fingerprint: Sha256::digest(format!("{}{}", terms.digest(draft), sheet.canonical()).as_bytes())
                .to_vec(),
            now,
            expires_at: now + TimeDelta::hours(KEPT_HOURS),
        };
        let unit = match pages.idempotency.begin(Some(&claim)).await? {
            Begin::Fresh(unit) => unit,
            Begin::Replay(StoredAnswer(done)) => return replayed(&done),
            Begin::Running => return Ok(Outcome::Again),
            Begin::OtherBody => {
                let text = self.lang.t(
                    "Danh sách này đã được gửi với nội dung khác. Hãy bắt đầu một danh sách mới.",
                    "This list was sent with something else in it. Begin a new one.",
                );
                return Ok(Outcome::Wrong(vec![text.to_owned()]));
            }
        };
        // An error drops the unit of work: nothing of the part is done, and it can be sent again.
        let title = self.title(draft, terms);
        let note = self.note(draft, part.total);
        let stored = self.store(&pages.deps_over(unit.stores()), command, title, note, part).await;
        let (job, batch) = match stored {
            Ok(stored) => stored,
            Err(CreateError::Command(problems)) => {
                return Ok(Outcome::Wrong(problems.iter().map(|one| sentence(self.lang, one)).collect()));
            }
            Err(CreateError::Store(error)) => return Err(error.into()),
        };
        let skipped =
            batch.messages.iter().filter(|(_, message)| message.status() == Status::Skipped).count();
        let done = Done {
            job: job.map(|id| id.to_string()),
            created: batch.messages.len() - skipped,
            skipped,
            rejected: batch.rejected.len() + unreadable.len(),
        };
        let answer = serde_json::to_string(&done).map_err(|error| PageError::Internal(error.to_string()))?;
        unit.commit(StoredAnswer(answer)).await?;
        Ok(Outcome::Done(done))
    }

    /// Only one's own job can be added to.
    async fn check_job(&self, pages: &Pages, job: Option<JobId>) -> Result<(), PageError> {
        let Some(id) = job else { return Ok(()) };
        let found = pages.stores.job(id, &self.caller.scope()).await?;
        let mine = Actor::User(self.caller.subject.clone());
        found.filter(|view| view.job.created_by == mine).map(|_| ()).ok_or(PageError::NotFound)
    }

    /// The first part that has something to send makes the job, the last one ends it.
    async fn store(
        &self,
        deps: &Deps<'_>,
        command: CreateCommand,
        title: String,
        note: String,
        part: Part,
    ) -> Result<(Option<JobId>, Batch), CreateError> {
        let (job, batch) = match part.job {
            Some(job) => (Some(job), create(deps, &self.caller, &command).await?),
            None => {
                let job = CreateJob {
                    title: Some(title),
                    action_key: None,
                    suggestion_id: None,
                    task_id: None,
                    note: Some(note),
                    messages: command,
                };
                let created = create_job(deps, &self.caller, job).await?;
                let job = created.job.map(|job| job.id);
                if let Some(id) = job {
                    self.move_job(deps, id, JobStatus::Dispatched).await?;
                }
                (job, created.batch)
            }
        };
        if let Some(id) = job.filter(|_| part.is_last) {
            self.move_job(deps, id, JobStatus::Done).await?;
        }
        Ok((job, batch))
    }

    async fn move_job(&self, deps: &Deps<'_>, job: JobId, status: JobStatus) -> Result<(), CreateError> {
        let update = JobUpdate { status, run_id: None, last_error: None };
        match update_job(deps, job, &update, Actor::User(self.caller.subject.clone())).await {
            Err(UpdateJobError::Store(error)) => Err(CreateError::Store(error)),
            // Somebody else has moved it meanwhile: it is theirs.
            Ok(_) | Err(UpdateJobError::Unknown | UpdateJobError::Illegal(_) | UpdateJobError::Contended) => {
                Ok(())
            }
        }
    }

    fn title(&self, draft: &Draft, terms: &Terms) -> String {
        let what = terms.template.as_ref().map(|template| template.title.clone());
        let what = what.unwrap_or_else(|| people::channel(self.lang, draft.channel).to_owned());
        format!("{}: {what}", self.lang.t("Gửi hàng loạt", "Bulk"))
    }

    fn note(&self, draft: &Draft, total: usize) -> String {
        let rows = format!("{} {}", self.lang.number(total as u64), self.lang.t("dòng", "rows"));
        if draft.file.is_empty() { rows } else { format!("{} · {rows}", draft.file) }
    }
}

fn replayed(done: &str) -> Result<Outcome, PageError> {
    let done = serde_json::from_str(done);
    done.map(Outcome::Done)
        .map_err(|error| PageError::Internal(format!("a kept answer can't be read: {error}")))
}

/// Sends the whole list, part after part.
pub(super) async fn whole(
    pages: &Pages,
    sender: &Sender,
    draft: &Draft,
    terms: &Terms,
    sheet: &Sheet,
) -> Result<Outcome, PageError> {
    let mut all = Done::default();
    let count = sheet.rows.len().div_ceil(ROWS);
    for (index, rows) in sheet.rows.chunks(ROWS).enumerate() {
        let piece = Sheet { rows: rows.to_vec(), ..sheet.clone() };
        let job = all.job.as_ref().and_then(|id| id.parse().ok());
        let part = Part { index, is_last: index + 1 == count, total: sheet.rows.len(), job };
        match sender.part(pages, draft, terms, &piece, part).await? {
            Outcome::Done(done) => {
                all = Done {
                    job: done.job.or(all.job),
                    created: all.created + done.created,
                    skipped: all.skipped + done.skipped,
                    rejected: all.rejected + done.rejected,
                };
            }
            other @ (Outcome::Wrong(_) | Outcome::Again) => return Ok(other),
        }
    }
    Ok(Outcome::Done(all))
}
