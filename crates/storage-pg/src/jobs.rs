//! [`JobStore`].

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::dsl::count_star;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::access::Scope;
use domain::ids::JobId;
use domain::job::{Job, JobEntry, JobStatus};
use domain::message::{FailureKind, Status};
use domain::ports::{JobFilter, JobPage, JobStore, JobView, StoreError, Total};
use uuid::Uuid;

use crate::error::of_statement;
use crate::reader::{BOUND, Explain};
use crate::rows::{corrupt, read, read_option};
use crate::schema::{outbound_delivery as d, outbound_job as j, outbound_job_event as e};
use crate::store::PgStore;

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = crate::schema::outbound_job, check_for_backend(Pg), treat_none_as_null = true)]
struct JobRow {
    id: Uuid,
    title: String,
    status: String,
    action_key: Option<String>,
    suggestion_id: Option<String>,
    task_id: Option<String>,
    run_id: Option<String>,
    last_error: Option<String>,
    note: Option<String>,
    owner_id: Option<String>,
    branch_id: Option<String>,
    created_by: String,
    dispatched_at: Option<DateTime<Utc>>,
    done_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

type EntryRow = (DateTime<Utc>, Option<String>, String, String, Option<String>);

#[async_trait]
impl JobStore for PgStore {
    async fn insert_job(&self, job: &Job) -> Result<(), StoreError> {
        let entry = JobEntry {
            at: job.created_at,
            from: None,
            to: job.status,
            by: job.created_by.clone(),
            detail: None,
        };
        self.connection()
            .await?
            .transaction(async |connection| {
                diesel::insert_into(j::table).values(JobRow::from(job)).execute(connection).await?;
                tell(connection, job.id, &entry).await
            })
            .await
            .map_err(of_statement)
    }

    async fn jobs(
        &self,
        scope: &Scope,
        filter: &JobFilter,
        page: u32,
        page_size: u32,
    ) -> Result<JobPage, StoreError> {
        let mut connection = self.connection().await?;
        let skipped = i64::from(page.saturating_sub(1)) * i64::from(page_size);
        let rows: Vec<JobRow> = matching(scope, filter)
            .order(j::id.desc())
            .limit(page_size.into())
            .offset(skipped)
            .load(&mut *connection)
            .await
            .map_err(of_statement)?;
        let total = total(&mut connection, scope, filter).await?;
        let items = views(&mut connection, rows, scope).await?;
        Ok(JobPage { items, total })
    }

    async fn job(&self, id: JobId, scope: &Scope) -> Result<Option<JobView>, StoreError> {
        let mut connection = self.connection().await?;
        let rows: Vec<JobRow> = matching(scope, &JobFilter::default())
            .filter(j::id.eq(id.uuid()))
            .load(&mut *connection)
            .await
            .map_err(of_statement)?;
        Ok(views(&mut connection, rows, scope).await?.pop())
    }

    async fn job_history(&self, id: JobId) -> Result<Vec<JobEntry>, StoreError> {
        let rows: Vec<EntryRow> = e::table
            .filter(e::job_id.eq(id.uuid()))
            .order(e::id)
            .select((e::at, e::from_status, e::to_status, e::actor, e::detail))
            .load(&mut *self.connection().await?)
            .await
            .map_err(of_statement)?;
        rows.into_iter().map(entry_of).collect()
    }

    async fn save_job(&self, from: JobStatus, job: &Job, entry: &JobEntry) -> Result<bool, StoreError> {
        self.connection()
            .await?
            .transaction(async |connection| {
                let still = j::table.filter(j::id.eq(job.id.uuid())).filter(j::status.eq(from.as_str()));
                let saved = diesel::update(still).set(JobRow::from(job)).execute(connection).await? == 1;
                if saved {
                    tell(connection, job.id, entry).await?;
                }
                Ok(saved)
            })
            .await
            .map_err(of_statement)
    }
}

impl From<&Job> for JobRow {
    fn from(job: &Job) -> Self {
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
            id: id.uuid(),
            title: title.clone(),
            status: status.to_string(),
            action_key: action_key.as_ref().map(ToString::to_string),
            suggestion_id: suggestion_id.as_ref().map(ToString::to_string),
            task_id: task_id.as_ref().map(ToString::to_string),
            run_id: run_id.as_ref().map(ToString::to_string),
            last_error: last_error.clone(),
            note: note.clone(),
            owner_id: owner_id.as_ref().map(ToString::to_string),
            branch_id: branch_id.as_ref().map(ToString::to_string),
            created_by: created_by.to_string(),
            dispatched_at: *dispatched_at,
            done_at: *done_at,
            created_at: *created_at,
            updated_at: *updated_at,
        }
    }
}

