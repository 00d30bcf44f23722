//! Forgetting what is out of date.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ids::{LeaseId, MessageId};
use domain::policy::rate_limit::{RateWindow, SLOTS};
use domain::ports::{Housekeeping, StoreError};

use crate::lease::GLOBAL;
use crate::{Inner, MemoryStore};

#[async_trait]
impl Housekeeping for MemoryStore {
    /// There are none: keys are kept by [`domain::ports::Idempotency`], which this store is not.
    async fn forget_answers(&self, _now: DateTime<Utc>, _limit: u32) -> Result<u32, StoreError> {
        Ok(0)
    }

    async fn purge_messages(&self, before: DateTime<Utc>, limit: u32) -> Result<u32, StoreError> {
        let inner = &mut *self.inner();
        let mut over: Vec<(DateTime<Utc>, MessageId)> = inner
            .messages
            .values()
            .filter(|message| message.is_over() && message.updated_at < before)
            .map(|message| (message.updated_at, message.id))
            .collect();
        over.sort_unstable();
        over.truncate(limit as usize);
        for (_, id) in &over {
            inner.messages.remove(id);
            inner.entries.remove(id);
            inner.duplicates.remove(id);
        }
        Ok(count(over.len()))
    }

    async fn purge_runs(&self, before: DateTime<Utc>, limit: u32) -> Result<u32, StoreError> {
        let inner = &mut *self.inner();
        let old = inner.runs.values().filter(|run| run.started_at < before && !inner.is_under_way(run.lease));
        let old: Vec<LeaseId> = old.map(|run| run.lease).take(limit as usize).collect();
        old.iter().for_each(|lease| {
            inner.runs.remove(lease);
        });
        Ok(count(old.len()))
    }

    async fn prune_windows(&self, limit: u32) -> Result<u32, StoreError> {
        let inner = &mut *self.inner();
        let Some(latest) = inner.windows.get(GLOBAL).and_then(newest) else { return Ok(0) };
        let is_idle = |window: &RateWindow| newest(window).is_none_or(|second| second <= latest - SLOTS);
        let idle = inner.windows.iter().filter(|(key, window)| *key != GLOBAL && is_idle(window));
        let idle: Vec<String> = idle.map(|(key, _)| key.clone()).take(limit as usize).collect();
        idle.iter().for_each(|key| {
            inner.windows.remove(key);
        });
        Ok(count(idle.len()))
    }
}

impl Inner {
    fn is_under_way(&self, lease: LeaseId) -> bool {
        let held = |message: &domain::message::Message| message.state.lease_expires_at().is_some();
        self.messages.values().any(|message| held(message) && message.state.lease_id() == Some(lease))
    }
}

/// The newest second that was charged.
fn newest(window: &RateWindow) -> Option<i64> {
    window.slots().last().map(|(second, _)| *second)
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
