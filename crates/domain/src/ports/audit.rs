//! The trail of who did what.

use async_trait::async_trait;

use super::StoreError;
use crate::actor::Actor;
use crate::audit::{AuditAction, AuditEntry};
use crate::ids::AuditId;

/// Which part of the trail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditRequest {
    /// Only what this one did.
    pub actor: Option<Actor>,
    /// Only this.
    pub action: Option<AuditAction>,
    /// Only what was done to this.
    pub subject: Option<String>,
    /// Only what comes after this one in the list.
    pub after: Option<AuditId>,
    /// How many at most.
    pub limit: u32,
}

/// The trail. It is only ever added to.
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Adds to it. Given a transaction's stores, it is undone with the deed.
    async fn record(&self, entries: &[AuditEntry]) -> Result<(), StoreError>;

    /// A part of it, newest first.
    async fn audit(&self, request: &AuditRequest) -> Result<Vec<AuditEntry>, StoreError>;
}
