//! [`MessageReader`]: reading messages for people and clients.

mod condition;
mod conditions;
mod counted;
mod detail;
mod due;
mod duplicates;
mod expectations;
mod keys;
mod limits;
mod list;
mod recent;
mod search;
mod stats;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::access::Scope;
use domain::ids::{LeaseId, MessageId, OwnerId};
use domain::message::timeline::LeaseHolder;
use domain::ports::{
    Detail, DuplicateReader, DuplicateWindow, Filter, LeaseReader, ListPage, ListRequest, MessageReader,
    Stats, StoreError,
};
use domain::rules::Limits;

use crate::store::PgStore;

pub(crate) use counted::{BOUND, Explain};
pub(crate) use due::{DueCount, all_channels};
pub(crate) use expectations::Expectations;
pub(crate) use limits::global_window;

#[async_trait]
impl MessageReader for PgStore {
    async fn list(&self, request: &ListRequest) -> Result<ListPage, StoreError> {
        list::list(self, request).await
    }

    async fn detail(&self, id: MessageId, scope: &Scope) -> Result<Option<Detail>, StoreError> {
        detail::detail(self, id, scope).await
    }

    async fn matching(
        &self,
        scope: &Scope,
        filter: &Filter,
        after: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<MessageId>, StoreError> {
        list::matching(self, scope, filter, after, limit).await
    }

    async fn within(&self, scope: &Scope, ids: &[MessageId]) -> Result<Vec<MessageId>, StoreError> {
        list::within(self, scope, ids).await
    }

    async fn count_due(&self, now: DateTime<Utc>, scope: &Scope, bound: u32) -> Result<u32, StoreError> {
        due::count_due(self, now, scope, bound).await
    }

    async fn next_due_at(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        due::next_due_at(self).await
    }

    async fn stats(&self, scope: &Scope, limits: &Limits, now: DateTime<Utc>) -> Result<Stats, StoreError> {
        stats::stats(self, scope, limits, now).await
    }

    async fn limit_free_at(
        &self,
        owner: Option<&OwnerId>,
        limits: &Limits,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        limits::free_at(self, owner, limits, now).await
    }
}

#[async_trait]
impl DuplicateReader for PgStore {
    async fn taken(&self, keys: &[String], window: DuplicateWindow) -> Result<Vec<String>, StoreError> {
        duplicates::taken(self, keys, window).await
    }
}

#[async_trait]
impl LeaseReader for PgStore {
    async fn holder(&self, lease: LeaseId) -> Result<Option<LeaseHolder>, StoreError> {
        let mut found = detail::holders(&mut *self.connection().await?, vec![lease.uuid()]).await?;
        Ok(found.remove(&lease))
    }
}

/// What a search looks through: the parts in lower case, each on a line of its own, so that no match spans two.
pub(crate) fn search_text(parts: &[&str]) -> String {
    domain::text::nfc(&parts.join("\n")).to_lowercase()
}

/// A pattern that matches where the text occurs, taken literally; for a column that [`search_text`] wrote.
pub(crate) fn search_pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in domain::text::nfc(text).to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
