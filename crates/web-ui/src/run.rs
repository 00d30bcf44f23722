//! Running the worker by hand, within the visitor's scope.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use domain::access::Role;
use domain::ids::MessageId;
use domain::usecase::run_worker::{RunReport, RunRequest, Warning, run_worker};

use crate::error::PageError;
use crate::flash::{Flash, Said};
use crate::form::Form;
use crate::frame::{go_to_saying, safe_back};
use crate::pages::Pages;
use crate::visit::{May, MessagingRun, Posted};

/// How many messages a run takes by default, and at most (contract §9).
pub(crate) const LIMIT: u32 = 20;
/// See [`LIMIT`].
pub(crate) const MAX_LIMIT: u32 = 100;

pub(crate) async fn dispatch(
    posted: Posted<MessagingRun>,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    let Posted { may, form } = posted;
    let report = to_the_end(&pages, wanted(&pages, &may, &form, false)).await?;
    Ok(go_to_saying(safe_back(form.get("back")), said(&report), &pages))
}

/// Hands this one message off, whatever stands in front of it, and says whether it went.
pub(crate) async fn send_now(
    posted: Posted<MessagingRun>,
    id: Path<String>,
    pages: Data<Pages>,
) -> Result<HttpResponse, PageError> {
    let Posted { may, form } = posted;
    let id: MessageId = id.parse().map_err(|_| PageError::NotFound)?;
    let detail = pages.stores.detail(id, &may.caller.scope()).await?.ok_or(PageError::NotFound)?;
    let channel = detail.message.content.channel;
    let request = RunRequest { batch: 1, only: Some(id), ..wanted(&pages, &may, &form, false) };
    let report = to_the_end(&pages, request).await?;
    let is_quiet = pages.rules.quiet_hours.closed_until(channel, pages.clock.now()).is_some();
    let own = format!("/outbound/messages/{id}");
    Ok(go_to_saying(&own, Flash::said(said_of_one(&report, is_quiet)), &pages))
}

/// The run that a form asks for, within its sender's scope; only an admin passes the quiet hours.
pub(crate) fn wanted(pages: &Pages, may: &May<MessagingRun>, form: &Form, dry_run: bool) -> RunRequest {
    let is_admin = may.caller.role == Role::Admin;
    RunRequest {
        batch: form.read("limit").unwrap_or(LIMIT).clamp(1, MAX_LIMIT),
        concurrency: pages.concurrency,
        dry_run,
        retry_failed_only: form.is_on("retryFailedOnly"),
        only: None,
        pull: false,
        scope: may.caller.scope(),
        ignore_quiet_hours: is_admin && form.is_on("ignoreQuietHours"),
        by: may.actor(),
    }
}

/// Runs the worker, also when the visitor leaves in between.
pub(crate) async fn to_the_end(pages: &Pages, request: RunRequest) -> Result<RunReport, PageError> {
    let (background, pages) = (pages.background.clone(), pages.clone());
    background
        .run(async move {
            Ok(run_worker(&pages.deps(), pages.gateway.as_deref(), &*pages.stopping, &request).await?)
        })
        .await
}

fn said(report: &RunReport) -> Flash {
    match warned(report) {
        Some(said) => Flash::said(said),
        None if report.processed > 0 => {
            Flash::counted(Said::Ran, report.processed.into(), report.failed.into())
        }
        None if report.quiet.active => Flash::said(Said::Quiet),
        None if report.rate_limited > 0 => Flash::counted(Said::Limited, report.rate_limited.into(), 0),
        None => Flash::said(Said::NothingDue),
    }
}

/// Whether the one message went, and if not, why; the page says more below.
fn said_of_one(report: &RunReport, is_quiet: bool) -> Said {
    match warned(report) {
        Some(said) => said,
        None if report.failed > 0 => Said::OneFailed,
        None if report.processed > 0 => Said::OneSent,
        None if report.dropped > 0 => Said::OneOptedOut,
        None if report.rate_limited > 0 => Said::OneLimited,
        None if is_quiet => Said::OneQuiet,
        None if report.released > 0 => Said::OneReleased,
        None => Said::OneGone,
    }
}

/// Why a run did less than was asked for.
pub(crate) fn warned(report: &RunReport) -> Option<Said> {
    report.warnings.first().map(|warning| match warning {
        Warning::NoWebhook => Said::NoWebhook,
        Warning::CircuitOpen { .. } | Warning::ProbeUnderWay | Warning::Stopping => Said::Circuit,
    })
}
