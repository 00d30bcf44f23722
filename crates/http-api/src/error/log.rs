//! What the log says about an error: once, where the answer leaves.

use super::ApiError;

/// Logs what the client is not told. Bugs are errors, outages warnings; what the client did wrong is told to the client.
pub(crate) fn log(error: &ApiError) {
    match error {
        ApiError::Internal(cause) => tracing::error!(cause, "request failed"),
        ApiError::Unavailable(cause) => tracing::warn!(cause, "request could not be served now"),
        ApiError::InvalidToken(reason) => tracing::debug!(%reason, "token refused"),
        ApiError::Validation(_)
        | ApiError::MissingBearer
        | ApiError::Forbidden(_)
        | ApiError::MissingServiceToken
        | ApiError::InvalidServiceToken
        | ApiError::NotFound(_)
        | ApiError::MethodNotAllowed(_)
        | ApiError::Conflict(_)
        | ApiError::IdempotencyOtherBody
        | ApiError::IdempotencyRunning
        | ApiError::PayloadTooLarge(_)
        | ApiError::RateLimited(_)
        | ApiError::TooFast { .. }
        | ApiError::TooSlow
        | ApiError::TryAgain(_) => {}
    }
}
