//! In no window of 60 seconds are more messages leased than the limits allow.
//!
//! The time of a lease is the one at which the database took it, by its own log, in the servers' clock; and, in a second
//! look, the one that the servers wrote down.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Check;
use crate::evidence::{Evidence, Step};
use crate::moment::{SECOND, micros};
use crate::settings::Limits;

const WINDOW: i64 = 60 * SECOND;
/// The servers read their clock before the database takes the lease; so much may lie in between.
const TOLERANCE: Duration = Duration::from_millis(500);

/// Looks at every window, for all messages and for each owner.
pub fn check(evidence: &Evidence, facts: &mut BTreeMap<&'static str, usize>) -> Check {
    let mut check = Check::new("in no 60 seconds more leases than the limits allow, globally and by owner");
    let Some(limits) = evidence.limits else { return check };
    let taken = look(evidence, limits, &mut check, "taken", |step| Some(evidence.server(step.at)));
    let noted = look(evidence, limits, &mut check, "written down", |step| step.leased_at);
    facts.insert("most leases in 60 s", taken.0.max(noted.0));
    facts.insert("most leases of one owner in 60 s", taken.1.max(noted.1));
    check.looked_at = evidence.leases().count();
    facts.insert("leases", check.looked_at);
    check
}

/// Looks by one of the two times; answers the most of all, and of one owner.
fn look(
    evidence: &Evidence,
    limits: Limits,
    check: &mut Check,
    by: &str,
    time: impl Fn(&Step) -> Option<i64>,
) -> (usize, usize) {
    let mut all: Vec<i64> = Vec::new();
    let mut by_owner: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for (_, step) in evidence.leases() {
        let Some(at) = time(step) else { continue };
        all.push(at);
        if let Some(owner) = &step.owner {
            by_owner.entry(owner).or_default().push(at);
        }
    }
    let mut one = |whose: &str, times: &mut [i64], limit: usize| {
        let (most, until) = fullest(times, WINDOW - micros(TOLERANCE));
        check.look(most <= limit, || {
            format!("{most} leases of {whose} {by} in 60 s until {until}, {limit} are allowed")
        });
        most
    };
    let most = one("all", &mut all, limits.global);
    let of_owners = by_owner.iter_mut().map(|(owner, times)| one(owner, times, limits.per_owner));
    (most, of_owners.max().unwrap_or(0))
}

/// The most of these times that lie in one window, and the end of it.
fn fullest(times: &mut [i64], window: i64) -> (usize, i64) {
    times.sort_unstable();
    let (mut first, mut most, mut when) = (0, 0, 0);
    for (last, at) in times.iter().enumerate() {
        while times.get(first).is_some_and(|earliest| *earliest <= at - window) {
            first += 1;
        }
        if last + 1 - first > most {
            (most, when) = (last + 1 - first, *at);
        }
    }
    (most, when)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Case;
    use super::*;

    #[test]
    fn one_lease_too_many_in_a_window_is_found_wherever_it_begins() {
        let leases = |seconds: &[i64]| {
            let mut case = Case::new();
            case.evidence.limits = Some(Limits { global: 4, per_owner: 3 });
            for (n, second) in seconds.iter().enumerate() {
                case.step(&format!("m{n}"), *second, "s1.1", Some("QUEUED"), "LEASED", Some("l"), 1);
                if n % 2 == 0 {
                    case.evidence.steps.get_mut(&format!("m{n}")).unwrap()[0].owner = None;
                }
            }
            check(&case.evidence, &mut BTreeMap::new()).violations.len()
        };
        assert_eq!(leases(&[0, 10, 20, 30, 60]), 0);
        // By both times.
        assert_eq!(leases(&[0, 10, 20, 30, 59]), 2);
        assert_eq!(leases(&[0, 59, 61, 70, 80, 118]), 2);
        // Two owners' worth of odd ones: four of one owner in a minute.
        assert_eq!(leases(&[0, 1, 70, 71, 140, 141, 210, 211]), 0);
    }

    #[test]
    fn the_fullest_window_is_half_open() {
        assert_eq!(fullest(&mut [0, 60, 120], 60).0, 1);
        assert_eq!(fullest(&mut [0, 59, 118], 60).0, 2);
        assert_eq!(fullest(&mut [], 60).0, 0);
    }
}
