//! What can happen to a message.

use chrono::{DateTime, TimeDelta, Utc};

use crate::actor::Actor;
use crate::ids::LeaseId;

/// Something that happened, or that somebody wants (the events of contract §2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A run takes it.
    Lease {
        /// The run's lease.
        lease: LeaseId,
        /// Whether the caller takes the hand-off upon itself (pull mode), so that it is DISPATCHED at once.
        pulled: bool,
    },
    /// N8N answered 2xx.
    Accepted {
        /// The lease under which it was handed off.
        lease: LeaseId,
    },
    /// No answer in time, connection broken after sending, or 504: it may have gone out.
    OutcomeUnknown {
        /// The lease under which it was handed off.
        lease: LeaseId,
    },
    /// N8N could not be reached, or said that it did not take it.
    NotAccepted {
        /// The lease under which it was handed off.
        lease: LeaseId,
        /// What happened.
        error: String,
        /// The wait that N8N asked for.
        retry_after: Option<TimeDelta>,
    },
    /// N8N refused it.
    Refused {
        /// The lease under which it was handed off.
        lease: LeaseId,
        /// What N8N said.
        error: String,
    },
    /// The run gives it back without having handed it off.
    Released {
        /// The run's lease.
        lease: LeaseId,
        /// Why: quiet hours began, limit, time or circuit, shutdown.
        reason: String,
    },
    /// Its recipient turned out to have opted out when it was leased.
    Suppressed {
        /// The run's lease.
        lease: LeaseId,
    },
    /// Its lease or its wait for a callback is over.
    Expired,
    /// N8N says what became of it.
    Callback(Callback),
    /// A person stops it.
    Cancel {
        /// Who.
        by: Actor,
    },
    /// A person queues it anew.
    Requeue {
        /// Who.
        by: Actor,
    },
    /// The holder of a pulled lease needs more time.
    Extend {
        /// The pulled lease.
        lease: LeaseId,
        /// The new end of the wait for its callback.
        until: DateTime<Utc>,
    },
}

/// What N8N says about one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    /// What became of it.
    pub outcome: Outcome,
    /// The attempt that it is about, where N8N says so.
    pub attempt: Option<u32>,
    /// The lease that it is about, where N8N says so.
    pub lease: Option<LeaseId>,
}

/// What became of a handed-off message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It went out.
    Sent {
        /// The provider's own id for it.
        provider_message_id: Option<String>,
        /// When, where N8N says so.
        sent_at: Option<DateTime<Utc>>,
    },
    /// It did not go out.
    Failed {
        /// Why.
        error: String,
        /// Whether a retry would be in vain.
        permanent: bool,
    },
    /// N8N decided not to send it.
    Skipped {
        /// Why.
        reason: String,
    },
}

impl Outcome {
    /// The status word that N8N uses for it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Sent { .. } => "SENT",
            Self::Failed { .. } => "FAILED",
            Self::Skipped { .. } => "SKIPPED",
        }
    }
}
