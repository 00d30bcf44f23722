//! Hand-offs repeat only where the contract says so, and then with the same key.

use std::collections::{BTreeMap, HashMap};

use super::Check;
use super::disturbance::{Disturbance, of_lease};
use crate::evidence::{Evidence, Step};
use crate::n8n::log::{HandOff, Reply, Word};

type Facts = BTreeMap<&'static str, usize>;

/// Why a message came to N8N again.
enum Why {
    /// A reason of the contract.
    Right(&'static str),
    /// None, and N8N did not have it before.
    Wrong(String),
    /// None, though N8N may have had it: it may have gone out twice.
    Twice(String),
}

/// Looks at every hand-off and at every two of one message that follow each other.
pub fn check(evidence: &Evidence, facts: &mut Facts) -> [Check; 2] {
    let mut repeats =
        Check::new("a hand-off is repeated only where the contract says so, and then with the same key");
    let mut unknown = Check::new("nothing is handed off again while its outcome is unknown");
    let mut by_lease: HashMap<(&str, &str), Vec<&HandOff>> = HashMap::new();
    for hand_off in &evidence.truth.hand_offs {
        by_lease.entry((&hand_off.message, &hand_off.lease)).or_default().push(hand_off);
    }
    facts.insert("hand-offs that reached N8N", evidence.truth.hand_offs.len());
    let mut leased = 0;
    for (id, steps) in &evidence.steps {
        let mut last: Option<(usize, &HandOff)> = None;
        for (place, step) in steps.iter().enumerate().filter(|(_, step)| step.is_lease()) {
            let lease = step.lease.as_deref().unwrap_or_default();
            let Some(arrived) = by_lease.get(&(id.as_str(), lease)) else { continue };
            let [hand_off] = arrived.as_slice() else {
                repeats.look(false, || format!("{id} came {} times under the lease {lease}", arrived.len()));
                leased += arrived.len();
                continue;
            };
            leased += 1;
            repeats.look(hand_off.attempt == step.attempt, || {
                format!("{id} was leased for attempt {} and handed off as {}", step.attempt, hand_off.attempt)
            });
            if let Some((before, first)) = last {
                unknown.looked_at += 1;
                match why(evidence, steps, (before, first), (place, hand_off)) {
                    Why::Right(reason) => {
                        repeats.looked_at += 1;
                        *facts.entry(reason).or_default() += 1;
                    }
                    Why::Wrong(what) => repeats.look(false, || format!("{id}: {what}")),
                    Why::Twice(what) => unknown.look(false, || format!("{id}: {what}")),
                }
            }
            last = Some((place, hand_off));
        }
    }
    repeats.look(leased == evidence.truth.hand_offs.len(), || {
        let without = evidence.truth.hand_offs.iter().filter(|hand_off| !has_lease(evidence, hand_off));
        let without: Vec<&str> = without.map(|hand_off| hand_off.message.as_str()).take(5).collect();
        format!("N8N was handed messages without a lease: {without:?}")
    });
    unknown.looked_at = unknown.looked_at.max(evidence.truth.hand_offs.len());
    [repeats, unknown]
}

/// Why the second hand-off followed the first; both with the place of their lease among the message's steps.
fn why(evidence: &Evidence, steps: &[Step], first: (usize, &HandOff), second: (usize, &HandOff)) -> Why {
    let ((from, one), (to, two)) = (first, second);
    let (Some(first_lease), Some(second_lease)) = (steps.get(from), steps.get(to)) else {
        return Why::Wrong("a lease without its step".to_owned());
    };
    let between = steps.get(from + 1..to).unwrap_or_default();
    let story = || {
        let lease = one.lease.as_str();
        let path: Vec<String> = between.iter().map(|step| format!("{}@{}", step.to, step.process)).collect();
        format!(
            "attempt {} under {lease} ({}, answered {:?}), then attempt {} under {} ({}) at {}; between: {path:?}",
            one.attempt,
            first_lease.process,
            one.reply,
            two.attempt,
            two.lease,
            second_lease.process,
            two.at.0
        )
    };
    let wrong = |what: &str| {
        let text = format!("{what}: {}", story());
        if one.reply.may_have_it() { Why::Twice(text) } else { Why::Wrong(text) }
    };
    if between.iter().any(Step::is_requeue) {
        return match two.attempt > one.attempt {
            true => Why::Right("hand-offs after a person's requeue"),
            false => Why::Wrong(format!("a requeue kept the key: {}", story())),
        };
    }
    if two.attempt == one.attempt + 1 {
        return match said_failed(evidence, one, second_lease) {
            true => Why::Right("hand-offs after a known failure"),
            false => wrong("a new attempt without a failure"),
        };
    }
    if two.attempt != one.attempt {
        return wrong("an attempt that does not follow");
    }
    // Whatever was saved about the first hand-off forbids the second, but for "not accepted".
    let known =
        between.iter().any(|step| step.to == "DISPATCHED" && step.lease.as_deref() == Some(&one.lease));
    if known || first_lease.is_pull() {
        return wrong("again although it was dispatched");
    }
    if settled_before(evidence, one, second_lease) {
        return wrong("again although N8N's word had been taken");
    }
    match (of_lease(evidence, first_lease, second_lease.at), one.reply) {
        (_, Reply::NotAccepted(_)) => Why::Right("hand-offs after N8N did not accept"),
        (Some(Disturbance::Killed), _) => {
            Why::Right("repeats, same key: the process was killed in mid-hand-off")
        }
        (Some(Disturbance::Frozen), _) => {
            Why::Right("repeats, same key: the process was frozen past its lease")
        }
        (Some(Disturbance::Database), _) => {
            Why::Right("repeats, same key: the database was away past the lease")
        }
        (Some(Disturbance::Clock), _) => Why::Right("repeats, same key: the clock was moved past the lease"),
        (None, _) => wrong("again for no reason"),
    }
}

/// Whether N8N had said, before the second lease, that the first attempt failed.
fn said_failed(evidence: &Evidence, one: &HandOff, second_lease: &Step) -> bool {
    let by_callback = evidence.truth.said.iter().any(|said| {
        said.message == one.message
            && said.attempt == one.attempt
            && said.word.is_failure()
            && said.first_try.is_some_and(|at| at <= second_lease.at)
    });
    let by_answer = evidence.truth.hand_offs.iter().any(|hand_off| {
        hand_off.message == one.message
            && hand_off.attempt == one.attempt
            && matches!(hand_off.reply, Reply::Refused(_) | Reply::Settled(Word::Failed { .. }))
            && hand_off.replied.is_some_and(|at| at <= second_lease.at)
    });
    by_callback || by_answer
}

/// Whether a final word about the first attempt had been taken by a server before the second lease.
fn settled_before(evidence: &Evidence, one: &HandOff, second_lease: &Step) -> bool {
    evidence.truth.said.iter().any(|said| {
        said.message == one.message
            && said.lease == one.lease
            && said.answer.as_ref().is_some_and(|answer| answer.applied && answer.at < second_lease.at)
    })
}

fn has_lease(evidence: &Evidence, hand_off: &HandOff) -> bool {
    let steps = evidence.steps.get(&hand_off.message).map_or(&[][..], Vec::as_slice);
    steps.iter().any(|step| step.is_lease() && step.lease.as_deref() == Some(&hand_off.lease))
}

#[cfg(test)]
#[path = "repeats/tests.rs"]
mod tests;
