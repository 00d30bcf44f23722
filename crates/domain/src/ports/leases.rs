//! Who leased.

use async_trait::async_trait;

use super::StoreError;
use crate::ids::LeaseId;
use crate::message::timeline::LeaseHolder;

/// The leases that runs took.
#[async_trait]
pub trait LeaseReader: Send + Sync {
    /// The run that took this lease; `None` when there was none.
    async fn holder(&self, lease: LeaseId) -> Result<Option<LeaseHolder>, StoreError>;
}
