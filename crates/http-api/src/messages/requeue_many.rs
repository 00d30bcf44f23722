//! `POST /api/outbound/messages/requeue`.

use actix_web::web;
use domain::usecase::manage::Act;

use super::manage::{self, ManagedMessages, Select};
use crate::answer::Answer;
use crate::api::Api;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Body, May, MessagingRun};
use crate::idempotency::Once;

/// Queues FAILED, SKIPPED and CANCELLED messages anew, each as a new attempt. By ids, up to 1,000, or all that match a filter, as far as they lie in the caller's scope.
#[utoipa::path(
    post, path = "/api/outbound/messages/requeue", tag = "messages", request_body = Select,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key replays the first answer for 72 hours")),
    responses(
        (status = 200, body = ManagedMessages),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 409, description = "The Idempotency-Key was used for another body", body = ErrorBody),
    ),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn requeue_many(
    may: May<MessagingRun>,
    once: Once,
    body: Body<Select>,
    api: web::Data<Api>,
) -> Result<Answer, ApiError> {
    manage::many(api, once, Act::Requeue, &may.caller, body).await
}
