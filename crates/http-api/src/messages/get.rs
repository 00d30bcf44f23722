//! `GET /api/outbound/messages/{id}`: one message with its timeline.

use actix_web::web;
use domain::explain::{Explanation, Language};
use domain::ids::MessageId;
use domain::message::timeline;
use domain::policy::quiet_hours::QuietHours;
use domain::ports::Detail;
use domain::usecase::explain::explain_message;
use serde::Serialize;
use utoipa::ToSchema;

use super::notice::ExplanationView;
use crate::answer::Answer;
use crate::api::Api;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{InLanguage, May, MessagingView, PathId};
use crate::view::{LineView, MessageView};

/// A message with its history.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessageDetail<'a> {
    outbound_message: MessageView<'a>,
    /// Every transition, oldest first.
    timeline: Vec<LineView>,
    /// Why it has not gone yet, or what became of it.
    explain: ExplanationView,
    /// Present where N8N is simulated: nothing is really sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    simulator: Option<bool>,
}

impl<'a> MessageDetail<'a> {
    pub(crate) fn new(
        detail: &'a Detail,
        explanation: &Explanation,
        language: Language,
        calendar: &QuietHours,
        simulator: Option<bool>,
    ) -> Self {
        let Detail { message, entries, holders } = detail;
        Self {
            outbound_message: MessageView::from(message),
            timeline: timeline::lines(message, entries, holders).into_iter().map(LineView::from).collect(),
            explain: ExplanationView::new(message, explanation, language, calendar),
            simulator,
        }
    }
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
    InLanguage(language): InLanguage,
    api: web::Data<Api>,
) -> Result<Answer, ApiError> {
    let found = api.stores().detail(id.0, &may.caller.scope()).await?;
    let detail = found.ok_or_else(|| ApiError::NotFound("there is no such message".into()))?;
    let deps = api.deps(api.stores());
    let explanation = explain_message(&deps, &detail.message, api.gateway.is_some()).await?;
    let calendar = &api.rules.quiet_hours;
    Answer::ok(&MessageDetail::new(&detail, &explanation, language, calendar, api.simulated()))
}
