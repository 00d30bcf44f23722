//! `GET /api/templates` and `GET /api/outbound/templates`.

use actix_web::web;
use domain::ports::Template;
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::api::Api;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{May, MessagingView};
use crate::words::{ChannelWord, Time};

/// A message template.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TemplateView<'a> {
    key: &'a str,
    title: &'a str,
    #[schema(value_type = ChannelWord)]
    channel: &'static str,
    /// The text, with variables as `{{ name }}`.
    body: &'a str,
    /// Whether new messages may use it.
    is_active: bool,
    /// The variables of the text, in order of first use.
    variables: &'a [String],
    updated_at: Time,
}

impl<'a> From<&'a Template> for TemplateView<'a> {
    fn from(template: &'a Template) -> Self {
        let Template { key, title, channel, body, is_active, updated_at } = template;
        Self {
            key: key.as_str(),
            title,
            channel: channel.as_str(),
            body: body.source(),
            is_active: *is_active,
            variables: body.variables(),
            updated_at: Time(*updated_at),
        }
    }
}

/// Every template, by key.
#[derive(Serialize, ToSchema)]
pub(crate) struct TemplateList<'a> {
    items: Vec<TemplateView<'a>>,
}

/// Every template. Also at `/api/templates`.
#[utoipa::path(
    get, path = "/api/outbound/templates", tag = "templates",
    responses((status = 200, body = TemplateList), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn list(_: May<MessagingView>, api: web::Data<Api>) -> Result<Answer, ApiError> {
    let templates = api.stores().templates().await?;
    Answer::ok(&TemplateList { items: templates.iter().map(TemplateView::from).collect() })
}
