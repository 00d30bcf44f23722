//! Each lease ended as its hand-off did: what the servers wrote down is what N8N knows.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Check;
use super::disturbance::of_lease;
use crate::evidence::{Event, Evidence, Step};
use crate::moment::SECOND;
use crate::n8n::log::{HandOff, Reply};
use crate::settings::LEASE_SECONDS;

/// N8N's log was read this long, or less, before the end: what happened later may be missing there.
const READING: i64 = SECOND;
/// How much two readings of the servers' clock may be rounded, in microseconds.
const ROUNDED: i64 = 100_000;

/// Compares each entry about a lease, and each step to DISPATCHED, with N8N's log.
pub fn check(evidence: &Evidence, facts: &mut BTreeMap<&'static str, usize>) -> Check {
    let mut check =
        Check::new("each lease ends as its hand-off did, and none is lost while its process lives");
    let mut arrived: HashMap<(&str, &str), &HandOff> = HashMap::new();
    let mut accepted: HashSet<(&str, &str)> = HashSet::new();
    for hand_off in &evidence.truth.hand_offs {
        let lease = (hand_off.message.as_str(), hand_off.lease.as_str());
        arrived.insert(lease, hand_off);
        if hand_off.reply == Reply::Accepted {
            accepted.insert(lease);
        }
    }
    for (id, events) in &evidence.events {
        let steps = evidence.steps.get(id).map_or(&[][..], Vec::as_slice);
        for event in events {
            let Some(lease) = event.lease.as_deref() else { continue };
            let hand_off = arrived.get(&(id.as_str(), lease)).copied();
            if let Some(fact) = fact(event, hand_off) {
                *facts.entry(fact).or_default() += 1;
            }
            let wrong = wrong(evidence, steps, event, lease, hand_off);
            check.look(wrong.is_none(), || format!("{id}, lease {lease}: {}", wrong.unwrap_or_default()));
        }
    }
    for (id, steps) in &evidence.steps {
        let events = evidence.events.get(id).map_or(&[][..], Vec::as_slice);
        for step in steps.iter().filter(|step| is_hand_off(step) && is_in_log(evidence, step)) {
            let lease = step.lease.as_deref().unwrap_or_default();
            check.look(accepted.contains(&(id, lease)) || is_unknown(events, lease), || {
                let reply = arrived.get(&(id, lease)).map(|hand_off| hand_off.reply);
                format!("{id}, lease {lease}: {} says it was accepted, N8N answered {reply:?}", step.process)
            });
        }
    }
    check
}

/// Whether the process that pushed the message says that N8N has it.
fn is_hand_off(step: &Step) -> bool {
    step.from.as_deref() == Some("LEASED") && step.to == "DISPATCHED"
}

fn is_in_log(evidence: &Evidence, step: &Step) -> bool {
    evidence.server(step.at) + READING <= evidence.end
}

fn is_unknown(events: &[Event], lease: &str) -> bool {
    events.iter().any(|event| event.kind == "OUTCOME_UNKNOWN" && event.lease.as_deref() == Some(lease))
}

fn fact(event: &Event, hand_off: Option<&HandOff>) -> Option<&'static str> {
    match (event.kind.as_str(), hand_off) {
        ("RELEASED", _) => Some("leases released without a hand-off"),
        ("LEASE_EXPIRED", None) => Some("leases lost before their hand-off"),
        ("LEASE_EXPIRED", Some(_)) => Some("leases lost in or after their hand-off"),
        ("CALLBACK_TIMED_OUT", _) => Some("callbacks that did not come in time (held)"),
        ("OUTCOME_UNKNOWN", _) => Some("hand-offs without an answer"),
        ("SUPPRESSED", _) => Some("messages stopped at the lease by an opt-out"),
        ("IGNORED", _) => Some("contradictions kept in the timeline"),
        _ => None,
    }
}

/// What is wrong with an entry, if anything.
fn wrong(
    evidence: &Evidence,
    steps: &[Step],
    event: &Event,
    lease: &str,
    hand_off: Option<&HandOff>,
) -> Option<String> {
    let reply = hand_off.map(|hand_off| hand_off.reply);
    match event.kind.as_str() {
        "RELEASED" => reply.map(|reply| format!("released though N8N has seen it (answered {reply:?})")),
        "NOT_ACCEPTED" => match reply {
            // Never arrived: the connection was refused.
            None | Some(Reply::NotAccepted(_)) => None,
            Some(reply) => Some(format!("taken for not accepted, but N8N answered {reply:?}")),
        },
        "REFUSED" => match reply {
            Some(Reply::Refused(_)) => None,
            other => Some(format!("taken for refused, but N8N answered {other:?}")),
        },
        "LEASE_EXPIRED" => {
            let leased = steps.iter().find(|step| step.is_lease() && step.lease.as_deref() == Some(lease));
            let Some(leased) = leased else { return Some("expired, but was never taken".to_owned()) };
            let ended =
                steps.iter().find(|step| step.old_lease.as_deref() == Some(lease) && !step.is_lease());
            let until = ended.map_or(leased.at, |step| step.at);
            if let Some(early) = ended.and_then(|ended| expired_early(evidence, lease, ended)) {
                return Some(early);
            }
            match of_lease(evidence, leased, until) {
                Some(_) => None,
                None => Some(format!(
                    "lost though {} lived and had its database ({}, {} s after the lease)",
                    leased.process,
                    if reply.is_some() { "handed off" } else { "not handed off" },
                    (until.0 - leased.at.0) / 1_000_000
                )),
            }
        }
        _ => None,
    }
}

