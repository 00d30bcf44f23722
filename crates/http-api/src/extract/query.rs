//! Query strings.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// A query string as `T`, whose fields are `Option<String>`: the values are checked by [`crate::fields::Fields`].
/// Parameters that `T` does not have are ignored: caches and trackers add their own.
pub(crate) struct QueryOf<T>(pub(crate) T);

impl<T: DeserializeOwned + 'static> FromRequest for QueryOf<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let query = request.query_string();
        // Read alone, what is no UTF-8 would come out as other letters, and be looked for.
        if let Some(name) = not_utf8(query) {
            return ready(Err(ApiError::field(name, "must be percent-encoded UTF-8")));
        }
        let read = serde_urlencoded::from_str(query);
        ready(read.map(Self).map_err(|error| ApiError::field("query", error.to_string())))
    }
}

/// The first parameter whose name or value is no UTF-8.
fn not_utf8(query: &str) -> Option<String> {
    let broken = query.split('&').find(|pair| percent_decode_str(pair).decode_utf8().is_err())?;
    let name = broken.split_once('=').map_or(broken, |(name, _)| name);
    Some(percent_decode_str(name).decode_utf8().map_or_else(|_| "query".to_owned(), Into::into))
}
