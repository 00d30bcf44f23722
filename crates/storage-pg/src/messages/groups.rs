//! Writes that arrive singly but at once, done together.

use domain::ports::{DuplicateWindow, NewMessage, StoreError};

use super::insert;
use crate::group_commit::{GroupCommit, Lanes, Together};
use crate::store::PgStore;

/// The queues of one pool.
pub(crate) struct Groups {
    /// New messages.
    pub(super) inserts: GroupCommit<Inserts>,
}

impl Groups {
    /// Empty queues in front of this store.
    pub(crate) fn new(store: &PgStore) -> Self {
        Self { inserts: GroupCommit::new(Inserts { store: store.clone() }, Lanes { count: 2, most: 100 }) }
    }
}

/// Stores messages that came one by one.
pub(super) struct Inserts {
    store: PgStore,
}

impl Together for Inserts {
    type Item = (NewMessage, Option<DuplicateWindow>);
    /// Why it was skipped.
    type Done = Option<String>;

    /// A statement knows one day; at midnight there may be two.
    fn joins(&self, batch: &[Self::Item], (_, window): &Self::Item) -> bool {
        batch.first().is_none_or(|(_, of_batch)| of_batch == window)
    }

    async fn run(&self, batch: &[Self::Item]) -> Result<Vec<Option<String>>, StoreError> {
        let window = batch.first().and_then(|(_, window)| *window);
        insert::insert_all(&self.store, batch.iter().map(|(new, _)| new), window).await
    }
}
