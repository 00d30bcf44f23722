//! Secrets and tokens as the settings name them.

use serde_json::json;

use crate::support::{TestApp, sms};

#[tokio::test]
async fn either_of_two_secrets_opens_and_a_missing_one_closes() {
    let app = TestApp::builder()
        .set("WORKER_SECRET", &format!("the-new-worker-secret, {}", crate::support::WORKER_SECRET))
        .set("N8N_CALLBACK_SECRET", "")
        .start()
        .await;
    assert_eq!(app.run_worker(json!({"dryRun": true})).await["dryRun"], true);
    let id = app.create(sms(1)).await;
    let closed = app.callback(&json!({"messageId": id, "status": "SENT"})).await.expect(403);
    assert!(closed["error"]["message"].as_str().unwrap().contains("N8N_CALLBACK_SECRET"), "{closed}");
}

#[tokio::test]
async fn published_keys_that_can_t_be_had_do_not_lock_out_those_with_the_shared_secret() {
    let app = TestApp::builder().set("JWT_JWKS_URL", "http://127.0.0.1:1/keys").start().await;
    app.get("/api/outbound/messages", &app.admin()).await.expect(200);
    // {"alg":"RS256"}, {}, and some signature.
    let answer = app.get("/api/outbound/messages", "eyJhbGciOiJSUzI1NiJ9.e30.AAAA").await.expect(503);
    assert_eq!(answer["error"]["code"], "UNAVAILABLE");
    assert!(!answer.to_string().contains("127.0.0.1"), "{answer}");
}
