//! Jobs.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::access::Scope;
use domain::ids::JobId;
use domain::job::{Job, JobEntry, JobStatus};
use domain::message::FailureKind;
use domain::ports::{JobFilter, JobPage, JobStore, JobView, StoreError, Total};

use crate::{Inner, MemoryStore};

#[async_trait]
impl JobStore for MemoryStore {
    async fn insert_job(&self, job: &Job) -> Result<(), StoreError> {
        let created = JobEntry {
            at: job.created_at,
            from: None,
            to: job.status,
            by: job.created_by.clone(),
            detail: None,
        };
        self.inner().jobs.insert(job.id, (job.clone(), vec![created]));
        Ok(())
    }

    async fn jobs(
        &self,
        scope: &Scope,
        filter: &JobFilter,
        page: u32,
        page_size: u32,
    ) -> Result<JobPage, StoreError> {
        let inner = self.inner();
        let all: Vec<&Job> =
            inner.jobs.values().rev().map(|(job, _)| job).filter(|j| matches(j, scope, filter)).collect();
        let skipped = (page.saturating_sub(1) as usize).saturating_mul(page_size as usize);
        let items =
            all.iter().skip(skipped).take(page_size as usize).map(|job| inner.view(job, scope)).collect();
        Ok(JobPage { items, total: Total { count: all.len() as u64, is_estimate: false } })
    }

    async fn job(&self, id: JobId, scope: &Scope) -> Result<Option<JobView>, StoreError> {
        let inner = self.inner();
        let found = inner.jobs.get(&id).map(|(job, _)| job);
        Ok(found
            .filter(|job| scope.covers(job.owner_id.as_ref(), job.branch_id.as_ref()))
            .map(|job| inner.view(job, scope)))
    }

    async fn job_history(&self, id: JobId) -> Result<Vec<JobEntry>, StoreError> {
        Ok(self.inner().jobs.get(&id).map(|(_, history)| history.clone()).unwrap_or_default())
    }

    async fn save_job(&self, from: JobStatus, job: &Job, entry: &JobEntry) -> Result<bool, StoreError> {
        let inner = &mut *self.inner();
        match inner.jobs.get_mut(&job.id) {
            Some((old, history)) if old.status == from => {
                *old = job.clone();
                history.push(entry.clone());
                Ok(true)
            }
            Some(_) | None => Ok(false),
        }
    }
}

impl Inner {
    fn view(&self, job: &Job, scope: &Scope) -> JobView {
        let (mut message_counts, mut retries_waiting) = (BTreeMap::new(), 0);
        let of_job = self.messages.values().filter(|m| m.content.job_id == Some(job.id));
        for message in
            of_job.filter(|m| scope.covers(m.content.owner_id.as_ref(), m.content.branch_id.as_ref()))
        {
            *message_counts.entry(message.status()).or_default() += 1;
            retries_waiting += u64::from(message.state.failure_kind() == Some(FailureKind::Retry));
        }
        JobView { job: job.clone(), message_counts, retries_waiting }
    }
}

fn matches(job: &Job, scope: &Scope, filter: &JobFilter) -> bool {
    scope.covers(job.owner_id.as_ref(), job.branch_id.as_ref())
        && filter.status.is_none_or(|status| job.status == status)
        && filter.suggestion_id.as_ref().is_none_or(|id| job.suggestion_id.as_ref() == Some(id))
        && filter.owner_id.as_ref().is_none_or(|id| job.owner_id.as_ref() == Some(id))
}
