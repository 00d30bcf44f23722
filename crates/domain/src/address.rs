//! Where a message goes.

use std::fmt;

use crate::channel::Channel;
use crate::ids::{LeadId, StudentId};
use crate::phone::{PhoneError, PhoneNumber};

/// The address that N8N gets as `to`.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// A phone number in E.164.
    Phone(PhoneNumber),
    /// An opaque id of the channel's provider, such as a Facebook page-scoped id.
    Provider(String),
}

/// Why a text is no address for its channel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The channel goes by phone, and this is none.
    #[error(transparent)]
    Phone(#[from] PhoneError),
    /// A provider's id is text of 1 to 128 characters without control characters.
    #[error("must have 1 to 128 characters and no control characters")]
    Provider,
}

impl Address {
    /// Reads `to` as the channel needs it: a phone number for all but Facebook.
    pub fn parse(channel: Channel, raw: &str) -> Result<Self, AddressError> {
        match channel {
            Channel::Zalo | Channel::Sms | Channel::CallNote => Ok(Self::Phone(PhoneNumber::parse(raw)?)),
            Channel::Facebook => {
                let id = raw.trim();
                let fits = !id.is_empty() && id.chars().count() <= 128 && !id.chars().any(char::is_control);
                if fits { Ok(Self::Provider(id.to_owned())) } else { Err(AddressError::Provider) }
            }
        }
    }

    /// The address as it is stored and handed off.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Phone(number) => number.as_str(),
            Self::Provider(id) => id,
        }
    }
}

impl fmt::Debug for Address {
    /// Never in full: logs must not hold a customer's address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phone(number) => f.write_str(&number.masked()),
            Self::Provider(_) => f.write_str("<provider id>"),
        }
    }
}

/// The keys by which one person is known: for duplicates (§7) the first, for opt-outs (§8) each.
pub fn recipient_keys(
    student: Option<&StudentId>,
    lead: Option<&LeadId>,
    to: Option<&Address>,
) -> Vec<String> {
    let student = student.map(|id| format!("student:{id}"));
    let lead = lead.map(|id| format!("lead:{id}"));
    let to = to.map(|address| format!("to:{}", address.as_str()));
    student.into_iter().chain(lead).chain(to).collect()
}
