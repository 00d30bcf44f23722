//! What is asked for singly but at once, done together.

use std::collections::HashMap;

use domain::ids::MessageId;
use domain::message::{Change, Message};
use domain::ports::{DuplicateWindow, NewMessage, Saved, StoreError};

use super::{insert, load, save};
use crate::group_commit::{GroupCommit, Lanes, Together};
use crate::store::PgStore;

/// The queues of one pool.
pub(crate) struct Groups {
    /// New messages.
    pub(super) inserts: GroupCommit<Inserts>,
    /// Messages to be read, each for a callback of its own.
    pub(super) loads: GroupCommit<Loads>,
    /// Changes: what came of those callbacks, and of hand-offs.
    pub(super) saves: GroupCommit<Saves>,
}

/// The most messages that are read or saved at a time.
const MOST: usize = 200;

impl Groups {
    /// Empty queues in front of this store.
    pub(crate) fn new(store: &PgStore) -> Self {
        Self {
            inserts: GroupCommit::new(Inserts { store: store.clone() }, Lanes { count: 2, most: 100 }),
            // One: nothing is waited for but the reading itself, and the next to come are read together.
            loads: GroupCommit::new(Loads { store: store.clone() }, Lanes { count: 1, most: MOST }),
            saves: GroupCommit::new(Saves { store: store.clone() }, Lanes { count: 2, most: MOST }),
        }
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

/// Reads messages that are asked for one by one.
pub(super) struct Loads {
    store: PgStore,
}

impl Together for Loads {
    type Item = MessageId;
    /// The message, where there is one.
    type Done = Option<Message>;

    fn joins(&self, batch: &[MessageId], next: &MessageId) -> bool {
        !batch.contains(next)
    }

    async fn run(&self, batch: &[MessageId]) -> Result<Vec<Option<Message>>, StoreError> {
        let found = load::load_all(&self.store, batch).await?;
        let mut found: HashMap<MessageId, Message> =
            found.into_iter().map(|message| (message.id, message)).collect();
        Ok(batch.iter().map(|id| found.remove(id)).collect())
    }
}

/// Saves changes that come one by one.
pub(super) struct Saves {
    store: PgStore,
}

impl Together for Saves {
    type Item = Change;
    type Done = Saved;

    /// Of two changes to one message the later must see what the earlier did.
    fn joins(&self, batch: &[Change], next: &Change) -> bool {
        batch.iter().all(|change| change.message.id != next.message.id)
    }

    async fn run(&self, batch: &[Change]) -> Result<Vec<Saved>, StoreError> {
        save::save_all(&self.store, batch).await
    }
}
