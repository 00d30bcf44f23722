//! `DELETE /api/outbound/templates/{key}`.

use actix_web::{HttpResponse, web};

use super::key::{PathKey, unknown};
use crate::api::Api;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{May, MessagingUpdate};

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
    _: May<MessagingUpdate>,
    key: PathKey,
    api: web::Data<Api>,
) -> Result<HttpResponse, ApiError> {
    if api.stores().delete_template(&key.0).await? {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(unknown("there is no such template"))
    }
}
