//! The contacts that a command names, and those whose numbers it names, read in two queries.

use std::collections::{BTreeSet, HashMap};

use super::CreateCommand;
use crate::access::{Caller, Scope};
use crate::channel::Channel;
use crate::contact::{Contact, ContactId};
use crate::phone::PhoneNumber;
use crate::ports::{StoreError, Stores};

/// What is known of a command's recipients.
pub(super) struct Directory {
    by_id: HashMap<ContactId, Contact>,
    by_phone: HashMap<String, Vec<Contact>>,
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
        let mut by_phone: HashMap<String, Vec<Contact>> = HashMap::new();
        let numbers = if caller.scope() == Scope::everything() { Vec::new() } else { numbers(command) };
        if !numbers.is_empty() {
            for contact in stores.contacts_by_phone(&numbers).await? {
                if let Some(phone) = &contact.phone {
                    by_phone.entry(phone.as_str().to_owned()).or_default().push(contact);
                }
            }
        }
        Ok(Self { by_id, by_phone })
    }

    pub(super) fn contact(&self, id: &ContactId) -> Option<&Contact> {
        self.by_id.get(id)
    }

    /// Whether a number is only that of contacts outside the scope: then it is not the caller's to write to (§8).
    pub(super) fn is_foreign(&self, number: &PhoneNumber, scope: &Scope) -> bool {
        self.by_phone.get(number.as_str()).is_some_and(|contacts| {
            !contacts.iter().any(|c| scope.covers(c.owner_id.as_ref(), c.branch_id.as_ref()))
        })
    }
}

fn numbers(command: &CreateCommand) -> Vec<PhoneNumber> {
    match command.channel {
        Channel::Facebook => Vec::new(),
        Channel::Zalo | Channel::Sms | Channel::CallNote => {
            command.recipients.iter().filter_map(|r| PhoneNumber::parse(r.to.as_deref()?).ok()).collect()
        }
    }
}
