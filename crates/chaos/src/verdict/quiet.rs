//! Nothing is leased, and nothing leaves, in quiet hours.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::Check;
use super::disturbance::slept;
use crate::evidence::{Evidence, Step};
use crate::hours::{channel_closed_for, closed};
use crate::moment::micros;
use crate::n8n::log::Via;

/// Between the last look at the clock and the arrival at N8N, or the lease in the database.
const ON_THE_WAY: Duration = Duration::from_millis(500);

/// Looks at every lease and every arrival by the shifted clock.
pub fn check(evidence: &Evidence, facts: &mut BTreeMap<&'static str, usize>) -> Check {
    let mut check =
        Check::new("nothing is leased or handed off in quiet hours, and no retry falls into them");
    let mut leases: HashMap<(&str, &str), &Step> = HashMap::new();
    let mut by_admin = 0;
    for (id, step) in evidence.leases() {
        let lease = step.lease.as_deref().unwrap_or_default();
        leases.insert((id, lease), step);
        if evidence.through_quiet.contains(lease) {
            by_admin += 1;
            continue;
        }
        let leased_at = step.leased_at.unwrap_or_default();
        let in_quiet = channel_closed_for(&step.channel, leased_at) > micros(ON_THE_WAY);
        check.look(!in_quiet, || {
            format!("{id} ({}) was leased in quiet hours, by the server's clock at {leased_at}", step.channel)
        });
        // A caller who pulls may send at once; nobody looks at the clock again.
        let taken = evidence.server(step.at);
        let late = channel_closed_for(&step.channel, taken) > micros(ON_THE_WAY);
        let excused = slept(evidence, &step.process, step.at.minus(Duration::from_secs(20)), step.at);
        check.look(!step.is_pull() || !late || excused, || {
            format!("{id} ({}) was pulled in quiet hours, at {taken}", step.channel)
        });
    }
    for hand_off in evidence.truth.hand_offs.iter().filter(|hand_off| hand_off.via == Via::Push) {
        if evidence.through_quiet.contains(&hand_off.lease) {
            continue;
        }
        let late = channel_closed_for(&hand_off.channel, evidence.server(hand_off.at)) > micros(ON_THE_WAY);
        let lease = leases.get(&(hand_off.message.as_str(), hand_off.lease.as_str()));
        let excused = lease.is_some_and(|lease| slept(evidence, &lease.process, lease.at, hand_off.at));
        check.look(!late || excused, || {
            let at = evidence.server(hand_off.at);
            format!("{} ({}) was handed off in quiet hours, at {at}", hand_off.message, hand_off.channel)
        });
    }
    for (id, step) in evidence.steps.iter().flat_map(|(id, steps)| steps.iter().map(move |step| (id, step))) {
        // By a callback, or by N8N's own answer to the hand-off.
        let fails = step.to_kind.as_deref() == Some("RETRY")
            && matches!(step.from.as_deref(), Some("DISPATCHED" | "LEASED"));
        // What a lease that was lost leaves is due at once, and the lease sees to the hours.
        let later = step.due_at.filter(|due_at| *due_at > evidence.server(step.at));
        if let (true, Some(due_at)) = (fails, later) {
            check.look(!closed(&step.channel, due_at), || {
                format!("{id}'s retry is due in quiet hours, at {due_at}")
            });
        }
    }
    facts.insert("leases through quiet hours by an admin", by_admin);
    facts.insert("times that the clock was moved to the next morning", evidence.clock.jumps().count());
    check
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Case;
    use super::*;
    use crate::journal::Incident;
    use crate::n8n::log::Reply;

    fn found(case: &Case) -> usize {
        check(&case.evidence, &mut BTreeMap::new()).violations.len()
    }

    #[test]
    fn a_lease_or_a_hand_off_after_closing_time_is_found() {
        let mut case = Case::new();
        case.step("m", 119, "s1.1", Some("QUEUED"), "LEASED", Some("l1"), 1);
        case.hand_off("m", 119, "l1", 1, Reply::Accepted);
        assert_eq!(found(&case), 0);
        case.hand_off("m", 121, "l1", 1, Reply::Accepted);
        assert_eq!(found(&case), 1);
        case.incident("s1.1", Incident::Frozen, 119, 121);
        assert_eq!(found(&case), 0);
        case.step("n", 121, "s1.1", Some("QUEUED"), "LEASED", Some("l2"), 1);
        assert_eq!(found(&case), 1);
        case.evidence.through_quiet.insert("l2".to_owned());
        assert_eq!(found(&case), 0);
    }

    #[test]
    fn a_channel_that_closes_earlier_counts_by_itself() {
        let mut case = Case::new();
        case.step("m", 61, "s1.1", Some("QUEUED"), "DISPATCHED", Some("l1"), 1);
        assert_eq!(found(&case), 0);
        case.evidence.steps.get_mut("m").unwrap()[0].channel = "ZALO".to_owned();
        assert_eq!(found(&case), 2);
    }
}
