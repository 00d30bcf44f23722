//! The way to N8N: one POST a message (contract §9).

use std::sync::Arc;

use async_trait::async_trait;
use domain::ports::{Clock, DeliveryGateway, HandOff, HandOffAnswer};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, Url};

use crate::classify::{self, About, BodyEnd, Failure, Reply};
use crate::http;
use crate::payload::HandOffBody;
use crate::settings::{N8nSettings, SettingsError};
use crate::signature::Signer;

/// How much of an answer is read. An outcome is far shorter; what N8N adds beyond is left unread.
const MAX_ANSWER: usize = 64 * 1024;

/// Hands messages off to N8N over one pool of connections.
pub struct N8nGateway {
    client: Client,
    url: Url,
    signer: Signer,
    callback_url: Option<String>,
    pace: Option<DefaultDirectRateLimiter>,
    clock: Arc<dyn Clock>,
}

impl N8nGateway {
    /// Sets up the way to N8N; connects to nothing yet.
    ///
    /// rustls' crypto provider must have been installed for the process before, or the HTTP client panics.
    pub fn new(settings: N8nSettings, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        let url = http::address(&settings.webhook_url)?;
        let client = http::client(&url, settings.timeout)?;
        // A burst of one: hand-offs are evenly spaced, and no second holds more than asked for.
        let one = std::num::NonZeroU32::MIN;
        let pace =
            settings.max_per_second.map(|rate| RateLimiter::direct(Quota::per_second(rate).allow_burst(one)));
        Ok(Self {
            client,
            url,
            signer: Signer::new(settings.secrets),
            callback_url: settings.callback_url,
            pace,
            clock,
        })
    }

    async fn post(
        &self,
        key: &str,
        traceparent: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Response, reqwest::Error> {
        let timestamp = self.clock.now().timestamp();
        let mut request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("idempotency-key", key);
        if let Some(traceparent) = traceparent {
            request = request.header("traceparent", traceparent);
        }
        if let Some(signature) = self.signer.sign(key, timestamp, &body) {
            request = request
                .header("webhook-id", key)
                .header("webhook-timestamp", timestamp)
                .header("webhook-signature", signature);
        }
        request.body(body).send().await
    }
}

#[async_trait]
impl DeliveryGateway for N8nGateway {
    async fn pace(&self) {
        if let Some(pace) = &self.pace {
            pace.until_ready().await;
        }
    }

    async fn hand_off(&self, hand_off: HandOff<'_>) -> HandOffAnswer {
        let message = hand_off.message;
        let body = HandOffBody::new(message, hand_off.lease, self.callback_url.as_deref());
        let answer = match serde_json::to_vec(&body) {
            Err(error) => Err(Failure::NotSendable(error.to_string())),
            Ok(body) => {
                let sent = self.post(&message.idempotency_key(), hand_off.traceparent, body).await;
                sent.map_err(|error| failure(&error))
            }
        };
        match answer {
            Err(failure) => {
                tracing::debug!(message_id = %message.id, lease_id = %hand_off.lease, ?failure, "no answer to a hand-off");
                classify::failure(failure)
            }
            Ok(response) => {
                let (status, retry_after) = (response.status().as_u16(), retry_after(&response));
                let (body, end) = read(response).await;
                tracing::debug!(message_id = %message.id, lease_id = %hand_off.lease, status, "hand-off answered");
                let about = About { id: message.id, created_at: message.created_at, now: self.clock.now() };
                classify::reply(
                    &Reply { status, retry_after: retry_after.as_deref(), body: &body, end },
                    &about,
                )
            }
        }
    }
}

fn retry_after(response: &Response) -> Option<String> {
    response.headers().get(RETRY_AFTER)?.to_str().ok().map(str::to_owned)
}

/// Reads the body to its end, as far as it is of use, so that the connection can be used again.
async fn read(mut response: Response) -> (Vec<u8>, BodyEnd) {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(None) => return (body, BodyEnd::Whole),
            Err(_) => return (body, BodyEnd::Broken),
            Ok(Some(chunk)) => {
                let room = MAX_ANSWER - body.len();
                body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
                if chunk.len() > room {
                    return (body, BodyEnd::TooLong);
                }
            }
        }
    }
}

/// Only what can't have reached N8N is told apart: everything else may have.
fn failure(error: &reqwest::Error) -> Failure {
    if error.is_connect() {
        let cause = if error.is_timeout() { "no connection in time".to_owned() } else { http::cause(error) };
        Failure::NotConnected(cause)
    } else if error.is_builder() {
        Failure::NotSendable(http::cause(error))
    } else {
        Failure::NoAnswer
    }
}
