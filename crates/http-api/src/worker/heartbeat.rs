//! `POST /api/worker/outbound/heartbeat`: more time for whoever pulled messages.

use actix_web::web;
use chrono::TimeDelta;
use domain::ids::LeaseId;
use domain::usecase::heartbeat::{self as usecase, Extended, HeartbeatError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::api::Api;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Body, Form, WorkerSecret};
use crate::fields::Fields;
use crate::words::Time;

/// The most that one heartbeat extends by, in seconds.
const MAX_SECONDS: u32 = 3_600;

/// Which lease, and by how much.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Heartbeat {
    /// As the pull run answered it.
    #[schema(required, format = Uuid)]
    lease_id: Option<String>,
    /// How long from now the callbacks are waited for at least; cut to 3600.
    #[schema(required, minimum = 1, format = "uint64")]
    extend_seconds: Option<u64>,
}

impl Form for Heartbeat {}

impl Heartbeat {
    fn read(&self) -> Result<(LeaseId, TimeDelta), ApiError> {
        let mut fields = Fields::default();
        let lease = fields.required("leaseId", self.lease_id.as_deref());
        let lease = fields.parse("leaseId", lease);
        let seconds = fields.required("extendSeconds", self.extend_seconds);
        let seconds = fields.size("extendSeconds", seconds, MAX_SECONDS, MAX_SECONDS);
        fields.finish(lease.map(|lease| (lease, TimeDelta::seconds(seconds.into()))))
    }
}

/// The lease as it is now.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HeartbeatAnswer {
    ok: bool,
    /// How many messages of the lease still wait for a callback.
    extended: usize,
    /// When the first of them is given up.
    lease_expires_at: Time,
}

/// Extends the wait for the callbacks of a pulled lease. It never becomes shorter.
#[utoipa::path(
    post, path = "/api/worker/outbound/heartbeat", tag = "worker", request_body = Heartbeat,
    responses(
        (status = 200, body = HeartbeatAnswer),
        (status = 400, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, description = "There is no such lease", body = ErrorBody),
        (status = 409, description = "The lease was not pulled, or nothing of it is in flight any more", body = ErrorBody),
    ),
    security(("workerSecret" = []))
)]
pub(crate) async fn heartbeat(
    _: WorkerSecret,
    body: Body<Heartbeat>,
    api: web::Data<Api>,
) -> Result<Answer, ApiError> {
    let (lease, time) = body.form.read()?;
    let Extended { in_flight, until } =
        usecase::heartbeat(&api.deps(api.stores()), lease, time).await.map_err(refused)?;
    Answer::ok(&HeartbeatAnswer { ok: true, extended: in_flight, lease_expires_at: Time(until) })
}

fn refused(error: HeartbeatError) -> ApiError {
    match error {
        HeartbeatError::Unknown => ApiError::NotFound(error.to_string().into()),
        HeartbeatError::NotPulled | HeartbeatError::Over => ApiError::Conflict(error.to_string().into()),
        HeartbeatError::Contended => ApiError::TryAgain(error.to_string().into()),
        HeartbeatError::Store(error) => error.into(),
    }
}
