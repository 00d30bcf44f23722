//! `POST /api/worker/outbound`: one run of the worker.

use actix_web::web;
use domain::access::Scope;
use domain::actor::Actor;
use domain::usecase::run_worker::{RunReport, RunRequest, run_worker};
use serde::Deserialize;
use utoipa::ToSchema;

use super::report::{Presentation, ReportView};
use crate::answer::Answer;
use crate::api::{Api, WorkerDefaults};
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Body, Form, WorkerSecret};
use crate::fields::Fields;
use crate::words::RunModeWord;

/// The most messages of one run (contract §9).
const MAX_BATCH: u32 = 200;
/// The most hand-offs at a time.
const MAX_CONCURRENCY: u32 = 20;
/// What a caller is told who still sends `force`.
const FORCE: &str = "force has no effect: quiet hours, limits and the circuit hold for every run.";

/// What a run is asked to do; no body at all is all defaults.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RunWorker {
    /// 50 by default, cut to 200.
    #[schema(format = "uint64")]
    batch_size: Option<u64>,
    /// 5 by default, cut to 20.
    #[schema(format = "uint64")]
    concurrency: Option<u64>,
    /// Lease and change nothing; say what a run would do.
    dry_run: Option<bool>,
    /// Only messages whose retry is due.
    retry_failed_only: Option<bool>,
    /// Taken for older workflows; has no effect.
    force: Option<bool>,
    /// `push` hands the messages to N8N, `pull` to the caller.
    mode: Option<RunModeWord>,
}

impl Form for RunWorker {
    const MAY_BE_EMPTY: bool = true;
}

/// Who hands off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunMode {
    /// The server.
    Push,
    /// The caller.
    Pull,
}

impl RunMode {
    /// Every word.
    pub(crate) const ALL: &'static [Self] = &[Self::Push, Self::Pull];

    /// The word on the wire.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Pull => "pull",
        }
    }
}

impl std::str::FromStr for RunMode {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|mode| mode.as_str() == word).ok_or("must be push or pull")
    }
}

impl RunWorker {
    /// The run that is asked for.
    fn request(&self, defaults: WorkerDefaults) -> Result<RunRequest, ApiError> {
        let mut fields = Fields::default();
        let batch = fields.size("batchSize", self.batch_size, defaults.batch, MAX_BATCH);
        let concurrency = fields.size("concurrency", self.concurrency, defaults.concurrency, MAX_CONCURRENCY);
        let mode = fields.word("mode", self.mode.as_ref()).unwrap_or(RunMode::Push);
        fields.finish(Some(RunRequest {
            batch,
            concurrency,
            dry_run: self.dry_run.unwrap_or(false),
            retry_failed_only: self.retry_failed_only.unwrap_or(false),
            only: None,
            pull: mode == RunMode::Pull,
            scope: Scope::everything(),
            ignore_quiet_hours: false,
            by: Actor::Worker,
        }))
    }
}

/// Runs the worker once.
#[utoipa::path(
    post, path = "/api/worker/outbound", tag = "worker", request_body = Option<RunWorker>,
    responses((status = 200, body = ReportView), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody)),
    security(("workerSecret" = []))
)]
pub(crate) async fn run(
    _: WorkerSecret,
    body: Body<RunWorker>,
    api: web::Data<Api>,
) -> Result<Answer, ApiError> {
    let request = body.form.request(api.worker)?;
    let pull = request.pull;
    let report = run_to_the_end(&api, request).await?;
    let presentation = Presentation {
        pull,
        callback_url: api.callback_url.as_deref(),
        without_effect: if body.form.force == Some(true) { vec![FORCE.to_owned()] } else { Vec::new() },
        simulator: api.simulated(),
    };
    Answer::ok(&ReportView::new(&report, presentation))
}

/// Runs the worker, also when the caller hangs up in between.
pub(crate) async fn run_to_the_end(api: &Api, request: RunRequest) -> Result<RunReport, ApiError> {
    let background = api.background.clone();
    let api = api.clone();
    background
        .run(async move {
            let deps = api.deps(api.stores());
            Ok(run_worker(&deps, api.gateway.as_deref(), &*api.stopping, &request).await?)
        })
        .await
}
