//! What a run answers (contract §9).

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

use super::{RunRequest, count};
use crate::ids::{LeaseId, OwnerId};
use crate::message::{Message, Outcome, Priority};
use crate::policy::circuit::CircuitLabel;
use crate::policy::quiet_hours::QuietStatus;
use crate::ports::{HandOffAnswer, Leased};

/// How many owners the breakdown names.
const TOP_OWNERS: usize = 10;

/// Why a run did less than was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warning {
    /// There is no N8N to hand off to.
    NoWebhook,
    /// N8N failed time after time; nothing is leased until then.
    CircuitOpen {
        /// When one message may probe.
        until: DateTime<Utc>,
    },
    /// Another run probes whether N8N is back.
    ProbeUnderWay,
    /// The server is stopping.
    Stopping,
}

/// One owner's part of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerCount {
    /// The owner; `None` for messages without one.
    pub owner_id: Option<OwnerId>,
    /// The owner's name, where known.
    pub owner_name: Option<String>,
    /// How many messages.
    pub count: u32,
}

/// What a run did.
#[derive(Debug, Clone)]
pub struct RunReport {
    /// The lease; `None` when nothing was leased.
    pub lease: Option<LeaseId>,
    /// Whether it only looked.
    pub dry_run: bool,
    /// Messages handed off or tried; in pull mode given to the caller; in a dry run what would be.
    pub processed: u32,
    /// Settled as SENT by N8N's answer.
    pub sent: u32,
    /// Not accepted, refused, or settled as FAILED.
    pub failed: u32,
    /// Accepted, or maybe accepted, and waiting for a callback.
    pub skipped: u32,
    /// Settled as SKIPPED by N8N's answer, or by an opt-out found at the lease.
    pub dropped: u32,
    /// Given back without a hand-off.
    pub released: u32,
    /// Due messages that the limits held back.
    pub rate_limited: u32,
    /// Due messages that remain, counted up to a bound.
    pub remaining: u32,
    /// The leased messages by priority.
    pub by_priority: BTreeMap<Priority, u32>,
    /// The leased messages by owner, the ten largest.
    pub by_owner: Vec<OwnerCount>,
    /// Whether there is an N8N to hand off to.
    pub webhook_enabled: bool,
    /// How long it took.
    pub duration: TimeDelta,
    /// The quiet hours when it began.
    pub quiet: QuietStatus,
    /// The circuit when it ended.
    pub circuit: CircuitLabel,
    /// Why it did less than was asked for.
    pub warnings: Vec<Warning>,
    /// The messages, in pull mode.
    pub messages: Vec<Message>,
}

impl RunReport {
    pub(super) fn new(request: &RunRequest, webhook_enabled: bool, quiet: QuietStatus) -> Self {
        Self {
            lease: None,
            dry_run: request.dry_run,
            processed: 0,
            sent: 0,
            failed: 0,
            skipped: 0,
            dropped: 0,
            released: 0,
            rate_limited: 0,
            remaining: 0,
            by_priority: Priority::ALL.iter().map(|priority| (*priority, 0)).collect(),
            by_owner: Vec::new(),
            webhook_enabled,
            duration: TimeDelta::zero(),
            quiet,
            circuit: CircuitLabel::Closed,
            warnings: Vec::new(),
            messages: Vec::new(),
        }
    }

    pub(super) fn leased(&mut self, lease: LeaseId, leased: &Leased, request: &RunRequest) {
        if !leased.messages.is_empty() && !request.dry_run {
            self.lease = Some(lease);
        }
        self.rate_limited = leased.rate_limited;
        self.dropped = count(leased.suppressed.len());
        let mut owners: HashMap<Option<&OwnerId>, OwnerCount> = HashMap::new();
        for message in &leased.messages {
            *self.by_priority.entry(message.priority).or_default() += 1;
            let content = &message.content;
            owners
                .entry(content.owner_id.as_ref())
                .or_insert_with(|| OwnerCount {
                    owner_id: content.owner_id.clone(),
                    owner_name: content.owner_name.clone(),
                    count: 0,
                })
                .count += 1;
        }
        self.by_owner = owners.into_values().collect();
        self.by_owner.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.owner_id.cmp(&b.owner_id)));
        self.by_owner.truncate(TOP_OWNERS);
    }

    pub(super) fn answered(&mut self, answer: &HandOffAnswer) {
        self.processed += 1;
        match answer {
            HandOffAnswer::Accepted | HandOffAnswer::Unknown => self.skipped += 1,
            HandOffAnswer::Settled(Outcome::Sent { .. }) => self.sent += 1,
            HandOffAnswer::Settled(Outcome::Skipped { .. }) => self.dropped += 1,
            HandOffAnswer::Settled(Outcome::Failed { .. })
            | HandOffAnswer::NotAccepted { .. }
            | HandOffAnswer::Refused { .. } => self.failed += 1,
        }
    }
}
