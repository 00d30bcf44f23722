//! The rules in force: what the settings say, as the domain needs it (contract §11).

use chrono::{NaiveTime, TimeDelta};

use crate::policy::circuit::CircuitSettings;
use crate::policy::quiet_hours::{QuietHours, Window};
use crate::policy::rate_limit::RateLimit;
use crate::policy::retry::{HandoffBackoff, RetryPolicy};
use crate::vocabulary::vocabulary;

vocabulary! {
    /// What becomes of a message whose callback never comes (contract §2).
    pub enum CallbackTimeoutAction {
        /// It is held: it may have been sent.
        Hold = "hold",
        /// It is retried with the same idempotency key, for an N8N that drops repeats.
        Retry = "retry",
    }
}

/// Every rule that can be set.
#[derive(Debug, Clone)]
pub struct Rules {
    /// `RETRY_BACKOFF` (§4).
    pub retry: RetryPolicy,
    /// The wait after a hand-off that was not accepted (§4).
    pub handoff_backoff: HandoffBackoff,
    /// `OPS_QUIET_HOURS`, `OPS_TZ` (§5).
    pub quiet_hours: QuietHours,
    /// `WORKER_RATE_LIMIT_*` (§6).
    pub limits: Limits,
    /// `CIRCUIT_*` (§4).
    pub circuit: CircuitSettings,
    /// `WORKER_LEASE_SECONDS`.
    pub lease_for: TimeDelta,
    /// `CALLBACK_TIMEOUT_SECONDS`.
    pub callback_timeout: TimeDelta,
    /// `CALLBACK_TIMEOUT_ACTION`.
    pub callback_timeout_action: CallbackTimeoutAction,
    /// `WORKER_MAX_RUN_SECONDS`: no hand-off starts later than this after its run's start.
    pub max_run: TimeDelta,
    /// `N8N_TIMEOUT_SECONDS`: the longest a hand-off may take.
    pub handoff_timeout: TimeDelta,
    /// `OPS_DEDUPE_WINDOW_DAYS`: 0 turns the rule for duplicates off (§7).
    pub dedupe_days: u32,
}

/// How many messages may be leased in any 60 seconds (contract §6).
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Over all messages.
    pub global: RateLimit,
    /// For each owner.
    pub per_owner: RateLimit,
}

impl Default for Rules {
    /// The defaults of contract §4 to §7 and §11.
    fn default() -> Self {
        let night = Window::new(hour(21), hour(8)).ok();
        Self {
            retry: RetryPolicy::default(),
            handoff_backoff: HandoffBackoff,
            quiet_hours: QuietHours::new(chrono_tz::Asia::Ho_Chi_Minh, night),
            limits: Limits { global: RateLimit::per_minute(120), per_owner: RateLimit::per_minute(30) },
            circuit: CircuitSettings::default(),
            lease_for: TimeDelta::seconds(60),
            callback_timeout: TimeDelta::seconds(900),
            callback_timeout_action: CallbackTimeoutAction::Hold,
            max_run: TimeDelta::seconds(25),
            handoff_timeout: TimeDelta::seconds(10),
            dedupe_days: 1,
        }
    }
}

fn hour(hour: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default()
}
