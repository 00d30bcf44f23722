//! Every example of docs/N8N.md is what the server says and takes.

use reqwest::Method;
use serde_json::{Value, json};
use test_support::scripted_n8n::Reaction;

use super::{fixture, fixture_about, fixtures};
use crate::http::answer;
use crate::support::{SERVICE_TOKEN, TestApp, WORKER_SECRET, sms};

#[test]
fn every_example_of_the_page_is_tried_here() {
    let examples = std::fs::read_dir(fixtures()).unwrap();
    for example in examples.map(|file| file.unwrap().file_name().into_string().unwrap()) {
        assert!(include_str!("examples.rs").contains(&format!("\"{example}\"")), "{example}");
    }
}

/// The names of all fields and what kind of value each has; of a list, those of its first.
fn shape(value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Bool(_) => json!("a bool"),
        Value::Number(_) => json!("a number"),
        Value::String(_) => json!("a text"),
        Value::Array(items) => items.iter().take(1).map(shape).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), shape(value))).collect(),
    }
}

/// A server at the time of the examples, whose N8N accepts everything and calls nobody back.
async fn server() -> TestApp {
    let app = TestApp::builder()
        .set("PUBLIC_URL", "https://crm.example.vn")
        .script(|_| Reaction::accepted())
        .start()
        .await;
    app.clock.stand_still_at("2026-11-20T08:00:00Z".parse().unwrap());
    app
}

/// A message that waits for its callback.
async fn handed_off(app: &TestApp, number: u32) -> String {
    let id = app.create(sms(number)).await;
    app.run_worker(fixture("run-push.json")).await;
    assert_eq!(app.message(&id).await["outboundMessage"]["status"], "DISPATCHED");
    id
}

/// The message of `hand-off.json`, with its person and its template.
async fn create_the_example(app: &TestApp) -> String {
    let person = json!({
        "leadId": "lead-42", "fullName": "Lan", "phone": "0901234567", "ownerId": "owner-7", "ownerName": "Mai",
        "branchId": "hanoi",
    });
    let push = app.request(Method::PUT, "/api/outbound/contacts").header("x-service-token", SERVICE_TOKEN);
    answer(push.json(&json!({"contacts": [person]}))).await.expect(200);
    let template = json!({
        "key": "class-reminder", "title": "Nhắc lịch", "channel": "ZALO",
        "body": "Chào {{ name }}, lớp học bắt đầu lúc 18:00.",
    });
    app.post("/api/outbound/templates", &app.admin(), &template).await.expect(201);
    let message = json!({
        "channel": "ZALO", "templateKey": "class-reminder", "leadId": "lead-42", "priority": "HIGH",
    });
    app.create(message).await
}

/// The example with what is this run's own.
fn as_in(example: &str, of: &Value, own: &[&str]) -> Value {
    let mut example = fixture(example);
    for name in own {
        example[*name] = of[*name].clone();
    }
    example
}

#[tokio::test]
async fn a_push_run_takes_and_answers_and_n8n_gets_what_the_page_shows() {
    let app = server().await;
    let id = create_the_example(&app).await;
    let report = app.run_worker(fixture("run-push.json")).await;
    assert_eq!((&report["processed"], &report["skipped"]), (&json!(1), &json!(1)), "{report}");
    assert_eq!(shape(&report), shape(&fixture("run-answer.json")));
    let log = app.n8n.log();
    let [hand_off] = log.hand_offs.as_slice() else { panic!("{:?}", log.hand_offs) };
    assert_eq!(hand_off.body, as_in("hand-off.json", &hand_off.body, &["messageId", "leaseId"]));
    assert_eq!((&hand_off.body["messageId"], &hand_off.body["leaseId"]), (&json!(id), &report["leaseId"]));
    assert_eq!(hand_off.idempotency_key, format!("{id}:1"));
}

#[tokio::test]
async fn a_pull_run_answers_with_messages_as_they_are_handed_off_and_a_heartbeat_gives_more_time() {
    let app = server().await;
    let id = create_the_example(&app).await;
    let mut report = app.run_worker(fixture("run-pull.json")).await;
    let messages = report.as_object_mut().unwrap().remove("messages").unwrap();
    assert_eq!(shape(&report), shape(&fixture("run-answer.json")));
    let pulled = as_in("hand-off.json", &messages[0], &["messageId", "leaseId"]);
    assert_eq!(messages, json!([pulled]));
    assert_eq!(messages[0]["messageId"], json!(id));
    let mut heartbeat = fixture("heartbeat.json");
    heartbeat["leaseId"] = report["leaseId"].clone();
    let beat = app.request(Method::POST, "/api/worker/outbound/heartbeat");
    let beat = answer(beat.header("x-worker-secret", WORKER_SECRET).json(&heartbeat)).await.expect(200);
    assert_eq!((&beat["ok"], &beat["extended"]), (&json!(true), &json!(1)), "{beat}");
}

