//! Ids as types, so that a lease can't be passed where a message belongs.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// A text that is no id of the kind that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not a UUID.
    #[error("must be a UUID")]
    NotUuid,
    /// Empty or longer than [`MAX_TEXT_ID`] characters.
    #[error("must have 1 to {MAX_TEXT_ID} characters")]
    Length,
    /// Control characters (NUL among them) can't be stored or shown.
    #[error("must not contain control characters")]
    ControlCharacter,
}

/// The longest id that the CRM may send, in characters (contract §1).
pub const MAX_TEXT_ID: usize = 64;

macro_rules! uuid_id {
    ($($(#[$meta:meta])* $name:ident,)+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID that this system made (version 7).
            pub const fn new(id: Uuid) -> Self { Self(id) }
            /// The UUID itself.
            pub const fn uuid(self) -> Uuid { self.0 }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Uuid::try_parse(text).map(Self).map_err(|_| IdError::NotUuid)
            }
        }
    )+};
}

macro_rules! text_id {
    ($($(#[$meta:meta])* $name:ident,)+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Takes an opaque id of 1 to 64 characters without control characters (contract §1).
            pub fn parse(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                if text.is_empty() || text.chars().count() > MAX_TEXT_ID { return Err(IdError::Length); }
                if text.chars().any(char::is_control) { return Err(IdError::ControlCharacter); }
                Ok(Self(text))
            }
            /// The id as the CRM wrote it.
            pub fn as_str(&self) -> &str { &self.0 }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> { Self::parse(text) }
        }
    )+};
}

uuid_id! {
    /// One entry of the audit trail.
    AuditId,
    /// A message in the queue.
    MessageId,
    /// One lease: the right of one run over the messages that it took.
    LeaseId,
    /// A job: a group of messages that an AI action asked for.
    JobId,
}

text_id! {
    /// A user of the CRM: a message's owner, or the subject of a token.
    OwnerId,
    /// A branch of the company.
    BranchId,
    /// A lead in the CRM.
    LeadId,
    /// A student in the CRM.
    StudentId,
    /// A notification in the CRM.
    NotificationId,
    /// The AI suggestion that a job came from.
    SuggestionId,
    /// The CRM task that a job belongs to.
    TaskId,
    /// N8N's own name for one run of a job.
    RunId,
    /// What an AI action is called.
    ActionKey,
    /// The key that names a message template.
    TemplateKey,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_id_has_1_to_64_characters_and_no_nul() {
        assert_eq!(OwnerId::parse(""), Err(IdError::Length));
        assert_eq!(OwnerId::parse("đ".repeat(65)), Err(IdError::Length));
        assert!(OwnerId::parse("đ".repeat(64)).is_ok());
        assert_eq!(OwnerId::parse("a\0b"), Err(IdError::ControlCharacter));
    }

    #[test]
    fn a_uuid_id_refuses_other_text() {
        assert_eq!("nonsense".parse::<MessageId>(), Err(IdError::NotUuid));
    }
}
