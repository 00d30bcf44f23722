//! What the handlers work with.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use domain::access::{Caller, Role};
use domain::ports::{Clock, DeliveryGateway, Entropy, Idempotency, Stores};
use domain::rules::Rules;
use domain::usecase::Deps;
use domain::usecase::run_worker::Stopping;

use crate::background::Background;

/// Why a token lets nobody in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenError {
    /// It is not valid, or has expired.
    Refused,
    /// The keys can't be had now; the cause is for the log.
    Unavailable(String),
}

/// Checks a token, by the same rules as the API does.
#[async_trait]
pub trait TokenVerifier: Send + Sync {
    /// Whoever the token was made for.
    async fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Caller, TokenError>;

    /// Counts a request of this caller; the seconds to wait where it is one too many
    /// (`API_RATE_LIMIT_PER_SECOND`).
    fn admit(&self, caller: &Caller) -> Result<(), u64>;
}

/// Somebody as whom a visitor of the demo can sign in with one click.
#[derive(Clone)]
pub struct DemoLogin {
    /// The role.
    pub role: Role,
    /// The name.
    pub name: String,
    /// The branch, where there is one.
    pub branch: Option<String>,
    /// Makes a token; `None` when it can't be made.
    pub token: Arc<dyn Fn(DateTime<Utc>) -> Option<String> + Send + Sync>,
}

/// Hands out N8N's workflows.
#[derive(Clone)]
pub struct Workflows {
    /// Where N8N takes hand-offs, where that is known.
    pub webhook_url: Option<String>,
    /// Where N8N reaches this server, where that is known.
    pub base_url: Option<String>,
    /// The files' names and JSON with a webhook's and this server's address filled in; or what is wrong with the
    /// addresses.
    pub export: Export,
}

/// See [`Workflows::export`].
pub type Export = Arc<dyn Fn(&str, &str) -> Result<Vec<(&'static str, String)>, String> + Send + Sync>;

/// The state that all pages share.
#[derive(Clone)]
pub struct Pages {
    /// Every store.
    pub stores: Arc<dyn Stores>,
    /// Forms that are sent twice are done once.
    pub idempotency: Arc<dyn Idempotency>,
    /// The rules in force.
    pub rules: Arc<Rules>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// The way to N8N; `None` without `N8N_WEBHOOK_URL`.
    pub gateway: Option<Arc<dyn DeliveryGateway>>,
    /// Whether N8N is simulated.
    pub simulator: bool,
    /// How many hand-offs a run makes at a time.
    pub concurrency: u32,
    /// Tells runs and streams that the server is stopping.
    pub stopping: Arc<dyn Stopping>,
    /// Runs go on when whoever asked for them has left.
    pub background: Background,
    /// Checks tokens; `None` closes the pages, as it does the API.
    pub tokens: Option<Arc<dyn TokenVerifier>>,
    /// Whether the pages are reached by HTTPS alone, so that cookies must be too.
    pub secure_cookies: bool,
    /// N8N's workflows.
    pub workflows: Workflows,
    /// One-click logins, for the demo alone.
    pub demo_logins: Vec<DemoLogin>,
}

impl Pages {
    /// What a use case needs.
    pub(crate) fn deps(&self) -> Deps<'_> {
        self.deps_over(&*self.stores)
    }

    /// What a use case needs, over these stores: those of a transaction.
    pub(crate) fn deps_over<'a>(&'a self, stores: &'a dyn Stores) -> Deps<'a> {
        Deps { stores, clock: &*self.clock, entropy: &*self.entropy, rules: &self.rules }
    }

    /// The time zone of all times on the pages.
    pub(crate) fn zone(&self) -> Tz {
        self.rules.quiet_hours.zone()
    }
}
