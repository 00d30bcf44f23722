//! Reading messages.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::access::Scope;
use domain::ids::{MessageId, OwnerId};
use domain::message::timeline::LeaseHolder;
use domain::message::{Message, State};
use domain::ports::{Detail, Filter, ListPage, ListRequest, MessageReader, Page, Stats, StoreError, Total};
use domain::rules::Limits;
use domain::search::Query;

use crate::insight::stuck;
use crate::{Inner, MemoryStore};

#[async_trait]
impl MessageReader for MemoryStore {
    async fn list(&self, request: &ListRequest) -> Result<ListPage, StoreError> {
        let inner = self.inner();
        let size = request.page_size as usize;
        let all: Vec<&Message> =
            inner.messages.values().rev().filter(|m| matches(m, &request.scope, &request.filter)).collect();
        let skipped = match request.page {
            Page::Number(page) => (page.saturating_sub(1) as usize).saturating_mul(size),
            Page::After(id) => all.iter().position(|m| m.id < id).unwrap_or(all.len()),
        };
        let items: Vec<Message> = all.iter().skip(skipped).take(size).map(|m| (*m).clone()).collect();
        let next = if skipped + items.len() < all.len() { items.last().map(|m| m.id) } else { None };
        Ok(ListPage { items, total: Total { count: all.len() as u64, is_estimate: false }, next })
    }

    async fn detail(&self, id: MessageId, scope: &Scope) -> Result<Option<Detail>, StoreError> {
        let inner = self.inner();
        let found = inner.messages.get(&id).filter(|message| covers(scope, message));
        Ok(found.map(|message| Detail {
            message: message.clone(),
            entries: inner.entries.get(&id).cloned().unwrap_or_default(),
            holders: inner
                .runs
                .iter()
                .map(|(lease, run)| {
                    let holder = LeaseHolder {
                        by: run.by.clone(),
                        pulled: run.pulled,
                        ignored_quiet_hours: run.ignored_quiet_hours,
                    };
                    (*lease, holder)
                })
                .collect(),
        }))
    }

    async fn matching(
        &self,
        scope: &Scope,
        filter: &Filter,
        after: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<MessageId>, StoreError> {
        let inner = self.inner();
        let found =
            inner.messages.values().filter(|m| after.is_none_or(|id| m.id > id) && matches(m, scope, filter));
        Ok(found.map(|m| m.id).take(limit as usize).collect())
    }

    async fn within(&self, scope: &Scope, ids: &[MessageId]) -> Result<Vec<MessageId>, StoreError> {
        let inner = self.inner();
        let seen = |id: &&MessageId| inner.messages.get(id).is_some_and(|message| covers(scope, message));
        Ok(ids.iter().filter(seen).copied().collect())
    }

    async fn count_due(&self, now: DateTime<Utc>, scope: &Scope, bound: u32) -> Result<u32, StoreError> {
        let inner = self.inner();
        let due = inner
            .messages
            .values()
            .filter(|m| is_due(m, now) && covers(scope, m))
            .take(bound as usize)
            .count();
        Ok(u32::try_from(due).unwrap_or(bound))
    }

    async fn next_due_at(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let inner = self.inner();
        Ok(inner.messages.values().filter_map(|m| m.state.due_at().or(m.state.lease_expires_at())).min())
    }

    async fn stats(&self, scope: &Scope, limits: &Limits, now: DateTime<Utc>) -> Result<Stats, StoreError> {
        let inner = self.inner();
        let mut stats = Stats {
            global_limit_left: limits.global.get().map(|_| inner.left("", limits.global, now)),
            ..Stats::default()
        };
        for message in inner.messages.values().filter(|m| covers(scope, m)) {
            const NONE: Total = Total { count: 0, is_estimate: false };
            stats.by_status.entry(message.status()).or_insert(NONE).count += 1;
            stats.by_channel.entry(message.content.channel).or_insert(NONE).count += 1;
            stats.by_priority.entry(message.priority).or_insert(NONE).count += 1;
            if is_due(message, now) {
                *stats.waiting_by_channel.entry(message.content.channel).or_default() += 1;
                *stats.waiting_by_priority.entry(message.priority).or_default() += 1;
                let due = message.state.due_at();
                stats.oldest_due_at = stats.oldest_due_at.map_or(due, |old| due.map(|new| new.min(old)));
            }
            if let State::Sent(_) = &message.state {
                let age = now - message.updated_at;
                stats.sent_last_minute += u64::from(age < TimeDelta::minutes(1));
                stats.sent_last_hour += u64::from(age < TimeDelta::hours(1));
            }
        }
        Ok(stats)
    }

    async fn limit_free_at(
        &self,
        owner: Option<&OwnerId>,
        limits: &Limits,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        let inner = self.inner();
        let free = |key: &str, limit| inner.windows.get(key).and_then(|window| window.free_at(limit, now, 1));
        let global = free("", limits.global);
        let own = owner.and_then(|owner| free(&format!("owner:{owner}"), limits.per_owner));
        Ok(global.max(own).filter(|at| *at > now))
    }
}

impl Inner {
    fn left(&self, key: &str, limit: domain::policy::rate_limit::RateLimit, now: DateTime<Utc>) -> u32 {
        self.windows.get(key).cloned().unwrap_or_default().remaining(limit, now)
    }
}

pub(crate) fn is_due(message: &Message, now: DateTime<Utc>) -> bool {
    message.state.due_at().is_some_and(|due| due <= now)
}

pub(crate) fn covers(scope: &Scope, message: &Message) -> bool {
    scope.covers(message.content.owner_id.as_ref(), message.content.branch_id.as_ref())
}

fn matches(message: &Message, scope: &Scope, filter: &Filter) -> bool {
    let content = &message.content;
    covers(scope, message)
        && filter.status.is_none_or(|status| message.status() == status)
        && filter.failure_kind.is_none_or(|kind| message.state.failure_kind() == Some(kind))
        && filter.cause.as_ref().is_none_or(|cause| stuck(message).is_some_and(|(_, error)| error == cause))
        && filter.channel.is_none_or(|channel| content.channel == channel)
        && filter.priority.is_none_or(|priority| message.priority == priority)
        && filter.created_from.is_none_or(|from| message.created_at >= from)
        && filter.created_before.is_none_or(|before| message.created_at < before)
        && filter.lead_id.as_ref().is_none_or(|id| content.lead_id.as_ref() == Some(id))
        && filter.student_id.as_ref().is_none_or(|id| content.student_id.as_ref() == Some(id))
        && filter.owner_id.as_ref().is_none_or(|id| content.owner_id.as_ref() == Some(id))
        && filter.branch_id.as_ref().is_none_or(|id| content.branch_id.as_ref() == Some(id))
        && filter.job_id.as_ref().is_none_or(|id| content.job_id.as_ref() == Some(id))
        && filter.text.as_ref().is_none_or(|text| Query::parse(text).finds(content))
}
