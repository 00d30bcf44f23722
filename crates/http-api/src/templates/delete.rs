//! `DELETE /api/outbound/templates/{key}`.

use actix_web::{HttpResponse, web};
use domain::actor::Actor;
use domain::usecase::templates;

use super::key::{PathKey, unknown};
use crate::answer::Answer;
use crate::api::Api;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{May, MessagingUpdate};
use crate::idempotency::in_one_piece;

/// Removes a template. Messages that were queued keep their text.
#[utoipa::path(
    delete, path = "/api/outbound/templates/{key}", tag = "templates", params(("key" = String, Path)),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "There is no such template", body = ErrorBody),
    ),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn delete(
    may: May<MessagingUpdate>,
    key: PathKey,
    api: web::Data<Api>,
) -> Result<HttpResponse, ApiError> {
    let by = Actor::User(may.caller.subject);
    in_one_piece(&api, None, async |stores| {
        if templates::delete(&api.deps(stores), &by, &key.0).await? {
            Ok(Answer::none())
        } else {
            Err(unknown("there is no such template"))
        }
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}
