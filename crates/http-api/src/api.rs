//! What the handlers work with.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{CallbackDecoder, Clock, DeliveryGateway, Entropy, Idempotency, Stores};
use domain::rules::Rules;
use domain::usecase::Deps;
use domain::usecase::run_worker::Stopping;

use crate::auth::Gate;
use crate::background::Background;
use crate::meter::Meter;
use crate::tracer::Tracer;

/// The database as the handlers need it: every store, and transactions that keep an answer.
pub trait Backend: Stores + Idempotency {}

impl<T: Stores + Idempotency> Backend for T {}

/// Whether requests can be served.
#[async_trait]
pub trait Readiness: Send + Sync {
    /// `Err` says what is missing, for the answer of `/readyz`: that the database can't be reached or is not migrated.
    /// Must name neither addresses nor users.
    async fn ready(&self) -> Result<(), String>;
}

/// What a run of the worker does where its request does not say (`WORKER_BATCH_SIZE`, `WORKER_CONCURRENCY`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerDefaults {
    /// How many messages.
    pub batch: u32,
    /// How many hand-offs at a time.
    pub concurrency: u32,
}

/// The state that all handlers share.
#[derive(Clone)]
pub struct Api {
    /// The database.
    pub backend: Arc<dyn Backend>,
    /// The rules in force.
    pub rules: Arc<Rules>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// The way to N8N; `None` without `N8N_WEBHOOK_URL`.
    pub gateway: Option<Arc<dyn DeliveryGateway>>,
    /// Reads N8N's callbacks.
    pub callbacks: Arc<dyn CallbackDecoder>,
    /// Tells runs that the server is stopping.
    pub stopping: Arc<dyn Stopping>,
    /// Who may come in.
    pub gate: Arc<Gate>,
    /// What a run does by default.
    pub worker: WorkerDefaults,
    /// Whether requests can be served.
    pub readiness: Arc<dyn Readiness>,
    /// Keeps what happens, for `/metrics`.
    pub meter: Arc<dyn Meter>,
    /// Records traces; `None` where nobody wants them.
    pub tracer: Option<Arc<dyn Tracer>>,
    /// Work that must end even if its client goes away.
    pub background: Background,
    /// How long a client may take to send a body.
    pub body_within: Duration,
    /// Whether browsers reach the server by TLS alone (`PUBLIC_URL` is https).
    pub is_behind_tls: bool,
    /// Where N8N calls back, for pulled messages; `None` without `PUBLIC_URL`.
    pub callback_url: Option<Arc<str>>,
    /// Whether N8N is simulated.
    pub simulator: bool,
}

impl Api {
    /// What answers that show a status say while N8N is simulated; nothing otherwise.
    pub(crate) fn simulated(&self) -> Option<bool> {
        simulated(self.simulator)
    }

    /// What a use case needs, over these stores: [`Api::stores`], or those of a unit of work.
    pub fn deps<'a>(&'a self, stores: &'a dyn Stores) -> Deps<'a> {
        Deps { stores, clock: &*self.clock, entropy: &*self.entropy, rules: &self.rules }
    }

    /// The whole database, each call on its own.
    pub fn stores(&self) -> &dyn Stores {
        &*self.backend
    }
}

/// The mark of answers that show a status.
pub(crate) fn simulated(simulator: bool) -> Option<bool> {
    simulator.then_some(true)
}
