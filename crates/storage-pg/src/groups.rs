//! What arrives singly but at once, done together: see [`crate::group_commit`].

use std::collections::{BTreeSet, HashMap};

use domain::contact::Contact;
use domain::ids::{MessageId, TemplateKey};
use domain::message::{Change, Standing};
use domain::phone::PhoneNumber;
use domain::ports::{DuplicateWindow, NewMessage, Saved, StoreError, Template};

use crate::group_commit::{GroupCommit, Lanes, Together};
use crate::store::PgStore;
use crate::{contacts, messages, templates};

/// The queues of one pool.
pub(crate) struct Groups {
    /// New messages.
    pub(crate) inserts: GroupCommit<Inserts>,
    /// Messages to be read, each for a callback of its own.
    pub(crate) loads: GroupCommit<Loads>,
    /// Changes: what came of those callbacks, and of hand-offs.
    pub(crate) saves: GroupCommit<Saves>,
    /// Templates that are asked for. Not remembered but asked for anew, so what was just changed is never used.
    pub(crate) templates: GroupCommit<Templates>,
    /// Contacts that are asked for by a phone number, likewise.
    pub(crate) phones: GroupCommit<Phones>,
}

/// The most messages that are read or saved at a time.
const MOST: usize = 200;

impl Groups {
    /// Empty queues in front of this store.
    pub(crate) fn new(store: &PgStore) -> Self {
        // One of each: the processors limit before the disk does, and a statement costs as much as its first four rows.
        let (lanes, large) = (Lanes { count: 1, most: 100 }, Lanes { count: 1, most: MOST });
        Self {
            inserts: GroupCommit::new(Inserts { store: store.clone() }, lanes),
            loads: GroupCommit::new(Loads { store: store.clone() }, large),
            saves: GroupCommit::new(Saves { store: store.clone() }, large),
            templates: GroupCommit::new(Templates { store: store.clone() }, lanes),
            phones: GroupCommit::new(Phones { store: store.clone() }, lanes),
        }
    }
}

/// Stores messages that came one by one.
pub(crate) struct Inserts {
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
        messages::insert_all(&self.store, batch.iter().map(|(new, _)| new), window).await
    }
}

/// Reads messages that are asked for one by one.
pub(crate) struct Loads {
    store: PgStore,
}

impl Together for Loads {
    type Item = MessageId;
    /// Where it stands, if there is one.
    type Done = Option<Standing>;

    fn joins(&self, batch: &[MessageId], next: &MessageId) -> bool {
        !batch.contains(next)
    }

    async fn run(&self, batch: &[MessageId]) -> Result<Vec<Option<Standing>>, StoreError> {
        let found = messages::load_standings(&self.store, batch).await?;
        let mut found: HashMap<MessageId, Standing> =
            found.into_iter().map(|message| (message.id, message)).collect();
        Ok(batch.iter().map(|id| found.remove(id)).collect())
    }
}

/// Saves changes that come one by one.
pub(crate) struct Saves {
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
        messages::save_all(&self.store, batch).await
    }
}

/// Reads templates.
pub(crate) struct Templates {
    store: PgStore,
}

impl Together for Templates {
    type Item = TemplateKey;
    type Done = Option<Template>;

    fn joins(&self, _: &[Self::Item], _: &Self::Item) -> bool {
        true
    }

    async fn run(&self, batch: &[TemplateKey]) -> Result<Vec<Option<Template>>, StoreError> {
        let keys: BTreeSet<&str> = batch.iter().map(TemplateKey::as_str).collect();
        let mut connection = self.store.connection().await?;
        let found = templates::read(&mut connection, keys.into_iter().collect()).await?;
        let found: HashMap<&TemplateKey, &Template> = found.iter().map(|one| (&one.key, one)).collect();
        Ok(batch.iter().map(|key| found.get(key).copied().cloned()).collect())
    }
}

/// Reads contacts by their phone numbers.
pub(crate) struct Phones {
    store: PgStore,
}

impl Together for Phones {
    type Item = PhoneNumber;
    type Done = Vec<Contact>;

    fn joins(&self, _: &[Self::Item], _: &Self::Item) -> bool {
        true
    }

    async fn run(&self, batch: &[PhoneNumber]) -> Result<Vec<Vec<Contact>>, StoreError> {
        let numbers: BTreeSet<&str> = batch.iter().map(PhoneNumber::as_str).collect();
        let mut connection = self.store.connection().await?;
        let found = contacts::with_phones(&mut connection, numbers.into_iter().collect()).await?;
        let of =
            |number| found.iter().filter(move |one| one.phone.as_ref() == Some(number)).cloned().collect();
        Ok(batch.iter().map(of).collect())
    }
}
