//! [`TestApp`]: the real server in this process, on a free port.
//!
//! ```ignore
//! let app = TestApp::start().await;                        // N8N accepts all and calls back SENT
//! let id = app.create(json!({"channel": "SMS", "to": "0901234567", "text": "Chào"})).await;
//! let report = app.run_worker(json!({})).await;            // {"ok": true, "processed": 1, ..}
//! let message = app.wait_for_status(&id, "SENT").await;    // the whole answer: outboundMessage, timeline, explain
//!
//! let app = TestApp::builder()
//!     .set("WORKER_INTERVAL_SECONDS", "5")                 // any setting, as in the environment
//!     .script(|hand_off| Reaction::unavailable())          // what N8N does
//!     .start().await;
//! app.clock.advance(TimeDelta::minutes(3));                // the server's clock
//! let second = TestApp::builder().beside(&app).start().await; // another server on the same database and N8N
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use app::clock::RandomEntropy;
use app::server::{Parts, Server, listen};
use app::settings::{Layers, Settings, Values};
use app::storage::Storage;
use serde_json::{Value, json};
use test_support::database::TestDatabase;
use test_support::scripted_n8n::{CallbackPlan, HandOff, Reaction, ScriptedN8n};

use crate::clock::TestClock;
pub use crate::http::Http;

/// `JWT_SECRET`.
pub const JWT_SECRET: &str = "the-tests-own-jwt-secret";
/// `WORKER_SECRET`.
pub const WORKER_SECRET: &str = "the-tests-own-worker-secret";
/// `N8N_CALLBACK_SECRET`.
pub const CALLBACK_SECRET: &str = "the-tests-own-callback-secret";
/// `SERVICE_TOKEN`.
pub const SERVICE_TOKEN: &str = "the-tests-own-service-token";
/// How long anything is waited for.
pub const PATIENCE: Duration = Duration::from_secs(240);

type Script = Box<dyn Fn(&HandOff) -> Reaction + Send + Sync>;

/// The settings that tests serve with: no quiet hours, no limits, no waits between runs.
pub fn settings(database_url: &str, n8n_url: &str) -> BTreeMap<String, String> {
    let pairs = [
        ("DATABASE_URL", database_url),
        ("BIND_ADDR", "127.0.0.1:0"),
        ("N8N_WEBHOOK_URL", n8n_url),
        ("JWT_SECRET", JWT_SECRET),
        ("WORKER_SECRET", WORKER_SECRET),
        ("N8N_CALLBACK_SECRET", CALLBACK_SECRET),
        ("SERVICE_TOKEN", SERVICE_TOKEN),
        ("OPS_QUIET_HOURS", "off"),
        ("WORKER_RATE_LIMIT_PER_MIN", "0"),
        ("WORKER_RATE_LIMIT_PER_OWNER_PER_MIN", "0"),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// A scripted N8N that accepts everything and calls back SENT.
pub async fn friendly_n8n() -> ScriptedN8n {
    ScriptedN8n::start(friendly).await.unwrap()
}

/// Accepts everything and calls back SENT.
pub fn friendly(_: &HandOff) -> Reaction {
    Reaction::accepted().then(CallbackPlan::sent())
}

/// A server to be started.
#[derive(Default)]
pub struct Builder {
    settings: Values,
    script: Option<Script>,
    database: Option<Arc<TestDatabase>>,
    n8n: Option<Arc<ScriptedN8n>>,
    clock: Option<Arc<TestClock>>,
}

impl Builder {
    /// Sets one setting, as in the environment; an empty value takes it away.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    /// What N8N does with hand-offs.
    pub fn script(mut self, script: impl Fn(&HandOff) -> Reaction + Send + Sync + 'static) -> Self {
        self.script = Some(Box::new(script));
        self
    }

    /// On the database of another server, with its clock and its N8N, which still calls back to that one alone.
    pub fn beside(mut self, other: &TestApp) -> Self {
        self.database = Some(Arc::clone(&other.database));
        self.n8n = Some(Arc::clone(&other.n8n));
        self.clock = Some(Arc::clone(&other.clock));
        self
    }

    /// On this database.
    pub fn database(mut self, database: Arc<TestDatabase>) -> Self {
        self.database = Some(database);
        self
    }

    /// With this N8N, which is not told where to call back.
    pub fn n8n(mut self, n8n: Arc<ScriptedN8n>) -> Self {
        self.n8n = Some(n8n);
        self
    }

    /// Starts it.
    pub async fn start(self) -> TestApp {
        let database = match self.database {
            Some(database) => database,
            None => Arc::new(TestDatabase::create().await),
        };
        let is_own = self.n8n.is_none();
        let n8n = match self.n8n {
            Some(n8n) => n8n,
            None => {
                Arc::new(ScriptedN8n::start(self.script.unwrap_or_else(|| Box::new(friendly))).await.unwrap())
            }
        };
        let clock = self.clock.unwrap_or_default();
        let mut values = settings(database.url(), &n8n.url());
        values.extend(self.settings);
        let settings = Settings::read(&Layers::environment(values)).unwrap();
        let socket = listen(settings.server.bind).unwrap();
        let storage = Storage::open(database.url(), &settings.database).await.unwrap();
        let parts = Parts { clock: clock.clone(), entropy: Arc::new(RandomEntropy::default()) };
        let server = Server::start(&settings, &storage, socket, parts).unwrap();
        let url = server.url();
        if is_own {
            n8n.call_back_to([format!("{url}/api/outbound/callback")], CALLBACK_SECRET);
        }
        TestApp { server: Some(server), http: Http::new(url), storage, database, n8n, clock }
    }
}

/// A server that serves, with all that it works with. Its HTTP is [`Http`]'s, to which it derefs.
pub struct TestApp {
    server: Option<Server>,
    pub http: Http,
    /// The stores, to look behind the back of the server.
    pub storage: Storage,
    /// `database.connect()` for plain SQL.
    pub database: Arc<TestDatabase>,
    pub n8n: Arc<ScriptedN8n>,
    pub clock: Arc<TestClock>,
}

impl TestApp {
    /// One with the settings of [`settings`] and a [`friendly`] N8N.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Stops it as a signal would.
    pub async fn stop(mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }
}

impl std::ops::Deref for TestApp {
    type Target = Http;

    fn deref(&self) -> &Http {
        &self.http
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.engine().shutdown.begin();
        }
    }
}

/// Asks again and again until there is an answer; fails after [`PATIENCE`].
#[track_caller]
pub fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> impl Future<Output = T> {
    let at = std::panic::Location::caller();
    async move {
        let started = Instant::now();
        loop {
            if let Some(found) = probe().await {
                return found;
            }
            assert!(started.elapsed() < PATIENCE, "{at}: not in time: {what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// An SMS with a text of its own to a number of its own.
pub fn sms(number: u32) -> Value {
    json!({"channel": "SMS", "to": format!("09{number:08}"), "text": format!("Chào bạn, tin số {number}")})
}

/// The kinds of a timeline's lines, in order.
pub fn kinds(message: &Value) -> Vec<&str> {
    message["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["kind"].as_str().unwrap_or_default())
        .collect()
}
