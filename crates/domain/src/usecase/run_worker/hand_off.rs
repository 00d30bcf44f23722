//! Hand a leased batch off, in its order, several at a time; save each outcome as soon as it is known.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::{self, Either};
use futures_util::stream::{self, StreamExt};

use super::breaker::{Breaker, Health};
use super::report::RunReport;
use super::{Deps, RunRequest, Stopping};
use crate::ids::{LeaseId, MessageId};
use crate::message::{Callback, Change, Event, Message, Step};
use crate::ports::{DeliveryGateway, HandOff, HandOffAnswer, Saved, StoreError};
use crate::vocabulary::vocabulary;

/// How long to wait before saving anew after the database failed, in milliseconds.
const SAVE_AGAIN_MS: i64 = 200;
/// How long outcomes are kept and saved anew while the database fails: longer than it takes to restart.
const SAVE_FOR_MINUTES: i64 = 5;
/// What a hand-off may take beyond N8N_TIMEOUT_SECONDS before its outcome is saved.
const LEASE_MARGIN_SECONDS: i64 = 2;
/// How long after WORKER_MAX_RUN_SECONDS the last hand-off must have ended: N8N waits 30 seconds for the run's answer.
const ANSWER_MARGIN_SECONDS: i64 = 4;
/// However long a hand-off may take, those that start within this time of the run's start may.
const ALWAYS_STARTS_SECONDS: i64 = 1;
/// How many outcomes are saved at a time at most.
const PORTION: usize = 200;

vocabulary! {
    /// Why a leased message was given back without a hand-off, as its timeline says it.
    pub enum Release {
        /// The process is stopping.
        Stopping = "the server is stopping",
        /// Outcomes can't be saved.
        NoDatabase = "the database does not take outcomes",
        /// See [`crate::rules::Rules::max_run`].
        TimeIsOver = "the run's time is over",
        /// The lease would end before the hand-off's outcome is saved.
        LeaseTooShort = "the lease ends too soon",
        /// Quiet hours.
        QuietHours = "quiet hours began",
        /// N8N failed time after time.
        Circuit = "the circuit is open",
    }
}

/// One push run with its lease.
pub(super) struct Run<'a> {
    pub(super) deps: &'a Deps<'a>,
    pub(super) gateway: &'a dyn DeliveryGateway,
    pub(super) stopping: &'a dyn Stopping,
    pub(super) request: &'a RunRequest,
    pub(super) lease: LeaseId,
    pub(super) started_at: DateTime<Utc>,
    pub(super) breaker: &'a Breaker,
}

/// Why no hand-off may start: its outcome could not be saved.
#[derive(Default)]
struct Trouble {
    /// The database fails; it is tried anew.
    passing: AtomicBool,
    /// It refused something.
    lasting: AtomicBool,
}

impl Trouble {
    fn is_there(&self) -> bool {
        self.passing.load(Ordering::Relaxed) || self.lasting.load(Ordering::Relaxed)
    }
}

/// What became of one leased message in this run.
enum Tried {
    Answered(HandOffAnswer),
    Released(Release),
}

