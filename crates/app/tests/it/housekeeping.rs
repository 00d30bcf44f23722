//! What is out of date is forgotten, what is still needed never.

use chrono::{SecondsFormat, TimeDelta};
use domain::ports::Clock as _;
use serde_json::json;

use crate::http::answer;
use crate::support::{Builder, TestApp, eventually, sms};

async fn with_retention(days: &str) -> TestApp {
    Builder::default().set("RETENTION_DAYS", days).start().await
}

async fn rows(app: &TestApp, table: &str) -> i64 {
    let client = app.database.connect().await;
    client.query_one(&format!("select count(*) from {table}"), &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn settled_messages_go_after_a_day_and_those_that_wait_stay() {
    let app = with_retention("1").await;
    let sent = app.create(sms(1)).await;
    app.run_worker(json!({})).await;
    app.wait_for_status(&sent, "SENT").await;
    let due = app.clock.now() + TimeDelta::days(90);
    let mut later = sms(2);
    later["scheduledAt"] = due.to_rfc3339_opts(SecondsFormat::Millis, true).into();
    let waiting = app.create(later).await;
    assert_eq!(rows(&app, "outbound_run").await, 1);

    app.clock.advance(TimeDelta::hours(12));
    let fresh = app.create(sms(3)).await;
    app.run_worker(json!({})).await;
    app.wait_for_status(&fresh, "SENT").await;
    app.clock.advance(TimeDelta::hours(20));
    eventually("the message of yesterday is gone", async || {
        let found = app.get(&format!("/api/outbound/messages/{sent}"), &app.admin()).await;
        (found.status == 404).then_some(())
    })
    .await;
    eventually("its run too", async || (rows(&app, "outbound_run").await == 1).then_some(())).await;
    assert_eq!(app.message(&fresh).await["outboundMessage"]["status"], "SENT", "it is not a day old");
    assert_eq!(app.message(&waiting).await["outboundMessage"]["status"], "QUEUED");
    assert_eq!(rows(&app, "outbound_message").await, 2);
    app.stop().await;
}

#[tokio::test]
async fn keys_are_forgotten_when_they_expire_and_without_a_retention_messages_stay() {
    let app = TestApp::start().await;
    let create = async |key: &str, number: u32| {
        let request = app.request(reqwest::Method::POST, "/api/outbound/messages").bearer_auth(app.admin());
        answer(request.header("Idempotency-Key", key).json(&sms(number))).await.expect(201)
    };
    let all_forgotten = async || {
        eventually("the keys are forgotten", async || {
            (rows(&app, "outbound_idempotency").await == 0).then_some(())
        })
        .await;
    };
    let first = create("the-key", 1).await;
    let id = first["outboundMessage"]["id"].as_str().unwrap();
    app.post(&format!("/api/outbound/messages/{id}/cancel"), &app.admin(), &json!({})).await.expect(200);
    app.clock.advance(TimeDelta::hours(71));
    assert_eq!(create("the-key", 1).await, first, "replayed");
    app.clock.advance(TimeDelta::hours(2));
    all_forgotten().await;
    // Twice: where the second round of tidying has begun, the first one has ended.
    for (key, number) in [("another", 2), ("the-third", 3)] {
        create(key, number).await;
        app.clock.advance(TimeDelta::days(150));
        all_forgotten().await;
    }
    assert_eq!(app.message(id).await["outboundMessage"]["status"], "CANCELLED");
}