/// What is wrong with a lease that was taken for lost before its time was over. It is counted from what its run said
/// of the time: the lease itself may have waited for the database, and its time runs meanwhile.
fn expired_early(evidence: &Evidence, lease: &str, ended: &Step) -> Option<String> {
    let lasted = evidence.server(ended.at) - evidence.runs.get(lease)?;
    let whole = i64::try_from(LEASE_SECONDS).unwrap_or(i64::MAX).saturating_mul(SECOND);
    (lasted + ROUNDED < whole)
        .then(|| format!("taken for lost by {} {} ms after its run had begun", ended.process, lasted / 1_000))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Case, at};
    use super::*;
    use crate::journal::Incident;

    fn found(case: &Case) -> usize {
        check(&case.evidence, &mut BTreeMap::new()).violations.len()
    }

    fn leased(kind: &str) -> Case {
        let mut case = Case::new();
        case.step("m", 10, "s1.1", Some("QUEUED"), "LEASED", Some("l1"), 1);
        case.event("m", kind, "QUEUED", 1, Some("l1"));
        case
    }

    #[test]
    fn a_release_after_a_hand_off_is_found() {
        let mut case = leased("RELEASED");
        assert_eq!(found(&case), 0);
        case.hand_off("m", 11, "l1", 1, Reply::Accepted);
        assert_eq!(found(&case), 1);
    }

    #[test]
    fn an_answer_that_was_misread_is_found() {
        for (kind, reply, wrong) in [
            ("NOT_ACCEPTED", Reply::NotAccepted(503), 0),
            ("NOT_ACCEPTED", Reply::Hung, 1),
            ("NOT_ACCEPTED", Reply::GatewayTimeout, 1),
            ("REFUSED", Reply::Refused(422), 0),
            ("REFUSED", Reply::NotAccepted(429), 1),
        ] {
            let mut case = leased(kind);
            case.hand_off("m", 11, "l1", 1, reply);
            assert_eq!(found(&case), wrong, "{kind} {reply:?}");
        }
    }

    fn dispatched() -> Case {
        let mut case = Case::new();
        case.step("m", 10, "s1.1", Some("QUEUED"), "LEASED", Some("l1"), 1);
        case.step("m", 12, "s1.1", Some("LEASED"), "DISPATCHED", Some("l1"), 1);
        case
    }

    #[test]
    fn a_hand_off_that_never_came_is_found() {
        let mut case = dispatched();
        assert_eq!(found(&case), 1);
        // Whatever became of the process: nothing is written down before N8N answered.
        case.incident("s1.1", Incident::Killed, 13, 13);
        assert_eq!(found(&case), 1);
        case.hand_off("m", 11, "l2", 1, Reply::Accepted);
        assert_eq!(found(&case), 1, "another lease's");
        case.hand_off("m", 11, "l1", 1, Reply::Accepted);
        assert_eq!(found(&case), 0);
        for reply in [Reply::Hung, Reply::NotAccepted(503), Reply::Refused(400)] {
            let mut case = dispatched();
            case.hand_off("m", 11, "l1", 1, reply);
            assert_eq!(found(&case), 1, "{reply:?}");
        }
    }

    #[test]
    fn a_hand_off_without_an_answer_a_pull_and_one_after_the_log_are_right() {
        let mut unknown = dispatched();
        unknown.event("m", "OUTCOME_UNKNOWN", "DISPATCHED", 1, Some("l2"));
        assert_eq!(found(&unknown), 1, "another lease's");
        unknown.event("m", "OUTCOME_UNKNOWN", "DISPATCHED", 1, Some("l1"));
        assert_eq!(found(&unknown), 0);
        let mut pulled = Case::new();
        pulled.step("m", 10, "s1.1", Some("QUEUED"), "DISPATCHED", Some("l1"), 1);
        assert_eq!(found(&pulled), 0);
        let mut late = dispatched();
        late.evidence.end = at(12).0;
        assert_eq!(found(&late), 0);
    }

    #[test]
    fn a_lease_that_is_lost_before_its_time_is_found() {
        for (began, ended, wrong) in [(10, 17, 1), (10, 18, 0), (2, 10, 0)] {
            let mut case = leased("LEASE_EXPIRED");
            case.incident("s1.1", Incident::Killed, 10, 10);
            case.evidence.runs.insert("l1".to_owned(), at(began).0);
            let step = Case::one_step(ended, "s2.1", Some("LEASED"), "QUEUED", None, 1);
            let step = Step { old_lease: Some("l1".to_owned()), ..step };
            case.evidence.steps.get_mut("m").unwrap().push(step);
            assert_eq!(found(&case), wrong, "from {began} to {ended}");
        }
    }

    #[test]
    fn a_lease_that_is_lost_needs_a_reason() {
        let mut case = leased("LEASE_EXPIRED");
        assert_eq!(found(&case), 1);
        case.incident("s1.1", Incident::Killed, 10, 10);
        assert_eq!(found(&case), 0);
    }
}
