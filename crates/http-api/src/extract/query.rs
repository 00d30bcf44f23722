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
        ready(read.map(Self).map_err(|error| unreadable(&error.to_string())))
    }
}

fn unreadable(reason: &str) -> ApiError {
    match given_twice(reason) {
        Some(name) => ApiError::field(name, "is given more than once"),
        None => ApiError::field("query", reason),
    }
}

/// The field that serde complains about where one is given twice.
pub(super) fn given_twice(reason: &str) -> Option<&str> {
    reason.strip_prefix("duplicate field `")?.strip_suffix('`')
}

/// Refuses a query that asks for a dry run where there is none, or in other letters than those that are read: to pass
/// over it would do what was only asked about.
pub(super) fn no_stray_dry_run(query: &str, has_dry_run: bool) -> Result<(), ApiError> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    let means_dry_run = |name: &str| {
        let letters = name.chars().filter(char::is_ascii_alphabetic);
        letters.map(|c| c.to_ascii_lowercase()).eq("dryrun".chars())
    };
    let is_read = |name: &str| has_dry_run && name == "dryRun";
    let stray = pairs.into_iter().find(|(name, value)| {
        means_dry_run(name) && !is_read(name) && !matches!(value.as_str(), "" | "false")
    });
    match stray {
        None => Ok(()),
        Some((name, _)) if has_dry_run => Err(ApiError::field(name, "is written dryRun")),
        Some((name, _)) => {
            Err(ApiError::field(name, "is not read in the query of this endpoint; nothing was done"))
        }
    }
}

/// The first parameter whose name or value is no UTF-8.
fn not_utf8(query: &str) -> Option<String> {
    let broken = query.split('&').find(|pair| percent_decode_str(pair).decode_utf8().is_err())?;
    let name = broken.split_once('=').map_or(broken, |(name, _)| name);
    Some(percent_decode_str(name).decode_utf8().map_or_else(|_| "query".to_owned(), Into::into))
}
