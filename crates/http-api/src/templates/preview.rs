//! `POST /api/outbound/templates/{key}/preview`: what a template would say.

use actix_web::web;
use domain::channel::Channel;
use domain::template::Filled;
use domain::usecase::create::RecipientSpec;
use domain::usecase::create::preview::{self as usecase, Preview};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::key::PathKey;
use crate::answer::Answer;
use crate::api::Api;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Body, Form, May, MessagingView};
use crate::messages::recipients::recipient;
use crate::scalar::Values;
use crate::sms::SmsView;
use crate::words::ChannelWord;

/// Whom a template is filled for; everything may be missing.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PreviewTemplate {
    /// A lead that the CRM pushed.
    #[schema(min_length = 1, max_length = 64)]
    lead_id: Option<String>,
    /// A student that the CRM pushed.
    #[schema(min_length = 1, max_length = 64)]
    student_id: Option<String>,
    /// A phone number, or a Facebook page-scoped id; wins over the contact's.
    to: Option<String>,
    /// Values for the template's variables.
    variables: Option<Values>,
}

impl Form for PreviewTemplate {
    const MAY_BE_EMPTY: bool = true;
}

impl TryFrom<PreviewTemplate> for RecipientSpec {
    type Error = ApiError;

    fn try_from(form: PreviewTemplate) -> Result<Self, ApiError> {
        recipient(form.lead_id, form.student_id, form.to, form.variables)
    }
}

/// What the template would say.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PreviewView<'a> {
    #[schema(value_type = ChannelWord)]
    channel: &'static str,
    /// The text; a variable without a value stays in it as `{{ name }}`.
    rendered_text: &'a str,
    /// The variables that it uses, in order of first use.
    variables: &'a [String],
    /// Those without a value: with these left open a message is refused.
    missing: &'a [String],
    /// Whether new messages may use it.
    is_active: bool,
    /// For SMS: what the text amounts to.
    #[serde(skip_serializing_if = "Option::is_none")]
    sms: Option<SmsView>,
}

impl<'a> From<&'a Preview> for PreviewView<'a> {
    fn from(preview: &'a Preview) -> Self {
        let Preview { template, filled: Filled { text, missing } } = preview;
        let sms = match template.channel {
            Channel::Sms => Some(SmsView::of(text)),
            Channel::Zalo | Channel::Facebook | Channel::CallNote => None,
        };
        Self {
            channel: template.channel.as_str(),
            rendered_text: text,
            variables: template.body.variables(),
            missing,
            is_active: template.is_active,
            sms,
        }
    }
}

/// What a template would say to somebody. Changes nothing, so an Idempotency-Key has no meaning here.
#[utoipa::path(
    post, path = "/api/outbound/templates/{key}/preview", tag = "templates",
    request_body = Option<PreviewTemplate>, params(("key" = String, Path)),
    responses(
        (status = 200, body = PreviewView),
        (status = 400, body = ErrorBody),
        (status = 404, description = "The template or contact is not known", body = ErrorBody),
    ),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn preview(
    may: May<MessagingView>,
    key: PathKey,
    body: Body<PreviewTemplate>,
    api: web::Data<Api>,
) -> Result<Answer, ApiError> {
    let recipient = RecipientSpec::try_from(body.form)?;
    let preview = usecase::preview(&api.deps(api.stores()), &may.caller, key.0, recipient).await?;
    Answer::ok(&PreviewView::from(&preview))
}
