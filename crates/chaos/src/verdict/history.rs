//! Each lease ended as its hand-off did: what the servers wrote down is what N8N knows.

use std::collections::{BTreeMap, HashMap};

use super::Check;
use super::disturbance::of_lease;
use crate::evidence::{Event, Evidence, Step};
use crate::n8n::log::{HandOff, Reply};

/// Compares each entry about a lease with N8N's log.
pub fn check(evidence: &Evidence, facts: &mut BTreeMap<&'static str, usize>) -> Check {
    let mut check =
        Check::new("each lease ends as its hand-off did, and none is lost while its process lives");
    let mut arrived: HashMap<(&str, &str), &HandOff> = HashMap::new();
    for hand_off in &evidence.truth.hand_offs {
        arrived.insert((&hand_off.message, &hand_off.lease), hand_off);
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
    check
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

#[cfg(test)]
mod tests {
    use super::super::fixture::Case;
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

    #[test]
    fn a_lease_that_is_lost_needs_a_reason() {
        let mut case = leased("LEASE_EXPIRED");
        assert_eq!(found(&case), 1);
        case.incident("s1.1", Incident::Killed, 10, 10);
        assert_eq!(found(&case), 0);
    }
}
