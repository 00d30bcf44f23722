//! `GET /api/outbound/messages/{id}`: one message with its timeline.

use actix_web::web;
use domain::ids::MessageId;
use domain::message::timeline;
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::api::Api;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{May, MessagingView, PathId};
use crate::view::{LineView, MessageView};

/// A message with its history.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessageDetail<'a> {
    outbound_message: MessageView<'a>,
    /// Every transition, oldest first.
    timeline: Vec<LineView>,
}

/// One message with its timeline.
#[utoipa::path(
    get, path = "/api/outbound/messages/{id}", tag = "messages", params(("id" = crate::words::Id, Path)),
    responses(
        (status = 200, body = MessageDetail),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, description = "Unknown, or outside the caller's scope", body = ErrorBody),
    ),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn get(
    may: May<MessagingView>,
    id: PathId<MessageId>,
    api: web::Data<Api>,
) -> Result<Answer, ApiError> {
    let found = api.stores().detail(id.0, &may.caller.scope()).await?;
    let detail = found.ok_or_else(|| ApiError::NotFound("there is no such message".into()))?;
    let lines = timeline::lines(&detail.message, &detail.entries, &detail.holders);
    Answer::ok(&MessageDetail {
        outbound_message: MessageView::from(&detail.message),
        timeline: lines.into_iter().map(LineView::from).collect(),
    })
}
