//! The audit trail.

use async_trait::async_trait;
use domain::audit::AuditEntry;
use domain::ports::{AuditLog, AuditRequest, StoreError};

use crate::MemoryStore;

#[async_trait]
impl AuditLog for MemoryStore {
    async fn record(&self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        self.inner().audit.extend(entries.iter().map(|entry| (entry.id, entry.clone())));
        Ok(())
    }

    async fn audit(&self, request: &AuditRequest) -> Result<Vec<AuditEntry>, StoreError> {
        let AuditRequest { actor, action, subject, after, limit } = request;
        let inner = self.inner();
        let fits = |entry: &&AuditEntry| {
            actor.as_ref().is_none_or(|actor| entry.actor == *actor)
                && action.is_none_or(|action| entry.action == action)
                && subject.as_ref().is_none_or(|subject| entry.subject.as_ref() == Some(subject))
                && after.is_none_or(|after| entry.id < after)
        };
        let newest_first = inner.audit.values().rev().filter(fits);
        Ok(newest_first.take(usize::try_from(*limit).unwrap_or(usize::MAX)).cloned().collect())
    }
}
