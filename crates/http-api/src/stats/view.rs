//! The queue in numbers, as clients see it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::channel::Channel;
use domain::message::Priority;
use domain::policy::circuit::{Circuit, Permit};
use domain::policy::quiet_hours::QuietStatus;
use domain::ports::{Stats, Total};
use domain::rules::Rules;
use serde::Serialize;
use utoipa::ToSchema;

use crate::jobs::view::MessageCounts;
use crate::words::{ChannelWord, CircuitWord, Time};

/// The queue in numbers.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StatsView {
    /// When these numbers were taken.
    at: Time,
    /// Messages by status.
    by_status: MessageCounts,
    /// Whether one of `byStatus` is an estimate: very large numbers are not counted.
    by_status_is_estimate: bool,
    /// Messages by channel.
    by_channel: ByChannel,
    /// Whether one of `byChannel` is an estimate.
    by_channel_is_estimate: bool,
    /// Messages by priority.
    by_priority: ByPriority,
    /// Whether one of `byPriority` is an estimate.
    by_priority_is_estimate: bool,
    /// Messages that are due and wait, by channel.
    waiting_by_channel: ByChannel,
    /// Messages that are due and wait, by priority.
    waiting_by_priority: ByPriority,
    throughput: Throughput,
    /// Since when the message that is longest due has been due; null when none is.
    oldest_due_at: Option<Time>,
    limits: LimitsView,
    quiet_hours: QuietView,
    circuit: CircuitView,
    /// Whether there is an N8N to hand off to.
    webhook_enabled: bool,
    /// Whether N8N is simulated: nothing is really sent.
    simulator: bool,
}

#[derive(Serialize, ToSchema)]
struct ByChannel {
    #[serde(rename = "ZALO")]
    zalo: u64,
    #[serde(rename = "FB")]
    facebook: u64,
    #[serde(rename = "SMS")]
    sms: u64,
    #[serde(rename = "CALL_NOTE")]
    call_note: u64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(as = CountsByPriority)]
struct ByPriority {
    high: u64,
    medium: u64,
    low: u64,
}

/// Messages that were settled as SENT.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Throughput {
    sent_last_minute: u64,
    sent_last_hour: u64,
}

/// How many messages may be leased in any 60 seconds; null for no limit.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LimitsView {
    per_minute: Option<u32>,
    /// How many of these are left now.
    left: Option<u32>,
    per_owner_per_minute: Option<u32>,
    /// How many of these are left now to the caller; null also where the caller sees more than their own messages.
    own_left: Option<u32>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QuietHoursNow)]
struct QuietView {
    /// Whether every channel is closed.
    active: bool,
    /// When the first of the closed channels opens; null when none is closed.
    ends_at: Option<Time>,
    /// The closed channels.
    closed: Vec<ClosedChannel>,
    /// Whose wall clock counts.
    #[schema(example = "Asia/Ho_Chi_Minh")]
    time_zone: &'static str,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ClosedChannel {
    #[schema(value_type = ChannelWord)]
    channel: &'static str,
    opens_at: Time,
}

/// What keeps a dead N8N from being hammered.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CircuitView {
    #[schema(value_type = CircuitWord)]
    state: &'static str,
    /// Failures in a row.
    failures: u32,
    /// Until when nothing is handed off; null when it may be.
    until: Option<Time>,
}

/// What the view is made of.
pub struct StatsFacts<'a> {
    /// When the numbers were taken.
    pub now: DateTime<Utc>,
    /// The numbers.
    pub stats: &'a Stats,
    /// The rules in force.
    pub rules: &'a Rules,
    /// The circuit to N8N.
    pub circuit: Circuit,
    /// Whether there is an N8N to hand off to.
    pub webhook_enabled: bool,
    /// Whether N8N is simulated.
    pub simulator: bool,
}

impl StatsView {
    pub(crate) fn new(facts: &StatsFacts<'_>) -> Self {
        // Every field is named, so that a new one can't be forgotten here.
        let Stats {
            by_status,
            by_channel: all_by_channel,
            by_priority: all_by_priority,
            waiting_by_channel,
            waiting_by_priority,
            sent_last_minute,
            sent_last_hour,
            oldest_due_at,
            global_limit_left,
            owner_limit_left,
        } = facts.stats;
        let limits = &facts.rules.limits;
        Self {
            at: Time(facts.now),
            by_status: MessageCounts::new(&counts(by_status)),
            by_status_is_estimate: are_estimates(by_status),
            by_channel: by_channel(&counts(all_by_channel)),
            by_channel_is_estimate: are_estimates(all_by_channel),
            by_priority: by_priority(&counts(all_by_priority)),
            by_priority_is_estimate: are_estimates(all_by_priority),
            waiting_by_channel: by_channel(waiting_by_channel),
            waiting_by_priority: by_priority(waiting_by_priority),
            throughput: Throughput { sent_last_minute: *sent_last_minute, sent_last_hour: *sent_last_hour },
            oldest_due_at: oldest_due_at.map(Time),
            limits: LimitsView {
                per_minute: limits.global.get(),
                left: *global_limit_left,
                per_owner_per_minute: limits.per_owner.get(),
                own_left: *owner_limit_left,
            },
            quiet_hours: quiet(facts),
            circuit: circuit(facts),
            webhook_enabled: facts.webhook_enabled,
            simulator: facts.simulator,
        }
    }
}

fn counts<K: Copy + Ord>(totals: &BTreeMap<K, Total>) -> BTreeMap<K, u64> {
    totals.iter().map(|(key, total)| (*key, total.count)).collect()
}

fn are_estimates<K>(totals: &BTreeMap<K, Total>) -> bool {
    totals.values().any(|total| total.is_estimate)
}

fn by_channel(counts: &BTreeMap<Channel, u64>) -> ByChannel {
    let of = |channel| counts.get(&channel).copied().unwrap_or(0);
    ByChannel {
        zalo: of(Channel::Zalo),
        facebook: of(Channel::Facebook),
        sms: of(Channel::Sms),
        call_note: of(Channel::CallNote),
    }
}

fn by_priority(counts: &BTreeMap<Priority, u64>) -> ByPriority {
    let of = |priority| counts.get(&priority).copied().unwrap_or(0);
    ByPriority { high: of(Priority::High), medium: of(Priority::Medium), low: of(Priority::Low) }
}

fn quiet(facts: &StatsFacts<'_>) -> QuietView {
    let QuietStatus { active, ends_at, closed } = facts.rules.quiet_hours.status(facts.now);
    QuietView {
        active,
        ends_at: ends_at.map(Time),
        closed: closed
            .into_iter()
            .map(|(channel, until)| ClosedChannel { channel: channel.as_str(), opens_at: Time(until) })
            .collect(),
        time_zone: facts.rules.quiet_hours.zone().name(),
    }
}

fn circuit(facts: &StatsFacts<'_>) -> CircuitView {
    let until = match facts.circuit.permit(facts.now) {
        Permit::Refused { until } => Some(Time(until)),
        Permit::Full | Permit::Probe => None,
    };
    CircuitView { state: facts.circuit.label(facts.now).as_str(), failures: facts.circuit.failures(), until }
}
