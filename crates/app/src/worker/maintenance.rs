//! What must be done however the worker is run: ending what is overdue.

use chrono::TimeDelta;
use domain::usecase::expire::expire;
use domain::usecase::run_worker::Stopping as _;

use super::Backoff;
use crate::engine::Engine;

/// How often overdue leases and callbacks are looked for.
const TICK: TimeDelta = TimeDelta::seconds(1);

/// Looks after the queue until the process is to stop. An error never ends it.
pub async fn run(engine: Engine) {
    let mut failures = Backoff::default();
    while !engine.shutdown.is_stopping() {
        let wait = match expire(&engine.deps()).await {
            Ok(moved) => {
                failures = Backoff::default();
                if moved > 0 {
                    tracing::warn!(moved, "leases or waits for a callback were over");
                }
                TICK
            }
            Err(error) => {
                let wait = failures.next();
                tracing::error!(%error, again_in = ?wait, "overdue messages could not be looked after");
                wait
            }
        };
        tokio::select! {
            () = engine.shutdown.begun() => {}
            () = engine.clock.sleep(wait) => {}
        }
    }
}
