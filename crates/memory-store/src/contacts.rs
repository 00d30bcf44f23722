//! Contacts and opt-outs.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::access::Scope;
use domain::channel::Channel;
use domain::contact::{Contact, ContactId};
use domain::phone::PhoneNumber;
use domain::ports::{ContactStore, StoreError};
use domain::search::folded;

use crate::MemoryStore;

#[async_trait]
impl ContactStore for MemoryStore {
    async fn upsert_contacts(&self, contacts: &[Contact], _now: DateTime<Utc>) -> Result<(), StoreError> {
        let inner = &mut *self.inner();
        for contact in contacts {
            inner.contacts.insert(contact.id.clone(), contact.clone());
        }
        inner.opted_out = inner
            .contacts
            .values()
            .flat_map(|c| {
                c.opted_out.iter().flat_map(|ch| c.suppression_keys(*ch).into_iter().map(|key| (*ch, key)))
            })
            .collect();
        Ok(())
    }

    async fn contacts(&self, ids: &[ContactId]) -> Result<Vec<Contact>, StoreError> {
        let inner = self.inner();
        Ok(ids.iter().filter_map(|id| inner.contacts.get(id).cloned()).collect())
    }

    async fn contacts_by_phone(&self, numbers: &[PhoneNumber]) -> Result<Vec<Contact>, StoreError> {
        let inner = self.inner();
        let named = |c: &&Contact| c.phone.as_ref().is_some_and(|phone| numbers.contains(phone));
        Ok(inner.contacts.values().filter(named).cloned().collect())
    }

    async fn contacts_by_psid(&self, psids: &[String]) -> Result<Vec<Contact>, StoreError> {
        let inner = self.inner();
        let named = |c: &&Contact| c.facebook_psid.as_ref().is_some_and(|psid| psids.contains(psid));
        Ok(inner.contacts.values().filter(named).cloned().collect())
    }

    async fn search_contacts(
        &self,
        scope: &Scope,
        text: &str,
        limit: u32,
    ) -> Result<Vec<Contact>, StoreError> {
        let inner = self.inner();
        let wanted = text.to_lowercase();
        let found = inner.contacts.values().filter(|c| {
            let name = c.full_name.as_deref().unwrap_or_default().to_lowercase();
            let phone = c.phone.as_ref().map_or("", |phone| phone.as_str());
            scope.covers(c.owner_id.as_ref(), c.branch_id.as_ref())
                && [&*name, phone, &folded(&name)].iter().any(|said| said.contains(&wanted))
        });
        Ok(found.take(limit as usize).cloned().collect())
    }

    async fn opted_out(&self, channel: Channel, keys: &[String]) -> Result<Vec<String>, StoreError> {
        let inner = self.inner();
        Ok(keys.iter().filter(|key| inner.opted_out.contains(&(channel, (*key).clone()))).cloned().collect())
    }
}
