//! More time for pulled messages.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::people::paths;
use crate::support::{TestApi, WORKER};

const PATH: &str = "/api/worker/outbound/heartbeat";

async fn run(api: &TestApi, mode: &str) -> Value {
    let answer = api.post_with("/api/worker/outbound", WORKER, &json!({"mode": mode})).await;
    answer.body["leaseId"].clone()
}

#[actix_web::test]
async fn the_wait_of_a_pulled_lease_is_extended() {
    let api = TestApi::new();
    let id = api.queued("0901234567").await;
    let lease = run(&api, "pull").await;
    api.clock.advance(TimeDelta::minutes(14));
    let answer = api.post_with(PATH, WORKER, &json!({"leaseId": lease, "extendSeconds": 100_000})).await;
    let until = json!("2026-05-04T06:14:00.000Z");
    assert_eq!(answer.body, json!({"ok": true, "extended": 1, "leaseExpiresAt": until}));
    let read = api.get(&format!("/api/outbound/messages/{id}")).await;
    assert_eq!(read.body["outboundMessage"]["leaseExpiresAt"], until);
}

#[actix_web::test]
async fn what_can_t_be_extended_says_why() {
    let api = TestApi::new();
    let beat = async |lease: &Value| {
        api.post_with(PATH, WORKER, &json!({"leaseId": lease, "extendSeconds": 60})).await
    };
    let unknown = beat(&json!("01890000-0000-7000-8000-000000000000")).await;
    assert_eq!(unknown.outcome(), (404, "NOT_FOUND"));
    api.queued("0901234561").await;
    let pushed = run(&api, "push").await;
    assert_eq!(beat(&pushed).await.outcome(), (409, "CONFLICT"));
    api.queued("0901234562").await;
    let pulled = run(&api, "pull").await;
    api.clock.advance(TimeDelta::hours(1));
    run(&api, "pull").await;
    assert_eq!(beat(&pulled).await.outcome(), (409, "CONFLICT"), "given up in between");
}

#[actix_web::test]
async fn every_wrong_field_is_named_and_the_secret_is_needed() {
    let api = TestApi::new();
    for (body, expected) in [
        (json!({}), vec!["leaseId", "extendSeconds"]),
        (json!({"leaseId": "7", "extendSeconds": 0}), vec!["leaseId", "extendSeconds"]),
        (json!({"leaseId": "7", "extendSeconds": -1}), vec!["extendSeconds"]),
    ] {
        let answer = api.post_with(PATH, WORKER, &body).await;
        assert_eq!((answer.outcome(), paths(&answer)), ((400, "VALIDATION_ERROR"), expected), "{body}");
    }
    assert_eq!(api.post_json(PATH, &json!({})).await.outcome(), (403, "AUTH_FORBIDDEN"));
}
