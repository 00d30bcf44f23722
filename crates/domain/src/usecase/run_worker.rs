//! One run of the worker: lease due messages and hand them off, or to the caller (contract §3 to §6, §9).

mod breaker;
mod hand_off;
mod report;

use chrono::{DateTime, Utc};

use self::breaker::Breaker;
pub use self::hand_off::Release;
pub use self::report::{OwnerCount, RunReport, Warning};
use super::{Deps, expire};
use crate::access::Scope;
use crate::actor::Actor;
use crate::audit::AuditAction;
use crate::ids::{LeaseId, MessageId};
use crate::policy::circuit::Permit;
use crate::policy::quiet_hours::OpenChannel;
use crate::ports::{DeliveryGateway, LeaseMode, LeaseRequest, Leased, RunRecord, StoreError};

/// How far the estimate of what remains counts.
const REMAINING_BOUND: u32 = 10_000;

/// What a run is asked to do.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// At most so many messages.
    pub batch: u32,
    /// At most so many hand-offs at a time.
    pub concurrency: u32,
    /// Only look.
    pub dry_run: bool,
    /// Only FAILED messages whose retry is due.
    pub retry_failed_only: bool,
    /// Only this message; the others stay where they are.
    pub only: Option<MessageId>,
    /// Give the messages to the caller in place of handing them off.
    pub pull: bool,
    /// Only messages in this scope.
    pub scope: Scope,
    /// Pass the quiet hours; the caller has made sure that an admin asks for it.
    pub ignore_quiet_hours: bool,
    /// Who asks.
    pub by: Actor,
}

/// Tells a run that the process wants to stop: what is left of its batch is given back.
pub trait Stopping: Send + Sync {
    /// Whether the process is stopping.
    fn is_stopping(&self) -> bool;
}

/// Runs the worker once. Without a gateway a push run leases nothing and says so.
pub async fn run_worker(
    deps: &Deps<'_>,
    gateway: Option<&dyn DeliveryGateway>,
    stopping: &dyn Stopping,
    request: &RunRequest,
) -> Result<RunReport, StoreError> {
    let started_at = deps.clock.now();
    if !request.dry_run {
        expire::expire_some(deps).await?;
    }
    let mut breaker = Breaker::load(deps).await?;
    let mut report = RunReport::new(request, gateway.is_some(), deps.rules.quiet_hours.status(started_at));
    let lease = LeaseId::new(deps.entropy.uuid(started_at));
    if request.ignore_quiet_hours && !request.dry_run {
        let deed =
            deps.deed(&request.by, AuditAction::IgnoreQuietHours).to(lease).with("limit", request.batch);
        deps.stores.record(&[deed]).await?;
    }
    if let Some(limit) = admitted(deps, gateway, request, &mut breaker, &mut report, stopping).await? {
        // The time anew: what came before may have waited for the database.
        let now = deps.clock.now();
        let leased = deps.stores.lease_due(&lease_request(deps, request, lease, limit, now)).await?;
        report.leased(lease, &leased, request);
        match gateway {
            Some(gateway) if !request.pull && !request.dry_run && !leased.messages.is_empty() => {
                let run =
                    hand_off::Run { deps, gateway, stopping, request, lease, started_at, breaker: &breaker };
                run.hand_off_all(leased.messages, &mut report).await?;
                deps.stores.end_run(&record(deps, request, lease, started_at, &report)).await?;
            }
            Some(_) | None => take_unhanded(&mut report, leased, request),
        }
        if report.processed == 0 {
            breaker.cancel_probe(deps).await?;
        }
    }
    report.circuit = breaker.label(deps.clock.now());
    report.remaining = deps.stores.count_due(deps.clock.now(), &request.scope, REMAINING_BOUND).await?;
    report.duration = deps.clock.now() - started_at;
    Ok(report)
}

/// How many messages the run may lease; `None` when it must not lease at all, and then the report says why.
async fn admitted(
    deps: &Deps<'_>,
    gateway: Option<&dyn DeliveryGateway>,
    request: &RunRequest,
    breaker: &mut Breaker,
    report: &mut RunReport,
    stopping: &dyn Stopping,
) -> Result<Option<u32>, StoreError> {
    let now = deps.clock.now();
    if stopping.is_stopping() {
        report.warnings.push(Warning::Stopping);
        return Ok(None);
    }
    if gateway.is_none() && !request.pull {
        report.warnings.push(Warning::NoWebhook);
        return Ok(None);
    }
    if open_channels(deps, request, now).is_empty() {
        return Ok(None);
    }
    if request.pull {
        return Ok(Some(request.batch));
    }
    match breaker.permit(now) {
        Permit::Full => Ok(Some(request.batch)),
        Permit::Probe if request.dry_run => Ok(Some(1.min(request.batch))),
        Permit::Probe if breaker.begin_probe(deps).await? => Ok(Some(1.min(request.batch))),
        Permit::Probe => {
            report.warnings.push(Warning::ProbeUnderWay);
            Ok(None)
        }
        Permit::Refused { until } => {
            report.warnings.push(Warning::CircuitOpen { until });
            Ok(None)
        }
    }
}

fn open_channels(deps: &Deps<'_>, request: &RunRequest, now: DateTime<Utc>) -> Vec<OpenChannel> {
    if request.ignore_quiet_hours { OpenChannel::all() } else { deps.rules.quiet_hours.open_channels(now) }
}

fn lease_request(
    deps: &Deps<'_>,
    request: &RunRequest,
    lease: LeaseId,
    limit: u32,
    now: DateTime<Utc>,
) -> LeaseRequest {
    let mode = if request.pull {
        LeaseMode::Pull { deadline: now + deps.rules.callback_timeout }
    } else {
        LeaseMode::Push
    };
    LeaseRequest {
        now,
        lease,
        lease_expires_at: now + deps.rules.lease_for,
        limit,
        channels: open_channels(deps, request, now),
        scope: request.scope.clone(),
        retry_failed_only: request.retry_failed_only,
        only: request.only,
        limits: deps.rules.limits,
        mode,
        by: request.by.clone(),
        ignored_quiet_hours: request.ignore_quiet_hours,
        dry_run: request.dry_run,
    }
}

/// A pull run gives the messages to its caller; a dry run only counts them.
fn take_unhanded(report: &mut RunReport, leased: Leased, request: &RunRequest) {
    report.processed = count(leased.messages.len());
    if request.pull && !request.dry_run {
        report.skipped = report.processed;
        report.messages = leased.messages;
    }
}

fn record(
    deps: &Deps<'_>,
    request: &RunRequest,
    lease: LeaseId,
    started_at: DateTime<Utc>,
    report: &RunReport,
) -> RunRecord {
    RunRecord {
        lease,
        started_at,
        by: request.by.clone(),
        pulled: request.pull,
        ignored_quiet_hours: request.ignore_quiet_hours,
        leased: report.processed + report.released,
        ended_at: Some(deps.clock.now()),
        handed_off: report.processed - report.failed.min(report.processed),
        failed: report.failed,
        released: report.released,
        rate_limited: report.rate_limited,
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
