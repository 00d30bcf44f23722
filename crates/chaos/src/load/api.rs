//! The servers as their clients see them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::journal::Journal;
use crate::moment::{Moment, SECOND};
use crate::settings::{JWT_SECRET, SERVICE_TOKEN, WORKER_SECRET};

/// How long a token is good for: the servers' clock runs ahead by many days.
const TOKEN_DAYS: i64 = 1_000;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum As {
    /// An admin.
    Admin,
    /// A telesales person: the owner of this id.
    Owner(String),
    /// The CRM itself.
    Service,
    /// N8N, which runs the worker.
    Worker,
}

/// One request, which can be sent again.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Its method.
    pub method: Method,
    /// Its path with its query.
    pub path: String,
    /// Who asks.
    pub by: As,
    /// Its `Idempotency-Key`.
    pub key: Option<String>,
    /// Its body.
    pub body: Option<Value>,
}

impl Ask {
    /// A GET.
    pub fn get(path: impl Into<String>, by: As) -> Self {
        Self { method: Method::GET, path: path.into(), by, key: None, body: None }
    }

    /// A POST.
    pub fn post(path: impl Into<String>, by: As, body: Value) -> Self {
        Self { method: Method::POST, path: path.into(), by, key: None, body: Some(body) }
    }

    /// The same with a key.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self }
    }
}

/// What a server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body; null when it is no JSON.
    pub body: Value,
}

impl Answer {
    /// Whether the same request may fare better later.
    fn is_passing(&self) -> bool {
        let running = self.status == 409
            && self.body["error"]["code"] == "IDEMPOTENCY_CONFLICT"
            && self.body["error"]["message"].as_str().is_some_and(|text| text.contains("still at work"));
        running || self.status == 429 || self.status >= 500
    }
}

/// The servers behind one another.
#[derive(Clone)]
pub struct Api {
    client: Client,
    urls: Arc<Vec<String>>,
    turn: Arc<AtomicUsize>,
    journal: Arc<Journal>,
}

impl Api {
    /// The servers at these addresses.
    pub fn new(client: Client, urls: Vec<String>, journal: Arc<Journal>) -> Self {
        Self { client, urls: Arc::new(urls), turn: Arc::default(), journal }
    }

    /// Asks the next server once; `None` where no answer came in time.
    pub async fn once(&self, ask: &Ask, limit: Duration) -> Option<Answer> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let url = self.urls.get(turn % self.urls.len().max(1))?;
        let mut request =
            self.client.request(ask.method.clone(), format!("{url}{}", ask.path)).timeout(limit);
        request = match &ask.by {
            As::Admin => request.bearer_auth(token("admin", "chaos-admin").ok()?),
            As::Owner(owner) => request.bearer_auth(token("telesales", owner).ok()?),
            As::Service => request.header("x-service-token", SERVICE_TOKEN),
            As::Worker => request.header("x-worker-secret", WORKER_SECRET),
        };
        if let Some(key) = &ask.key {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = &ask.body {
            request = request.json(body);
        }
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        let request_id =
            response.headers().get("x-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
        let body = response.bytes().await.ok()?;
        if status == 500 {
            let id = request_id.unwrap_or_default();
            self.journal.misbehaviour(format!("500 from {} {} (request {id})", ask.method, ask.path));
        }
        Some(Answer { status, body: serde_json::from_slice(&body).unwrap_or(Value::Null) })
    }

    /// Asks server after server until one gives an answer that will not pass.
    pub async fn insist(&self, ask: &Ask, patience: Duration) -> Option<Answer> {
        self.insist_from(ask, Duration::from_secs(10), patience).await
    }

    /// The same, with less time for the first try.
    pub async fn insist_from(&self, ask: &Ask, first: Duration, patience: Duration) -> Option<Answer> {
        let end = Instant::now() + patience;
        let (mut limit, mut wait) = (first, Duration::from_millis(60));
        loop {
            if let Some(answer) = self.once(ask, limit).await
                && !answer.is_passing()
            {
                return Some(answer);
            }
            if Instant::now() >= end {
                return None;
            }
            self.journal.count("requests sent again");
            tokio::time::sleep(wait).await;
            (limit, wait) = (Duration::from_secs(10), (wait * 2).min(Duration::from_secs(1)));
        }
    }
}

fn token(role: &str, subject: &str) -> anyhow::Result<String> {
    let exp = Moment::now().0 / SECOND + TOKEN_DAYS * 24 * 3_600;
    let claims = json!({"sub": subject, "role": role, "exp": exp});
    let key = EncodingKey::from_secret(JWT_SECRET.as_bytes());
    encode(&Header::new(Algorithm::HS256), &claims, &key).context("cannot sign a token")
}
