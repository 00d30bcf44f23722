//! What a run did, as its caller sees it (contract §9).

use chrono::SecondsFormat;
use domain::message::{Message, Priority};
use domain::parcel::Parcel;
use domain::policy::quiet_hours::QuietStatus;
use domain::usecase::run_worker::{OwnerCount, RunReport, Warning};
use serde::Serialize;
use utoipa::ToSchema;

use super::parcel::ParcelView;
use crate::words::{CircuitWord, Id, Time};

/// What a run of the worker did.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReportView<'a> {
    ok: bool,
    dry_run: bool,
    /// Messages handed off or tried; in a dry run, what would be.
    processed: u32,
    /// Settled as SENT within the run.
    sent: u32,
    /// Not accepted, refused or settled as FAILED within the run.
    failed: u32,
    /// Accepted, and waiting for a callback.
    skipped: u32,
    /// Due messages that the limits held back, counted up to 1,000.
    rate_limited: u32,
    /// Due messages that remain.
    remaining_estimate: u32,
    breakdown_by_priority: ByPriority,
    /// The ten owners with the most messages.
    breakdown_by_owner: Vec<OwnerView<'a>>,
    /// Whether there is an N8N to hand off to.
    webhook_enabled: bool,
    /// In milliseconds.
    duration: i64,
    /// Null when nothing was leased.
    lease_id: Option<Id>,
    quiet_hours: QuietHoursView,
    #[schema(value_type = CircuitWord)]
    circuit: &'static str,
    /// Why the run did less than was asked for, or what in the request had no effect.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    warnings: Vec<String>,
    /// In pull mode: the messages that are now the caller's to send.
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<Vec<ParcelView<'a>>>,
    /// Present where N8N is simulated: nothing is really sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    simulator: Option<bool>,
}

/// The leased messages by priority.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
struct ByPriority {
    high: u32,
    medium: u32,
    low: u32,
}

/// One owner's part of a run.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OwnerView<'a> {
    /// Null for messages without an owner.
    owner_id: Option<&'a str>,
    owner_name: Option<&'a str>,
    count: u32,
}

/// The quiet hours.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QuietHoursView {
    /// Whether every channel is closed.
    active: bool,
    /// When the first channel opens again.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_at: Option<Time>,
}

impl From<&QuietStatus> for QuietHoursView {
    fn from(status: &QuietStatus) -> Self {
        Self { active: status.active, ends_at: status.ends_at.filter(|_| status.active).map(Time) }
    }
}

/// How a run's report is shown.
pub(crate) struct Presentation<'a> {
    /// Whether the messages go to the caller.
    pub(crate) pull: bool,
    /// Where the caller reports what became of them.
    pub(crate) callback_url: Option<&'a str>,
    /// What in the request had no effect.
    pub(crate) without_effect: Vec<String>,
    /// Present where N8N is simulated.
    pub(crate) simulator: Option<bool>,
}

impl<'a> ReportView<'a> {
    pub(crate) fn new(report: &'a RunReport, presentation: Presentation<'a>) -> Self {
        // Every field is named, so that a new one can't be forgotten here.
        let RunReport {
            lease,
            dry_run,
            processed,
            sent,
            failed,
            skipped,
            dropped: _,
            released: _,
            rate_limited,
            remaining,
            by_priority,
            by_owner,
            webhook_enabled,
            duration,
            quiet,
            circuit,
            warnings,
            messages,
        } = report;
        let of_priority = |priority| by_priority.get(&priority).copied().unwrap_or(0);
        let parcel = |message| parcel(message, presentation.callback_url);
        Self {
            ok: true,
            dry_run: *dry_run,
            processed: *processed,
            sent: *sent,
            failed: *failed,
            skipped: *skipped,
            rate_limited: *rate_limited,
            remaining_estimate: *remaining,
            breakdown_by_priority: ByPriority {
                high: of_priority(Priority::High),
                medium: of_priority(Priority::Medium),
                low: of_priority(Priority::Low),
            },
            breakdown_by_owner: by_owner.iter().map(OwnerView::from).collect(),
            webhook_enabled: *webhook_enabled,
            duration: duration.num_milliseconds(),
            lease_id: lease.map(|id| Id(id.uuid())),
            quiet_hours: QuietHoursView::from(quiet),
            circuit: circuit.as_str(),
            messages: presentation.pull.then(|| messages.iter().filter_map(parcel).collect()),
            simulator: presentation.simulator,
            warnings: presentation.without_effect.into_iter().chain(warnings.iter().map(warning)).collect(),
        }
    }
}

/// A pulled message is DISPATCHED under its lease.
fn parcel<'a>(message: &'a Message, callback_url: Option<&'a str>) -> Option<ParcelView<'a>> {
    let lease = message.state.lease_id()?;
    Some(ParcelView::from(Parcel::new(message, lease, callback_url)))
}

impl<'a> From<&'a OwnerCount> for OwnerView<'a> {
    fn from(owner: &'a OwnerCount) -> Self {
        let OwnerCount { owner_id, owner_name, count } = owner;
        Self {
            owner_id: owner_id.as_ref().map(|id| id.as_str()),
            owner_name: owner_name.as_deref(),
            count: *count,
        }
    }
}

/// A warning in words.
fn warning(warning: &Warning) -> String {
    match warning {
        Warning::NoWebhook => {
            "N8N_WEBHOOK_URL is not set: nothing was leased. Set it, or use mode pull.".to_owned()
        }
        Warning::CircuitOpen { until } => format!(
            "N8N failed time after time: nothing is handed off before {}.",
            until.to_rfc3339_opts(SecondsFormat::Secs, true)
        ),
        Warning::ProbeUnderWay => {
            "Another run is finding out whether N8N is back: nothing was leased.".to_owned()
        }
        Warning::Stopping => "The server is stopping: nothing was leased.".to_owned(),
    }
}
