//! `GET /api/outbound/audit`: who did what.

use std::collections::BTreeMap;

use actix_web::web;
use domain::audit::{AuditAction, AuditEntry};
use domain::ports::AuditRequest;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::api::Api;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{AuditView, May, QueryOf};
use crate::fields::Fields;
use crate::words::{AuditActionWord, Id, Time};

/// How many entries a page has by default.
const PAGE_SIZE: u32 = 50;
/// How many it has at most.
const MAX_PAGE_SIZE: u32 = 200;

/// The longest subject, in characters: `student:` and an id, or a template's key.
const MAX_SUBJECT: usize = 100;

/// What narrows the list; an empty value is no filter.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditQuery {
    /// `user:<id>`, `cli:<id>`, `service`, `worker`, `n8n` or `system`.
    #[param(max_length = 69)]
    actor: Option<String>,
    #[param(value_type = Option<AuditActionWord>)]
    action: Option<String>,
    /// A message's id, a template's key, or `lead:<id>` and `student:<id>`.
    #[param(max_length = 100)]
    subject: Option<String>,
    /// `nextCursor` of the page before.
    #[param(value_type = Option<Id>)]
    cursor: Option<String>,
    /// 50 by default, cut to 200.
    #[param(value_type = Option<u32>, minimum = 1)]
    page_size: Option<String>,
}

impl AuditQuery {
    fn request(&self) -> Result<AuditRequest, ApiError> {
        let mut fields = Fields::default();
        let page_size = fields.count_parameter("pageSize", &self.page_size).unwrap_or(PAGE_SIZE);
        let request = AuditRequest {
            actor: fields.parameter("actor", &self.actor),
            action: fields.parameter::<AuditAction>("action", &self.action),
            subject: fields.plain("subject", &self.subject, MAX_SUBJECT),
            after: fields.parameter("cursor", &self.cursor),
            limit: page_size.min(MAX_PAGE_SIZE),
        };
        fields.finish(Some(request))
    }
}

/// One deed.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeedView<'a> {
    id: Id,
    at: Time,
    /// `user:<id>`, `cli:<id>`, `service`, `worker`, `n8n` or `system`.
    actor: String,
    #[schema(value_type = AuditActionWord)]
    action: &'static str,
    /// To what: a message's id, a template's key, a contact's `lead:<id>` or `student:<id>`; null where it was to
    /// several, or to nothing.
    subject: Option<&'a str>,
    /// How, by name.
    detail: &'a BTreeMap<String, String>,
}

impl<'a> From<&'a AuditEntry> for DeedView<'a> {
    fn from(entry: &'a AuditEntry) -> Self {
        let AuditEntry { id, at, actor, action, subject, detail } = entry;
        Self {
            id: Id(id.uuid()),
            at: Time(*at),
            actor: actor.to_string(),
            action: action.as_str(),
            subject: subject.as_deref(),
            detail,
        }
    }
}

/// A part of the trail, newest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditList<'a> {
    items: Vec<DeedView<'a>>,
    /// The `cursor` of the next page; null at the end.
    next_cursor: Option<Id>,
}

/// Who did what: cancels, requeues, runs that passed the quiet hours, templates, contacts, opt-outs and sign-ins. For
/// admins.
#[utoipa::path(
    get, path = "/api/outbound/audit", tag = "audit", params(AuditQuery),
    responses((status = 200, body = AuditList), (status = 400, body = ErrorBody)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn audit(
    _: May<AuditView>,
    query: QueryOf<AuditQuery>,
    api: web::Data<Api>,
) -> Result<Answer, ApiError> {
    let wanted = query.0.request()?;
    // One more than wanted tells whether there is a next page.
    let asked = AuditRequest { limit: wanted.limit + 1, ..wanted.clone() };
    let found = api.stores().audit(&asked).await?;
    let page = usize::try_from(wanted.limit).unwrap_or(usize::MAX);
    let more = found.len() > page;
    let items: Vec<_> = found.iter().take(page).map(DeedView::from).collect();
    let last = found.iter().take(page).next_back().filter(|_| more);
    let next_cursor = last.map(|entry| Id(entry.id.uuid()));
    Answer::ok(&AuditList { items, next_cursor })
}
