use proptest::prelude::*;

use super::*;

fn at(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_800_000_000_000 + millis).unwrap()
}

fn second(n: i64) -> i64 {
    1_800_000_000 + n
}

#[test]
fn a_lease_counts_until_a_whole_minute_has_surely_passed() {
    let mut window = RateWindow::default();
    window.charge(at(999), 3);
    assert_eq!(window.used(at(0)), 3);
    assert_eq!(window.used(at(59_999)), 3);
    assert_eq!(window.used(at(60_998)), 3, "0.999 s and 60.998 s are in one window of 60 s");
    assert_eq!(window.used(at(61_000)), 0);
}

#[test]
fn what_remains_is_the_limit_less_what_was_used() {
    let mut window = RateWindow::default();
    let limit = RateLimit::per_minute(10);
    assert_eq!(window.remaining(limit, at(0)), 10);
    window.charge(at(0), 4);
    window.charge(at(500), 5);
    assert_eq!(window.remaining(limit, at(1_000)), 1);
    window.charge(at(2_000), 5);
    assert_eq!(window.remaining(limit, at(2_000)), 0, "a limit that was lowered leaves nothing, not less");
    assert_eq!(window.slots(), [(second(0), 9), (second(2), 5)]);
}

#[test]
fn zero_means_no_limit() {
    let window = RateWindow::from_slots(vec![(second(0), u32::MAX)]);
    assert_eq!(RateLimit::per_minute(0), RateLimit::UNLIMITED);
    assert_eq!(window.remaining(RateLimit::UNLIMITED, at(0)), u32::MAX);
    assert_eq!(window.free_at(RateLimit::UNLIMITED, at(0), u32::MAX), Some(at(0)));
    assert_eq!(RateLimit::UNLIMITED.to_string(), "0");
    assert_eq!(RateLimit::per_minute(120).to_string(), "120");
}

#[test]
fn slots_in_any_order_are_sorted_and_added_up() {
    let window = RateWindow::from_slots(vec![(second(5), 1), (second(3), 2), (second(5), 4), (second(4), 0)]);
    assert_eq!(window.slots(), [(second(3), 2), (second(5), 5)]);
    let full = RateWindow::from_slots(vec![(second(5), u32::MAX), (second(5), 1), (second(6), 1)]);
    assert_eq!(full.used(at(6_000)), u32::MAX);
}

#[test]
fn a_charge_drops_what_counts_no_more() {
    let mut window = RateWindow::from_slots((0..200).map(|n| (second(n), 1)).collect());
    window.charge(at(200_000), 0);
    assert_eq!(window.slots().len(), 200);
    window.charge(at(200_000), 7);
    assert_eq!(window.slots().len(), 61);
    assert_eq!(window.used(at(200_000)), 67);
}

#[test]
fn a_clock_that_goes_backwards_frees_nothing() {
    let mut window = RateWindow::from_slots(vec![(second(0), 5), (second(30), 5)]);
    assert_eq!(window.used(at(-120_000)), 10);
    window.charge(at(-120_000), 2);
    assert_eq!(window.slots(), [(second(0), 5), (second(30), 7)]);
}

#[test]
fn the_time_when_more_fits_is_when_enough_old_slots_have_passed() {
    let window = RateWindow::from_slots(vec![(second(0), 2), (second(10), 3), (second(20), 5)]);
    let limit = RateLimit::per_minute(11);
    let free_at = |wanted| window.free_at(limit, at(25_300), wanted);
    assert_eq!(free_at(0), Some(at(25_300)));
    assert_eq!(free_at(1), Some(at(25_300)));
    assert_eq!(free_at(2), Some(at(61_000)));
    assert_eq!(free_at(3), Some(at(61_000)));
    assert_eq!(free_at(4), Some(at(71_000)));
    assert_eq!(free_at(11), Some(at(81_000)));
    assert_eq!(free_at(12), None);
}

#[test]
fn the_ends_of_time_do_not_overflow() {
    let window = RateWindow::from_slots(vec![(i64::MIN, 1), (i64::MAX, 1)]);
    assert_eq!(window.used(DateTime::<Utc>::MIN_UTC), 1);
    assert_eq!(window.free_at(RateLimit::per_minute(1), at(0), 1), None);
}

/// Leases as many as are wanted and allowed at each step; gives back (effective time in ms, leases).
fn replay(limit: u32, steps: &[(i64, u32)]) -> Vec<(i64, u32)> {
    let mut window = RateWindow::default();
    let (mut reported, mut latest) = (0, i64::MIN);
    let mut leased = Vec::new();
    for (step, wanted) in steps {
        reported += step;
        let count = window.remaining(RateLimit::per_minute(limit), at(reported)).min(*wanted);
        window.charge(at(reported), count);
        // A lease that a late clock dates before another one was still made after it.
        latest = if count > 0 { latest.max(reported) } else { latest };
        // From storage and back, as another process would see it.
        window = RateWindow::from_slots(window.slots().to_vec());
        leased.push((latest, count));
    }
    leased
}

/// The most leases in any window of 60 s, both ends included.
fn busiest(leased: &[(i64, u32)]) -> u32 {
    let within = |from: i64| leased.iter().filter(move |(t, _)| (from..=from + 60_000).contains(t));
    leased.iter().map(|(from, _)| within(*from).map(|(_, count)| count).sum()).max().unwrap_or(0)
}

proptest! {
    #[test]
    fn no_window_of_60_seconds_holds_more_than_the_limit(
        limit in 1_u32..40,
        steps in proptest::collection::vec((prop_oneof![0_i64..50, 0_i64..5_000, 59_000_i64..62_000], 0_u32..50), 1..120),
    ) {
        let leased = replay(limit, &steps);
        prop_assert!(busiest(&leased) <= limit, "{leased:?}");
    }

    #[test]
    fn nor_does_it_when_the_clock_jumps_back_and_forth(
        limit in 1_u32..40,
        steps in proptest::collection::vec((-90_000_i64..90_000, 0_u32..50), 1..120),
    ) {
        let leased = replay(limit, &steps);
        prop_assert!(busiest(&leased) <= limit, "{leased:?}");
    }

    #[test]
    fn the_limit_is_used_up_to_the_last_lease(limit in 1_u32..1_000, pause in 61_000_i64..100_000) {
        let leased = replay(limit, &[(0, u32::MAX), (30_000, 1), (pause - 30_000, u32::MAX)]);
        prop_assert_eq!(leased.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [limit, 0, limit]);
    }

    #[test]
    fn free_at_is_the_first_time_at_which_it_fits(
        slots in proptest::collection::vec((-70_i64..10, 1_u32..10), 0..40),
        limit in 1_u32..100, wanted in 0_u32..100, millis in 0_i64..5_000,
    ) {
        let window = RateWindow::from_slots(slots.into_iter().map(|(s, n)| (second(s), n)).collect());
        let (limit, now) = (RateLimit::per_minute(limit), at(millis));
        match window.free_at(limit, now, wanted) {
            None => prop_assert!(limit.get().unwrap() < wanted),
            Some(free) => {
                prop_assert!(free >= now && window.remaining(limit, free) >= wanted);
                let just_before = free - chrono::TimeDelta::milliseconds(1);
                prop_assert!(free == now || window.remaining(limit, just_before) < wanted);
            }
        }
    }
}
