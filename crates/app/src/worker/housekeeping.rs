//! Forgetting what is out of date, once a minute.

use std::sync::Arc;

use chrono::TimeDelta;
use domain::ports::Housekeeping;
use domain::usecase::run_worker::Stopping as _;
use domain::usecase::tidy::{Tidied, Tidying, tidy};

use crate::engine::Engine;

/// How often it is looked for what can be forgotten.
const EVERY: TimeDelta = TimeDelta::minutes(1);
/// How often the clock is looked at: it may be moved.
const STEP: TimeDelta = TimeDelta::seconds(1);

/// Forgets until the process is to stop. An error never ends it. Without a retention messages are kept for good.
pub async fn run(engine: Engine, store: Arc<dyn Housekeeping>, retention: Option<TimeDelta>) {
    while !engine.shutdown.is_stopping() {
        let started = engine.clock.now();
        let tidying = Tidying {
            store: &*store,
            clock: &*engine.clock,
            rules: &engine.rules,
            stopping: &engine.shutdown,
            retention,
        };
        match tidy(&tidying).await {
            Ok(tidied) => log(tidied),
            Err(error) => tracing::error!(%error, "what is out of date could not be forgotten"),
        }
        while !engine.shutdown.is_stopping() && (engine.clock.now() - started).abs() < EVERY {
            tokio::select! {
                () = engine.shutdown.begun() => {}
                () = engine.clock.sleep(STEP) => {}
            }
        }
    }
}

fn log(tidied: Tidied) {
    let Tidied { answers, messages, runs, windows } = tidied;
    if messages + runs > 0 {
        tracing::info!(messages, runs, "old messages and runs were removed");
    }
    if answers + windows > 0 {
        tracing::debug!(answers, windows, "expired keys and empty windows were forgotten");
    }
}
