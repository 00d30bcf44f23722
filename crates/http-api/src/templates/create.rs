//! `POST /api/outbound/templates`: a new template.

use actix_web::web;
use chrono::{DateTime, Utc};
use domain::actor::Actor;
use domain::channel::Channel;
use domain::ports::Template;
use domain::template::{TemplateBody, new_title};
use domain::usecase::create::prepare::check_text;
use domain::usecase::templates;
use serde::Deserialize;
use utoipa::ToSchema;

use super::key::new_key;
use super::list::TemplateView;
use crate::answer::Answer;
use crate::api::Api;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Body, Form, May, MessagingUpdate};
use crate::fields::Fields;
use crate::idempotency::Once;
use crate::words::ChannelWord;

/// A template to store.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreateTemplate {
    #[schema(required, min_length = 1, max_length = 64, pattern = "^[a-z0-9_.-]{1,64}$")]
    key: Option<String>,
    #[schema(required, min_length = 1, max_length = 200)]
    title: Option<String>,
    /// The channel that it is meant for.
    #[schema(required)]
    channel: Option<ChannelWord>,
    /// The text, with variables as `{{ name }}`.
    #[schema(required, min_length = 1, max_length = 4000)]
    body: Option<String>,
    /// Whether new messages may use it; true where it is missing.
    is_active: Option<bool>,
}

impl Form for CreateTemplate {}

impl CreateTemplate {
    fn template(self, now: DateTime<Utc>) -> Result<Template, ApiError> {
        let mut fields = Fields::default();
        let key = new_key(&mut fields, self.key.as_deref());
        let parts =
            Parts::read(&mut fields, self.title.as_deref(), self.channel.as_ref(), self.body.as_deref());
        let template = key.zip(parts).map(|(key, Parts { title, channel, body })| Template {
            key,
            title,
            channel,
            body,
            is_active: self.is_active.unwrap_or(true),
            updated_at: now,
        });
        fields.finish(template)
    }
}

/// What every write of a template must give.
pub(super) struct Parts {
    pub(super) title: String,
    pub(super) channel: Channel,
    pub(super) body: TemplateBody,
}

impl Parts {
    pub(super) fn read(
        fields: &mut Fields,
        title: Option<&str>,
        channel: Option<&ChannelWord>,
        body: Option<&str>,
    ) -> Option<Self> {
        let title = title.filter(|title| !title.trim().is_empty());
        let title = fields.required("title", title);
        let title = title.and_then(|title| match new_title(title) {
            Ok(title) => Some(title),
            Err(error) => {
                fields.wrong("title", error.to_string());
                None
            }
        });
        let channel = fields.required("channel", channel);
        let channel = fields.word("channel", channel);
        let body = fields.required("body", body);
        let body = fields.parse::<TemplateBody>("body", body);
        // What could not be sent as a text is no template either.
        if let Some(problem) = body.as_ref().and_then(|body| check_text(body.source()).err()) {
            fields.wrong("body", problem.reason);
        }
        Some(Self { title: title?, channel: channel?, body: body? })
    }
}

/// A new template.
#[utoipa::path(
    post, path = "/api/outbound/templates", tag = "templates", request_body = CreateTemplate,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key replays the first answer for 72 hours")),
    responses(
        (status = 201, body = TemplateView, headers(("Location" = String))),
        (status = 400, description = "A field is wrong, or the body does not parse: line and character are named", body = ErrorBody),
        (status = 409, description = "The key is taken", body = ErrorBody),
    ),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn create(
    may: May<MessagingUpdate>,
    once: Once,
    body: Body<CreateTemplate>,
    api: web::Data<Api>,
) -> Result<Answer, ApiError> {
    let template = body.form.template(api.clock.now())?;
    let by = Actor::User(may.caller.subject.clone());
    once.run_whole(&api, may.caller.subject.as_str(), &body.raw, async |stores| {
        if !templates::create(&api.deps(stores), &by, &template).await? {
            return Err(ApiError::Conflict(format!("there is a template `{}` already", template.key).into()));
        }
        Answer::created(format!("/api/outbound/templates/{}", template.key), &TemplateView::from(&template))
    })
    .await
}
