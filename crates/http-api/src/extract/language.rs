//! The language that the caller reads.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::ACCEPT_LANGUAGE;
use actix_web::{FromRequest, HttpRequest};
use domain::explain::Language;

use crate::error::ApiError;

/// The language of sentences for people, by `Accept-Language`.
pub(crate) struct InLanguage(pub(crate) Language);

impl FromRequest for InLanguage {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let header = request.headers().get(ACCEPT_LANGUAGE).and_then(|header| header.to_str().ok());
        ready(Ok(Self(Language::accepted(header.unwrap_or_default()))))
    }
}
