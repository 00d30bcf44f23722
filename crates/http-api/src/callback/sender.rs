//! Whether a callback comes from N8N.

use actix_web::dev::Payload;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use domain::ports::{SignatureError, Trust, WebhookHeaders};
use futures_util::future::LocalBoxFuture;

use crate::api::Api;
use crate::error::ApiError;
use crate::extract::{api, read};

/// The largest body, in bytes: a thousand callbacks with what N8N adds to them.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The body of a request that carries the callback secret, or a signature in its place; and how far it is believed.
pub(crate) struct FromN8n(pub(crate) Bytes, pub(crate) Trust);

impl FromRequest for FromN8n {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let body = read(&request, payload.take(), MAX_BYTES);
        Box::pin(async move {
            let api = api(&request)?;
            if api.gate.callback(&request)? {
                return Ok(Self(body.await?, Trust::Whole));
            }
            let headers = signature(&request).ok_or_else(|| api.gate.no_callback_secret())?;
            let body = body.await?;
            let trust = check(api, &request, &headers, &body)?;
            Ok(Self(body, trust))
        })
    }
}

/// The Standard Webhooks headers, where all three are there.
fn signature(request: &HttpRequest) -> Option<WebhookHeaders<'_>> {
    let header = |name: &str| request.headers().get(name)?.to_str().ok();
    Some(WebhookHeaders {
        id: header("webhook-id")?,
        timestamp: header("webhook-timestamp")?,
        signature: header("webhook-signature")?,
    })
}

fn check(
    api: &Api,
    request: &HttpRequest,
    headers: &WebhookHeaders<'_>,
    body: &[u8],
) -> Result<Trust, ApiError> {
    api.callbacks.verify(headers, body, api.clock.now()).or_else(|error| {
        match error {
            SignatureError::Mismatch => api.gate.wrong_guess(request)?,
            SignatureError::NoSecret
            | SignatureError::Timestamp
            | SignatureError::TooOld
            | SignatureError::InFuture => {}
        }
        Err(ApiError::Forbidden(error.to_string().into()))
    })
}
