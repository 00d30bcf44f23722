//! What templates may be called.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use domain::ids::{MAX_TEXT_ID, TemplateKey};

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

/// A key for a new template: 1 to 64 of `a-z`, `0-9`, `_`, `.` and `-`, so that it reads the same everywhere and can
/// stand in a path.
pub(super) fn new_key(fields: &mut Fields, given: Option<&str>) -> Option<TemplateKey> {
    let given = fields.required("key", given)?;
    let sane = (1..=MAX_TEXT_ID).contains(&given.len())
        && given.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-'))
        // A path of dots alone is resolved away by browsers.
        && given.bytes().any(|b| b != b'.');
    if !sane {
        fields.wrong(
            "key",
            format!("must have 1 to {MAX_TEXT_ID} of the characters a-z, 0-9, `_`, `.` and `-`"),
        );
        return None;
    }
    fields.parse("key", Some(given))
}
