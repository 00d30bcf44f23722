//! By whom a transition was made, as the timeline shows it.

use std::fmt;

use crate::ids::OwnerId;

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A person, by the token's subject.
    User(OwnerId),
    /// An operator at the command line, by the system's user name.
    Operator(OwnerId),
    /// A worker run that was asked for with the worker secret.
    Worker,
    /// N8N, through a callback or its answer to a hand-off.
    N8n,
    /// A CRM service, by the service token.
    Service,
    /// This server, of its own accord: expiry, its own worker, suppression.
    System,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Operator(id) => write!(f, "cli:{id}"),
            Self::Worker => f.write_str("worker"),
            Self::N8n => f.write_str("n8n"),
            Self::Service => f.write_str("service"),
            Self::System => f.write_str("system"),
        }
    }
}

/// A text that [`Actor`]'s `Display` did not write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no actor")]
pub struct UnknownActor(String);

impl std::str::FromStr for Actor {
    type Err = UnknownActor;

    fn from_str(text: &str) -> Result<Self, UnknownActor> {
        let unknown = || UnknownActor(text.to_owned());
        match text {
            "worker" => Ok(Self::Worker),
            "n8n" => Ok(Self::N8n),
            "service" => Ok(Self::Service),
            "system" => Ok(Self::System),
            other => {
                let (kind, id): (fn(OwnerId) -> Self, _) = match other.split_once(':') {
                    Some(("user", id)) => (Self::User, id),
                    Some(("cli", id)) => (Self::Operator, id),
                    Some(_) | None => return Err(unknown()),
                };
                OwnerId::parse(id).map(kind).map_err(|_| unknown())
            }
        }
    }
}
