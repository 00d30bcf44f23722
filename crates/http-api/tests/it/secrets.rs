//! Shared secrets: compared as a whole, rotated in pairs, and slow to guess.

use actix_web::http::Method;
use serde_json::json;

use crate::support::{CALLBACK, TestApi, WORKER, request};

const WORKER_PATH: &str = "/api/worker/outbound";
const CALLBACK_PATH: &str = "/api/outbound/callback";

#[actix_web::test]
async fn the_secret_table() {
    let api = TestApi::new();
    let body = json!({"messageId": "01890000-0000-7000-8000-000000000000", "status": "SENT"});
    for (path, header, expected) in [
        (WORKER_PATH, WORKER, 200),
        (WORKER_PATH, ("x-worker-secret", "wrong"), 403),
        (WORKER_PATH, ("x-worker-secret", ""), 403),
        (WORKER_PATH, CALLBACK, 403),
        (CALLBACK_PATH, CALLBACK, 404),
        (CALLBACK_PATH, ("x-callback-secret", "callback-old"), 404),
        (CALLBACK_PATH, ("x-callback-secret", "callback-old,callback-secret"), 403),
        (CALLBACK_PATH, WORKER, 403),
    ] {
        let body = if path == WORKER_PATH { json!({}) } else { body.clone() };
        let answer = api.post_with(path, header, &body).await;
        assert_eq!(answer.status, expected, "{path} {header:?}");
        assert_eq!(answer.code() == "AUTH_FORBIDDEN", expected == 403, "{path} {header:?}");
    }
}

#[actix_web::test]
async fn a_secret_that_is_not_set_closes_its_endpoints_and_says_so() {
    let api = TestApi::with(http_api::AuthSettings::default());
    for (path, header, variable) in [
        (WORKER_PATH, ("x-worker-secret", ""), "WORKER_SECRET"),
        (CALLBACK_PATH, ("x-callback-secret", ""), "N8N_CALLBACK_SECRET"),
        (CALLBACK_PATH, ("x-other", "x"), "N8N_CALLBACK_SECRET"),
    ] {
        let answer = api.post_with(path, header, &json!({})).await;
        assert_eq!(answer.outcome(), (403, "AUTH_FORBIDDEN"));
        assert!(answer.body["error"]["message"].as_str().unwrap().contains(variable), "{}", answer.body);
    }
}

#[actix_web::test]
async fn wrong_secrets_are_slowed_down_by_address_and_right_ones_never() {
    let api = TestApi::new();
    let wrong = || request(Method::POST, WORKER_PATH).insert_header(("x-worker-secret", "wrong"));
    for _ in 0..10 {
        assert_eq!(api.send(wrong()).await.outcome(), (403, "AUTH_FORBIDDEN"));
    }
    let slowed = api.send(wrong()).await;
    assert_eq!(slowed.outcome(), (429, "RATE_LIMITED"));
    let wait: u64 = slowed.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    let elsewhere = wrong().peer_addr("192.0.2.8:4000".parse().unwrap());
    assert_eq!(api.send(elsewhere).await.outcome(), (403, "AUTH_FORBIDDEN"));
    for _ in 0..20 {
        assert_eq!(api.post_with(WORKER_PATH, WORKER, &json!({})).await.outcome(), (200, ""));
    }
}

#[actix_web::test]
async fn a_signature_stands_in_for_the_callback_secret() {
    let api = TestApi::new();
    let signed = |signature: &'static str| {
        request(Method::POST, CALLBACK_PATH)
            .insert_header(("webhook-id", "m1"))
            .insert_header(("webhook-timestamp", "1777870800"))
            .insert_header(("webhook-signature", signature))
            .set_payload("[]")
    };
    assert_eq!(api.send(signed("right")).await.outcome(), (200, ""));
    for _ in 0..10 {
        assert_eq!(api.send(signed("wrong")).await.outcome(), (403, "AUTH_FORBIDDEN"));
    }
    assert_eq!(api.send(signed("wrong")).await.outcome(), (429, "RATE_LIMITED"));
    let unsigned = request(Method::POST, CALLBACK_PATH).insert_header(("webhook-id", "m1")).set_payload("[]");
    assert_eq!(api.send(unsigned).await.outcome(), (403, "AUTH_FORBIDDEN"));
}
