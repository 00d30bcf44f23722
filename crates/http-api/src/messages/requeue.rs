//! `POST /api/outbound/messages/{id}/requeue`.

use actix_web::web;
use domain::ids::MessageId;
use domain::usecase::manage::Act;

use super::manage::{self, ManagedMessage, Nothing};
use crate::answer::Answer;
use crate::api::Api;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Body, May, MessagingRun, PathId};
use crate::idempotency::Once;

/// Queues a FAILED, SKIPPED or CANCELLED message anew, as a new attempt.
#[utoipa::path(
    post, path = "/api/outbound/messages/{id}/requeue", tag = "messages", request_body = Option<Nothing>,
    params(
        ("id" = crate::words::Id, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key replays the first answer for 72 hours"),
    ),
    responses(
        (status = 200, body = ManagedMessage),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, description = "Unknown, or outside the caller's scope", body = ErrorBody),
        (status = 409, description = "Its status does not allow it: it waits, is in flight, or was sent", body = ErrorBody),
    ),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn requeue(
    may: May<MessagingRun>,
    once: Once,
    id: PathId<MessageId>,
    body: Body<Nothing>,
    api: web::Data<Api>,
) -> Result<Answer, ApiError> {
    manage::one(&api, &once, Act::Requeue, &may.caller, id.0, &body.raw).await
}
