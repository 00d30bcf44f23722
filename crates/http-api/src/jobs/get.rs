//! `GET /api/outbound/jobs/{id}`: one job with its history.

use actix_web::web;
use domain::ids::JobId;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::{JobLineView, JobView};
use crate::answer::Answer;
use crate::api::Api;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{JobsReader, PathId};

/// A job with its history.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobDetail<'a> {
    outbound_job: JobView<'a>,
    /// Every change of its status, oldest first.
    history: Vec<JobLineView<'a>>,
    /// Present where N8N is simulated: nothing is really sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    simulator: Option<bool>,
}

/// One job with the counts of its messages and its history.
#[utoipa::path(
    get, path = "/api/outbound/jobs/{id}", tag = "jobs", params(("id" = crate::words::Id, Path)),
    responses(
        (status = 200, body = JobDetail),
        (status = 404, description = "Unknown, or outside the caller's scope", body = ErrorBody),
    ),
    security(("bearer" = []), ("cookie" = []), ("serviceToken" = []))
)]
pub(crate) async fn get(
    reader: JobsReader,
    id: PathId<JobId>,
    api: web::Data<Api>,
) -> Result<Answer, ApiError> {
    let found = api.stores().job(id.0, &reader.scope).await?;
    let job = found.ok_or_else(|| ApiError::NotFound("there is no such job".into()))?;
    let job = reader.seen(job);
    let history = api.stores().job_history(id.0).await?.into_iter();
    let history: Vec<_> = history.map(|line| reader.seen_line(line)).collect();
    Answer::ok(&JobDetail {
        outbound_job: JobView::new(&job),
        history: history.iter().map(JobLineView::new).collect(),
        simulator: api.simulated(),
    })
}
