//! Writing messages.

use std::collections::HashSet;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::{LeaseId, MessageId};
use domain::message::{
    Callback, Change, Context, Entry, Event, Failure, Message, Outcome, SentReport, SkipReason, Standing,
    State, Step,
};
use domain::policy::retry::Jitter;
use domain::ports::{
    DuplicateWindow, LeaseRequest, Leased, MessageStore, NewMessage, Portions, Saved, StoreError,
};
use domain::rules::Rules;
use futures_util::StreamExt as _;

use crate::{Inner, MemoryStore};

#[async_trait]
impl MessageStore for MemoryStore {
    async fn insert(
        &self,
        new: Vec<NewMessage>,
        window: Option<DuplicateWindow>,
    ) -> Result<Vec<Message>, StoreError> {
        let inner = &mut *self.inner();
        let mut taken = window.map(|window| inner.duplicate_keys(window).collect()).unwrap_or_default();
        Ok(new.into_iter().map(|one| inner.insert(one, window, &mut taken)).collect())
    }

    async fn insert_portions(
        &self,
        portions: Portions<'_>,
        window: Option<DuplicateWindow>,
    ) -> Result<Vec<Message>, StoreError> {
        self.insert(portions.concat().await, window).await
    }

    async fn lease_due(&self, request: &LeaseRequest) -> Result<Leased, StoreError> {
        Ok(self.inner().lease_due(request))
    }

    async fn load(&self, ids: &[MessageId]) -> Result<Vec<Message>, StoreError> {
        let inner = self.inner();
        Ok(ids.iter().filter_map(|id| inner.messages.get(id).cloned()).collect())
    }

    async fn load_standing(&self, ids: &[MessageId]) -> Result<Vec<Standing>, StoreError> {
        Ok(self.load(ids).await?.iter().map(Message::standing).collect())
    }

    async fn save(&self, changes: &[Change]) -> Result<Vec<Saved>, StoreError> {
        let inner = &mut *self.inner();
        if changes.iter().any(|change| inner.refused.contains(&change.message.id)) {
            return Err(StoreError::Refused("a broken row".to_owned()));
        }
        Ok(changes.iter().map(|change| inner.save(change)).collect())
    }

    async fn save_sent(&self, reports: &[SentReport], now: DateTime<Utc>) -> Result<Vec<bool>, StoreError> {
        let inner = &mut *self.inner();
        if reports.iter().any(|report| inner.refused.contains(&report.id)) {
            return Err(StoreError::Refused("a broken row".to_owned()));
        }
        Ok(reports.iter().map(|report| inner.save_sent(report, now)).collect())
    }

    async fn note(&self, entries: &[(MessageId, Entry)]) -> Result<(), StoreError> {
        let inner = &mut *self.inner();
        for (id, entry) in entries {
            let kept = inner.entries.entry(*id).or_default();
            if !kept.iter().any(|old| old.kind == entry.kind && old.detail == entry.detail) {
                kept.push(entry.clone());
            }
        }
        Ok(())
    }

    async fn overdue(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<Message>, StoreError> {
        let inner = self.inner();
        let mut overdue: Vec<_> = inner
            .messages
            .values()
            .filter(|m| m.state.lease_expires_at().is_some_and(|at| at <= now))
            .cloned()
            .collect();
        overdue.sort_by_key(|message| message.state.lease_expires_at());
        overdue.truncate(limit as usize);
        Ok(overdue)
    }

    async fn of_lease(&self, lease: LeaseId) -> Result<Vec<Message>, StoreError> {
        let inner = self.inner();
        let held = |m: &&Message| matches!(&m.state, State::Dispatched(flight) if flight.lease == lease);
        Ok(inner.messages.values().filter(held).cloned().collect())
    }
}

impl Inner {
    /// Stores one; `taken` has the keys that make it a duplicate, and gets its own.
    fn insert(
        &mut self,
        new: NewMessage,
        window: Option<DuplicateWindow>,
        taken: &mut HashSet<String>,
    ) -> Message {
        let message = new.message;
        let key = message.content.duplicate_key();
        let duplicate = !new.allow_duplicate && taken.contains(&key);
        let message = if self.has_opted_out(&message) {
            message.skipped(SkipReason::OptedOut)
        } else if duplicate {
            message.skipped(SkipReason::DuplicateToday)
        } else {
            message
        };
        if let Some(window) = window {
            self.duplicates.insert(message.id, window.today);
            if blocks_duplicates(&message.state) {
                taken.insert(key);
            }
        }
        self.messages.insert(message.id, message.clone());
        message
    }

    /// The keys of the messages that make equal ones duplicates.
    pub(crate) fn duplicate_keys(&self, window: DuplicateWindow) -> impl Iterator<Item = String> {
        let earliest = window.today - TimeDelta::days(i64::from(window.days) - 1);
        let counts = move |other: &&Message| {
            blocks_duplicates(&other.state)
                && self.duplicates.get(&other.id).is_some_and(|day| *day >= earliest)
        };
        self.messages.values().filter(counts).map(|other| other.content.duplicate_key())
    }

    pub(crate) fn has_opted_out(&self, message: &Message) -> bool {
        let channel = message.content.channel;
        message.content.recipient_keys().into_iter().any(|key| self.opted_out.contains(&(channel, key)))
    }

    /// Takes it down where the message waits for its callback. No rule has a part in what SENT does.
    fn save_sent(&mut self, report: &SentReport, now: DateTime<Utc>) -> bool {
        let SentReport { id, provider_message_id, sent_at, created_until: _ } = report.clone();
        let outcome = Outcome::Sent { provider_message_id, sent_at: Some(sent_at) };
        let callback = Event::Callback(Callback { outcome, attempt: None, lease: None });
        let context = Context { now, jitter: Jitter::new(0.0), rules: &Rules::default() };
        let waiting = self.messages.get(&id).filter(|one| {
            let is_in_flight = matches!(one.state, State::Leased(_) | State::Dispatched(_));
            is_in_flight && report.fits(one.created_at) && one.updated_at <= now
        });
        match waiting.map(|one| one.apply(callback, &context)) {
            Some(Ok(Step::Moved(change))) => self.save(&change) == Saved::Done,
            Some(Ok(Step::Same(..)) | Err(_)) | None => false,
        }
    }

    fn save(&mut self, change: &Change) -> Saved {
        match self.messages.get_mut(&change.message.id) {
            Some(message) if message.revision == change.from_revision => {
                *message = message.after(change);
                self.entries.entry(change.message.id).or_default().extend(change.entry.clone());
                Saved::Done
            }
            Some(_) | None => Saved::Stale,
        }
    }
}

/// Whether a message in this state makes an equal one a duplicate (contract §7).
fn blocks_duplicates(state: &State) -> bool {
    match state {
        State::Queued(_)
        | State::Leased(_)
        | State::Dispatched(_)
        | State::Sent(_)
        | State::Failed(Failure::Retry(_)) => true,
        State::Failed(Failure::Dead { .. } | Failure::Held { .. })
        | State::Skipped { .. }
        | State::Cancelled => false,
    }
}
