//! The rules in force, from their settings.

use std::num::NonZeroU32;

use chrono::TimeDelta;
use domain::channel::Channel;
use domain::policy::circuit::CircuitSettings;
use domain::policy::quiet_hours::QuietHours;
use domain::policy::rate_limit::RateLimit;
use domain::policy::retry::HandoffBackoff;
use domain::rules::{Limits, Rules};

use super::kind::Kind;
use super::reader::Reader;
use super::texts::Quiet;
use super::variables::{self as v, Variable};

/// How far a lease must exceed the time limit of a hand-off, in seconds.
pub(super) const LEASE_ABOVE_TIMEOUT: i64 = 5;
/// How long a probe may take at least before another one may begin, in seconds.
const PROBE_SECONDS: i64 = 30;
/// What begins the names of the channels' own quiet hours.
const OF_CHANNEL: &str = "OPS_QUIET_HOURS_";

/// All that [`read`] reads.
pub(super) const NAMES: [&str; 17] = [
    v::OPS_TZ.name,
    v::OPS_QUIET_HOURS.name,
    v::OPS_QUIET_HOURS_ZALO.name,
    v::OPS_QUIET_HOURS_FB.name,
    v::OPS_QUIET_HOURS_SMS.name,
    v::OPS_QUIET_HOURS_CALL_NOTE.name,
    v::WORKER_RATE_LIMIT_PER_MIN.name,
    v::WORKER_RATE_LIMIT_PER_OWNER_PER_MIN.name,
    v::RETRY_BACKOFF.name,
    v::CIRCUIT_FAILURES.name,
    v::CIRCUIT_OPEN_SECONDS.name,
    v::WORKER_LEASE_SECONDS.name,
    v::WORKER_MAX_RUN_SECONDS.name,
    v::CALLBACK_TIMEOUT_SECONDS.name,
    v::CALLBACK_TIMEOUT_ACTION.name,
    v::OPS_DEDUPE_WINDOW_DAYS.name,
    v::N8N_TIMEOUT_SECONDS.name,
];

pub(super) fn read(reader: &mut Reader<'_>) -> Option<Rules> {
    let retry = reader.required(&v::RETRY_BACKOFF);
    let quiet_hours = quiet_hours(reader);
    let global = reader.required(&v::WORKER_RATE_LIMIT_PER_MIN);
    let per_owner = reader.required(&v::WORKER_RATE_LIMIT_PER_OWNER_PER_MIN);
    let failures = reader.required(&v::CIRCUIT_FAILURES);
    let open_for = reader.required(&v::CIRCUIT_OPEN_SECONDS);
    let lease_for = reader.required(&v::WORKER_LEASE_SECONDS);
    let callback_timeout = reader.required(&v::CALLBACK_TIMEOUT_SECONDS);
    let callback_timeout_action = reader.required(&v::CALLBACK_TIMEOUT_ACTION);
    let max_run = reader.required(&v::WORKER_MAX_RUN_SECONDS);
    let dedupe_days = reader.required(&v::OPS_DEDUPE_WINDOW_DAYS);
    // Its own mistakes are noted where N8N's settings are read.
    let handoff_timeout = v::N8N_TIMEOUT_SECONDS.kind.parse(given(reader, &v::N8N_TIMEOUT_SECONDS)).ok();
    if let (Some(lease), Some(timeout)) = (lease_for, handoff_timeout)
        && lease < timeout + TimeDelta::seconds(LEASE_ABOVE_TIMEOUT)
    {
        let least = timeout.num_seconds() + LEASE_ABOVE_TIMEOUT;
        let takes = format!("at least {least}, which is N8N_TIMEOUT_SECONDS and {LEASE_ABOVE_TIMEOUT} more");
        reader.refuse(&v::WORKER_LEASE_SECONDS, &takes);
    }
    let handoff_timeout = handoff_timeout?;
    let probe_for =
        (handoff_timeout + TimeDelta::seconds(LEASE_ABOVE_TIMEOUT)).max(TimeDelta::seconds(PROBE_SECONDS));
    Some(Rules {
        retry: retry?,
        handoff_backoff: HandoffBackoff,
        quiet_hours: quiet_hours?,
        limits: Limits {
            global: RateLimit::per_minute(global?),
            per_owner: RateLimit::per_minute(per_owner?),
        },
        circuit: CircuitSettings { failures: NonZeroU32::new(failures?)?, open_for: open_for?, probe_for },
        lease_for: lease_for?,
        callback_timeout: callback_timeout?,
        callback_timeout_action: callback_timeout_action?,
        max_run: max_run?,
        handoff_timeout,
        dedupe_days: dedupe_days?,
    })
}

/// The text of a setting that has a default.
fn given<'a, K: Kind>(reader: &Reader<'a>, variable: &Variable<K>) -> &'a str {
    reader.layers().find(variable.name).map(|(text, _)| text).or(variable.default).unwrap_or_default()
}

fn quiet_hours(reader: &mut Reader<'_>) -> Option<QuietHours> {
    let zone = reader.required(&v::OPS_TZ);
    let default = reader.required(&v::OPS_QUIET_HOURS);
    let channels: Vec<_> = Channel::ALL
        .iter()
        .map(|channel| {
            let variable = of_channel(*channel);
            // Absent is not the same as `off`: then the default holds.
            let given = reader.layers().has(variable.name);
            (*channel, given.then(|| reader.optional(variable)))
        })
        .collect();
    refuse_unknown_channels(reader);
    let mut hours = QuietHours::new(zone?, default?);
    for (channel, window) in channels {
        if let Some(window) = window {
            hours = hours.with_channel(channel, window?);
        }
    }
    Some(hours)
}

fn of_channel(channel: Channel) -> &'static Variable<Quiet> {
    match channel {
        Channel::Zalo => &v::OPS_QUIET_HOURS_ZALO,
        Channel::Facebook => &v::OPS_QUIET_HOURS_FB,
        Channel::Sms => &v::OPS_QUIET_HOURS_SMS,
        Channel::CallNote => &v::OPS_QUIET_HOURS_CALL_NOTE,
    }
}

/// A slip in a channel's name would let messages out at night.
fn refuse_unknown_channels(reader: &mut Reader<'_>) {
    let known = |name: &str| Channel::ALL.iter().any(|channel| of_channel(*channel).name == name);
    let unknown: Vec<String> = reader
        .layers()
        .names()
        .filter(|name| name.starts_with(OF_CHANNEL) && !known(name))
        .map(str::to_owned)
        .collect();
    for name in unknown {
        let channels: Vec<&str> = Channel::ALL.iter().map(|channel| channel.as_str()).collect();
        reader.refuse_name(&name, &format!("after {OF_CHANNEL} it takes one of {}", channels.join(", ")));
    }
}
