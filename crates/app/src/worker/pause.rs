//! How long the worker waits after a run, and for what.

use chrono::{DateTime, TimeDelta, Utc};
use domain::usecase::run_worker::{RunReport, Warning};

/// How long to wait where something is due and yet nothing could be done with it: another worker has it, or a limit or
/// quiet hours hold back one owner's or channel's messages while others' may come.
const LOOK_AGAIN: TimeDelta = TimeDelta::seconds(1);
/// How long to wait at most where the circuit is open.
const CIRCUIT_LOOK: TimeDelta = TimeDelta::seconds(2);
/// No wait is shorter.
const SHORTEST: TimeDelta = TimeDelta::milliseconds(5);

/// What the worker knows after a run.
pub(super) struct Situation<'a> {
    pub(super) report: &'a RunReport,
    /// How many messages the run might have taken.
    pub(super) batch: u32,
    pub(super) now: DateTime<Utc>,
    /// When the next message or lease is due; in the past when something due was left.
    pub(super) next_due_at: Option<DateTime<Utc>>,
    /// When the global limit next lets a message through; `None` when it does now.
    pub(super) limits_free_at: Option<DateTime<Utc>>,
    pub(super) interval: TimeDelta,
}

/// What comes after a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    /// The next run, at once.
    None,
    /// A wait.
    Wait {
        /// How long at most.
        time: TimeDelta,
        /// Whether word of new messages ends it. Not where nothing at all may go out: then each new message would
        /// cost a run for nothing.
        wakeable: bool,
    },
}

/// Decides what comes after a run. A run that moved nothing is always followed by a wait.
pub(super) fn pause(seen: &Situation<'_>) -> Pause {
    let report = seen.report;
    let wait = |time: TimeDelta, wakeable| {
        let time = time.min(seen.interval).max(SHORTEST);
        Pause::Wait { time, wakeable }
    };
    if let Some(until) = closed_until(seen) {
        return wait(until - seen.now, false);
    }
    for warning in &report.warnings {
        match warning {
            Warning::NoWebhook => return wait(seen.interval, false),
            Warning::ProbeUnderWay => return wait(LOOK_AGAIN, false),
            Warning::CircuitOpen { .. } | Warning::Stopping => {}
        }
    }
    let moved = report.processed + report.dropped;
    let something_is_due = seen.next_due_at.is_some_and(|at| at <= seen.now);
    let held_in_part = report.rate_limited > 0 || !report.quiet.closed.is_empty();
    let full = moved + report.released >= seen.batch;
    if moved > 0 && (full || (something_is_due && !held_in_part)) {
        return Pause::None;
    }
    match seen.next_due_at {
        Some(at) if at > seen.now => wait(at - seen.now, true),
        Some(_) => wait(LOOK_AGAIN, true),
        None => wait(seen.interval, true),
    }
}

