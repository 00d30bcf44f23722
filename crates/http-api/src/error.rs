//! The one table from what went wrong to what a client sees (contract §9).

mod log;

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use domain::ports::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use self::log::log;

/// How long a client waits before it tries again while the database is unavailable, in seconds.
const UNAVAILABLE_RETRY_SECONDS: u64 = 5;

/// One field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// Where: `variables.name`, `recipients[3].to`; empty for the whole body.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}

impl FieldProblem {
    /// A problem at a path.
    pub fn new(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { path: path.into(), reason: reason.into() }
    }
}

/// Everything that a request can fail with.
#[derive(Debug)]
pub enum ApiError {
    /// The request is wrong, at each of these places.
    Validation(Vec<FieldProblem>),
    /// There is no token.
    MissingBearer,
    /// The token is not valid; the reason is for the log and says nothing about keys.
    InvalidToken(Cow<'static, str>),
    /// The caller may not do this.
    Forbidden(Cow<'static, str>),
    /// There is no service token.
    MissingServiceToken,
    /// The service token is wrong.
    InvalidServiceToken,
    /// There is no such thing, or it lies outside the caller's scope.
    NotFound(Cow<'static, str>),
    /// The route exists, but not for this method; those that it has.
    MethodNotAllowed(String),
    /// The state does not allow it.
    Conflict(Cow<'static, str>),
    /// The idempotency key was used for another body.
    IdempotencyOtherBody,
    /// The first request with the idempotency key is still at work.
    IdempotencyRunning,
    /// The body is larger than this many bytes.
    PayloadTooLarge(usize),
    /// Too many wrong secrets; how many seconds to wait.
    RateLimited(u64),
    /// More requests than one caller may make.
    TooFast {
        /// How many seconds to wait.
        wait: u64,
        /// How many there may be in a second.
        limit: NonZeroU32,
    },
    /// The client took too long to send its request.
    TooSlow,
    /// A bug. What it was is for the log only.
    Internal(String),
    /// Not now; what failed is for the log only.
    Unavailable(String),
    /// Not now, for a reason that the client may know.
    TryAgain(Cow<'static, str>),
}

/// How an error shows: status, code and message.
struct Shown {
    status: StatusCode,
    code: &'static str,
    message: Cow<'static, str>,
}

impl ApiError {
    /// One field that is wrong.
    pub fn field(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Validation(vec![FieldProblem::new(path, reason)])
    }

    /// THE table.
    fn shown(&self) -> Shown {
        let shown = |status, code, message: Cow<'static, str>| Shown { status, code, message };
        let fixed = |status, code, text: &'static str| shown(status, code, Cow::Borrowed(text));
        match self {
            Self::Validation(problems) => {
                shown(StatusCode::BAD_REQUEST, "VALIDATION_ERROR", Cow::Owned(summary(problems)))
            }
            Self::MissingBearer => fixed(
                StatusCode::UNAUTHORIZED,
                "AUTH_MISSING_BEARER",
                "a bearer token or the cookie access_token is needed",
            ),
            Self::InvalidToken(_) => {
                fixed(StatusCode::UNAUTHORIZED, "AUTH_INVALID_TOKEN", "the token is not valid or has expired")
            }
            Self::Forbidden(message) => shown(StatusCode::FORBIDDEN, "AUTH_FORBIDDEN", message.clone()),
            Self::MissingServiceToken => fixed(
                StatusCode::UNAUTHORIZED,
                "AUTH_MISSING_SERVICE_TOKEN",
                "the header x-service-token is needed",
            ),
            Self::InvalidServiceToken => {
                fixed(StatusCode::UNAUTHORIZED, "AUTH_INVALID_SERVICE_TOKEN", "the service token is wrong")
            }
            Self::NotFound(message) => shown(StatusCode::NOT_FOUND, "NOT_FOUND", message.clone()),
            Self::MethodNotAllowed(allowed) => shown(
                StatusCode::METHOD_NOT_ALLOWED,
                "METHOD_NOT_ALLOWED",
                Cow::Owned(format!("this path takes {allowed}")),
            ),
            Self::Conflict(message) => shown(StatusCode::CONFLICT, "CONFLICT", message.clone()),
            Self::IdempotencyOtherBody => fixed(
                StatusCode::CONFLICT,
                "IDEMPOTENCY_CONFLICT",
                "this Idempotency-Key was used for a request with another body",
            ),
            Self::IdempotencyRunning => fixed(
                StatusCode::CONFLICT,
                "IDEMPOTENCY_CONFLICT",
                "the first request with this Idempotency-Key is still at work; ask again for its answer",
            ),
            Self::PayloadTooLarge(limit) => shown(
                StatusCode::PAYLOAD_TOO_LARGE,
                "PAYLOAD_TOO_LARGE",
                Cow::Owned(format!("the body is larger than {limit} bytes")),
            ),
            Self::RateLimited(_) => fixed(
                StatusCode::TOO_MANY_REQUESTS,
                "RATE_LIMITED",
                "too many wrong secrets from this address",
            ),
            Self::TooFast { limit, .. } => shown(
                StatusCode::TOO_MANY_REQUESTS,
                "RATE_LIMITED",
                Cow::Owned(format!("too many requests: one caller may make {limit} in a second")),
            ),
            Self::TooSlow => {
                fixed(StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT", "the body did not arrive in time")
            }
            Self::Internal(_) => fixed(
                StatusCode::INTERNAL_SERVER_ERROR,
                "INTERNAL_ERROR",
                "something went wrong on our side; the log tells what, under this answer's x-request-id",
            ),
            Self::Unavailable(_) => fixed(
                StatusCode::SERVICE_UNAVAILABLE,
                "UNAVAILABLE",
                "the service is not available now; try again",
            ),
            Self::TryAgain(message) => shown(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", message.clone()),
        }
    }

    /// The code of §9.
    pub fn code(&self) -> &'static str {
        self.shown().code
    }

    /// The message that the client reads.
    pub fn message(&self) -> Cow<'static, str> {
        self.shown().message
    }

    /// After how many seconds the same request may succeed.
    pub const fn retry_after(&self) -> Option<u64> {
        match self {
            Self::RateLimited(seconds) | Self::TooFast { wait: seconds, .. } => Some(*seconds),
            Self::Unavailable(_) | Self::TryAgain(_) => Some(UNAVAILABLE_RETRY_SECONDS),
            Self::IdempotencyRunning => Some(1),
            Self::Validation(_)
            | Self::MissingBearer
            | Self::InvalidToken(_)
            | Self::Forbidden(_)
            | Self::MissingServiceToken
            | Self::InvalidServiceToken
            | Self::NotFound(_)
            | Self::MethodNotAllowed(_)
            | Self::Conflict(_)
            | Self::IdempotencyOtherBody
            | Self::PayloadTooLarge(_)
            | Self::TooSlow
            | Self::Internal(_) => None,
        }
    }
}

/// Names the first fields; `details` has them all.
fn summary(problems: &[FieldProblem]) -> String {
    const NAMED: usize = 50;
    let named: Vec<String> = problems
        .iter()
        .take(NAMED)
        .map(|problem| match problem.path.as_str() {
            "" => problem.reason.clone(),
            path => format!("{path}: {}", problem.reason),
        })
        .collect();
    match problems.len().saturating_sub(NAMED) {
        0 => named.join("; "),
        more => format!("{}; and {more} more", named.join("; ")),
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shown { code, message, .. } = self.shown();
        write!(f, "{code}: {message}")
    }
}

impl std::error::Error for ApiError {}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Busy(_) => Self::Unavailable(error.to_string()),
            StoreError::Corrupt(_) | StoreError::Refused(_) => Self::Internal(error.to_string()),
        }
    }
}

/// The body of every error.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorBody<'a> {
    /// Always false.
    ok: bool,
    error: ErrorView<'a>,
}

/// What went wrong.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorView<'a> {
    /// A fixed word for programs.
    #[schema(example = "VALIDATION_ERROR")]
    code: &'a str,
    /// A sentence for people.
    message: &'a str,
    /// Each field that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a [FieldProblem]>,
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.shown().status
    }

    fn error_response(&self) -> HttpResponse {
        let Shown { status, code, message } = self.shown();
        let mut response = HttpResponse::build(status);
        if let Some(seconds) = self.retry_after() {
            response.insert_header((RETRY_AFTER, seconds));
        }
        if let Self::MethodNotAllowed(allowed) = self {
            response.insert_header((ALLOW, allowed.as_str()));
        }
        if let Self::TooSlow = self {
            // The rest of the body may still come.
            response.force_close();
        }
        let details = match self {
            Self::Validation(problems) => Some(problems.as_slice()),
            Self::MissingBearer
            | Self::InvalidToken(_)
            | Self::Forbidden(_)
            | Self::MissingServiceToken
            | Self::InvalidServiceToken
            | Self::NotFound(_)
            | Self::MethodNotAllowed(_)
            | Self::Conflict(_)
            | Self::IdempotencyOtherBody
            | Self::IdempotencyRunning
            | Self::PayloadTooLarge(_)
            | Self::RateLimited(_)
            | Self::TooFast { .. }
            | Self::TooSlow
            | Self::Internal(_)
            | Self::Unavailable(_)
            | Self::TryAgain(_) => None,
        };
        response.json(ErrorBody { ok: false, error: ErrorView { code, message: &message, details } })
    }
}
