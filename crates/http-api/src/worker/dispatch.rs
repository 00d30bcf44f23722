//! `POST /api/outbound/dispatch`: a person runs the worker, within their scope.

use actix_web::web;
use domain::access::{Caller, Role};
use domain::actor::Actor;
use domain::usecase::run_worker::{RunReport, RunRequest, run_worker};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::report::{Presentation, ReportView};
use crate::answer::Answer;
use crate::api::Api;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Body, Form, May, MessagingRun};
use crate::fields::Fields;
use crate::idempotency::Once;

/// How many messages by default.
const LIMIT: u32 = 20;
/// How many at most.
const MAX_LIMIT: u32 = 100;

/// What is asked for; no body at all is all defaults.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Dispatch {
    /// 20 by default, cut to 100.
    #[schema(minimum = 1, format = "uint64")]
    limit: Option<u64>,
    /// Only messages whose retry is due.
    retry_failed_only: Option<bool>,
    /// Pass the quiet hours: admins only, and the timeline says who did.
    ignore_quiet_hours: Option<bool>,
}

impl Form for Dispatch {
    const MAY_BE_EMPTY: bool = true;
}

impl Dispatch {
    /// The run that is asked for.
    fn request(&self, caller: &Caller, concurrency: u32) -> Result<RunRequest, ApiError> {
        let ignore_quiet_hours = self.ignore_quiet_hours.unwrap_or(false);
        if ignore_quiet_hours && caller.role != Role::Admin {
            return Err(ApiError::Forbidden("ignoreQuietHours: only an admin passes the quiet hours".into()));
        }
        let mut fields = Fields::default();
        let batch = fields.size("limit", self.limit, LIMIT, MAX_LIMIT);
        fields.finish(Some(RunRequest {
            batch,
            concurrency,
            dry_run: false,
            retry_failed_only: self.retry_failed_only.unwrap_or(false),
            only: None,
            pull: false,
            scope: caller.scope(),
            ignore_quiet_hours,
            by: Actor::User(caller.subject.clone()),
        }))
    }
}

/// What a run of the worker did.
#[derive(Serialize, ToSchema)]
pub(crate) struct DispatchReport<'a> {
    /// Messages handed off or tried; the same as `processed`.
    total: u32,
    /// Messages that N8N took: waiting for a callback, or settled as SENT.
    accepted: u32,
    #[serde(flatten)]
    report: ReportView<'a>,
}

impl<'a> DispatchReport<'a> {
    fn new(report: &'a RunReport, simulator: Option<bool>) -> Self {
        let presentation =
            Presentation { pull: false, callback_url: None, without_effect: Vec::new(), simulator };
        Self {
            total: report.processed,
            accepted: report.skipped + report.sent,
            report: ReportView::new(report, presentation),
        }
    }
}

/// Runs the worker once over the messages of the caller's scope.
#[utoipa::path(
    post, path = "/api/outbound/dispatch", tag = "worker", request_body = Option<Dispatch>,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key replays the first answer for 72 hours")),
    responses(
        (status = 200, body = DispatchReport),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 409, description = "The Idempotency-Key was used for another body, or its first request is still at work", body = ErrorBody),
    ),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn dispatch(
    may: May<MessagingRun>,
    once: Once,
    body: Body<Dispatch>,
    api: web::Data<Api>,
) -> Result<Answer, ApiError> {
    let request = body.form.request(&may.caller, api.worker.concurrency)?;
    let work = {
        let api = api.clone();
        async move {
            let deps = api.deps(api.stores());
            let report = run_worker(&deps, api.gateway.as_deref(), &*api.stopping, &request).await?;
            Answer::ok(&DispatchReport::new(&report, api.simulated()))
        }
    };
    once.run_reserved(&api, may.caller.subject.as_str(), &body.raw, work).await
}
