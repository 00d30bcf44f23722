//! Stands in for N8N where there is none (`N8N_SIMULATOR=on`): nothing is sent to anybody.
//!
//! It takes hand-offs as N8N would and calls back over HTTP like N8N, so that what is tried out is the real way round.
//! The last four digits of the recipient choose what becomes of a message, see [`ENDINGS`].

mod ending;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::SecondsFormat;
use domain::message::Message;
use domain::ports::{Clock, DeliveryGateway, HandOff, HandOffAnswer};
use reqwest::{Client, Url};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::http;
use crate::settings::SettingsError;

pub use ending::{ENDINGS, Ending};

/// How often a callback is tried while this server does not take it.
const TRIES: u32 = 5;
/// The wait before the second try; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest that one callback may take.
const CALLBACK_TIMEOUT: Duration = Duration::from_secs(10);

/// How the simulator calls back.
pub struct SimulatorSettings {
    /// This server's own `/api/outbound/callback`.
    pub callback_url: String,
    /// `N8N_CALLBACK_SECRET`.
    pub callback_secret: String,
    /// The time from a hand-off to its callback.
    pub delay: Duration,
    /// The same for a recipient that ends in [`Ending::Slow`]'s digits.
    pub slow_delay: Duration,
}

impl SimulatorSettings {
    /// Calls back after 300 ms, or after 20 s when slow.
    pub fn new(callback_url: impl Into<String>, callback_secret: impl Into<String>) -> Self {
        Self {
            callback_url: callback_url.into(),
            callback_secret: callback_secret.into(),
            delay: Duration::from_millis(300),
            slow_delay: Duration::from_secs(20),
        }
    }
}

/// A gateway that sends nothing and calls back all the same.
pub struct SimulatorGateway {
    caller: Arc<Caller>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

struct Caller {
    client: Client,
    url: Url,
    settings: SimulatorSettings,
    clock: Arc<dyn Clock>,
}

impl SimulatorGateway {
    /// Sets the simulator up; the same conditions as for [`crate::N8nGateway::new`].
    pub fn new(settings: SimulatorSettings, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        let url = http::address(&settings.callback_url)?;
        let client = http::client(&url, CALLBACK_TIMEOUT)?;
        let caller = Arc::new(Caller { client, url, settings, clock });
        Ok(Self { caller, tasks: TaskTracker::new(), stop: CancellationToken::new() })
    }

    /// Gives up the callbacks that are still to come and waits until nothing is under way. The server calls it when
    /// it shuts down.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

#[async_trait]
impl DeliveryGateway for SimulatorGateway {
    async fn pace(&self) {}

    async fn hand_off(&self, hand_off: HandOff<'_>) -> HandOffAnswer {
        let message = hand_off.message;
        let ending = Ending::of(message);
        tracing::debug!(message_id = %message.id, ?ending, "simulated: nothing is sent");
        if ending == Ending::NotAccepted {
            return HandOffAnswer::NotAccepted {
                error: "simulated: N8N answered 503".to_owned(),
                retry_after: None,
            };
        }
        if let Some(body) = callback(ending, message, hand_off) {
            let (caller, stop) = (Arc::clone(&self.caller), self.stop.clone());
            self.tasks.spawn(async move {
                stop.run_until_cancelled(caller.call_back(ending, body)).await;
            });
        }
        HandOffAnswer::Accepted
    }
}

/// What is called back with; nothing for the ending that never is.
fn callback(ending: Ending, message: &Message, hand_off: HandOff<'_>) -> Option<Value> {
    let outcome = match ending {
        Ending::Never | Ending::NotAccepted => return None,
        Ending::Sent | Ending::Slow | Ending::Twice => json!({"status": "SENT"}),
        Ending::Failed => json!({"status": "FAILED", "error": "simulated: the provider failed"}),
        Ending::FailedForGood => {
            json!({"status": "FAILED", "error": "simulated: the number does not exist", "permanent": true})
        }
        Ending::Skipped => json!({"status": "SKIPPED", "error": "simulated: the recipient blocked us"}),
    };
    let mut body = json!({
        "messageId": message.id.to_string(),
        "attempt": message.attempt,
        "leaseId": hand_off.lease.to_string(),
        "providerMessageId": format!("simulated-{}", message.id),
    });
    if let (Value::Object(body), Value::Object(outcome)) = (&mut body, outcome) {
        body.extend(outcome);
    }
    Some(body)
}

impl Caller {
    async fn call_back(&self, ending: Ending, mut body: Value) {
        let slow = ending == Ending::Slow;
        tokio::time::sleep(if slow { self.settings.slow_delay } else { self.settings.delay }).await;
        if let Some(body) = body.as_object_mut() {
            let now = self.clock.now().to_rfc3339_opts(SecondsFormat::Millis, true);
            body.insert("sentAt".to_owned(), now.into());
        }
        for _ in 0..if ending == Ending::Twice { 2 } else { 1 } {
            self.deliver(&body).await;
        }
    }

    /// Tries until this server takes the callback, or says that it never will.
    async fn deliver(&self, body: &Value) {
        let mut wait = FIRST_WAIT;
        for _ in 1..TRIES {
            if self.post(body).await {
                return;
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        if !self.post(body).await {
            tracing::warn!(message_id = %body["messageId"], "a simulated callback was not taken");
        }
    }

    /// Whether there is no use in another try.
    async fn post(&self, body: &Value) -> bool {
        let request =
            self.client.post(self.url.clone()).header("x-callback-secret", &self.settings.callback_secret);
        match request.json(body).send().await {
            Ok(response) => {
                let status = response.status();
                if status.is_client_error() {
                    tracing::warn!(message_id = %body["messageId"], %status, "a simulated callback was refused");
                }
                // To its end, so that the connection can be used again.
                let _ = response.bytes().await;
                !status.is_server_error() && status.as_u16() != 429
            }
            Err(_) => false,
        }
    }
}
