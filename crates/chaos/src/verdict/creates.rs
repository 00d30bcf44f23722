//! Every accepted message exists, is over or still due; one key makes one message.

use std::collections::BTreeMap;

use super::Check;
use crate::evidence::{Evidence, MessageRow};
use crate::journal::Answered;
use crate::moment::SECOND;

/// How long a wait may be overdue at the end without being looked after.
const OVERDUE: i64 = 10 * SECOND;

/// Nothing that was accepted is lost or stuck, and nothing is there that nobody asked for.
pub fn nothing_lost(evidence: &Evidence) -> Check {
    let mut check =
        Check::new("every accepted message exists and is over, or still due; none appears from nowhere");
    let by_tag = by_tag(evidence);
    let mut tags: BTreeMap<&str, ()> = BTreeMap::new();
    for create in &evidence.notes.creates {
        tags.insert(&create.tag, ());
        let there = by_tag.get(create.tag.as_str()).map_or(0, Vec::len);
        let (right, why) = match &create.answer {
            Answered::Accepted { stored, .. } => (there >= *stored, "was accepted"),
            // All or nothing, and nobody knows which.
            Answered::Lost => (there == 0 || there >= create.wanted, "had no answer"),
            Answered::Refused(_) => (there == 0, "was refused"),
        };
        check.look(right, || format!("{} {why} for {}, and {there} are stored", create.tag, create.wanted));
        if let Answered::Accepted { ids, .. } = &create.answer {
            for id in ids {
                let right = evidence.messages.get(id).is_some_and(|row| row.tag == create.tag);
                check.look(right, || format!("{id} of {} was accepted and is gone", create.tag));
            }
        }
    }
    for (id, row) in &evidence.messages {
        check.look(tags.contains_key(row.tag.as_str()), || format!("nobody asked for {id} ({})", row.tag));
        check.look(is_well(row, evidence.end), || {
            format!(
                "{id} is left {} {:?}, due {:?}, at the end {}",
                row.status, row.kind, row.due_at, evidence.end
            )
        });
    }
    check.look(!evidence.drained.stalled, || {
        format!("the queue stood still at the end: {}", evidence.drained.left)
    });
    check.look(evidence.drained.pending == 0, || {
        format!("{} callbacks found no server that took them", evidence.drained.pending)
    });
    check
}

/// A repeat of a request with its key is the same request.
pub fn once_by_key(evidence: &Evidence) -> Check {
    let mut check = Check::new("one message for each idempotency key, and one answer");
    let by_tag = by_tag(evidence);
    for create in &evidence.notes.creates {
        let there = by_tag.get(create.tag.as_str()).map_or(0, Vec::len);
        check.look(there <= create.wanted, || {
            format!(
                "{} asked for {} and has {there}: {:?}",
                create.tag,
                create.wanted,
                by_tag.get(create.tag.as_str())
            )
        });
    }
    check.looked_at += evidence.notes.odd_replays.len();
    check.violations.extend(evidence.notes.odd_replays.iter().cloned());
    for (id, steps) in &evidence.steps {
        let inserts = steps.iter().filter(|step| step.from.is_none()).count();
        check.look(inserts == 1, || format!("{id} was inserted {inserts} times"));
    }
    check
}

fn by_tag(evidence: &Evidence) -> BTreeMap<&str, Vec<&String>> {
    let mut by_tag: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    for (id, row) in &evidence.messages {
        by_tag.entry(&row.tag).or_default().push(id);
    }
    by_tag
}

/// In an end state, or due, or waiting for a callback that may still come.
fn is_well(row: &MessageRow, end: i64) -> bool {
    match (row.status.as_str(), row.kind.as_deref()) {
        ("SENT" | "SKIPPED" | "CANCELLED", None) | ("FAILED", Some("DEAD" | "HELD")) => true,
        ("QUEUED", None) | ("FAILED", Some("RETRY")) => row.due_at.is_some(),
        ("DISPATCHED", None) => row.lease_expires_at.is_some_and(|at| at > end - OVERDUE),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Case;
    use super::*;
    use crate::journal::Create;

    fn create(tag: &str, wanted: usize, answer: Answered) -> Create {
        Create { tag: tag.to_owned(), wanted, answer }
    }

    fn accepted(id: &str) -> Answered {
        Answered::Accepted { ids: vec![id.to_owned()], stored: 1 }
    }

    #[test]
    fn a_message_that_was_accepted_and_is_gone_is_found() {
        let mut case = Case::new();
        case.message("m1", "SENT");
        case.evidence.notes.creates = vec![create("t-m1", 1, accepted("m1"))];
        assert!(nothing_lost(&case.evidence).violations.is_empty());
        case.evidence.notes.creates.push(create("t-m2", 1, accepted("m2")));
        assert_eq!(nothing_lost(&case.evidence).violations.len(), 2);
    }

    #[test]
    fn half_of_a_bulk_a_message_from_nowhere_and_one_that_is_stuck_are_found() {
        let mut case = Case::new();
        case.message("m1", "SENT");
        case.evidence.notes.creates = vec![create("t-m1", 3, Answered::Lost)];
        assert_eq!(nothing_lost(&case.evidence).violations.len(), 1);
        case.evidence.notes.creates.clear();
        assert_eq!(nothing_lost(&case.evidence).violations.len(), 1);
        case.evidence.notes.creates = vec![create("t-m1", 1, accepted("m1"))];
        case.message("m1", "LEASED");
        assert_eq!(nothing_lost(&case.evidence).violations.len(), 1);
    }

    #[test]
    fn two_messages_for_one_key_are_found() {
        let mut case = Case::new();
        case.message("m1", "SENT");
        case.message("m2", "SENT");
        if let Some(row) = case.evidence.messages.get_mut("m2") {
            row.tag = "t-m1".to_owned();
        }
        case.evidence.notes.creates = vec![create("t-m1", 1, accepted("m1"))];
        assert_eq!(once_by_key(&case.evidence).violations.len(), 1);
        assert!(nothing_lost(&case.evidence).violations.is_empty());
    }
}
