//! What holds back the messages of a page now, for a word beside each of them.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use domain::explain::{Facts, Reason, explain};
use domain::ids::OwnerId;
use domain::message::Message;
use domain::policy::circuit::Circuit;
use domain::policy::rate_limit::RateLimit;
use domain::rules::{Limits, Rules};

use super::time::clock;
use crate::error::PageError;
use crate::lang::Lang;
use crate::pages::Pages;

/// Of so many owners it is asked whether they are at their limit; a page with due messages of more of them says only
/// what holds for all.
const OWNERS: usize = 12;

/// What is known at the moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held {
    circuit: Circuit,
    webhook: bool,
    global_until: Option<DateTime<Utc>>,
    owners_until: HashMap<OwnerId, DateTime<Utc>>,
}

impl Held {
    /// What holds these messages back.
    pub(crate) async fn of<'a>(
        pages: &Pages,
        messages: impl IntoIterator<Item = &'a Message>,
    ) -> Result<Self, PageError> {
        let now = pages.clock.now();
        let (stores, limits) = (&pages.stores, &pages.rules.limits);
        let due = messages.into_iter().filter(|one| one.state.due_at().is_some_and(|at| at <= now));
        let mut owners = BTreeSet::new();
        let mut is_any_due = false;
        for message in due {
            is_any_due = true;
            owners.extend(message.content.owner_id.clone());
        }
        let mut held = Self {
            circuit: stores.circuit().await?.circuit,
            webhook: pages.gateway.is_some(),
            ..Self::default()
        };
        if is_any_due {
            held.global_until = stores.limit_free_at(None, limits, now).await?;
        }
        if owners.len() <= OWNERS && limits.per_owner != RateLimit::UNLIMITED {
            let alone = Limits { global: RateLimit::UNLIMITED, ..*limits };
            for owner in owners {
                if let Some(until) = stores.limit_free_at(Some(&owner), &alone, now).await? {
                    held.owners_until.insert(owner, until);
                }
            }
        }
        Ok(held)
    }

    /// Why a message that waits is held back, in a few words; `None` where nothing but its own time does.
    pub(crate) fn word(
        &self,
        lang: Lang,
        message: &Message,
        rules: &Rules,
        now: DateTime<Utc>,
    ) -> Option<String> {
        let owner = message.content.owner_id.as_ref();
        let facts = Facts {
            now,
            rules,
            circuit: self.circuit,
            webhook_enabled: self.webhook,
            global_limit_until: self.global_until,
            owner_limit_until: owner.and_then(|owner| self.owners_until.get(owner)).copied(),
            opted_out: false,
        };
        let zone = rules.quiet_hours.zone();
        let until = |words: &str, at: DateTime<Utc>| format!("{words} {}", clock(at, now, zone));
        let is_due = message.state.due_at().is_some_and(|at| at <= now);
        explain(message, &facts).reasons.iter().find_map(|reason| match reason {
            Reason::QuietHours(at) => Some(until(lang.t("yên lặng đến", "quiet until"), *at)),
            Reason::OwnerLimit(_) | Reason::GlobalLimit(_) if is_due => {
                Some(lang.t("hết giới hạn phút này", "this minute's limit is used up").to_owned())
            }
            Reason::CircuitOpen(at) if is_due => {
                Some(until(lang.t("N8N tạm ngắt đến", "N8N paused until"), *at))
            }
            Reason::NoWebhook if is_due => {
                Some(lang.t("chờ N8N tự lấy", "waits for N8N to pull it").to_owned())
            }
            Reason::OwnerLimit(_)
            | Reason::GlobalLimit(_)
            | Reason::CircuitOpen(_)
            | Reason::NoWebhook
            | Reason::Scheduled(_)
            | Reason::HandOffRetry(_)
            | Reason::RetryDue { .. }
            | Reason::WillBeSuppressed
            | Reason::WaitingForWorker
            | Reason::BeingHandedOff(_)
            | Reason::WaitingForCallback(_)
            | Reason::Sent
            | Reason::Dead { .. }
            | Reason::Held
            | Reason::Duplicate
            | Reason::Suppressed
            | Reason::SkippedByN8n(_)
            | Reason::Cancelled => None,
        })
    }
}
