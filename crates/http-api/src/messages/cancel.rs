//! `POST /api/outbound/messages/{id}/cancel`.

use actix_web::web;
use domain::ids::MessageId;
use domain::usecase::manage::Act;

use super::manage::{self, ManagedMessage, Nothing};
use crate::answer::Answer;
use crate::api::Api;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Body, May, MessagingRun, PathId};
use crate::idempotency::Once;

/// Stops a QUEUED or FAILED message.
#[utoipa::path(
    post, path = "/api/outbound/messages/{id}/cancel", tag = "messages", request_body = Option<Nothing>,
    params(
        ("id" = crate::words::Id, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key replays the first answer for 72 hours"),
    ),
    responses(
        (status = 200, body = ManagedMessage),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, description = "Unknown, or outside the caller's scope", body = ErrorBody),
        (status = 409, description = "Its status does not allow it: it is in flight or over", body = ErrorBody),
    ),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn cancel(
    may: May<MessagingRun>,
    once: Once,
    id: PathId<MessageId>,
    body: Body<Nothing>,
    api: web::Data<Api>,
) -> Result<Answer, ApiError> {
    manage::one(&api, &once, Act::Cancel, &may.caller, id.0, &body.raw).await
}
