//! What N8N calls back with (contract §9).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::ids::MessageId;
use domain::message::Callback;
use domain::ports::{
    CallbackDecoder, CallbackError, CallbackItemError, DecodedCallbacks, MAX_CALLBACKS, SignatureError,
    Trust, WebhookHeaders,
};
use serde_json::Value;

use crate::fields::{self, BadField, Object};
use crate::json;
use crate::replay::{self, Seen};
use crate::signature::{Secret, Signer};

/// Reads N8N's callbacks, and believes those that are signed with one of the secrets.
#[derive(Debug, Clone, Default)]
pub struct N8nCallbacks {
    signer: Signer,
    seen: Arc<Seen>,
}

impl N8nCallbacks {
    /// With the secrets that a callback may be signed with; without any, none is believed by its signature.
    pub fn new(secrets: Vec<Secret>) -> Self {
        Self { signer: Signer::new(secrets), seen: Arc::default() }
    }
}

impl CallbackDecoder for N8nCallbacks {
    fn verify(
        &self,
        headers: &WebhookHeaders<'_>,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Trust, SignatureError> {
        self.signer.verify(headers, body, now)?;
        if self.seen.lets_in(headers.id, headers.timestamp, body, now.timestamp()) {
            return Ok(if replay::is_fresh(headers, now) { Trust::Whole } else { Trust::WhereNamed });
        }
        tracing::warn!(
            webhook_id = headers.id,
            "a signed callback came again long after the first time: a replay"
        );
        Err(SignatureError::TooOld)
    }

    fn decode(&self, body: &[u8]) -> Result<DecodedCallbacks, CallbackError> {
        match json::parse(body).map_err(|error| CallbackError::NotJson(error.to_string()))? {
            Value::Object(object) => {
                Ok(DecodedCallbacks { is_array: false, items: vec![item(0, Some(&object))] })
            }
            Value::Array(items) if items.len() > MAX_CALLBACKS => Err(CallbackError::TooMany(items.len())),
            Value::Array(items) => {
                let items =
                    items.iter().enumerate().map(|(index, value)| item(index, value.as_object())).collect();
                Ok(DecodedCallbacks { is_array: true, items })
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                Err(CallbackError::NotObject)
            }
        }
    }
}

fn item(index: usize, object: Option<&Object>) -> Result<(MessageId, Callback), CallbackItemError> {
    let read = object.ok_or_else(|| BadField::new("", "must be an object")).and_then(read);
    read.map_err(|BadField { field, reason }| {
        let given = object.and_then(|object| fields::present(object, "messageId")).and_then(Value::as_str);
        CallbackItemError { index, message_id: given.map(|text| fields::clean(text, 64)), field, reason }
    })
}

fn read(object: &Object) -> Result<(MessageId, Callback), BadField> {
    let id = fields::present(object, "messageId").ok_or_else(|| BadField::new("messageId", "is missing"))?;
    let id = id.as_str().and_then(|text| text.trim().parse().ok());
    let id = id.ok_or_else(|| BadField::new("messageId", "must be the messageId of the hand-off"))?;
    let outcome = fields::outcome(object)?;
    Ok((id, Callback { outcome, attempt: fields::attempt(object)?, lease: fields::lease(object)? }))
}

#[cfg(test)]
mod tests;
