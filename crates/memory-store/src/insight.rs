//! Sums.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::access::Scope;
use domain::channel::Channel;
use domain::ids::OwnerId;
use domain::message::{Failure, FailureKind, Message, Priority, State, Status};
use domain::ports::{ChannelCount, Depth, InsightReader, OwnerUse, SpanCount, StoreError, StuckGroup};

use crate::MemoryStore;
use crate::reader::{covers, is_due};

/// How many, when the latest came to this, and the channels.
type Group = (u64, DateTime<Utc>, BTreeSet<Channel>);

#[async_trait]
impl InsightReader for MemoryStore {
    async fn created(&self, scope: &Scope, bounds: &[DateTime<Utc>]) -> Result<Vec<SpanCount>, StoreError> {
        let mut counts: BTreeMap<(usize, Status, Option<FailureKind>), u64> = BTreeMap::new();
        for message in self.inner().messages.values().filter(|message| covers(scope, message)) {
            let at = bounds.partition_point(|bound| *bound <= message.created_at);
            if at > 0 && at < bounds.len() {
                *counts.entry((at - 1, message.status(), message.state.failure_kind())).or_default() += 1;
            }
        }
        let sum = |((span, status, failure_kind), count)| SpanCount { span, status, failure_kind, count };
        Ok(counts.into_iter().map(sum).collect())
    }

    async fn outcomes(
        &self,
        scope: &Scope,
        since: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<ChannelCount>, StoreError> {
        let mut counts: BTreeMap<(Channel, Status, Option<FailureKind>), u64> = BTreeMap::new();
        let inner = self.inner();
        let newest = inner.messages.values().rev().filter(|m| m.created_at >= since && covers(scope, m));
        for message in newest.take(limit as usize) {
            let key = (message.content.channel, message.status(), message.state.failure_kind());
            *counts.entry(key).or_default() += 1;
        }
        let sum =
            |((channel, status, failure_kind), count)| ChannelCount { channel, status, failure_kind, count };
        Ok(counts.into_iter().map(sum).collect())
    }

    async fn depth(&self, scope: &Scope, now: DateTime<Utc>) -> Result<Vec<Depth>, StoreError> {
        let inner = self.inner();
        let of = |priority: &Priority| {
            let mut depth = Depth { priority: *priority, due: 0, later: 0, oldest_due_at: None };
            let waiting = inner.messages.values().filter(|m| m.priority == *priority && covers(scope, m));
            for message in waiting.filter(|message| message.state.due_at().is_some()) {
                if is_due(message, now) {
                    depth.due += 1;
                    depth.oldest_due_at = depth.oldest_due_at.into_iter().chain(message.state.due_at()).min();
                } else {
                    depth.later += 1;
                }
            }
            depth
        };
        Ok(Priority::ALL.iter().map(of).collect())
    }

    async fn busiest_owners(
        &self,
        scope: &Scope,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<OwnerUse>, StoreError> {
        let inner = self.inner();
        let owner_use = |(key, window): (&String, &domain::policy::rate_limit::RateWindow)| {
            let owner_id: OwnerId = key.strip_prefix("owner:")?.parse().ok()?;
            let latest =
                inner.messages.values().rev().find(|m| m.content.owner_id.as_ref() == Some(&owner_id));
            let content = latest.map(|message| &message.content);
            Some(OwnerUse {
                owner_name: content.and_then(|content| content.owner_name.clone()),
                branch_id: content.and_then(|content| content.branch_id.clone()),
                owner_id,
                used: window.used(now),
            })
        };
        let mut found: Vec<OwnerUse> = inner
            .windows
            .iter()
            .filter_map(owner_use)
            .filter(|one| one.used > 0 && scope.covers(Some(&one.owner_id), one.branch_id.as_ref()))
            .collect();
        found.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| a.owner_id.cmp(&b.owner_id)));
        found.truncate(limit as usize);
        Ok(found)
    }

    async fn owner_names(&self, ids: &[OwnerId]) -> Result<BTreeMap<OwnerId, String>, StoreError> {
        let inner = self.inner();
        let named = ids.iter().filter_map(|id| {
            let latest = inner.messages.values().rev().find(|m| m.content.owner_id.as_ref() == Some(id))?;
            Some((id.clone(), latest.content.owner_name.clone()?))
        });
        Ok(named.collect())
    }

    async fn stuck(&self, scope: &Scope, limit: u32) -> Result<Vec<StuckGroup>, StoreError> {
        let inner = self.inner();
        let mut groups: BTreeMap<(FailureKind, String), Group> = BTreeMap::new();
        for wanted in [FailureKind::Dead, FailureKind::Held] {
            let newest = inner.messages.values().rev().filter(|message| covers(scope, message));
            let newest = newest.filter_map(|message| Some((message, stuck(message)?)));
            let newest = newest.filter(|(_, (kind, _))| *kind == wanted).take(limit as usize);
            for (message, (kind, error)) in newest {
                let start = (0, message.updated_at, BTreeSet::new());
                let (count, latest, channels) = groups.entry((kind, error.to_owned())).or_insert(start);
                *count += 1;
                *latest = (*latest).max(message.updated_at);
                channels.insert(message.content.channel);
            }
        }
        let mut all: Vec<StuckGroup> = groups
            .into_iter()
            .map(|((kind, cause), (count, latest_at, channels))| StuckGroup {
                kind,
                cause,
                count,
                latest_at,
                channels: channels.into_iter().collect(),
            })
            .collect();
        all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.cause.cmp(&b.cause)));
        Ok(all)
    }
}

/// What a message is stuck with: dead or held, and the error.
pub(crate) fn stuck(message: &Message) -> Option<(FailureKind, &str)> {
    match &message.state {
        State::Failed(Failure::Dead { error }) => Some((FailureKind::Dead, error)),
        State::Failed(Failure::Held { error, .. }) => Some((FailureKind::Held, error)),
        State::Failed(Failure::Retry(_))
        | State::Queued(_)
        | State::Leased(_)
        | State::Dispatched(_)
        | State::Sent(_)
        | State::Skipped { .. }
        | State::Cancelled => None,
    }
}
