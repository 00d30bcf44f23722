//! The API over a store in memory, with a clock that stands still.

mod backend;
mod meter;
mod n8n;
pub(crate) mod people;

use std::sync::Arc;
use std::time::Duration;

use actix_web::body::to_bytes;
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, http::StatusCode};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::policy::circuit::CircuitSettings;
use domain::policy::quiet_hours::QuietHours;
use domain::policy::rate_limit::RateLimit;
use domain::policy::retry::{HandoffBackoff, RetryPolicy};
use domain::rules::{CallbackTimeoutAction, Limits, Rules};
use domain::usecase::run_worker::Stopping;
use futures_util::future::join_all;
use http_api::{
    Api, AuthSettings, Background, Gate, Hs256, Readiness, Secrets, WorkerDefaults, around, configure,
};
use jsonwebtoken::{EncodingKey, Header, encode};
use memory_store::{ManualClock, SteadyEntropy};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

pub(crate) use self::backend::{Fault, TestBackend};
pub(crate) use self::meter::NotingMeter;
pub(crate) use self::n8n::Holding;
use self::n8n::{Accepting, PlainCallbacks};

/// What the test tokens are signed with.
pub(crate) const JWT_SECRET: &str = "jwt-old";
/// The worker secret.
pub(crate) const WORKER: (&str, &str) = ("x-worker-secret", "worker-secret");
/// The callback secret.
pub(crate) const CALLBACK: (&str, &str) = ("x-callback-secret", "callback-secret");

/// Noon in Hà Nội, outside the quiet hours.
pub(crate) fn noon() -> DateTime<Utc> {
    "2026-05-04T05:00:00Z".parse().unwrap()
}

/// An answer, read in full.
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answered {
    /// A header as text; empty where it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The error's code; empty where there is no error.
    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    /// Status and code, for comparing with the table.
    pub(crate) fn outcome(&self) -> (u16, &str) {
        (self.status.as_u16(), self.code())
    }
}

/// The API under test.
pub(crate) struct TestApi {
    pub(crate) backend: Arc<TestBackend>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) tasks: TaskTracker,
    pub(crate) meter: Arc<NotingMeter>,
    pub(crate) api: Api,
}

struct Never;

impl Stopping for Never {
    fn is_stopping(&self) -> bool {
        false
    }
}

struct FromBackend(Arc<TestBackend>);

#[async_trait]
impl Readiness for FromBackend {
    async fn ready(&self) -> Result<(), String> {
        self.0.check().map_err(|_| "the database can't be reached".to_owned())
    }
}

impl TestApi {
    /// With every secret set.
    pub(crate) fn new() -> Self {
        Self::with(AuthSettings {
            tokens: Some(Arc::new(Hs256::parse("jwt-new,jwt-old").unwrap())),
            worker: Secrets::parse(WORKER.1),
            callback: Secrets::parse("callback-old,callback-secret"),
            service: Secrets::parse("service-token"),
            metrics: Secrets::parse("metrics-old,metrics-token"),
            is_fronted: false,
            requests_per_second: None,
        })
    }

    /// With these settings.
    pub(crate) fn with(auth: AuthSettings) -> Self {
        let backend = Arc::new(TestBackend::default());
        let clock = Arc::new(ManualClock::at(noon()));
        let tasks = TaskTracker::new();
        let meter = Arc::new(NotingMeter::default());
        let zone = chrono_tz::Asia::Ho_Chi_Minh;
        let api = Api {
            backend: backend.clone(),
            rules: Arc::new(rules(QuietHours::new(zone, None))),
            clock: clock.clone(),
            entropy: Arc::new(SteadyEntropy::default()),
            gateway: Some(Arc::new(Accepting)),
            callbacks: Arc::new(PlainCallbacks),
            stopping: Arc::new(Never),
            gate: Arc::new(Gate::new(auth)),
            worker: WorkerDefaults { batch: 50, concurrency: 5 },
            readiness: Arc::new(FromBackend(backend.clone())),
            meter: meter.clone(),
            tracer: None,
            background: Background::new(Handle::current(), tasks.clone()),
            body_within: Duration::from_secs(60),
            is_behind_tls: false,
            callback_url: None,
            simulator: false,
        };
        Self { backend, clock, tasks, meter, api }
    }

