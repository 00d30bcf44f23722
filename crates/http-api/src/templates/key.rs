//! What templates may be called.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use domain::ids::TemplateKey;
use domain::template;

use crate::error::ApiError;
use crate::fields::Fields;

/// The path's `{key}`. What can't be a key names nothing: 404.
pub(crate) struct PathKey(pub(crate) TemplateKey);

impl FromRequest for PathKey {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let key = request.match_info().get("key").and_then(|key| key.parse().ok());
        ready(key.map(Self).ok_or_else(|| unknown("there is nothing with this key")))
    }
}

/// There is no template of this key.
pub(super) fn unknown(message: &'static str) -> ApiError {
    ApiError::NotFound(message.into())
}

/// A key for a new template.
pub(super) fn new_key(fields: &mut Fields, given: Option<&str>) -> Option<TemplateKey> {
    match template::new_key(fields.required("key", given)?) {
        Ok(key) => Some(key),
        Err(error) => {
            fields.wrong("key", error.to_string());
            None
        }
    }
}
