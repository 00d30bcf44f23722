use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn settings() -> CircuitSettings {
    CircuitSettings::default()
}

fn after_failures(count: u32) -> Circuit {
    (0..count).fold(Circuit::default(), |circuit, _| circuit.on_failure(at(0), None, &settings()))
}

#[test]
fn four_failures_leave_it_closed_and_the_fifth_opens_it_for_30_seconds() {
    assert_eq!(after_failures(4), Circuit::Closed { failures: 4 });
    assert_eq!(after_failures(4).permit(at(0)), Permit::Full);
    let open = after_failures(5);
    assert_eq!(open.permit(at(29)), Permit::Refused { until: at(30) });
    assert_eq!(open.label(at(29)), CircuitLabel::Open);
    assert_eq!(open.permit(at(30)), Permit::Probe);
    assert_eq!(open.label(at(30)), CircuitLabel::HalfOpen);
}

#[test]
fn a_success_ends_the_row() {
    let circuit = after_failures(4).on_success();
    assert_eq!(circuit, Circuit::Closed { failures: 0 });
    assert_eq!(circuit.on_failure(at(0), None, &settings()).permit(at(0)), Permit::Full);
}

#[test]
fn while_one_message_probes_nothing_else_goes_out() {
    let probing = after_failures(5).begin_probe(at(30), &settings());
    assert_eq!(probing.permit(at(30)), Permit::Refused { until: at(60) });
    assert_eq!(probing.label(at(30)), CircuitLabel::HalfOpen);
    assert_eq!(probing.begin_probe(at(31), &settings()), probing);
}

#[test]
fn the_probe_decides() {
    let probing = after_failures(5).begin_probe(at(30), &settings());
    assert_eq!(probing.on_success(), Circuit::Closed { failures: 0 });
    let again = probing.on_failure(at(31), None, &settings());
    assert_eq!(again, Circuit::Open { until: at(61), failures: 6 });
}

#[test]
fn a_probe_whose_process_died_makes_way_for_another() {
    let probing = after_failures(5).begin_probe(at(30), &settings());
    assert_eq!(probing.permit(at(60)), Permit::Probe);
    assert_eq!(probing.begin_probe(at(60), &settings()).permit(at(60)), Permit::Refused { until: at(90) });
}

#[test]
fn a_probe_that_came_to_nothing_makes_way_at_once() {
    let probing = after_failures(5).begin_probe(at(30), &settings());
    assert_eq!(probing.cancel_probe(at(31)).permit(at(31)), Permit::Probe);
    assert_eq!(after_failures(5).cancel_probe(at(1)), after_failures(5));
    assert_eq!(after_failures(1).cancel_probe(at(1)), after_failures(1));
}

#[test]
fn no_probe_begins_in_a_closed_circuit_nor_before_its_time() {
    assert_eq!(after_failures(2).begin_probe(at(5), &settings()), after_failures(2));
    assert_eq!(after_failures(5).begin_probe(at(29), &settings()), after_failures(5));
}

#[test]
fn a_late_success_does_not_close_an_open_circuit() {
    assert_eq!(after_failures(5).on_success(), after_failures(5));
}

#[test]
fn retry_after_keeps_it_open_longer_but_never_shorter_and_at_most_an_hour() {
    let opened = |after| after_failures(4).on_failure(at(0), Some(TimeDelta::seconds(after)), &settings());
    assert_eq!(opened(120).permit(at(119)), Permit::Refused { until: at(120) });
    assert_eq!(opened(3).permit(at(3)), Permit::Refused { until: at(30) });
    assert_eq!(opened(1_000_000).permit(at(3)), Permit::Refused { until: at(3_600) });
    let late = opened(0).on_failure(at(10), None, &settings());
    assert_eq!(late.permit(at(11)), Permit::Refused { until: at(30) });
    let asked = opened(0).on_failure(at(10), Some(TimeDelta::seconds(60)), &settings());
    assert_eq!(asked.permit(at(11)), Permit::Refused { until: at(70) });
}

