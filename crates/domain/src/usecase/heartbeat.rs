//! More time for whoever pulled messages and still sends them (contract §9, heartbeat).

use chrono::{DateTime, TimeDelta, Utc};

use super::Deps;
use crate::ids::LeaseId;
use crate::message::{Change, Event, Message, Step};
use crate::ports::{Saved, StoreError};

/// How often what keeps changing is decided anew.
const MAX_RACES: usize = 20;

/// What a heartbeat came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extended {
    /// How many messages of the lease are still in flight.
    pub in_flight: usize,
    /// When the first of them is given up.
    pub until: DateTime<Utc>,
}

/// Why a lease was not extended.
#[derive(Debug, thiserror::Error)]
pub enum HeartbeatError {
    /// There was no such lease.
    #[error("there is no such lease")]
    Unknown,
    /// The server hands these messages off itself.
    #[error("the lease was not pulled: the server hands its messages off itself")]
    NotPulled,
    /// Every message of it is settled, or its time was over.
    #[error("no message of the lease is in flight any more")]
    Over,
    /// Its messages kept changing; ask again.
    #[error("the lease's messages keep changing")]
    Contended,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Lets the wait for the callbacks of a pulled lease's messages end no sooner than `time` from now. It never becomes
/// shorter.
pub async fn heartbeat(deps: &Deps<'_>, lease: LeaseId, time: TimeDelta) -> Result<Extended, HeartbeatError> {
    let holder = deps.stores.holder(lease).await?.ok_or(HeartbeatError::Unknown)?;
    if !holder.pulled {
        return Err(HeartbeatError::NotPulled);
    }
    let until = deps.clock.now() + time;
    for _ in 0..MAX_RACES {
        let held = deps.stores.of_lease(lease).await?;
        let Some(first) = held.iter().filter_map(deadline).min() else { return Err(HeartbeatError::Over) };
        let changes = changes(deps, &held, lease, until);
        let saved = if changes.is_empty() { Vec::new() } else { deps.stores.save(&changes).await? };
        if !saved.contains(&Saved::Stale) {
            return Ok(Extended { in_flight: held.len(), until: first.max(until) });
        }
    }
    Err(HeartbeatError::Contended)
}

/// The messages whose wait would end sooner, with their wait extended.
fn changes(deps: &Deps<'_>, held: &[Message], lease: LeaseId, until: DateTime<Utc>) -> Vec<Change> {
    held.iter()
        .filter(|message| deadline(message).is_some_and(|at| at < until))
        .filter_map(|message| match message.apply(Event::Extend { lease, until }, &deps.context()) {
            Ok(Step::Moved(change)) => Some(*change),
            Ok(Step::Same(..)) | Err(_) => None,
        })
        .collect()
}

fn deadline(message: &Message) -> Option<DateTime<Utc>> {
    message.state.lease_expires_at()
}
