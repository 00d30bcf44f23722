//! `docs/STATES.md` shows what the code does: the table there is the one made here.

use chrono::{DateTime, TimeDelta, Utc};
use domain::actor::Actor;
use domain::message::{Callback, Context, Event, Failure, Message, Outcome, State, Step};
use domain::policy::retry::Jitter;
use domain::rules::Rules;

use crate::build::{lease, message, morning, moved};

fn now() -> DateTime<Utc> {
    morning() + TimeDelta::minutes(30)
}

/// One message in each state; those in flight hold lease 1 and are overdue.
fn states(rules: &Rules) -> Vec<(&'static str, Message)> {
    let at = morning();
    let take = |m: &Message, pulled| moved(m, Event::Lease { lease: lease(1), pulled }, at, rules);
    let fail = |permanent| outcome(Outcome::Failed { error: "e".to_owned(), permanent });
    let leased = take(&message(1), false);
    let dispatched = take(&message(1), true);
    let settle = |outcome| moved(&dispatched, outcome, at, rules);
    vec![
        ("QUEUED", message(1)),
        ("LEASED", leased),
        ("DISPATCHED", dispatched.clone()),
        ("SENT", settle(outcome(Outcome::Sent { provider_message_id: None, sent_at: None }))),
        ("FAILED, retry", settle(fail(false))),
        ("FAILED, dead", settle(fail(true))),
        ("FAILED, held", moved(&dispatched, Event::Expired, now(), rules)),
        ("SKIPPED", settle(outcome(Outcome::Skipped { reason: "r".to_owned() }))),
        ("CANCELLED", moved(&message(1), Event::Cancel { by: Actor::System }, at, rules)),
    ]
}

fn outcome(outcome: Outcome) -> Event {
    Event::Callback(Callback { outcome, attempt: None, lease: None })
}

fn events() -> Vec<(&'static str, Event)> {
    let lease = lease(1);
    vec![
        ("lease", Event::Lease { lease, pulled: false }),
        ("lease, pulled", Event::Lease { lease, pulled: true }),
        ("accepted", Event::Accepted { lease }),
        ("outcome unknown", Event::OutcomeUnknown { lease }),
        ("not accepted", Event::NotAccepted { lease, error: "e".to_owned(), retry_after: None }),
        ("refused", Event::Refused { lease, error: "e".to_owned() }),
        ("released", Event::Released { lease, reason: "r".to_owned() }),
        ("suppressed", Event::Suppressed { lease }),
        ("expired", Event::Expired),
        ("callback SENT", outcome(Outcome::Sent { provider_message_id: None, sent_at: None })),
        ("callback FAILED", outcome(Outcome::Failed { error: "e".to_owned(), permanent: false })),
        ("callback SKIPPED", outcome(Outcome::Skipped { reason: "r".to_owned() })),
        ("cancel", Event::Cancel { by: Actor::System }),
        ("requeue", Event::Requeue { by: Actor::System }),
        ("extend", Event::Extend { lease, until: now() + TimeDelta::hours(1) }),
    ]
}

fn name(message: &Message) -> &'static str {
    match &message.state {
        State::Queued(_) => "QUEUED",
        State::Leased(_) => "LEASED",
        State::Dispatched(_) => "DISPATCHED",
        State::Sent(_) => "SENT",
        State::Failed(Failure::Retry(_)) => "FAILED, retry",
        State::Failed(Failure::Dead { .. }) => "FAILED, dead",
        State::Failed(Failure::Held { .. }) => "FAILED, held",
        State::Skipped { .. } => "SKIPPED",
        State::Cancelled => "CANCELLED",
    }
}

fn table() -> String {
    let rules = Rules::default();
    let states = states(&rules);
    let mut table = String::from("| event |");
    for (state, _) in &states {
        table.push_str(&format!(" {state} |"));
    }
    table.push_str("\n|---|");
    table.push_str(&"---|".repeat(states.len()));
    for (event_name, event) in events() {
        table.push_str(&format!("\n| {event_name} |"));
        for (_, message) in &states {
            let ctx = Context { now: now(), jitter: Jitter::new(0.0), rules: &rules };
            let cell = match message.apply(event.clone(), &ctx) {
                Ok(Step::Moved(change)) => name(&message.after(&change)).to_owned(),
                Ok(Step::Same(_, Some(_))) => "same, noted".to_owned(),
                Ok(Step::Same(_, None)) => "same".to_owned(),
                Err(_) => "-".to_owned(),
            };
            table.push_str(&format!(" {cell} |"));
        }
    }
    table
}

#[test]
fn the_table_in_the_docs_is_the_one_that_the_code_makes() {
    let page = include_str!("../../../../docs/STATES.md");
    let table = table();
    assert!(page.contains(&table), "docs/STATES.md must hold this table:\n{table}");
}
