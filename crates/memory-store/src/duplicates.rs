//! Foretelling the rule for duplicates.

use std::collections::HashSet;

use async_trait::async_trait;
use domain::ports::{DuplicateReader, DuplicateWindow, StoreError};

use crate::MemoryStore;

#[async_trait]
impl DuplicateReader for MemoryStore {
    async fn taken(&self, keys: &[String], window: DuplicateWindow) -> Result<Vec<String>, StoreError> {
        let inner = self.inner();
        let taken: HashSet<String> = inner.duplicate_keys(window).collect();
        Ok(keys.iter().filter(|key| taken.contains(*key)).cloned().collect())
    }
}
