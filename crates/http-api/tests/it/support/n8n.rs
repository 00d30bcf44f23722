//! An N8N that takes everything, and callbacks in their plainest form.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::message::{Callback, Outcome};
use domain::ports::{
    CallbackDecoder, CallbackError, CallbackItemError, DecodedCallbacks, DeliveryGateway, HandOff,
    HandOffAnswer, SignatureError, Trust, WebhookHeaders,
};
use serde_json::Value;
use tokio::sync::Notify;

/// Accepts every hand-off.
pub(crate) struct Accepting;

#[async_trait]
impl DeliveryGateway for Accepting {
    async fn pace(&self) {}

    async fn hand_off(&self, _: HandOff<'_>) -> HandOffAnswer {
        HandOffAnswer::Accepted
    }
}

/// Accepts a hand-off when it is told to.
#[derive(Default)]
pub(crate) struct Holding {
    pub(crate) asked: Notify,
    pub(crate) go_on: Notify,
}

#[async_trait]
impl DeliveryGateway for Holding {
    async fn pace(&self) {}

    async fn hand_off(&self, _: HandOff<'_>) -> HandOffAnswer {
        self.asked.notify_one();
        self.go_on.notified().await;
        HandOffAnswer::Accepted
    }
}

/// Reads `messageId`, `status`, `sentAt` and `attempt`; believes the signature `right`, and `late` where attempts are
/// named.
pub(crate) struct PlainCallbacks;

impl CallbackDecoder for PlainCallbacks {
    fn verify(
        &self,
        headers: &WebhookHeaders<'_>,
        _: &[u8],
        _: DateTime<Utc>,
    ) -> Result<Trust, SignatureError> {
        match headers.signature {
            "right" => Ok(Trust::Whole),
            "late" => Ok(Trust::WhereNamed),
            _ => Err(SignatureError::Mismatch),
        }
    }

    fn decode(&self, body: &[u8]) -> Result<DecodedCallbacks, CallbackError> {
        let value: Value =
            serde_json::from_slice(body).map_err(|error| CallbackError::NotJson(error.to_string()))?;
        let items = match &value {
            Value::Array(items) => items.iter().collect(),
            Value::Object(_) => vec![&value],
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                return Err(CallbackError::NotObject);
            }
        };
        let items = items.into_iter().enumerate().map(|(index, item)| read(index, item)).collect();
        Ok(DecodedCallbacks { is_array: value.is_array(), items })
    }
}

fn read(index: usize, item: &Value) -> Result<(domain::ids::MessageId, Callback), CallbackItemError> {
    let given = item["messageId"].as_str();
    let id = given.and_then(|id| id.parse().ok()).ok_or_else(|| CallbackItemError {
        index,
        message_id: given.map(str::to_owned),
        field: "messageId",
        reason: "must be a UUID".to_owned(),
    })?;
    let outcome = match item["status"].as_str() {
        Some("SENT") => Outcome::Sent {
            provider_message_id: item["providerMessageId"].as_str().map(str::to_owned),
            sent_at: item["sentAt"].as_str().map(|at| at.parse().unwrap()),
        },
        _ => Outcome::Failed { error: "busy".to_owned(), permanent: false },
    };
    let attempt = item["attempt"].as_u64().map(|attempt| attempt.try_into().unwrap());
    Ok((id, Callback { outcome, attempt, lease: None }))
}
