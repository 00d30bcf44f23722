//! `PUT /api/outbound/templates/{key}`: a template anew.

use actix_web::web;
use chrono::{DateTime, Utc};
use domain::actor::Actor;
use domain::ids::TemplateKey;
use domain::ports::Template;
use domain::usecase::templates;
use serde::Deserialize;
use utoipa::ToSchema;

use super::create::Parts;
use super::key::{PathKey, unknown};
use super::list::TemplateView;
use crate::answer::Answer;
use crate::api::Api;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Body, Form, May, MessagingUpdate};
use crate::fields::Fields;
use crate::idempotency::in_one_piece;
use crate::words::ChannelWord;

/// A template anew.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct UpdateTemplate {
    /// May be repeated here, as the template's own answer can be sent back.
    #[schema(max_length = 64)]
    key: Option<String>,
    #[schema(required, min_length = 1, max_length = 200)]
    title: Option<String>,
    /// The channel that it is meant for.
    #[schema(required)]
    channel: Option<ChannelWord>,
    /// The text, with variables as `{{ name }}`.
    #[schema(required, min_length = 1, max_length = 4000)]
    body: Option<String>,
    /// Whether new messages may use it; as it was where it is missing.
    is_active: Option<bool>,
}

impl Form for UpdateTemplate {}

impl UpdateTemplate {
    fn over(&self, key: &TemplateKey, was_active: bool, now: DateTime<Utc>) -> Result<Template, ApiError> {
        let mut fields = Fields::default();
        if self.key.as_deref().is_some_and(|given| given != key.as_str()) {
            fields.wrong("key", "must be the key in the path: a template's key can't change");
        }
        let parts =
            Parts::read(&mut fields, self.title.as_deref(), self.channel.as_ref(), self.body.as_deref());
        let template = parts.map(|Parts { title, channel, body }| Template {
            key: key.clone(),
            title,
            channel,
            body,
            is_active: self.is_active.unwrap_or(was_active),
            updated_at: now,
        });
        fields.finish(template)
    }
}

/// Replaces a template. Messages that were queued keep their text.
#[utoipa::path(
    put, path = "/api/outbound/templates/{key}", tag = "templates", request_body = UpdateTemplate,
    params(("key" = String, Path)),
    responses(
        (status = 200, body = TemplateView),
        (status = 400, description = "A field is wrong, or the body does not parse: line and character are named", body = ErrorBody),
        (status = 404, description = "There is no such template", body = ErrorBody),
    ),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn update(
    may: May<MessagingUpdate>,
    key: PathKey,
    body: Body<UpdateTemplate>,
    api: web::Data<Api>,
) -> Result<Answer, ApiError> {
    let gone = || unknown("there is no such template");
    let old = api.stores().template(&key.0).await?.ok_or_else(gone)?;
    let template = body.form.over(&key.0, old.is_active, api.clock.now())?;
    let by = Actor::User(may.caller.subject);
    in_one_piece(&api, None, async |stores| {
        if !templates::update(&api.deps(stores), &by, &template).await? {
            return Err(gone());
        }
        Answer::ok(&TemplateView::from(&template))
    })
    .await
}
