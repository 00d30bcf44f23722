//! Foretelling the rule for duplicates (contract §7).

use async_trait::async_trait;

use super::{DuplicateWindow, StoreError};

/// What the rule for duplicates would find. [`super::MessageStore::insert`] alone decides: what is found here may have
/// changed by then.
#[async_trait]
pub trait DuplicateReader: Send + Sync {
    /// Which of these keys ([`crate::message::Content::duplicate_key`]) a message that counts has within the window.
    async fn taken(&self, keys: &[String], window: DuplicateWindow) -> Result<Vec<String>, StoreError>;
}
