//! The past: a clock that is set by hand, and an N8N that takes everything and says later what became of it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::{LeaseId, MessageId};
use domain::message::{Callback, Outcome};
use domain::ports::{Clock, DeliveryGateway, HandOff, HandOffAnswer};
use domain::usecase::run_worker::Stopping;

/// What is to become of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Sent, after so many failed attempts.
    Sent(u32),
    /// It fails for good.
    NoSuchNumber,
    /// N8N decides not to send it.
    Blocked,
    /// Nothing is ever heard of it.
    Lost,
}

/// The past, up to the present.
pub(super) struct Past {
    state: Mutex<State>,
}

struct State {
    now: DateTime<Utc>,
    fates: HashMap<MessageId, Fate>,
    taken: Vec<(MessageId, LeaseId, u32)>,
}

impl Past {
    pub(super) fn new(now: DateTime<Utc>) -> Self {
        Self { state: Mutex::new(State { now, fates: HashMap::new(), taken: Vec::new() }) }
    }

    /// Moves on to a later time; never back.
    pub(super) fn advance_to(&self, at: DateTime<Utc>) {
        let mut state = self.state();
        state.now = state.now.max(at);
    }

    /// Settles a message's fate.
    pub(super) fn decide(&self, id: MessageId, fate: Fate) {
        self.state().fates.insert(id, fate);
    }

    /// What N8N says about what it has taken since it was last asked.
    pub(super) fn callbacks(&self) -> Vec<(MessageId, Callback)> {
        let mut state = self.state();
        let taken = std::mem::take(&mut state.taken);
        let said = taken.into_iter().filter_map(|(id, lease, attempt)| {
            let outcome = match state.fates.get(&id).copied().unwrap_or(Fate::Sent(0)) {
                Fate::Sent(failures) if attempt <= failures => Outcome::Failed {
                    error: "nhà mạng bận, thử lại sau".to_owned(),
                    permanent: false,
                },
                Fate::Sent(_) => {
                    Outcome::Sent { provider_message_id: Some(format!("demo-{id}")), sent_at: None }
                }
                Fate::NoSuchNumber => {
                    Outcome::Failed { error: "số thuê bao không tồn tại".to_owned(), permanent: true }
                }
                Fate::Blocked => Outcome::Skipped { reason: "khách đã chặn trang".to_owned() },
                Fate::Lost => return None,
            };
            Some((id, Callback { outcome, attempt: Some(attempt), lease: Some(lease) }))
        });
        said.collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Clock for Past {
    fn now(&self) -> DateTime<Utc> {
        self.state().now
    }

    async fn sleep(&self, _: TimeDelta) {}
}

#[async_trait]
impl DeliveryGateway for Past {
    async fn pace(&self) {}

    async fn hand_off(&self, hand_off: HandOff<'_>) -> HandOffAnswer {
        self.state().taken.push((hand_off.message.id, hand_off.lease, hand_off.message.attempt));
        HandOffAnswer::Accepted
    }
}

impl Stopping for Past {
    fn is_stopping(&self) -> bool {
        false
    }
}
