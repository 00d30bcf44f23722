//! End what is overdue: leases whose process died, and waits for a callback (contract §2).

use super::Deps;
use crate::message::{Change, Event, Step};
use crate::ports::{Saved, StoreError};

/// How many are read and saved at a time.
const PORTION: u32 = 500;

/// How many portions a run of the worker ends before it leases; the server's own rounds do the rest.
const PORTIONS_IN_A_RUN: usize = 2;

/// Ends what is overdue, in portions, until nothing is left; answers how many messages it moved.
pub async fn expire(deps: &Deps<'_>) -> Result<usize, StoreError> {
    expire_portions(deps, usize::MAX).await
}

/// The same, but only as much as a caller that waits can be asked to wait for.
pub async fn expire_some(deps: &Deps<'_>) -> Result<usize, StoreError> {
    expire_portions(deps, PORTIONS_IN_A_RUN).await
}

async fn expire_portions(deps: &Deps<'_>, most: usize) -> Result<usize, StoreError> {
    let mut moved = 0;
    for _ in 0..most {
        let overdue = deps.stores.overdue(deps.clock.now(), PORTION).await?;
        let full = overdue.len() >= PORTION as usize;
        let changes: Vec<Change> = overdue
            .iter()
            .filter_map(|message| match message.apply(Event::Expired, &deps.context()) {
                Ok(Step::Moved(change)) => Some(*change),
                // Another process was faster; what it left is read again in the next round.
                Ok(Step::Same(..)) | Err(_) => None,
            })
            .collect();
        if !changes.is_empty() {
            let saved = deps.stores.save(&changes).await?;
            moved += saved.iter().filter(|saved| **saved == Saved::Done).count();
        }
        if changes.is_empty() || !full {
            break;
        }
    }
    Ok(moved)
}