    /// Sends a request and reads the answer.
    pub(crate) async fn send(&self, request: TestRequest) -> Answered {
        self.send_at_once(vec![request]).await.remove(0)
    }

    /// Sends requests at once to one server, and reads the answers in their order.
    pub(crate) async fn send_at_once(&self, requests: Vec<TestRequest>) -> Vec<Answered> {
        let app = App::new().wrap(from_fn(around)).configure(configure(self.api.clone()));
        let service = init_service(app).await;
        let calls = requests.into_iter().map(async |request| {
            let response = call_service(&service, request.to_request()).await;
            let (status, headers) = (response.status(), response.headers().clone());
            let bytes = to_bytes(response.into_body()).await.unwrap_or_default();
            Answered { status, headers, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
        });
        join_all(calls).await
    }

    /// GET as an admin.
    pub(crate) async fn get(&self, path: &str) -> Answered {
        self.send(request(Method::GET, path).insert_header(bearer("admin"))).await
    }

    /// POST of bytes as an admin.
    pub(crate) async fn post(&self, path: &str, body: impl Into<Vec<u8>>) -> Answered {
        self.send(request(Method::POST, path).insert_header(bearer("admin")).set_payload(body.into())).await
    }

    /// POST of JSON as an admin.
    pub(crate) async fn post_json(&self, path: &str, body: &Value) -> Answered {
        self.post(path, body.to_string()).await
    }

    /// POST of JSON with one header.
    pub(crate) async fn post_with(&self, path: &str, header: (&str, &str), body: &Value) -> Answered {
        self.send(with_header(path, header, body)).await
    }

    /// Queues an SMS and answers its id.
    pub(crate) async fn queued(&self, to: &str) -> String {
        let answer = self
            .post_json("/api/outbound/messages", &json!({"channel": "SMS", "text": "Chào", "to": to}))
            .await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body["outboundMessage"]["id"].as_str().unwrap().to_owned()
    }
}

/// A POST of JSON with one header.
pub(crate) fn with_header(path: &str, header: (&str, &str), body: &Value) -> TestRequest {
    request(Method::POST, path).insert_header(header.to_owned_pair()).set_payload(body.to_string())
}

trait OwnedPair {
    fn to_owned_pair(&self) -> (String, String);
}

impl OwnedPair for (&str, &str) {
    fn to_owned_pair(&self) -> (String, String) {
        (self.0.to_owned(), self.1.to_owned())
    }
}

/// A request from somewhere.
pub(crate) fn request(method: Method, path: &str) -> TestRequest {
    TestRequest::default().method(method).uri(path).peer_addr("192.0.2.7:4000".parse().unwrap())
}

/// A token's claims that are all right.
pub(crate) fn claims(role: &str) -> Value {
    json!({"sub": "u1", "role": role, "exp": (noon() + TimeDelta::days(2)).timestamp()})
}

/// A token with these claims.
pub(crate) fn token(claims: &Value, secret: &str) -> String {
    encode(&Header::default(), claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

/// The header of a user with this role.
pub(crate) fn bearer(role: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {}", token(&claims(role), JWT_SECRET)))
}

/// Rules as by default, with these quiet hours.
pub(crate) fn rules(quiet_hours: QuietHours) -> Rules {
    Rules {
        retry: RetryPolicy::parse("2m,10m,60m").unwrap(),
        handoff_backoff: HandoffBackoff,
        quiet_hours,
        limits: Limits { global: RateLimit::per_minute(0), per_owner: RateLimit::per_minute(0) },
        circuit: CircuitSettings::default(),
        lease_for: TimeDelta::seconds(60),
        callback_timeout: TimeDelta::seconds(900),
        callback_timeout_action: CallbackTimeoutAction::Hold,
        max_run: TimeDelta::seconds(25),
        handoff_timeout: TimeDelta::seconds(10),
        dedupe_days: 1,
    }
}
