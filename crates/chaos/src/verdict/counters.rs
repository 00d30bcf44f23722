//! retryCount counts the known failures since the last requeue, persons' acts happen only when asked for, and nobody
//! holds anything at the end.

use std::collections::BTreeSet;

use super::Check;
use crate::evidence::{Event, Evidence};
use crate::n8n::log::{Reply, Word};

/// Looks at every message's counters.
pub fn check(evidence: &Evidence) -> Check {
    let mut check =
        Check::new("retryCount counts the known failures since the last requeue; no lease is left");
    for (id, row) in &evidence.messages {
        check.look(row.status != "LEASED", || format!("{id} is still leased"));
        let events = evidence.events.get(id).map_or(&[][..], Vec::as_slice);
        let since = events.iter().rposition(|event| event.kind == "REQUEUED");
        let counted = events.get(since.map_or(0, |place| place + 1)..).unwrap_or_default().iter();
        let counted = counted.filter(|event| is_failure(event)).count() as u64;
        check.look(row.retry_count == counted, || {
            format!("{id} has retryCount {} and {counted} failures in its history", row.retry_count)
        });
        let requeued_at = since.and_then(|place| events.get(place)).map_or(0, |event| event.attempt);
        let (least, most) = failures(evidence, id, requeued_at);
        check.look((least..=most).contains(&counted), || {
            format!("{id} has {counted} failures in its history; N8N knows of {least} to {most}")
        });
    }
    acts(evidence, &mut check);
    check
}

fn is_failure(event: &Event) -> bool {
    event.kind == "REFUSED" || (event.kind == "SETTLED" && event.to == "FAILED")
}

/// How many attempts after this one N8N knows to have failed: those that a server said it has taken, and all.
fn failures(evidence: &Evidence, id: &str, after: u64) -> (u64, u64) {
    let (mut taken, mut all) = (BTreeSet::new(), BTreeSet::new());
    let said = evidence.truth.said.iter().filter(|said| said.message == id && said.word.is_failure());
    for said in said.filter(|said| said.first_try.is_some()) {
        all.insert(said.attempt);
        if said.attempt > after && said.answer.as_ref().is_some_and(|answer| answer.applied) {
            taken.insert(said.attempt);
        }
    }
    for hand_off in evidence.truth.hand_offs.iter().filter(|hand_off| hand_off.message == id) {
        if matches!(hand_off.reply, Reply::Refused(_) | Reply::Settled(Word::Failed { .. })) {
            all.insert(hand_off.attempt);
        }
    }
    (taken.len() as u64, all.len() as u64)
}

/// Nobody's message is requeued or cancelled more often than somebody asked for it.
fn acts(evidence: &Evidence, check: &mut Check) {
    for (id, steps) in &evidence.steps {
        let requeued = steps.iter().filter(|step| step.is_requeue()).count();
        let cancelled = steps.iter().filter(|step| step.to == "CANCELLED").count();
        let asked = |acts: &std::collections::BTreeMap<String, usize>| acts.get(id).copied().unwrap_or(0);
        check.look(requeued <= asked(&evidence.notes.requeues), || {
            format!("{id} was requeued {requeued} times unasked")
        });
        check.look(cancelled <= asked(&evidence.notes.cancels), || {
            format!("{id} was cancelled {cancelled} times unasked")
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Case;
    use super::*;

    fn failed_twice(retry_count: u64) -> Case {
        let mut case = Case::new();
        case.message("m", "FAILED");
        case.evidence.messages.get_mut("m").unwrap().retry_count = retry_count;
        for attempt in [1, 2] {
            case.said("m", "l", attempt, Word::Failed { permanent: false }, 10, Some(true));
            case.event("m", "SETTLED", "FAILED", attempt, Some("l"));
        }
        case
    }

    #[test]
    fn a_count_that_is_off_is_found() {
        for (retry_count, found) in [(1, 1), (2, 0), (3, 1)] {
            assert_eq!(check(&failed_twice(retry_count).evidence).violations.len(), found);
        }
    }

    #[test]
    fn a_repeat_that_is_counted_again_is_found() {
        let mut case = failed_twice(3);
        case.event("m", "SETTLED", "FAILED", 2, Some("l"));
        assert_eq!(check(&case.evidence).violations.len(), 1);
    }

    #[test]
    fn a_requeue_begins_anew_and_must_be_asked_for() {
        let mut case = failed_twice(0);
        case.event("m", "REQUEUED", "QUEUED", 2, None);
        assert!(check(&case.evidence).violations.is_empty());
        case.step("m", 20, "s1.1", Some("FAILED"), "QUEUED", None, 3);
        assert_eq!(check(&case.evidence).violations.len(), 1);
        case.evidence.notes.requeues.insert("m".to_owned(), 1);
        assert!(check(&case.evidence).violations.is_empty());
    }
}
