//! A server as its clients see it, be it in this process or in another.

use app::token::{Holder, issue};
use chrono::TimeDelta;
use domain::access::Role;
use domain::ports::Clock as _;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

use crate::support::{CALLBACK_SECRET, JWT_SECRET, PATIENCE, WORKER_SECRET, eventually};

/// What a server answered.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    /// `null` when it is no JSON.
    pub body: Value,
}

impl Answer {
    /// The body, or the end of the test when the status is another one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }
}

/// A server with the secrets of [`crate::support::settings`].
#[derive(Debug, Clone)]
pub struct Http {
    pub url: String,
    pub client: Client,
}

impl Http {
    pub fn new(url: String) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().tls_certs_only([]).timeout(PATIENCE * 2).build().unwrap();
        Self { url, client }
    }

    /// A token that is good for as far as a test may move the clock.
    pub fn token(&self, role: Role, subject: &str, branch: Option<&str>) -> String {
        let holder =
            Holder { subject: subject.to_owned(), role, branch: branch.map(str::to_owned), name: None };
        let now = app::clock::SystemClock.now();
        issue(JWT_SECRET, &holder, now, TimeDelta::days(400)).unwrap()
    }

    pub fn admin(&self) -> String {
        self.token(Role::Admin, "admin", None)
    }

    /// A request without any credentials.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        answer(self.request(Method::GET, path).bearer_auth(token)).await
    }

    pub async fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        answer(self.request(Method::POST, path).bearer_auth(token).json(body)).await
    }

    /// Queues a message as an admin, and answers its id; also when it is skipped.
    #[track_caller]
    pub fn create(&self, body: Value) -> impl Future<Output = String> {
        let at = std::panic::Location::caller();
        async move {
            let answer = self.post("/api/outbound/messages", &self.admin(), &body).await;
            assert!(matches!(answer.status, 200 | 201), "{at}: {} {}", answer.status, answer.body);
            answer.body["outboundMessage"]["id"].as_str().unwrap().to_owned()
        }
    }

    /// Runs the worker with this body and expects it to run.
    pub async fn run_worker(&self, body: Value) -> Value {
        self.post_worker(&body).await.expect(200)
    }

    pub async fn post_worker(&self, body: &Value) -> Answer {
        let request =
            self.request(Method::POST, "/api/worker/outbound").header("x-worker-secret", WORKER_SECRET);
        answer(request.json(body)).await
    }

    pub async fn callback(&self, body: &Value) -> Answer {
        let request =
            self.request(Method::POST, "/api/outbound/callback").header("x-callback-secret", CALLBACK_SECRET);
        answer(request.json(body)).await
    }

    /// `{outboundMessage, timeline, explain}`.
    pub async fn message(&self, id: &str) -> Value {
        self.get(&format!("/api/outbound/messages/{id}"), &self.admin()).await.expect(200)
    }

    /// How many messages have a status.
    pub async fn count(&self, status: &str) -> u64 {
        let path = format!("/api/outbound/messages?pageSize=1&status={status}");
        self.get(&path, &self.admin()).await.expect(200)["total"].as_u64().unwrap()
    }

    /// Waits until a message has this status.
    pub async fn wait_for_status(&self, id: &str, status: &str) -> Value {
        eventually(&format!("{id} is {status}"), async || {
            let message = self.message(id).await;
            (message["outboundMessage"]["status"] == status).then_some(message)
        })
        .await
    }

    /// Waits until `/readyz` says so.
    pub async fn wait_until_ready(&self) {
        eventually("the server is ready", async || {
            let answer = self.request(Method::GET, "/readyz").send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    }
}

/// Sends a request and reads the answer.
pub async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.bytes().await.unwrap();
    Answer { status, headers, body: serde_json::from_slice(&body).unwrap_or(Value::Null) }
}

/// The same, of a server that may die meanwhile.
pub async fn try_answer(request: RequestBuilder) -> Option<Answer> {
    let response = request.send().await.ok()?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.bytes().await.ok()?;
    Some(Answer { status, headers, body: serde_json::from_slice(&body).ok()? })
}
