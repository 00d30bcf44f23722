//! `POST /api/outbound/messages`: queue one message.

use std::collections::BTreeMap;

use actix_web::web;
use domain::message::{Message, State};
use domain::usecase::create::{self as usecase, Batch, CreateCommand, RecipientSpec, TextSource};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::advise::{self, MessageAdvice};
use super::dry_run::DryRunQuery;
use super::problems::refusal;
use super::shared::SharedFields;
use crate::answer::Answer;
use crate::api::Api;
use crate::around::is_about;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Body, Form, InLanguage, May, MessagingCreate, QueryOf};
use crate::fields::Fields;
use crate::idempotency::Once;
use crate::scalar::Values;
use crate::together::AtOnce;
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
    variables: Option<Values>,
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

impl Form for CreateMessage {
    const HAS_DRY_RUN: bool = true;
}

impl CreateMessage {
    /// The command; `None` where channel or text can't be read. What is wrong goes to `fields`.
    pub(super) fn read(self, fields: &mut Fields) -> Option<CreateCommand> {
        let shared = SharedFields {
            channel: self.channel.as_ref(),
            template_key: self.template_key.as_deref(),
            text: self.text,
            variables: self.variables,
            priority: self.priority.as_ref(),
            owner_id: self.owner_id.as_deref(),
            branch_id: self.branch_id.as_deref(),
            notification_id: self.notification_id.as_deref(),
            scheduled_at: self.scheduled_at.as_deref(),
            allow_duplicate: self.allow_duplicate,
        };
        let (lead_id, student_id, to) = (self.lead_id, self.student_id, self.to);
        shared.command(fields, |fields| {
            vec![RecipientSpec {
                lead_id: fields.parse("leadId", lead_id.as_deref()),
                student_id: fields.parse("studentId", student_id.as_deref()),
                to,
                variables: BTreeMap::new(),
            }]
        })
    }
}

impl TryFrom<CreateMessage> for CreateCommand {
    type Error = ApiError;

    fn try_from(dto: CreateMessage) -> Result<Self, ApiError> {
        let mut fields = Fields::default();
        let command = dto.read(&mut fields);
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
    /// Present where N8N is simulated: nothing is really sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    simulator: Option<bool>,
}

/// What 200 answers.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "says which of two bodies it is; the handler writes either")]
enum SkippedOrAdvice<'a> {
    /// The message that was stored and skipped.
    Skipped(Box<CreatedMessage<'a>>),
    /// With dryRun.
    Advice(Box<MessageAdvice>),
}

/// Queue one message.
#[utoipa::path(
    post, path = "/api/outbound/messages", tag = "messages", request_body = CreateMessage,
    params(
        DryRunQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "The same key replays the first answer for 72 hours"),
    ),
    responses(
        (status = 201, description = "Queued", body = CreatedMessage, headers(("Location" = String))),
        (status = 200, description = "Stored, but skipped: a duplicate, or the recipient has opted out; or dryRun", body = SkippedOrAdvice),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, description = "The contact or template is not known", body = ErrorBody),
        (status = 409, description = "The Idempotency-Key was used for another body", body = ErrorBody),
    ),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn create(
    may: May<MessagingCreate>,
    once: Once,
    query: QueryOf<DryRunQuery>,
    InLanguage(language): InLanguage,
    body: Body<CreateMessage>,
    api: web::Data<Api>,
    at_once: web::Data<AtOnce>,
) -> Result<Answer, ApiError> {
    if query.0.asked()? {
        return advise::answer(&api, &may.caller, body.form, language).await;
    }
    let command = CreateCommand::try_from(body.form)?;
    if !once.has_key() {
        return present_only(&api, at_once.create(may.caller, command).await?);
    }
    let actor = may.caller.subject.as_str();
    once.run(&api, actor, &body.raw, async |stores| {
        present_only(&api, usecase::create(&api.deps(stores), &may.caller, &command).await?)
    })
    .await
}

/// The one message that came of it.
fn present_only(api: &Api, batch: Batch) -> Result<Answer, ApiError> {
    if let Some(rejected) = batch.rejected.into_iter().next() {
        return Err(refusal(rejected.problems));
    }
    match batch.messages.first() {
        Some((_, message)) => {
            is_about(message.id);
            present(message, api.simulated())
        }
        None => Err(ApiError::Internal("one recipient made no message".to_owned())),
    }
}

fn present(message: &Message, simulator: Option<bool>) -> Result<Answer, ApiError> {
    let outbound_message = MessageView::from(message);
    match &message.state {
        State::Skipped { reason } => {
            Answer::ok(&CreatedMessage { outbound_message, skipped: true, reason: Some(reason), simulator })
        }
        State::Queued(_)
        | State::Leased(_)
        | State::Dispatched(_)
        | State::Sent(_)
        | State::Failed(_)
        | State::Cancelled => {
            let location = format!("/api/outbound/messages/{}", message.id);
            let view = CreatedMessage { outbound_message, skipped: false, reason: None, simulator };
            Answer::created(location, &view)
        }
    }
}