/// Until when nothing at all may go out, where that is so.
fn closed_until(seen: &Situation<'_>) -> Option<DateTime<Utc>> {
    let circuit = seen.report.warnings.iter().find_map(|warning| match warning {
        // Another process's probe may close it sooner.
        Warning::CircuitOpen { until } => Some((*until).min(seen.now + CIRCUIT_LOOK)),
        Warning::NoWebhook | Warning::ProbeUnderWay | Warning::Stopping => None,
    });
    let quiet = seen.report.quiet.ends_at.filter(|_| seen.report.quiet.active);
    [circuit, quiet, seen.limits_free_at].into_iter().flatten().filter(|until| *until > seen.now).max()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::channel::Channel;
    use domain::policy::circuit::CircuitLabel;
    use domain::policy::quiet_hours::QuietStatus;

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn report() -> RunReport {
        RunReport {
            lease: None,
            dry_run: false,
            processed: 0,
            sent: 0,
            failed: 0,
            skipped: 0,
            dropped: 0,
            released: 0,
            rate_limited: 0,
            remaining: 0,
            by_priority: BTreeMap::new(),
            by_owner: Vec::new(),
            webhook_enabled: true,
            duration: TimeDelta::zero(),
            quiet: QuietStatus { active: false, ends_at: None, closed: Vec::new() },
            circuit: CircuitLabel::Closed,
            warnings: Vec::new(),
            messages: Vec::new(),
        }
    }

    /// With a batch of 50, an interval of 10 s, and something due in so many seconds.
    fn after(report: &RunReport, due_in: Option<i64>) -> Pause {
        after_with_limits(report, due_in, None)
    }

    fn after_with_limits(report: &RunReport, due_in: Option<i64>, free_in: Option<i64>) -> Pause {
        let at = |seconds: i64| now() + TimeDelta::seconds(seconds);
        let (next_due_at, limits_free_at) = (due_in.map(at), free_in.map(at));
        let interval = TimeDelta::seconds(10);
        pause(&Situation { report, batch: 50, now: now(), next_due_at, limits_free_at, interval })
    }

    fn wait(seconds: i64, wakeable: bool) -> Pause {
        Pause::Wait { time: TimeDelta::seconds(seconds), wakeable }
    }

    #[test]
    fn after_a_full_batch_comes_the_next_at_once() {
        assert_eq!(after(&RunReport { processed: 50, ..report() }, None), Pause::None);
        assert_eq!(after(&RunReport { processed: 20, released: 30, ..report() }, Some(0)), Pause::None);
        assert_eq!(
            after(&RunReport { processed: 1, ..report() }, Some(-5)),
            Pause::None,
            "a probe that went well"
        );
    }

    #[test]
    fn with_nothing_due_it_waits_for_the_next_due_time_or_the_interval() {
        assert_eq!(after(&report(), None), wait(10, true));
        assert_eq!(after(&report(), Some(3)), wait(3, true));
        assert_eq!(after(&report(), Some(3_600)), wait(10, true));
        assert_eq!(after(&RunReport { processed: 7, ..report() }, Some(3)), wait(3, true));
    }

    #[test]
    fn a_run_that_moved_nothing_is_never_followed_at_once() {
        assert_eq!(after(&report(), Some(-100)), wait(1, true));
        assert_eq!(after(&RunReport { released: 50, ..report() }, Some(-100)), wait(1, true));
        assert_eq!(
            after(&RunReport { rate_limited: 60, ..report() }, Some(-100)),
            wait(1, true),
            "one owner's limit"
        );
        let nearly = pause(&Situation {
            report: &report(),
            batch: 50,
            now: now(),
            next_due_at: Some(now() + TimeDelta::microseconds(3)),
            limits_free_at: None,
            interval: TimeDelta::seconds(10),
        });
        assert_eq!(nearly, Pause::Wait { time: SHORTEST, wakeable: true });
    }

    #[test]
    fn where_nothing_may_go_out_it_waits_for_that_to_end_and_is_not_woken() {
        let open = RunReport {
            warnings: vec![Warning::CircuitOpen { until: now() + TimeDelta::seconds(4) }],
            ..report()
        };
        assert_eq!(after(&open, Some(-5)), wait(2, false), "another process may find that N8N is back");
        let at = now() + TimeDelta::hours(8);
        let closed = Channel::ALL.iter().map(|channel| (*channel, at)).collect();
        let night = RunReport { quiet: QuietStatus { active: true, ends_at: Some(at), closed }, ..report() };
        assert_eq!(after(&night, Some(-5)), wait(10, false));
        let limited = RunReport { processed: 50, rate_limited: 100, ..report() };
        assert_eq!(after_with_limits(&limited, Some(-5), Some(6)), wait(6, false));
        let lost = RunReport { warnings: vec![Warning::NoWebhook], webhook_enabled: false, ..report() };
        assert_eq!(after(&lost, Some(-5)), wait(10, false));
        let probing = RunReport { warnings: vec![Warning::ProbeUnderWay], ..report() };
        assert_eq!(after(&probing, Some(-5)), wait(1, false));
    }

    #[test]
    fn one_closed_channel_does_not_hold_up_the_others() {
        let closed = vec![(Channel::Sms, now() + TimeDelta::hours(8))];
        let quiet = QuietStatus { active: false, ends_at: closed.first().map(|(_, at)| *at), closed };
        let report = RunReport { processed: 3, quiet, ..report() };
        assert_eq!(after(&report, Some(-5)), wait(1, true));
    }
}
