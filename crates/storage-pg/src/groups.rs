//! What arrives singly but at once, done together: see [`group_commit`].

use std::collections::{BTreeSet, HashMap};

use domain::contact::Contact;
use domain::ids::TemplateKey;
use domain::message::Change;
use domain::phone::PhoneNumber;
use domain::ports::{DuplicateWindow, NewMessage, Saved, StoreError, Template};
use group_commit::{GroupCommit, Lanes, Together};
use tokio::runtime::Handle;

use crate::store::PgStore;
use crate::{contacts, messages, templates};

/// The queues of one pool.
pub(crate) struct Groups {
    /// New messages.
    pub(crate) inserts: GroupCommit<Inserts>,
    /// Changes: what came of hand-offs.
    pub(crate) saves: GroupCommit<Saves>,
    /// Templates that are asked for. Not remembered but asked for anew, so what was just changed is never used.
    pub(crate) templates: GroupCommit<Templates>,
    /// Contacts that are asked for by a phone number, likewise.
    pub(crate) phones: GroupCommit<Phones>,
}

/// The most messages that are saved at a time.
const MOST: usize = 200;

impl Groups {
    /// Empty queues in front of this store. Needs a tokio runtime.
    pub(crate) fn new(store: &PgStore) -> Self {
        // One of each: the processors limit before the disk does, and a statement costs as much as its first four rows.
        // New messages come as two batches, of which neither waits for the other.
        let lanes = Lanes { count: 1, spare: 2, most: 100, gathers: false };
        let two = Lanes { count: 2, ..lanes };
        let large = Lanes { most: MOST, ..lanes };
        let runtime = Handle::current();
        let (inserts, saves) = (Inserts { store: store.clone() }, Saves { store: store.clone() });
        let (templates, phones) = (Templates { store: store.clone() }, Phones { store: store.clone() });
        Self {
            inserts: GroupCommit::new(inserts, two, runtime.clone()),
            saves: GroupCommit::new(saves, large, runtime.clone()),
            templates: GroupCommit::new(templates, lanes, runtime.clone()),
            phones: GroupCommit::new(phones, lanes, runtime),
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
