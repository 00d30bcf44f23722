//! The server's own worker (`WORKER_INTERVAL_SECONDS` above 0), which sends at once what becomes due.
//!
//! It waits for word of new messages, for the next due time or for the interval, whichever comes first. The interval
//! is what progress rests on; the others only shorten the wait. The module `pause` decides, as a pure function.

pub mod housekeeping;
pub mod maintenance;
mod pause;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use domain::access::Scope;
use domain::actor::Actor;
use domain::ports::StoreError;
use domain::usecase::run_worker::{RunReport, RunRequest, Stopping as _, run_worker};
use tokio::sync::Notify;

use crate::engine::Engine;
use crate::settings::WorkerSettings;
use pause::{Pause, Situation, pause};

/// Messages often come in numbers: the first word of them waits a little for the others.
const DEBOUNCE: Duration = Duration::from_millis(20);
/// The longest part of a wait without a look at what is due.
const STEP: TimeDelta = TimeDelta::seconds(1);
/// The longest wait after a failed run: soon after the database is back, what is due goes out.
const LONGEST_AFTER_ERROR: TimeDelta = TimeDelta::seconds(4);
/// How far the interval is moved to either side, so that several servers do not run in step.
const INTERVAL_JITTER: f64 = 0.1;

/// The server's own worker.
pub struct Worker {
    engine: Engine,
    settings: WorkerSettings,
    interval: TimeDelta,
    wake: Arc<Notify>,
}

impl Worker {
    /// A worker with these settings, woken by `wake`; `None` where the worker only runs on request.
    pub fn new(engine: Engine, settings: WorkerSettings, wake: Arc<Notify>) -> Option<Self> {
        let interval = settings.interval?;
        Some(Self { engine, settings, interval, wake })
    }

    /// Runs until the process is to stop. An error never ends it.
    pub async fn run(self) {
        let mut failures = Backoff::default();
        while !self.engine.shutdown.is_stopping() {
            match self.turn().await {
                Ok(pause) => {
                    failures = Backoff::default();
                    self.wait(pause).await;
                }
                Err(error) => {
                    let wait = failures.next().min(LONGEST_AFTER_ERROR);
                    tracing::error!(%error, again_in = ?wait, "the worker's run failed");
                    self.wait(Pause::Wait { time: wait, wakeable: false }).await;
                }
            }
        }
    }

    /// One run, and what to wait for afterwards.
    async fn turn(&self) -> Result<Pause, StoreError> {
        let request = RunRequest {
            batch: self.settings.batch_size,
            concurrency: self.settings.concurrency,
            dry_run: false,
            retry_failed_only: false,
            only: None,
            pull: false,
            scope: Scope::everything(),
            ignore_quiet_hours: false,
            by: Actor::System,
        };
        let deps = self.engine.deps();
        let report =
            run_worker(&deps, self.engine.gateway.as_deref(), &self.engine.shutdown, &request).await?;
        log(&report);
        let now = self.engine.clock.now();
        let next_due_at = deps.stores.next_due_at().await?;
        let limits_free_at = match report.rate_limited {
            0 => None,
            _ => deps.stores.limit_free_at(None, &deps.rules.limits, now).await?,
        };
        let jitter = 1.0 + INTERVAL_JITTER * self.engine.entropy.jitter().value();
        let interval = TimeDelta::milliseconds((self.interval.num_milliseconds() as f64 * jitter) as i64);
        let batch = self.settings.batch_size;
        Ok(pause(&Situation { report: &report, batch, now, next_due_at, limits_free_at, interval }))
    }

    /// Waits in steps: the clock may be moved, and what becomes due may be another process's doing, or come back from
    /// N8N with a wait of its own.
    async fn wait(&self, pause: Pause) {
        let Pause::Wait { time, wakeable } = pause else { return };
        let Engine { clock, shutdown, stores, .. } = &self.engine;
        let end = clock.now() + time;
        let mut step = STEP;
        loop {
            let left = end - clock.now();
            if left <= TimeDelta::zero() {
                return;
            }
            let wake =
                async { if wakeable { self.wake.notified().await } else { std::future::pending().await } };
            tokio::select! {
                () = shutdown.begun() => return,
                () = wake => return tokio::time::sleep(DEBOUNCE).await,
                () = clock.sleep(left.min(step)) => {}
            }
            if !wakeable {
                continue;
            }
            // Where the database can't say, the end of the wait comes all the same.
            let next = stores.next_due_at().await.ok().flatten().map(|due_at| due_at - clock.now());
            if next.is_some_and(|next| next <= TimeDelta::zero()) {
                return;
            }
            step = next.unwrap_or(STEP).min(STEP);
        }
    }
}

fn log(report: &RunReport) {
    if report.processed + report.dropped + report.released > 0 {
        tracing::info!(
            lease_id = report.lease.map(tracing::field::display),
            processed = report.processed,
            sent = report.sent,
            failed = report.failed,
            waiting = report.skipped,
            dropped = report.dropped,
            released = report.released,
            rate_limited = report.rate_limited,
            ms = report.duration.num_milliseconds(),
            "the worker ran"
        );
    }
}

/// The growing wait after failures in a row.
#[derive(Debug, Default)]
pub(crate) struct Backoff(u32);

impl Backoff {
    /// 1 s, doubling to 32 s.
    pub(crate) fn next(&mut self) -> TimeDelta {
        let wait = TimeDelta::seconds(1 << self.0.min(5));
        self.0 += 1;
        wait
    }
}