impl Run<'_> {
    /// Hands the batch off. While outcomes are being saved, further hand-offs go on.
    pub(super) async fn hand_off_all(
        &self,
        batch: Vec<Message>,
        report: &mut RunReport,
    ) -> Result<(), StoreError> {
        let trouble = Trouble::default();
        let mut first_error = None;
        let concurrency = usize::try_from(self.request.concurrency.max(1)).unwrap_or(1);
        let tried = stream::iter(batch)
            .map(|message| async {
                let tried = self.try_one(&message, &trouble).await;
                (message, tried)
            })
            .buffer_unordered(concurrency)
            .ready_chunks(PORTION);
        let mut tried = std::pin::pin!(tried);
        let mut waiting: Vec<(Message, Tried)> = Vec::new();
        let mut exhausted = false;
        while !exhausted || !waiting.is_empty() {
            if waiting.is_empty() {
                match tried.next().await {
                    Some(chunk) => take(chunk, report, &mut waiting),
                    None => exhausted = true,
                }
                continue;
            }
            let mut saving = std::pin::pin!(self.save_patiently(std::mem::take(&mut waiting), &trouble));
            loop {
                if exhausted {
                    first_error = first_error.or(saving.as_mut().await.err());
                    break;
                }
                match future::select(saving.as_mut(), tried.next()).await {
                    Either::Left((saved, _)) => {
                        first_error = first_error.or(saved.err());
                        break;
                    }
                    Either::Right((Some(chunk), _)) => take(chunk, report, &mut waiting),
                    Either::Right((None, _)) => exhausted = true,
                }
            }
        }
        first_error.map_or(Ok(()), Err)
    }

    async fn try_one(&self, message: &Message, trouble: &Trouble) -> Tried {
        // Before the wait for its turn too: what is given back anyway need not wait, nor hold others up.
        if let Some(reason) = self.stop_reason(message, trouble) {
            return Tried::Released(reason);
        }
        if !self.has_its_turn().await {
            return Tried::Released(Release::TimeIsOver);
        }
        if let Some(reason) = self.stop_reason(message, trouble) {
            return Tried::Released(reason);
        }
        let hand_off = HandOff { message, lease: self.lease, traceparent: None };
        let answer = self.gateway.hand_off(hand_off).await;
        // At once, so that the next hand-off knows; the outcome matters more and is saved even if this can't be.
        let _ = self.breaker.learn(self.deps, health(&answer)).await;
        Tried::Answered(answer)
    }

    /// Waits for its turn as the pace gives it, no longer than hand-offs may start; whether it came.
    async fn has_its_turn(&self) -> bool {
        let left = self.started_at + self.latest_start() - self.deps.clock.now();
        match future::select(self.gateway.pace(), self.deps.clock.sleep(left)).await {
            Either::Left(_) => true,
            Either::Right(_) => false,
        }
    }

    /// Why no further hand-off may start (contract §5, §9): checked before each one.
    fn stop_reason(&self, message: &Message, trouble: &Trouble) -> Option<Release> {
        let now = self.deps.clock.now();
        let rules = self.deps.rules;
        let needs = rules.handoff_timeout + TimeDelta::seconds(LEASE_MARGIN_SECONDS);
        if self.stopping.is_stopping() {
            Some(Release::Stopping)
        } else if trouble.is_there() {
            Some(Release::NoDatabase)
        } else if now - self.started_at > self.latest_start() {
            Some(Release::TimeIsOver)
        } else if message.state.lease_expires_at().is_none_or(|end| now + needs > end) {
            Some(Release::LeaseTooShort)
        } else if !self.request.ignore_quiet_hours
            && rules.quiet_hours.closed_until(message.content.channel, now).is_some()
        {
            Some(Release::QuietHours)
        } else {
            self.breaker.stops(now).then_some(Release::Circuit)
        }
    }

    /// How long after the run's start a hand-off may start, so that the caller gets the answer in time.
    fn latest_start(&self) -> TimeDelta {
        let rules = self.deps.rules;
        let to_end_in_time =
            rules.max_run + TimeDelta::seconds(ANSWER_MARGIN_SECONDS) - rules.handoff_timeout;
        to_end_in_time.max(TimeDelta::seconds(ALWAYS_STARTS_SECONDS)).min(rules.max_run)
    }

    /// Saves outcomes. While the database fails no hand-off starts, and the outcomes are kept and saved anew: losing
    /// one would mean sending its message twice. What the database refuses must not take others with it: they are
    /// saved one by one, and the run ends with the error.
    async fn save_patiently(
        &self,
        tried: Vec<(Message, Tried)>,
        trouble: &Trouble,
    ) -> Result<(), StoreError> {
        let give_up = self.deps.clock.now() + TimeDelta::minutes(SAVE_FOR_MINUTES);
        loop {
            match self.save(&tried).await {
                Ok(()) => {
                    trouble.passing.store(false, Ordering::Relaxed);
                    return Ok(());
                }
                Err(StoreError::Unavailable(_) | StoreError::Busy(_)) if self.deps.clock.now() < give_up => {
                    trouble.passing.store(true, Ordering::Relaxed);
                    self.deps.clock.sleep(TimeDelta::milliseconds(SAVE_AGAIN_MS)).await;
                }
                Err(error) => {
                    trouble.lasting.store(true, Ordering::Relaxed);
                    for one in &tried {
                        // Its own error is the one that is answered already.
                        let _ = self.save(std::slice::from_ref(one)).await;
                    }
                    return Err(error);
                }
            }
        }
    }

    async fn save(&self, tried: &[(Message, Tried)]) -> Result<(), StoreError> {
        let mut open: Vec<(Message, &Tried)> =
            tried.iter().map(|(message, tried)| (message.clone(), tried)).collect();
        while !open.is_empty() {
            let mut changes: Vec<Change> = Vec::new();
            for (message, tried) in &open {
                // A stale lease: the callback overtook this answer, or another run has the message now.
                if let Ok(Step::Moved(change)) = message.apply(self.event(tried), &self.deps.context()) {
                    changes.push(*change);
                }
            }
            if changes.is_empty() {
                return Ok(());
            }
            let saved = self.deps.stores.save(&changes).await?;
            let stale: Vec<MessageId> = changes
                .iter()
                .zip(saved)
                .filter(|(_, saved)| *saved == Saved::Stale)
                .map(|(change, _)| change.message.id)
                .collect();
            if stale.is_empty() {
                return Ok(());
            }
            let mut fresh: HashMap<MessageId, Message> = self
                .deps
                .stores
                .load(&stale)
                .await?
                .into_iter()
                .map(|message| (message.id, message))
                .collect();
            open = open
                .into_iter()
                .filter_map(|(message, tried)| fresh.remove(&message.id).map(|message| (message, tried)))
                .collect();
        }
        Ok(())
    }

    fn event(&self, tried: &Tried) -> Event {
        let lease = self.lease;
        match tried {
            Tried::Released(reason) => Event::Released { lease, reason: reason.to_string() },
            Tried::Answered(HandOffAnswer::Accepted) => Event::Accepted { lease },
            Tried::Answered(HandOffAnswer::Unknown) => Event::OutcomeUnknown { lease },
            Tried::Answered(HandOffAnswer::Refused { error }) => {
                Event::Refused { lease, error: error.clone() }
            }
            Tried::Answered(HandOffAnswer::NotAccepted { error, retry_after }) => {
                Event::NotAccepted { lease, error: error.clone(), retry_after: *retry_after }
            }
            Tried::Answered(HandOffAnswer::Settled(outcome)) => {
                Event::Callback(Callback { outcome: outcome.clone(), attempt: None, lease: Some(lease) })
            }
        }
    }
}

/// Counts what was tried, and keeps it to be saved.
fn take(chunk: Vec<(Message, Tried)>, report: &mut RunReport, waiting: &mut Vec<(Message, Tried)>) {
    for (_, tried) in &chunk {
        match tried {
            Tried::Released(_) => report.released += 1,
            Tried::Answered(answer) => report.answered(answer),
        }
    }
    waiting.extend(chunk);
}

fn health(answer: &HandOffAnswer) -> Health {
    match answer {
        HandOffAnswer::Accepted | HandOffAnswer::Settled(_) | HandOffAnswer::Refused { .. } => Health::Good,
        HandOffAnswer::NotAccepted { retry_after, .. } => Health::Bad { retry_after: *retry_after },
        HandOffAnswer::Unknown => Health::Bad { retry_after: None },
    }
}
