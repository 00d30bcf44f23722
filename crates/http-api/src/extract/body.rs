//! JSON bodies, read in full and checked by name.

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_ENCODING;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;

use super::Strict;
use super::query::{given_twice, no_stray_dry_run};
use crate::error::{ApiError, FieldProblem};

/// The largest body of an ordinary request, in bytes.
const MAX_BYTES: usize = 1024 * 1024;
/// The longest reason that an answer gives, in characters: it may quote what it complains about.
const MAX_REASON: usize = 200;

/// A type that a body is read as.
pub(crate) trait Form: DeserializeOwned + 'static {
    /// The largest body, in bytes.
    const MAX_BYTES: usize = MAX_BYTES;
    /// Whether no body at all means `{}`: where every field is optional. Malformed bodies are refused everywhere.
    const MAY_BE_EMPTY: bool = false;
    /// Whether its endpoint has `?dryRun=true`.
    const HAS_DRY_RUN: bool = false;
}

/// A body as `T`, with its bytes: those are what an idempotency key belongs to.
pub(crate) struct Body<T> {
    /// What it says.
    pub(crate) form: T,
    /// As it came.
    pub(crate) raw: Bytes,
}

impl<T: Form> FromRequest for Body<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let stray = no_stray_dry_run(request.query_string(), T::HAS_DRY_RUN);
        let bytes = read(request, payload.take(), T::MAX_BYTES);
        Box::pin(async move {
            stray?;
            let raw = bytes.await?;
            let form = parse(&raw)?;
            Ok(Self { form, raw })
        })
    }
}

/// Reads a body of at most `limit` bytes.
pub(crate) fn read(
    request: &HttpRequest,
    mut payload: Payload,
    limit: usize,
) -> LocalBoxFuture<'static, Result<Bytes, ApiError>> {
    let announced =
        request.headers().get("content-length").and_then(|length| length.to_str().ok()?.parse().ok());
    let packed = request.headers().get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity");
    Box::pin(async move {
        if packed {
            return Err(ApiError::field("Content-Encoding", "a body is taken as it is, not compressed"));
        }
        if announced.is_some_and(|length: u64| length > limit as u64) {
            return Err(ApiError::PayloadTooLarge(limit));
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(unreadable)?;
            if body.len() + chunk.len() > limit {
                return Err(ApiError::PayloadTooLarge(limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    })
}

/// The client took too long, its connection broke, or it sent what is no HTTP.
fn unreadable(error: PayloadError) -> ApiError {
    if let PayloadError::Io(cause) = &error
        && cause.kind() == std::io::ErrorKind::TimedOut
    {
        return ApiError::TooSlow;
    }
    ApiError::field("", format!("the body could not be read: {error}"))
}

/// Reads a form from a body's bytes.
pub(crate) fn parse<T: Form>(raw: &[u8]) -> Result<T, ApiError> {
    let text = std::str::from_utf8(raw).map_err(|_| ApiError::field("", "the body is not UTF-8"))?;
    let text = match text.trim_ascii() {
        "" if T::MAY_BE_EMPTY => "{}",
        "" => return Err(ApiError::field("", "the body is empty; a JSON object is needed")),
        text => text,
    };
    let mut json = serde_json::Deserializer::from_str(text);
    let Strict(form) = serde_path_to_error::deserialize::<_, Strict<T>>(&mut json).map_err(|error| {
        let path = error.path().to_string();
        problem(&path, error.inner())
    })?;
    json.end().map_err(|error| problem("", &error))?;
    Ok(form)
}

/// What is wrong and where, without the position where the path says it better.
fn problem(path: &str, error: &serde_json::Error) -> ApiError {
    let full = error.to_string();
    let reason = if error.is_data() {
        in_words_of_json(full.rfind(" at line ").and_then(|end| full.get(..end)).unwrap_or(&full))
    } else {
        format!("the body is not JSON: {full}")
    };
    let path = if error.is_data() && path != "." { path } else { "" };
    let path = match (path, given_twice(&reason)) {
        (_, None) => path.to_owned(),
        ("", Some(name)) => name.to_owned(),
        (parent, Some(name)) => format!("{parent}.{name}"),
    };
    ApiError::Validation(vec![FieldProblem::new(path, cut(&reason))])
}

/// The same in the words of those who write JSON, not Rust.
fn in_words_of_json(reason: &str) -> String {
    let words = [
        ("invalid type: map", "invalid type: object"),
        ("invalid type: sequence", "invalid type: array"),
        ("expected a map", "expected an object"),
        ("expected a sequence", "expected an array"),
        ("expected u64", "expected a whole number"),
    ];
    words.into_iter().fold(reason.to_owned(), |reason, (rust, json)| reason.replace(rust, json))
}

fn cut(reason: &str) -> String {
    match reason.char_indices().nth(MAX_REASON) {
        Some((end, _)) => format!("{}…", reason.get(..end).unwrap_or_default()),
        None => reason.to_owned(),
    }
}
