//! What a run of the worker answers.

use std::sync::Arc;

use domain::policy::quiet_hours::{QuietHours, Window};
use serde_json::{Value, json};

use crate::support::{Holding, TestApi, WORKER, rules};

async fn run(api: &TestApi, body: Value) -> Value {
    let answer = api.post_with("/api/worker/outbound", WORKER, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

#[actix_web::test]
async fn a_push_run_answers_every_count() {
    let api = TestApi::new();
    let id = api.queued("0901234567").await;
    let answer = run(&api, json!({"batchSize": 100_000, "concurrency": 1_000})).await;
    let expected = json!({
        "ok": true, "dryRun": false, "processed": 1, "sent": 0, "failed": 0, "skipped": 1, "rateLimited": 0,
        "remainingEstimate": 0, "breakdownByPriority": {"HIGH": 0, "MEDIUM": 1, "LOW": 0},
        "breakdownByOwner": [{"ownerId": null, "ownerName": null, "count": 1}], "webhookEnabled": true,
        "duration": 0, "leaseId": answer["leaseId"], "quietHours": {"active": false}, "circuit": "CLOSED",
    });
    assert_eq!(answer, expected);
    assert!(answer["leaseId"].is_string());
    let read = api.get(&format!("/api/outbound/messages/{id}")).await;
    assert_eq!(read.body["outboundMessage"]["status"], "DISPATCHED");
}

#[actix_web::test]
async fn a_dry_run_changes_nothing() {
    let api = TestApi::new();
    let id = api.queued("0901234567").await;
    let answer = run(&api, json!({"dryRun": true})).await;
    assert_eq!(
        (&answer["dryRun"], &answer["processed"], &answer["leaseId"]),
        (&json!(true), &json!(1), &Value::Null)
    );
    let read = api.get(&format!("/api/outbound/messages/{id}")).await;
    assert_eq!(read.body["outboundMessage"]["status"], "QUEUED");
}

#[actix_web::test]
async fn pull_hands_the_messages_over_in_the_hand_off_s_shape() {
    let mut api = TestApi::new();
    api.api.callback_url = Some("https://crm.example/api/outbound/callback".into());
    let id = api.queued("0901234567").await;
    let answer = run(&api, json!({"mode": "pull"})).await;
    let expected = json!([{
        "messageId": id, "channel": "SMS", "to": "+84901234567", "text": "Chào", "leadId": null, "studentId": null,
        "notificationId": null, "templateKey": null, "createdAt": "2026-05-04T05:00:00.000Z",
        "leaseId": answer["leaseId"], "attempt": 1, "priority": "MEDIUM", "ownerId": null, "branchId": null,
        "callbackUrl": "https://crm.example/api/outbound/callback",
    }]);
    assert_eq!(answer["messages"], expected);
    assert_eq!(run(&api, json!({"mode": "pull"})).await["messages"], json!([]));
}

#[actix_web::test]
async fn warnings_say_why_nothing_went_and_what_had_no_effect() {
    let mut api = TestApi::new();
    api.api.gateway = None;
    api.queued("0901234567").await;
    let answer = run(&api, json!({"force": true})).await;
    let warnings: Vec<_> =
        answer["warnings"].as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect();
    assert!(warnings[0].starts_with("force has no effect"), "{warnings:?}");
    assert!(warnings[1].contains("N8N_WEBHOOK_URL"), "{warnings:?}");
    assert_eq!((&answer["webhookEnabled"], &answer["processed"]), (&json!(false), &json!(0)));
    assert_eq!(answer["remainingEstimate"], 1);
}

#[actix_web::test]
async fn quiet_hours_say_when_they_end() {
    let mut api = TestApi::new();
    let window = Window::parse("11:00-13:00").unwrap();
    api.api.rules = Arc::new(rules(QuietHours::new(chrono_tz::Asia::Ho_Chi_Minh, window)));
    api.queued("0901234567").await;
    let answer = run(&api, json!({"force": true})).await;
    assert_eq!(answer["quietHours"], json!({"active": true, "endsAt": "2026-05-04T06:00:00.000Z"}));
    assert_eq!(answer["processed"], 0);
}

#[actix_web::test]
async fn an_unknown_mode_is_named() {
    let api = TestApi::new();
    let answer =
        api.post_with("/api/worker/outbound", WORKER, &json!({"mode": "fetch", "batchSize": 0})).await;
    assert_eq!(answer.outcome(), (400, "VALIDATION_ERROR"));
    let details = answer.body["error"]["details"].as_array().unwrap();
    assert_eq!((&details[0]["path"], &details[1]["path"]), (&json!("batchSize"), &json!("mode")));
}

#[actix_web::test]
async fn a_run_saves_what_it_handed_off_though_its_caller_hangs_up() {
    let mut api = TestApi::new();
    let gateway = Arc::new(Holding::default());
    api.api.gateway = Some(gateway.clone());
    let id = api.queued("0901234567").await;
    let body = json!({});
    tokio::select! {
        _ = api.post_with("/api/worker/outbound", WORKER, &body) => panic!("the run waits for N8N"),
        () = gateway.asked.notified() => {}
    }
    gateway.go_on.notify_one();
    api.tasks.close();
    api.tasks.wait().await;
    let read = api.get(&format!("/api/outbound/messages/{id}")).await;
    assert_eq!(read.body["outboundMessage"]["status"], "DISPATCHED");
}
