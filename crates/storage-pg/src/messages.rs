//! [`MessageStore`]: writing messages.

mod insert;
mod lease;
mod lease_one;
mod load;
mod note;
mod portions;
mod save;
mod save_sent;

use std::time::Instant;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ids::{LeaseId, MessageId};
use domain::message::{Change, Entry, Message, SentReport, Standing};
use domain::ports::{
    DuplicateWindow, LeaseRequest, Leased, MessageStore, NewMessage, Portions, Saved, StoreError,
};

use crate::store::PgStore;

pub(crate) use insert::{digest, insert_all};
pub(crate) use load::{LoadLeased, LoadMessages};
pub(crate) use save::save_all;

#[async_trait]
impl MessageStore for PgStore {
    async fn insert(
        &self,
        new: Vec<NewMessage>,
        window: Option<DuplicateWindow>,
    ) -> Result<Vec<Message>, StoreError> {
        let started = Instant::now();
        let stored = insert::insert(self, new, window).await?;
        Ok(self.told(stored, started))
    }

    async fn insert_portions(
        &self,
        portions: Portions<'_>,
        window: Option<DuplicateWindow>,
    ) -> Result<Vec<Message>, StoreError> {
        let started = Instant::now();
        let stored = portions::insert_portions(self, portions, window).await?;
        Ok(self.told(stored, started))
    }

    async fn lease_due(&self, request: &LeaseRequest) -> Result<Leased, StoreError> {
        lease::lease_due(self, request).await
    }

    async fn load(&self, ids: &[MessageId]) -> Result<Vec<Message>, StoreError> {
        load::load(self, ids).await
    }

    async fn load_standing(&self, ids: &[MessageId]) -> Result<Vec<Standing>, StoreError> {
        load::load_standing(self, ids).await
    }

    async fn save(&self, changes: &[Change]) -> Result<Vec<Saved>, StoreError> {
        save::save(self, changes).await
    }

    async fn save_sent(&self, reports: &[SentReport], now: DateTime<Utc>) -> Result<Vec<bool>, StoreError> {
        save_sent::save_sent(self, reports, now).await
    }

    async fn note(&self, entries: &[(MessageId, Entry)]) -> Result<(), StoreError> {
        note::note(self, entries).await
    }

    async fn overdue(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<Message>, StoreError> {
        load::overdue(self, now, limit).await
    }

    async fn of_lease(&self, lease: LeaseId) -> Result<Vec<Message>, StoreError> {
        load::of_lease(self, lease).await
    }
}

impl PgStore {
    /// Tells the observer what was stored.
    fn told(&self, stored: Vec<Message>, started: Instant) -> Vec<Message> {
        if let Some(observer) = &self.observer {
            observer.inserted(&stored, started.elapsed());
        }
        stored
    }
}
