//! What workflow 4 goes by: whether anything of a job still moves by itself.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use test_support::scripted_n8n::Reaction;

use crate::http::answer;
use crate::support::{SERVICE_TOKEN, TestApp, sms};

async fn job(app: &TestApp) -> Value {
    let list = app.request(Method::GET, "/api/outbound/jobs").header("x-service-token", SERVICE_TOKEN);
    answer(list).await.expect(200)["items"][0].clone()
}

#[tokio::test]
async fn a_retry_that_waits_is_told_apart_from_a_failure_that_stays() {
    let app = TestApp::builder()
        .set("RETRY_BACKOFF", "10m")
        .script(|_| Reaction::settled(&json!({"status": "FAILED", "error": "busy"})))
        .start()
        .await;
    app.post("/api/outbound/jobs", &app.admin(), &sms(1)).await.expect(201);
    let said = |job: &Value| (job["messageCounts"]["FAILED"].clone(), job["retriesWaiting"].clone());
    assert_eq!(said(&job(&app).await), (json!(0), json!(0)));
    app.run_worker(json!({})).await;
    assert_eq!(said(&job(&app).await), (json!(1), json!(1)), "however long it takes");
    app.clock.advance(TimeDelta::hours(3));
    assert_eq!(said(&job(&app).await), (json!(1), json!(1)), "due, and not taken up yet");
    app.run_worker(json!({})).await;
    assert_eq!(said(&job(&app).await), (json!(1), json!(0)), "the last attempt");
}