#[tokio::test]
async fn each_callback_settles_its_message_with_all_that_it_says() {
    let app = server().await;
    for (number, name, expected) in [
        (
            1,
            "callback-sent.json",
            json!({
                "status": "SENT", "providerMessageId": "zalo-1234567890", "sentAt": "2026-11-20T08:00:03.500Z",
                "error": null, "failureKind": null, "retryCount": 0,
            }),
        ),
        (
            2,
            "callback-failed.json",
            json!({
                "status": "FAILED", "providerMessageId": null, "sentAt": null, "failureKind": "DEAD",
                "error": "-108: the phone number is invalid", "retryCount": 1, "nextAttemptAt": null,
            }),
        ),
        (
            3,
            "callback-skipped.json",
            json!({"status": "SKIPPED", "providerMessageId": null, "error": "-118: no Zalo account"}),
        ),
    ] {
        let id = handed_off(&app, number).await;
        let callback = fixture_about(name, &[&id]);
        assert_eq!(app.callback(&callback).await.expect(200), json!({"ok": true, "applied": true}), "{name}");
        let message = app.message(&id).await;
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(&message["outboundMessage"][field], value, "{name}: {field}");
        }
    }
}

#[tokio::test]
async fn the_attempt_of_a_callback_keeps_it_from_hitting_a_later_one() {
    let app = server().await;
    for (number, name) in [(1, "callback-failed.json"), (2, "callback-skipped.json")] {
        let id = handed_off(&app, number).await;
        let callback = fixture_about(name, &[&id]);
        app.callback(&callback).await.expect(200);
        let requeue = format!("/api/outbound/messages/{id}/requeue");
        app.post(&requeue, &app.admin(), &json!({})).await.expect(200);
        app.run_worker(json!({})).await;
        let late = app.callback(&callback).await.expect(200);
        assert_eq!(late, json!({"ok": true, "applied": false}), "{name}");
        let message = &app.message(&id).await["outboundMessage"];
        assert_eq!((&message["status"], &message["attempt"]), (&json!("DISPATCHED"), &json!(2)), "{name}");
    }
}

#[tokio::test]
async fn an_array_of_callbacks_is_answered_as_the_page_shows() {
    let app = server().await;
    let id = handed_off(&app, 1).await;
    let said = app.callback(&fixture_about("callback-array.json", &[&id])).await.expect(200);
    assert_eq!(said, fixture_about("callback-array-answer.json", &[&id]));
    assert_eq!(app.message(&id).await["outboundMessage"]["providerMessageId"], "sms-1");

    // With the second message there, too: its failure is its own, and not for good.
    let (one, other) = (handed_off(&app, 2).await, handed_off(&app, 3).await);
    let mut both = fixture_about("callback-array.json", &[&one, &other]);
    both[1]["attempt"] = json!(1);
    assert_eq!(app.callback(&both).await.expect(200)["ok"], json!(true));
    let failed = &app.message(&other).await["outboundMessage"];
    assert_eq!((&failed["error"], &failed["failureKind"]), (&json!("HTTP 503"), &json!("RETRY")), "{failed}");
}

#[tokio::test]
async fn a_repeat_s_answer_settles_the_message_at_once() {
    let app = TestApp::builder()
        .script(|hand_off| Reaction::settled(&fixture_about("repeat-answer.json", &[&hand_off.message_id])))
        .start()
        .await;
    let id = app.create(sms(1)).await;
    assert_eq!(app.run_worker(json!({})).await["sent"], 1);
    let message = &app.message(&id).await["outboundMessage"];
    assert_eq!(
        (&message["status"], &message["providerMessageId"]),
        (&json!("SENT"), &json!("zalo-1234567890"))
    );
}

#[tokio::test]
async fn a_job_ends_as_the_page_shows() {
    let app = server().await;
    let mut body = sms(1);
    body["actionKey"] = json!("remind");
    let made = app.post("/api/outbound/jobs", &app.admin(), &body).await.expect(201);
    let path = format!("/api/outbound/jobs/{}", made["outboundJob"]["id"].as_str().unwrap());
    for update in [json!({"status": "DISPATCHED"}), fixture("job-update.json")] {
        let patch = app.request(Method::PATCH, &path).header("x-service-token", SERVICE_TOKEN);
        let job = answer(patch.json(&update)).await.expect(200);
        for (field, value) in update.as_object().unwrap() {
            assert_eq!(&job["outboundJob"][field], value, "{field}");
        }
    }
}
