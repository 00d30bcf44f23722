use super::super::fixture::Case;
use super::*;
use crate::journal::Incident;

fn violations(case: &Case) -> (usize, usize) {
    let [repeats, unknown] = check(&case.evidence, &mut Facts::new());
    (repeats.violations.len(), unknown.violations.len())
}

/// Leased and handed off at second 10 as attempt 1, back in the queue at 20, and again at 21.
fn again(reply: Reply, attempt: u64) -> Case {
    let mut case = Case::new();
    case.step("m", 0, "s1.1", None, "QUEUED", None, 1);
    case.step("m", 10, "s1.1", Some("QUEUED"), "LEASED", Some("l1"), 1);
    case.hand_off("m", 10, "l1", 1, reply);
    case.step("m", 20, "s2.1", Some("LEASED"), "QUEUED", None, 1);
    case.step("m", 21, "s2.1", Some("QUEUED"), "LEASED", Some("l2"), attempt);
    case.hand_off("m", 21, "l2", attempt, Reply::Accepted);
    case
}

#[test]
fn a_repeat_for_no_reason_is_found() {
    assert_eq!(violations(&again(Reply::Accepted, 1)), (0, 1));
    assert_eq!(violations(&again(Reply::Hung, 1)), (0, 1));
    assert_eq!(violations(&again(Reply::Refused(400), 1)), (1, 0));
}

#[test]
fn a_repeat_after_a_death_a_freeze_or_a_no_is_right() {
    assert_eq!(violations(&again(Reply::NotAccepted(503), 1)), (0, 0));
    for kind in [Incident::Killed, Incident::Frozen] {
        let mut case = again(Reply::Accepted, 1);
        case.incident("s1.1", kind, 11, 12);
        assert_eq!(violations(&case), (0, 0));
        let mut other = again(Reply::Accepted, 1);
        other.incident("s2.1", kind, 11, 12);
        assert_eq!(violations(&other), (0, 1), "another process' fate is no excuse");
    }
    let mut earlier = again(Reply::Accepted, 1);
    earlier.incident("s1.1", Incident::Frozen, 8, 9);
    assert_eq!(violations(&earlier), (0, 1), "nor is an earlier freeze");
    let mut case = again(Reply::Accepted, 1);
    case.outage(11, 13);
    assert_eq!(violations(&case), (0, 0));
}

#[test]
fn even_after_a_death_nothing_goes_again_that_was_saved_or_settled() {
    let mut case = again(Reply::Accepted, 1);
    case.incident("s1.1", Incident::Killed, 15, 15);
    case.evidence
        .steps
        .get_mut("m")
        .unwrap()
        .insert(2, Case::one_step(12, "s1.1", Some("LEASED"), "DISPATCHED", Some("l1"), 1));
    assert_eq!(violations(&case), (0, 1));
    let mut case = again(Reply::Accepted, 1);
    case.incident("s1.1", Incident::Killed, 15, 15);
    case.said("m", "l1", 1, Word::Sent, 13, Some(true));
    assert_eq!(violations(&case), (0, 1));
}

#[test]
fn a_new_attempt_needs_a_failure_or_a_person() {
    assert_eq!(violations(&again(Reply::Accepted, 2)), (0, 1));
    let mut case = again(Reply::Accepted, 2);
    case.said("m", "l1", 1, Word::Failed { permanent: false }, 13, Some(true));
    assert_eq!(violations(&case), (0, 0));
    let mut late = again(Reply::Accepted, 2);
    late.said("m", "l1", 1, Word::Failed { permanent: false }, 30, Some(true));
    assert_eq!(violations(&late), (0, 1));
    assert_eq!(violations(&again(Reply::Accepted, 3)), (0, 1));
}

#[test]
fn a_requeue_starts_a_new_attempt() {
    for (attempt, found) in [(2, (0, 0)), (1, (1, 0))] {
        let mut case = again(Reply::Accepted, attempt);
        let steps = case.evidence.steps.get_mut("m").unwrap();
        steps[2] = Case::one_step(20, "s2.1", Some("FAILED"), "QUEUED", None, attempt);
        assert_eq!(violations(&case), found);
    }
}

#[test]
fn hand_offs_without_a_lease_or_twice_under_one_are_found() {
    let mut case = again(Reply::NotAccepted(503), 1);
    case.hand_off("m", 30, "l9", 1, Reply::Accepted);
    assert_eq!(violations(&case), (1, 0));
    let mut case = again(Reply::NotAccepted(503), 1);
    case.hand_off("m", 22, "l2", 1, Reply::Accepted);
    assert_eq!(violations(&case), (1, 0));
}
