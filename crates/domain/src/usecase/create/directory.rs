//! The contacts that a command names, and those whose numbers it names, read in two queries.

use std::collections::{BTreeSet, HashMap};

use super::CreateCommand;
use crate::access::{Caller, Scope};
use crate::address::Address;
use crate::contact::{Contact, ContactId};
use crate::phone::PhoneNumber;
use crate::ports::{StoreError, Stores};

/// What is known of a command's recipients.
pub(super) struct Directory {
    by_id: HashMap<ContactId, Contact>,
    /// By phone number or provider id, whatever the command's channel goes by.
    by_address: HashMap<String, Vec<Contact>>,
}

impl Directory {
    pub(super) async fn load(
        stores: &dyn Stores,
        caller: &Caller,
        command: &CreateCommand,
    ) -> Result<Self, StoreError> {
        let ids: BTreeSet<ContactId> = command
            .recipients
            .iter()
            .flat_map(|r| {
                let lead = r.lead_id.clone().map(ContactId::Lead);
                let student = r.student_id.clone().map(ContactId::Student);
                lead.into_iter().chain(student)
            })
            .collect();
        let ids: Vec<_> = ids.into_iter().collect();
        let found = if ids.is_empty() { Vec::new() } else { stores.contacts(&ids).await? };
        let by_id = found.into_iter().map(|contact| (contact.id.clone(), contact)).collect();
        let mut by_address: HashMap<String, Vec<Contact>> = HashMap::new();
        // Whoever sees everything may write to everybody.
        if caller.scope() != Scope::everything() {
            for contact in contacts_at(stores, command).await? {
                if let Some(address) = contact.address(command.channel) {
                    by_address.entry(address.as_str().to_owned()).or_default().push(contact);
                }
            }
        }
        Ok(Self { by_id, by_address })
    }

    pub(super) fn contact(&self, id: &ContactId) -> Option<&Contact> {
        self.by_id.get(id)
    }

    /// Whether an address is only that of contacts outside the scope: then it is not the caller's to write to (§8).
    pub(super) fn is_foreign(&self, address: &Address, scope: &Scope) -> bool {
        self.by_address.get(address.as_str()).is_some_and(|contacts| {
            !contacts.iter().any(|c| scope.covers(c.owner_id.as_ref(), c.branch_id.as_ref()))
        })
    }
}

/// The contacts whose addresses the command names.
async fn contacts_at(stores: &dyn Stores, command: &CreateCommand) -> Result<Vec<Contact>, StoreError> {
    let mut numbers: Vec<PhoneNumber> = Vec::new();
    let mut psids: Vec<String> = Vec::new();
    for raw in command.recipients.iter().filter_map(|recipient| recipient.to.as_deref()) {
        match Address::parse(command.channel, raw) {
            Ok(Address::Phone(number)) => numbers.push(number),
            Ok(Address::Provider(psid)) => psids.push(psid),
            Err(_) => {}
        }
    }
    let mut contacts =
        if numbers.is_empty() { Vec::new() } else { stores.contacts_by_phone(&numbers).await? };
    if !psids.is_empty() {
        contacts.extend(stores.contacts_by_psid(&psids).await?);
    }
    Ok(contacts)
}