#[test]
fn the_labels_are_the_contracts() {
    let words: Vec<_> = CircuitLabel::ALL.iter().map(|label| label.as_str()).collect();
    assert_eq!(words, ["CLOSED", "OPEN", "HALF_OPEN"]);
}

#[derive(Debug, Clone)]
enum Event {
    Ask,
    Succeed,
    Fail(Option<i64>),
    Cancel,
}

fn events() -> impl Strategy<Value = Vec<(i64, Event)>> {
    let event = prop_oneof![
        3 => Just(Event::Ask),
        1 => Just(Event::Succeed),
        4 => proptest::option::of(-5_i64..200).prop_map(Event::Fail),
        1 => Just(Event::Cancel),
    ];
    proptest::collection::vec((0_i64..20, event), 1..150)
}

proptest! {
    #[test]
    fn at_most_one_probe_is_under_way_and_none_in_an_open_period(events in events()) {
        let settings = settings();
        let (mut circuit, mut now) = (Circuit::default(), 0);
        // The probe that is under way: since when; and until when N8N is left alone.
        let (mut probing, mut alone_until): (Option<i64>, Option<i64>) = (None, None);
        let mut row = 0_u32;
        for (pause, event) in events {
            now += pause;
            match event {
                Event::Ask => match circuit.permit(at(now)) {
                    Permit::Full => {
                        prop_assert!(row < 5 && probing.is_none() && alone_until.is_none());
                    }
                    Permit::Probe => {
                        prop_assert!(probing.is_none_or(|since| now >= since + 30));
                        prop_assert!(alone_until.is_none_or(|until| now >= until));
                        circuit = circuit.begin_probe(at(now), &settings);
                        let refused = matches!(circuit.permit(at(now)), Permit::Refused { .. });
                        prop_assert!(refused);
                        (probing, alone_until) = (Some(now), None);
                    }
                    Permit::Refused { until } => {
                        prop_assert!(until > at(now));
                        prop_assert_eq!(circuit.permit(until), Permit::Probe);
                    }
                },
                Event::Succeed => {
                    if alone_until.is_none() {
                        row = 0;
                        probing = None;
                    }
                    circuit = circuit.on_success();
                }
                Event::Fail(after) => {
                    row += 1;
                    let asked = after.unwrap_or(0).max(0);
                    if let Some(until) = alone_until {
                        alone_until = Some(until.max(now + asked));
                    } else if row >= 5 {
                        alone_until = Some(now + asked.max(30));
                    }
                    if alone_until.is_some() {
                        probing = None;
                    }
                    circuit = circuit.on_failure(at(now), after.map(TimeDelta::seconds), &settings);
                }
                Event::Cancel => {
                    if probing.take().is_some() {
                        alone_until = Some(now);
                    }
                    circuit = circuit.cancel_probe(at(now));
                }
            }
            prop_assert_eq!(circuit.failures(), row);
            let label = match circuit.permit(at(now)) {
                Permit::Full => CircuitLabel::Closed,
                Permit::Probe => CircuitLabel::HalfOpen,
                Permit::Refused { .. } if probing.is_some() => CircuitLabel::HalfOpen,
                Permit::Refused { .. } => CircuitLabel::Open,
            };
            prop_assert_eq!(circuit.label(at(now)), label);
        }
    }

    #[test]
    fn no_instant_and_no_wait_makes_it_panic(seconds: i64, wait: i64, failures: u32) {
        let now = DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let wait = TimeDelta::try_milliseconds(wait);
        let settings = CircuitSettings {
            failures: NonZeroU32::new(failures).unwrap_or(NonZeroU32::MIN),
            open_for: wait.unwrap_or(TimeDelta::MAX),
            probe_for: wait.unwrap_or(TimeDelta::MAX),
        };
        let closed = Circuit::Closed { failures: u32::MAX };
        let open = closed.on_failure(now, wait, &settings).begin_probe(now, &settings);
        let _ = open.on_failure(now, wait, &settings).on_success().cancel_probe(now).permit(now);
    }
}
