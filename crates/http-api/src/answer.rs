//! Answers to requests that change something: plain values, so that they can be kept and given again.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use actix_web::{HttpRequest, HttpResponse, Responder};
use domain::ports::StoredAnswer;
use serde::{Deserialize, Serialize};

use crate::error::ApiError;

/// The header that tells an answer that was given before.
const REPLAYED: &str = "idempotency-replayed";

/// A successful answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    location: Option<String>,
    /// The JSON text.
    body: String,
    #[serde(skip)]
    replayed: bool,
}

impl Answer {
    /// 200 with a body.
    pub(crate) fn ok(body: &impl Serialize) -> Result<Self, ApiError> {
        Self::new(StatusCode::OK, None, body)
    }

    /// 201 with a body, and where the new thing is.
    pub(crate) fn created(location: String, body: &impl Serialize) -> Result<Self, ApiError> {
        Self::new(StatusCode::CREATED, Some(location), body)
    }

    /// 201 with a body, for new things that have no single place.
    pub(crate) fn created_several(body: &impl Serialize) -> Result<Self, ApiError> {
        Self::new(StatusCode::CREATED, None, body)
    }

    /// 204.
    pub(crate) const fn none() -> Self {
        Self { status: 204, location: None, body: String::new(), replayed: false }
    }

    fn new(status: StatusCode, location: Option<String>, body: &impl Serialize) -> Result<Self, ApiError> {
        let body = json(body)?;
        Ok(Self { status: status.as_u16(), location, body, replayed: false })
    }

    /// As it is kept.
    pub(crate) fn stored(&self) -> Result<StoredAnswer, ApiError> {
        json(self).map(StoredAnswer)
    }

    /// As it was kept.
    pub(crate) fn replay(stored: &StoredAnswer) -> Result<Self, ApiError> {
        let answer: Self = serde_json::from_str(&stored.0)
            .map_err(|error| ApiError::Internal(format!("a kept answer can't be read: {error}")))?;
        Ok(Self { replayed: true, ..answer })
    }
}

/// The JSON of a view.
pub(crate) fn json(view: &impl Serialize) -> Result<String, ApiError> {
    serde_json::to_string(view)
        .map_err(|error| ApiError::Internal(format!("an answer can't be written: {error}")))
}

impl Responder for Answer {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = HttpResponse::build(status);
        response.insert_header((CONTENT_TYPE, "application/json"));
        if let Some(location) = self.location {
            response.insert_header((LOCATION, location));
        }
        if self.replayed {
            response.insert_header((REPLAYED, "true"));
        }
        response.body(self.body)
    }
}
