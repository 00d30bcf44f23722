//! What the server counts and times, for `/metrics`: the one place that knows names and format.
//!
//! Others tell what happens through ports of their own ([`http_api::Meter`], [`storage_pg::Observer`], a gateway
//! around the gateway). What happens often has its counter at hand; only requests are looked up by their labels.

mod gateway;
mod names;
mod readings;
mod registry;

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use async_trait::async_trait;
use domain::message::Outcome;
use domain::ports::DeliveryGateway;
use http_api::{Answered, CallbackResult, Meter};
use metrics::{Counter, Histogram, Label};
use storage_pg::PgStore;

use crate::engine::{Engine, Shutdown};
use names as n;
use readings::Readings;
use registry::Registry;

/// How often what was timed is sorted into the buckets, whether anybody asks for it or not.
const TIDY_EVERY: Duration = Duration::from_secs(5);

/// What the parts of the server count and time.
pub struct Metrics {
    registry: Registry,
    leased: Counter,
    lease_took: Histogram,
    callbacks: [[Counter; 3]; 4],
}

/// What a metric is, as Prometheus knows it.
pub use names::Kind;

/// The name and kind of every metric, for whoever asks for them elsewhere.
pub fn all() -> impl Iterator<Item = (&'static str, Kind)> {
    n::ALL.iter().map(|metric| (metric.name, metric.kind))
}

impl Metrics {
    /// Nothing counted yet.
    ///
    /// # Errors
    /// When the histograms' buckets are refused, which no setting can bring about.
    pub fn new() -> anyhow::Result<Self> {
        let registry = Registry::new()?;
        let version = Label::from_static_parts("version", env!("CARGO_PKG_VERSION"));
        registry.gauge(n::BUILD_INFO, vec![version]).set(1.0);
        let callbacks = ["SENT", "FAILED", "SKIPPED", "unreadable"].map(|outcome| {
            ["true", "false", "error"].map(|applied| {
                let outcome = Label::from_static_parts("outcome", outcome);
                registry.counter(n::CALLBACKS, vec![outcome, Label::from_static_parts("applied", applied)])
            })
        });
        let leased = registry.counter(n::LEASED, Vec::new());
        let lease_took = registry.histogram(n::LEASE_SECONDS, Vec::new());
        Ok(Self { registry, leased, lease_took, callbacks })
    }

    /// The same way to N8N, counted and timed.
    pub fn around(&self, gateway: Arc<dyn DeliveryGateway>) -> Arc<dyn DeliveryGateway> {
        Arc::new(gateway::Measured::new(gateway, &self.registry))
    }

    /// Messages were leased, or none was due, in so much time.
    pub fn leased(&self, messages: usize, took: Duration) {
        self.leased.increment(messages as u64);
        self.lease_took.record(took);
    }

    /// Keeps what was timed from piling up, until the process is to stop.
    pub async fn keep_tidy(self: Arc<Self>, shutdown: Shutdown) {
        loop {
            tokio::select! {
                () = shutdown.begun() => return,
                () = tokio::time::sleep(TIDY_EVERY) => self.registry.tidy(),
            }
        }
    }
}

/// The metrics as the HTTP side sees them, with what is read from the database when somebody asks.
pub struct ServerMeter {
    metrics: Arc<Metrics>,
    readings: Readings,
}

impl ServerMeter {
    /// Reads this database, at this engine's time and by its rules.
    pub fn new(metrics: Arc<Metrics>, store: &PgStore, engine: &Engine) -> Self {
        let readings = Readings::new(store.clone(), engine, &metrics.registry);
        Self { metrics, readings }
    }
}

#[async_trait]
impl Meter for ServerMeter {
    fn answered(&self, request: &Answered<'_>) {
        let Answered { route, method, status, took } = *request;
        let registry = &self.metrics.registry;
        let route = Label::new("route", route.to_owned());
        let method = Label::from_static_parts("method", known(method));
        registry.histogram(n::REQUEST_SECONDS, vec![route.clone(), method.clone()]).record(took);
        registry
            .counter(n::REQUESTS, vec![route, method, Label::new("status", status.to_string())])
            .increment(1);
    }

    fn called_back(&self, outcome: Option<&Outcome>, result: CallbackResult) {
        let [sent, failed, skipped, unreadable] = &self.metrics.callbacks;
        let [applied, unchanged, refused] = match outcome {
            Some(Outcome::Sent { .. }) => sent,
            Some(Outcome::Failed { .. }) => failed,
            Some(Outcome::Skipped { .. }) => skipped,
            None => unreadable,
        };
        let counter = match result {
            CallbackResult::Applied => applied,
            CallbackResult::Unchanged => unchanged,
            CallbackResult::Refused => refused,
        };
        counter.increment(1);
    }

    async fn exposition(&self) -> String {
        self.readings.read().await;
        self.metrics.registry.render()
    }
}

/// The method's word; any that HTTP does not know is one, or strangers could make up as many lines as they like.
fn known(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|word| *word == method.as_str()).unwrap_or("OTHER")
}
