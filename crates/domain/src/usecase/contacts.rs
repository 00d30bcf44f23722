//! The CRM pushes its people (contract §8).

use std::collections::{BTreeMap, BTreeSet};

use super::Deps;
use crate::actor::Actor;
use crate::audit::{AuditAction, AuditEntry};
use crate::channel::Channel;
use crate::contact::{Contact, ContactId};
use crate::ids::{BranchId, OwnerId};
use crate::phone::PhoneNumber;
use crate::ports::StoreError;

/// The most contacts in one push (contract §8).
pub const MAX_CONTACTS: usize = 1_000;

/// What a push says about one field of a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said<T> {
    /// Nothing: it stays as it is.
    Nothing,
    /// That there is none (any more).
    None,
    /// This.
    This(T),
}

impl<T> Said<T> {
    /// The field after the push.
    fn over(self, old: Option<T>) -> Option<T> {
        match self {
            Self::Nothing => old,
            Self::None => None,
            Self::This(new) => Some(new),
        }
    }
}

/// What the CRM says about one of its people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactPush {
    /// Lead or student.
    pub id: ContactId,
    /// What people call them.
    pub full_name: Said<String>,
    /// Their phone number.
    pub phone: Said<PhoneNumber>,
    /// Their Zalo user id.
    pub zalo_user_id: Said<String>,
    /// Their Facebook page-scoped id.
    pub facebook_psid: Said<String>,
    /// Who looks after them.
    pub owner_id: Said<OwnerId>,
    /// That person's name.
    pub owner_name: Said<String>,
    /// Their branch.
    pub branch_id: Said<BranchId>,
    /// The channels that they want nothing from. An opt-out ends only where the CRM says so.
    pub opted_out: Said<BTreeSet<Channel>>,
}

impl ContactPush {
    fn over(self, old: Option<Contact>) -> Contact {
        let old = old.unwrap_or(Contact {
            id: self.id.clone(),
            full_name: None,
            phone: None,
            zalo_user_id: None,
            facebook_psid: None,
            owner_id: None,
            owner_name: None,
            branch_id: None,
            opted_out: BTreeSet::new(),
        });
        Contact {
            id: self.id,
            full_name: self.full_name.over(old.full_name),
            phone: self.phone.over(old.phone),
            zalo_user_id: self.zalo_user_id.over(old.zalo_user_id),
            facebook_psid: self.facebook_psid.over(old.facebook_psid),
            owner_id: self.owner_id.over(old.owner_id),
            owner_name: self.owner_name.over(old.owner_name),
            branch_id: self.branch_id.over(old.branch_id),
            opted_out: self.opted_out.over(Some(old.opted_out)).unwrap_or_default(),
        }
    }
}

/// Takes a push in: each contact is made or changed, and of several pushes about one the later ones come on top.
/// Answers how many contacts that were. Give it a transaction's stores: it reads before it writes.
pub async fn push_contacts(deps: &Deps<'_>, pushes: Vec<ContactPush>) -> Result<usize, StoreError> {
    let ids: BTreeSet<ContactId> = pushes.iter().map(|push| push.id.clone()).collect();
    if ids.is_empty() {
        return Ok(0);
    }
    let ids: Vec<_> = ids.into_iter().collect();
    let known = deps.stores.contacts_to_change(&ids).await?;
    let mut contacts: BTreeMap<ContactId, Contact> =
        known.into_iter().map(|contact| (contact.id.clone(), contact)).collect();
    let opted_out_before: BTreeMap<ContactId, BTreeSet<Channel>> =
        contacts.iter().map(|(id, contact)| (id.clone(), contact.opted_out.clone())).collect();
    for push in pushes {
        let old = contacts.remove(&push.id);
        contacts.insert(push.id.clone(), push.over(old));
    }
    let contacts: Vec<Contact> = contacts.into_values().collect();
    deps.stores.upsert_contacts(&contacts, deps.clock.now()).await?;
    deps.stores.record(&deeds(deps, &contacts, &opted_out_before)).await?;
    Ok(contacts.len())
}

/// The push itself, and each contact whose opt-outs it changed: what was or was not to be sent is asked about later.
fn deeds(
    deps: &Deps<'_>,
    contacts: &[Contact],
    before: &BTreeMap<ContactId, BTreeSet<Channel>>,
) -> Vec<AuditEntry> {
    let by = Actor::Service;
    let none = BTreeSet::new();
    let words = |channels: &BTreeSet<Channel>| {
        channels.iter().map(|channel| channel.as_str()).collect::<Vec<_>>().join(" ")
    };
    let mut deeds = vec![deps.deed(&by, AuditAction::ContactsPush).with("contacts", contacts.len())];
    for Contact { id, opted_out, .. } in contacts {
        let old = before.get(id).unwrap_or(&none);
        if old != opted_out {
            let deed = deps.deed(&by, AuditAction::ContactOptOut).to(id.key());
            deeds.push(deed.with("before", words(old)).with("after", words(opted_out)));
        }
    }
    deeds
}
