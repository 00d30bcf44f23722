//! `POST /api/outbound/messages`: queue one message.

use std::collections::BTreeMap;

use actix_web::web;
use domain::message::{Message, Priority, State};
use domain::usecase::create::{self as usecase, CreateCommand, RecipientSpec, TextSource};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problems::refusal;
use crate::answer::Answer;
use crate::api::Api;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Body, Form, May, MessagingCreate};
use crate::fields::Fields;
use crate::idempotency::Once;
use crate::view::MessageView;
use crate::words::{ChannelWord, PriorityWord, SkipReasonWord};

/// A message to queue. Either `templateKey` or `text` is needed, and at least one of `leadId`, `studentId` and `to`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreateMessage {
    #[schema(required)]
    channel: Option<ChannelWord>,
    template_key: Option<String>,
    /// The text itself, in place of a template.
    #[schema(max_length = 4000)]
    text: Option<String>,
    /// A lead that the CRM pushed.
    lead_id: Option<String>,
    /// A student that the CRM pushed.
    student_id: Option<String>,
    /// A phone number, or a Facebook page-scoped id; wins over the contact's.
    to: Option<String>,
    /// Values for the template's variables.
    variables: Option<BTreeMap<String, String>>,
    priority: Option<PriorityWord>,
    owner_id: Option<String>,
    branch_id: Option<String>,
    notification_id: Option<String>,
    /// RFC 3339; at once where it is missing.
    #[schema(format = DateTime)]
    scheduled_at: Option<String>,
    /// Whether it may be the second of its kind today.
    allow_duplicate: Option<bool>,
}

impl Form for CreateMessage {}

impl TryFrom<CreateMessage> for CreateCommand {
    type Error = ApiError;

    fn try_from(dto: CreateMessage) -> Result<Self, ApiError> {
        let mut fields = Fields::default();
        let channel = fields.required("channel", dto.channel.as_ref());
        let channel = fields.word("channel", channel);
        let source = text_source(&mut fields, dto.template_key.as_deref(), dto.text);
        let recipient = RecipientSpec {
            lead_id: fields.parse("leadId", dto.lead_id.as_deref()),
            student_id: fields.parse("studentId", dto.student_id.as_deref()),
            to: dto.to,
            variables: BTreeMap::new(),
        };
        let priority = fields.word("priority", dto.priority.as_ref()).unwrap_or(Priority::Medium);
        let owner_id = fields.parse("ownerId", dto.owner_id.as_deref());
        let branch_id = fields.parse("branchId", dto.branch_id.as_deref());
        let notification_id = fields.parse("notificationId", dto.notification_id.as_deref());
        let scheduled_at = fields.time("scheduledAt", dto.scheduled_at.as_deref());
        let command = channel.zip(source).map(|(channel, source)| Self {
            channel,
            source,
            recipients: vec![recipient],
            variables: dto.variables.unwrap_or_default(),
            priority,
            owner_id,
            branch_id,
            notification_id,
            scheduled_at,
            allow_duplicate: dto.allow_duplicate.unwrap_or(false),
            job_id: None,
        });
        fields.finish(command)
    }
}

/// Exactly one of template and text.
pub(crate) fn text_source(
    fields: &mut Fields,
    template_key: Option<&str>,
    text: Option<String>,
) -> Option<TextSource> {
    match (template_key, text) {
        (Some(key), None) => fields.parse("templateKey", Some(key)).map(TextSource::Template),
        (None, Some(text)) => Some(TextSource::Text(text)),
        (None, None) => {
            fields.wrong("templateKey", "is required, or text in its place");
            None
        }
        (Some(_), Some(_)) => {
            fields.wrong("text", "must not be given together with templateKey");
            None
        }
    }
}

/// The stored message.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreatedMessage<'a> {
    outbound_message: MessageView<'a>,
    /// Whether it was stored without being queued.
    skipped: bool,
    /// Why it was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<SkipReasonWord>)]
    reason: Option<&'a str>,
}

/// Queue one message.
#[utoipa::path(
    post, path = "/api/outbound/messages", tag = "messages", request_body = CreateMessage,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key replays the first answer for 72 hours")),
    responses(
        (status = 201, description = "Queued", body = CreatedMessage, headers(("Location" = String))),
        (status = 200, description = "Stored, but skipped: a duplicate, or the recipient has opted out", body = CreatedMessage),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, description = "The contact or template is not known", body = ErrorBody),
        (status = 409, description = "The Idempotency-Key was used for another body", body = ErrorBody),
    ),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn create(
    may: May<MessagingCreate>,
    once: Once,
    body: Body<CreateMessage>,
    api: web::Data<Api>,
) -> Result<Answer, ApiError> {
    let command = CreateCommand::try_from(body.form)?;
    let actor = may.caller.subject.as_str();
    once.run(&api, actor, &body.raw, async |stores| {
        let batch = usecase::create(&api.deps(stores), &may.caller, &command).await?;
        if let Some(rejected) = batch.rejected.into_iter().next() {
            return Err(refusal(rejected.problems));
        }
        match batch.messages.first() {
            Some((_, message)) => present(message),
            None => Err(ApiError::Internal("one recipient made no message".to_owned())),
        }
    })
    .await
}

fn present(message: &Message) -> Result<Answer, ApiError> {
    let outbound_message = MessageView::from(message);
    match &message.state {
        State::Skipped { reason } => {
            Answer::ok(&CreatedMessage { outbound_message, skipped: true, reason: Some(reason) })
        }
        State::Queued(_)
        | State::Leased(_)
        | State::Dispatched(_)
        | State::Sent(_)
        | State::Failed(_)
        | State::Cancelled => {
            let location = format!("/api/outbound/messages/{}", message.id);
            Answer::created(location, &CreatedMessage { outbound_message, skipped: false, reason: None })
        }
    }
}
