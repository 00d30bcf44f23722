//! What the use cases run on, for the parts of the server that run by themselves.

use std::sync::Arc;

use domain::ports::{Clock, DeliveryGateway, Entropy, Stores};
use domain::rules::Rules;
use domain::usecase::Deps;
use domain::usecase::run_worker::Stopping;
use tokio_util::sync::CancellationToken;

/// Says that the process is to stop: no new lease, and what is left of a batch is given back.
#[derive(Debug, Clone, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    /// From now on the process is stopping.
    pub fn begin(&self) {
        self.0.cancel();
    }

    /// Waits until the process is to stop.
    pub async fn begun(&self) {
        self.0.cancelled().await;
    }
}

impl Stopping for Shutdown {
    fn is_stopping(&self) -> bool {
        self.0.is_cancelled()
    }
}

/// The stores, time, chance, rules and the way to N8N of one server.
#[derive(Clone)]
pub struct Engine {
    /// The database.
    pub stores: Arc<dyn Stores>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// The rules in force.
    pub rules: Arc<Rules>,
    /// The way to N8N, or what stands in for it.
    pub gateway: Option<Arc<dyn DeliveryGateway>>,
    /// Whether the process is to stop.
    pub shutdown: Shutdown,
}

impl Engine {
    /// What a use case needs.
    pub fn deps(&self) -> Deps<'_> {
        Deps { stores: &*self.stores, clock: &*self.clock, entropy: &*self.entropy, rules: &self.rules }
    }
}
