//! `GET /api/outbound/jobs`: jobs with the counts of their messages.

use actix_web::web;
use domain::ports::{JobFilter, JobPage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::view::JobView;
use crate::answer::Answer;
use crate::api::Api;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{JobsReader, QueryOf};
use crate::fields::Fields;
use crate::words::JobStatusWord;

/// How many jobs a page has by default.
const PAGE_SIZE: u32 = 20;
/// How many it has at most.
const MAX_PAGE_SIZE: u32 = 100;

/// What narrows the list; an empty value is no filter.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobsQuery {
    #[param(value_type = Option<JobStatusWord>)]
    status: Option<String>,
    #[param(max_length = 64)]
    suggestion_id: Option<String>,
    #[param(max_length = 64)]
    owner_id: Option<String>,
    /// From 1.
    #[param(value_type = Option<u32>, minimum = 1)]
    page: Option<String>,
    /// 20 by default, cut to 100.
    #[param(value_type = Option<u32>, minimum = 1)]
    page_size: Option<String>,
}

/// What a query asks for.
struct Wanted {
    filter: JobFilter,
    page: u32,
    page_size: u32,
}

impl TryFrom<JobsQuery> for Wanted {
    type Error = ApiError;

    fn try_from(query: JobsQuery) -> Result<Self, ApiError> {
        let mut fields = Fields::default();
        let filter = JobFilter {
            status: fields.parameter("status", &query.status),
            suggestion_id: fields.parameter("suggestionId", &query.suggestion_id),
            owner_id: fields.parameter("ownerId", &query.owner_id),
        };
        let page = fields.count_parameter("page", &query.page).unwrap_or(1);
        let page_size = fields.count_parameter("pageSize", &query.page_size).unwrap_or(PAGE_SIZE);
        fields.finish(Some(Self { filter, page, page_size: page_size.min(MAX_PAGE_SIZE) }))
    }
}

/// A part of the list, newest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobList<'a> {
    items: Vec<JobView<'a>>,
    page: u32,
    page_size: u32,
    /// How many match in all.
    total: u64,
    /// Whether `total` is an estimate: very large numbers are not counted.
    total_is_estimate: bool,
    /// Present where N8N is simulated: nothing is really sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    simulator: Option<bool>,
}

/// Jobs with the counts of their messages: with the service token all of them, otherwise those in the caller's scope.
#[utoipa::path(
    get, path = "/api/outbound/jobs", tag = "jobs", params(JobsQuery),
    responses((status = 200, body = JobList), (status = 400, body = ErrorBody)),
    security(("bearer" = []), ("cookie" = []), ("serviceToken" = []))
)]
pub(crate) async fn list(
    reader: JobsReader,
    query: QueryOf<JobsQuery>,
    api: web::Data<Api>,
) -> Result<Answer, ApiError> {
    let Wanted { filter, page, page_size } = Wanted::try_from(query.0)?;
    let JobPage { items, total } = api.stores().jobs(&reader.scope, &filter, page, page_size).await?;
    let items: Vec<_> = items.into_iter().map(|view| reader.seen(view)).collect();
    Answer::ok(&JobList {
        items: items.iter().map(JobView::new).collect(),
        page,
        page_size,
        total: total.count,
        total_is_estimate: total.is_estimate,
        simulator: api.simulated(),
    })
}
