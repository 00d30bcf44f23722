//! `PATCH /api/outbound/jobs/{id}`: N8N says how a job goes.

use actix_web::web;
use domain::ids::JobId;
use domain::job::JobUpdate;
use domain::usecase::jobs::{UpdateJobError, update_job};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::view::JobView;
use crate::answer::Answer;
use crate::api::Api;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Body, Form, JobsMover, PathId};
use crate::fields::Fields;
use crate::idempotency::Once;
use crate::scalar::Scalar;
use crate::texts::report;
use crate::words::JobStatusWord;

/// How a job goes: NEW, then DISPATCHED, then DONE or FAILED; FAILED may be DISPATCHED again.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct UpdateJob {
    #[schema(required)]
    status: Option<JobStatusWord>,
    /// N8N's own name for the run; blank is none.
    run_id: Option<Scalar>,
    /// Why the run failed; cut to 2,000 characters.
    last_error: Option<String>,
}

impl Form for UpdateJob {}

impl TryFrom<UpdateJob> for JobUpdate {
    type Error = ApiError;

    fn try_from(form: UpdateJob) -> Result<Self, ApiError> {
        let mut fields = Fields::default();
        let status = fields.required("status", form.status.as_ref());
        let status = fields.word("status", status);
        let run_id = form.run_id.as_ref().map(|run| run.0.trim()).filter(|run| !run.is_empty());
        let run_id = fields.parse("runId", run_id);
        let last_error = form.last_error.as_deref().and_then(report);
        fields.finish(status.map(|status| Self { status, run_id, last_error }))
    }
}

/// The job as it is now.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UpdatedJob<'a> {
    outbound_job: JobView<'a>,
    /// Present where N8N is simulated: nothing is really sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    simulator: Option<bool>,
}

/// N8N says how a job goes. The same status again changes nothing.
#[utoipa::path(
    patch, path = "/api/outbound/jobs/{id}", tag = "jobs", request_body = UpdateJob,
    params(
        ("id" = crate::words::Id, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key replays the first answer for 72 hours"),
    ),
    responses(
        (status = 200, body = UpdatedJob),
        (status = 400, body = ErrorBody),
        (status = 404, description = "There is no such job", body = ErrorBody),
        (status = 409, description = "The job can't go back to this status", body = ErrorBody),
    ),
    security(("serviceToken" = []), ("callbackSecret" = []))
)]
pub(crate) async fn update(
    mover: JobsMover,
    once: Once,
    id: PathId<JobId>,
    body: Body<UpdateJob>,
    api: web::Data<Api>,
) -> Result<Answer, ApiError> {
    let update = JobUpdate::try_from(body.form)?;
    let by = mover.0;
    once.run(&api, &by.to_string(), &body.raw, async |stores| {
        let job = update_job(&api.deps(stores), id.0, &update, by.clone()).await?;
        Answer::ok(&UpdatedJob { outbound_job: JobView::new(&job), simulator: api.simulated() })
    })
    .await
}

impl From<UpdateJobError> for ApiError {
    fn from(error: UpdateJobError) -> Self {
        match error {
            UpdateJobError::Unknown => Self::NotFound("there is no such job".into()),
            UpdateJobError::Illegal(step) => Self::Conflict(step.to_string().into()),
            UpdateJobError::Contended => Self::TryAgain("the job kept changing; send this again".into()),
            UpdateJobError::Store(error) => error.into(),
        }
    }
}
