//! What leads to what in the workflows.

use serde_json::{Value, json};

use crate::support::{Flow, flow, text};

fn condition<'a>(flow: &'a Flow, node: &str) -> Vec<&'a str> {
    let conditions = flow.node(node).pointer("/parameters/conditions/conditions").and_then(Value::as_array);
    let [only] = conditions.unwrap().as_slice() else { panic!("{node} has more than one condition") };
    assert_eq!(only["operator"]["operation"], "true", "{node}");
    let expression = text(only, "/leftValue");
    expression.trim_start_matches("={{ ").trim_end_matches(" }}").split(" || ").collect()
}

fn names<'a>(flow: &'a Flow, node: &str, output: usize) -> Vec<&'a str> {
    flow.after(node, output).into_iter().map(|node| text(node, "/name")).collect()
}

#[test]
fn the_worker_runs_every_five_minutes() {
    let flow = flow("outboundRunWorker");
    let [schedule] = flow.of_type("scheduleTrigger")[..] else { panic!("more than one schedule") };
    assert_eq!(
        schedule["parameters"]["rule"]["interval"],
        json!([{"field": "minutes", "minutesInterval": 5}])
    );
    assert_eq!(names(&flow, text(schedule, "/name"), 0), ["Run the worker"]);
    assert_eq!(names(&flow, "Run the worker", 0), ["Did it run?"]);
    assert_eq!(names(&flow, "Did it run?", 0), ["Anything wrong?"]);
}

#[test]
fn a_failed_hand_off_an_open_circuit_or_a_warning_raises_an_alert_and_nothing_else_does() {
    let flow = flow("outboundRunWorker");
    let any_of =
        ["$json.body.failed > 0", "$json.body.circuit === 'OPEN'", "($json.body.warnings ?? []).length > 0"];
    assert_eq!(condition(&flow, "Anything wrong?"), any_of);
    assert_eq!(names(&flow, "Anything wrong?", 0), ["Say what is wrong"]);
    assert_eq!(names(&flow, "Say what is wrong", 0), ["Alert"]);
    assert_eq!(names(&flow, "Anything wrong?", 1), ["All well"]);
    assert_eq!(flow.json["connections"].get("All well"), None);
    let alert = flow.node("Alert");
    assert_eq!(text(alert, "/parameters/url"), "={{ $env.ALERT_WEBHOOK_URL }}");
    let said = text(flow.node("Say what is wrong"), "/parameters/assignments/assignments/0/value");
    assert!(
        said.contains("{{ $json.body.failed }} of {{ $json.body.processed }} hand-offs failed"),
        "{said}"
    );
}

#[test]
fn what_was_pulled_and_could_not_be_noted_is_called_back_as_failed_and_not_left_to_a_person() {
    let flow = flow("outboundPull");
    assert_eq!(text(flow.node("Note the keys"), "/onError"), "continueErrorOutput");
    assert_eq!(names(&flow, "Note the keys", 1), ["Not noted, not sent"]);
    assert_eq!(names(&flow, "Not noted, not sent", 0), ["Call back with all"]);
    let code = text(flow.node("Not noted, not sent"), "/parameters/jsCode");
    assert!(code.contains("status: 'FAILED'") && code.contains("permanent: false"), "{code}");
}

#[test]
fn a_job_is_over_only_when_none_of_its_messages_moves_any_more_by_itself() {
    let flow = flow("outboundJobs");
    let code = text(flow.node("Which are over?"), "/parameters/jsCode");
    let waits = "if (QUEUED + LEASED + DISPATCHED + job.retriesWaiting !== 0) return [];";
    let (before, after) = code.split_once(waits).expect("it asks first what still waits");
    assert!(!before.contains("status: '") && after.contains("status: 'DONE'"), "{code}");
    assert!(after.contains("status: 'FAILED'") && !code.contains("Date"), "no time is an answer: {code}");
}
