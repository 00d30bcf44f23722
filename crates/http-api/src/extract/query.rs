//! Query strings.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// A query string as `T`, whose fields are `Option<String>`: the values are checked by [`crate::fields::Fields`].
/// Parameters that `T` does not have are ignored: caches and trackers add their own.
pub(crate) struct QueryOf<T>(pub(crate) T);

impl<T: DeserializeOwned + 'static> FromRequest for QueryOf<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let read = serde_urlencoded::from_str(request.query_string());
        ready(read.map(Self).map_err(|error| ApiError::field("query", error.to_string())))
    }
}