/// Keeps a line of a job's history.
async fn tell(connection: &mut AsyncPgConnection, id: JobId, entry: &JobEntry) -> QueryResult<()> {
    let JobEntry { at, from, to, by, detail } = entry;
    diesel::insert_into(e::table)
        .values((
            e::job_id.eq(id.uuid()),
            e::at.eq(at),
            e::from_status.eq(from.map(JobStatus::as_str)),
            e::to_status.eq(to.as_str()),
            e::actor.eq(by.to_string()),
            e::detail.eq(detail),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

fn matching<'a>(scope: &'a Scope, filter: &'a JobFilter) -> j::BoxedQuery<'a, Pg> {
    let mut query = j::table.into_boxed();
    for owner in scope.owner.iter().chain(&filter.owner_id) {
        query = query.filter(j::owner_id.eq(owner.as_str()));
    }
    if let Some(branch) = &scope.branch {
        query = query.filter(j::branch_id.eq(branch.as_str()));
    }
    if let Some(status) = filter.status {
        query = query.filter(j::status.eq(status.as_str()));
    }
    if let Some(suggestion) = &filter.suggestion_id {
        query = query.filter(j::suggestion_id.eq(suggestion.as_str()));
    }
    query
}

/// How many there are: counted up to the bound, then the planner's estimate.
async fn total(
    connection: &mut AsyncPgConnection,
    scope: &Scope,
    filter: &JobFilter,
) -> Result<Total, StoreError> {
    let most = BOUND + 1;
    let counted: Vec<Uuid> = matching(scope, filter)
        .select(j::id)
        .limit(i64::try_from(most).unwrap_or(i64::MAX))
        .load(connection)
        .await
        .map_err(of_statement)?;
    let count = counted.len() as u64;
    if count < most {
        return Ok(Total { count, is_estimate: false });
    }
    let estimate = Explain(matching(scope, filter)).rows(connection).await?;
    Ok(Total { count: estimate.max(count), is_estimate: true })
}

/// The jobs with the counts of those of their messages that lie in the scope, by one query for all.
async fn views(
    connection: &mut AsyncPgConnection,
    rows: Vec<JobRow>,
    scope: &Scope,
) -> Result<Vec<JobView>, StoreError> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    // Of one owner or branch by equality, of all by a condition that is always true: one form of the query.
    let owner = scope.owner.as_ref().map(|owner| owner.as_str());
    let branch = scope.branch.as_ref().map(|branch| branch.as_str());
    // In one statement: a retry that is taken up meanwhile must not be missing in both.
    let counted: Vec<(Option<Uuid>, String, Option<String>, i64)> = d::table
        .filter(d::job_id.eq_any(ids))
        .filter(owner.is_none().into_sql::<Bool>().or(d::owner_id.eq(owner.unwrap_or_default())))
        .filter(branch.is_none().into_sql::<Bool>().or(d::branch_id.eq(branch.unwrap_or_default())))
        .group_by((d::job_id, d::status, d::failure_kind))
        .select((d::job_id, d::status, d::failure_kind, count_star()))
        .load(connection)
        .await
        .map_err(of_statement)?;
    let mut counts: HashMap<Uuid, (BTreeMap<Status, u64>, u64)> = HashMap::new();
    for (job, status, kind, count) in counted {
        let count = u64::try_from(count).map_err(|error| corrupt("count", error))?;
        let (by_status, retries) = counts.entry(job.unwrap_or_default()).or_default();
        *by_status.entry(read("status", &status)?).or_default() += count;
        if read_option("failure_kind", kind.as_deref())? == Some(FailureKind::Retry) {
            *retries += count;
        }
    }
    rows.into_iter()
        .map(|row| {
            let (message_counts, retries_waiting) = counts.remove(&row.id).unwrap_or_default();
            Ok(JobView { job: row.try_into()?, message_counts, retries_waiting })
        })
        .collect()
}

impl TryFrom<JobRow> for Job {
    type Error = StoreError;

    fn try_from(row: JobRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: JobId::new(row.id),
            title: row.title,
            status: read("status", &row.status)?,
            action_key: read_option("action_key", row.action_key.as_deref())?,
            suggestion_id: read_option("suggestion_id", row.suggestion_id.as_deref())?,
            task_id: read_option("task_id", row.task_id.as_deref())?,
            run_id: read_option("run_id", row.run_id.as_deref())?,
            last_error: row.last_error,
            note: row.note,
            owner_id: read_option("owner_id", row.owner_id.as_deref())?,
            branch_id: read_option("branch_id", row.branch_id.as_deref())?,
            created_by: read("created_by", &row.created_by)?,
            dispatched_at: row.dispatched_at,
            done_at: row.done_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

fn entry_of((at, from, to, by, detail): EntryRow) -> Result<JobEntry, StoreError> {
    Ok(JobEntry {
        at,
        from: read_option("from_status", from.as_deref())?,
        to: read("to_status", &to)?,
        by: read("actor", &by)?,
        detail,
    })
}
