//! `GET /api/outbound/messages`: the queue as a list.

use actix_web::web;
use chrono::NaiveDate;
use domain::access::Scope;
use domain::policy::quiet_hours::QuietHours;
use domain::ports::{Filter, ListPage, ListRequest, Page};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::api::Api;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{May, MessagingView, QueryOf};
use crate::fields::Fields;
use crate::view::MessageView;
use crate::words::{ChannelWord, FailureKindWord, Id, PriorityWord, StatusWord};

/// How many messages a page has by default.
const PAGE_SIZE: u32 = 20;
/// How many it has at most.
const MAX_PAGE_SIZE: u32 = 100;

/// What narrows the list; an empty value is no filter.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListQuery {
    #[param(value_type = Option<StatusWord>)]
    pub(crate) status: Option<String>,
    #[param(value_type = Option<FailureKindWord>)]
    pub(crate) failure_kind: Option<String>,
    #[param(value_type = Option<ChannelWord>)]
    pub(crate) channel: Option<String>,
    #[param(value_type = Option<PriorityWord>)]
    pub(crate) priority: Option<String>,
    /// Created on this local day or later.
    #[param(format = Date)]
    pub(crate) from: Option<String>,
    /// Created on this local day or earlier.
    #[param(format = Date)]
    pub(crate) to: Option<String>,
    /// Words, each at the beginning of a word of the recipient's name, the template's key or the text, whatever its
    /// letter case and diacritics; or three digits and more, anywhere in the phone number;
    /// behind a `+` at its beginning.
    pub(crate) q: Option<String>,
    pub(crate) lead_id: Option<String>,
    pub(crate) student_id: Option<String>,
    pub(crate) owner_id: Option<String>,
    pub(crate) branch_id: Option<String>,
    #[param(format = Uuid)]
    pub(crate) job_id: Option<String>,
    /// From 1.
    #[param(value_type = Option<u32>, minimum = 1)]
    pub(crate) page: Option<String>,
    /// 20 by default, at most 100.
    #[param(value_type = Option<u32>, minimum = 1)]
    pub(crate) page_size: Option<String>,
    /// `nextCursor` of the page before; wins over `page`.
    #[param(format = Uuid)]
    pub(crate) cursor: Option<String>,
}

impl ListQuery {
    /// What the query asks for, within the scope; its days are those of `OPS_TZ`.
    fn request(&self, scope: Scope, calendar: &QuietHours) -> Result<ListRequest, ApiError> {
        let mut fields = Fields::default();
        let filter = self.filter(&mut fields, calendar);
        let number = fields.count_parameter("page", &self.page).unwrap_or(1);
        let page = fields.parameter("cursor", &self.cursor).map_or(Page::Number(number), Page::After);
        let page_size =
            fields.count_parameter("pageSize", &self.page_size).unwrap_or(PAGE_SIZE).min(MAX_PAGE_SIZE);
        fields.finish(Some(ListRequest { scope, filter, page, page_size }))
    }

    /// The filter alone.
    fn filter(&self, fields: &mut Fields, calendar: &QuietHours) -> Filter {
        let from = day(fields, "from", &self.from);
        let to = day(fields, "to", &self.to);
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            fields.wrong("to", "must not lie before from");
        }
        Filter {
            status: fields.parameter("status", &self.status),
            failure_kind: fields.parameter("failureKind", &self.failure_kind),
            cause: None,
            channel: fields.parameter("channel", &self.channel),
            priority: fields.parameter("priority", &self.priority),
            created_from: from.map(|day| calendar.day_bounds(day).0),
            created_before: to.map(|day| calendar.day_bounds(day).1),
            text: fields.search("q", &self.q),
            lead_id: fields.parameter("leadId", &self.lead_id),
            student_id: fields.parameter("studentId", &self.student_id),
            owner_id: fields.parameter("ownerId", &self.owner_id),
            branch_id: fields.parameter("branchId", &self.branch_id),
            job_id: fields.parameter("jobId", &self.job_id),
        }
    }
}

/// A local day `YYYY-MM-DD` of a parameter.
fn day(fields: &mut Fields, name: &str, value: &Option<String>) -> Option<NaiveDate> {
    let text = value.as_deref().filter(|text| !text.is_empty())?;
    fields.day(name, text)
}

/// A part of the list, newest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessageList<'a> {
    items: Vec<MessageView<'a>>,
    /// The page's number; null where a cursor was given.
    page: Option<u32>,
    page_size: u32,
    /// How many match in all.
    total: u64,
    /// Whether `total` is an estimate: very large numbers are not counted.
    total_is_estimate: bool,
    /// The `cursor` of the next page; null at the end.
    next_cursor: Option<Id>,
    /// Present where N8N is simulated: nothing is really sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    simulator: Option<bool>,
}

impl<'a> MessageList<'a> {
    fn new(request: &ListRequest, found: &'a ListPage, simulator: Option<bool>) -> Self {
        Self {
            items: found.items.iter().map(MessageView::from).collect(),
            page: match request.page {
                Page::Number(number) => Some(number),
                Page::After(_) => None,
            },
            page_size: request.page_size,
            total: found.total.count,
            total_is_estimate: found.total.is_estimate,
            next_cursor: found.next.map(|id| Id(id.uuid())),
            simulator,
        }
    }
}

/// The queue as a list, within the caller's scope.
#[utoipa::path(
    get, path = "/api/outbound/messages", tag = "messages", params(ListQuery),
    responses(
        (status = 200, body = MessageList),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    ),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn list(
    may: May<MessagingView>,
    query: QueryOf<ListQuery>,
    api: web::Data<Api>,
) -> Result<Answer, ApiError> {
    let request = query.0.request(may.caller.scope(), &api.rules.quiet_hours)?;
    let found = api.stores().list(&request).await?;
    Answer::ok(&MessageList::new(&request, &found, api.simulated()))
}
