//! The little that is kept of the CRM's people, to address them (contract §8).

use std::collections::BTreeSet;

use crate::address::{Address, recipient_keys};
use crate::channel::Channel;
use crate::ids::{BranchId, LeadId, OwnerId, StudentId};
use crate::phone::PhoneNumber;

/// Which of the CRM's people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContactId {
    /// A lead.
    Lead(LeadId),
    /// A student.
    Student(StudentId),
}

impl ContactId {
    /// The key that messages are matched by: `lead:<id>` or `student:<id>`.
    pub fn key(&self) -> String {
        match self {
            Self::Lead(id) => format!("lead:{id}"),
            Self::Student(id) => format!("student:{id}"),
        }
    }
}

/// One person, as the CRM pushed them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Lead or student.
    pub id: ContactId,
    /// What people call them.
    pub full_name: Option<String>,
    /// Their phone number.
    pub phone: Option<PhoneNumber>,
    /// Their Zalo user id.
    pub zalo_user_id: Option<String>,
    /// Their Facebook page-scoped id.
    pub facebook_psid: Option<String>,
    /// Who looks after them.
    pub owner_id: Option<OwnerId>,
    /// That person's name.
    pub owner_name: Option<String>,
    /// Their branch.
    pub branch_id: Option<BranchId>,
    /// The channels that they want nothing from.
    pub opted_out: BTreeSet<Channel>,
}

impl Contact {
    /// Where a message on this channel goes, as far as the contact tells.
    pub fn address(&self, channel: Channel) -> Option<Address> {
        match channel {
            Channel::Zalo | Channel::Sms | Channel::CallNote => self.phone.clone().map(Address::Phone),
            Channel::Facebook => self.facebook_psid.clone().map(Address::Provider),
        }
    }

    /// Every key under which an opt-out of this contact holds: its id and its addresses.
    pub fn suppression_keys(&self, channel: Channel) -> Vec<String> {
        let (lead, student) = match &self.id {
            ContactId::Lead(id) => (Some(id), None),
            ContactId::Student(id) => (None, Some(id)),
        };
        recipient_keys(student, lead, self.address(channel).as_ref())
    }
}
