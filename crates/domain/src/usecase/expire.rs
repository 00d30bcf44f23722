//! End what is overdue: leases whose process died, and waits for a callback (contract §2).

use super::Deps;
use crate::message::{Change, Event, Step};
use crate::ports::StoreError;

/// How many are read and saved at a time.
const PORTION: u32 = 500;

/// Ends what is overdue, in portions, until nothing is left; answers how many messages it moved.
pub async fn expire(deps: &Deps<'_>) -> Result<usize, StoreError> {
    let mut moved = 0;
    loop {
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
        if changes.is_empty() {
            return Ok(moved);
        }
        moved += deps.stores.save(&changes).await?.len();
        if !full {
            return Ok(moved);
        }
    }
}
