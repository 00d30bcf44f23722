//! The pages at `/outbound`, wired to the same stores, rules and token checks as the API.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::access::Caller;
use http_api::{Gate, TokenVerifier};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use web_ui::{Background, DemoLogin, Pages, TokenError, Workflows};

use crate::engine::Engine;
use crate::settings::Settings;
use crate::storage::Storage;

/// What the pages work with. `demo_logins` is empty but in the demo.
pub(crate) fn pages(
    settings: &Settings,
    storage: &Storage,
    engine: &Engine,
    tokens: Option<Arc<dyn TokenVerifier>>,
    gate: Arc<Gate>,
    runs: TaskTracker,
    demo_logins: Vec<DemoLogin>,
) -> Pages {
    Pages {
        stores: Arc::clone(&engine.stores),
        idempotency: Arc::new(storage.store.clone()),
        rules: Arc::clone(&engine.rules),
        clock: Arc::clone(&engine.clock),
        entropy: Arc::clone(&engine.entropy),
        gateway: engine.gateway.clone(),
        simulator: settings.n8n.simulator,
        concurrency: settings.worker.concurrency,
        stopping: Arc::new(engine.shutdown.clone()),
        background: Background::new(Handle::current(), runs),
        tokens: tokens.map(|tokens| Arc::new(SameTokens(tokens, gate)) as Arc<dyn web_ui::TokenVerifier>),
        secure_cookies: settings.server.is_behind_tls(),
        workflows: Workflows {
            webhook_url: settings.n8n.webhook_url.as_ref().map(ToString::to_string),
            base_url: settings.server.public_url.as_ref().map(ToString::to_string),
            export: Arc::new(|webhook, base| {
                n8n_pack::export(webhook, base).map_err(|error| error.to_string())
            }),
        },
        demo_logins,
    }
}

/// The API's own check, and its limit.
struct SameTokens(Arc<dyn TokenVerifier>, Arc<Gate>);

#[async_trait]
impl web_ui::TokenVerifier for SameTokens {
    async fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<Caller, TokenError> {
        self.0.verify(token, now).await.map_err(|error| match error {
            http_api::TokenError::Refused(_) => TokenError::Refused,
            http_api::TokenError::Unavailable(cause) => TokenError::Unavailable(cause),
        })
    }

    fn admit(&self, caller: &Caller) -> Result<(), u64> {
        self.1.pace(caller.subject.as_str()).map_err(|error| error.retry_after().unwrap_or(1))
    }
}
