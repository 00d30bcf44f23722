//! Contacts.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::access::Scope;
use crate::channel::Channel;
use crate::contact::{Contact, ContactId};
use crate::phone::PhoneNumber;

/// Contacts and their opt-outs.
#[async_trait]
pub trait ContactStore: Send + Sync {
    /// Inserts or replaces contacts by id, with their opt-outs.
    async fn upsert_contacts(&self, contacts: &[Contact], now: DateTime<Utc>) -> Result<(), StoreError>;

    /// The contacts with these ids; unknown ones are left out.
    async fn contacts(&self, ids: &[ContactId]) -> Result<Vec<Contact>, StoreError>;

    /// As [`ContactStore::contacts`], for whoever goes on to replace them: within a transaction nobody else changes
    /// them before its end.
    async fn contacts_to_change(&self, ids: &[ContactId]) -> Result<Vec<Contact>, StoreError> {
        self.contacts(ids).await
    }

    /// Every contact with one of these phone numbers.
    async fn contacts_by_phone(&self, numbers: &[PhoneNumber]) -> Result<Vec<Contact>, StoreError>;

    /// Every contact with one of these Facebook page-scoped ids.
    async fn contacts_by_psid(&self, psids: &[String]) -> Result<Vec<Contact>, StoreError>;

    /// Contacts in the scope whose name or phone contains the text, by name; for picking one.
    async fn search_contacts(
        &self,
        scope: &Scope,
        text: &str,
        limit: u32,
    ) -> Result<Vec<Contact>, StoreError>;

    /// Which of these recipient keys have opted out of the channel.
    async fn opted_out(&self, channel: Channel, keys: &[String]) -> Result<Vec<String>, StoreError>;
}
