//! Who may read the metrics, and what is measured.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use serde_json::json;

use crate::support::{CALLBACK, TestApi, WORKER, request};

fn from(peer: &str) -> TestRequest {
    request(Method::GET, "/metrics").peer_addr(peer.parse().unwrap())
}

fn bearer(token: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {token}"))
}

#[actix_web::test]
async fn this_machine_reads_without_a_token_and_others_with_it() {
    let api = TestApi::new();
    for here in ["127.0.0.1:40000", "[::1]:40000"] {
        let answer = api.send(from(here)).await;
        assert_eq!(answer.status, 200, "{here}");
        assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let elsewhere = || from("192.0.2.7:40000");
    assert_eq!(api.send(elsewhere()).await.outcome(), (403, "AUTH_FORBIDDEN"));
    for token in ["metrics-token", "metrics-old"] {
        assert_eq!(api.send(elsewhere().insert_header(bearer(token))).await.status, 200, "{token}");
    }
    for wrong in ["", "metrics", "metrics-old,metrics-token", "service-token"] {
        let answer = api.send(elsewhere().insert_header(bearer(wrong))).await;
        assert_eq!(answer.outcome(), (403, "AUTH_FORBIDDEN"), "{wrong}");
    }
    let basic = elsewhere().insert_header(("authorization", "Basic metrics-token"));
    assert_eq!(api.send(basic).await.outcome(), (403, "AUTH_FORBIDDEN"));
    let passed_on = from("127.0.0.1:40000").insert_header(("x-forwarded-for", "192.0.2.7"));
    assert_eq!(api.send(passed_on).await.outcome(), (403, "AUTH_FORBIDDEN"), "through a proxy");
}

#[actix_web::test]
async fn without_a_token_on_the_server_only_this_machine_reads_and_guesses_are_slowed_down() {
    let closed = TestApi::with(http_api::AuthSettings::default());
    let answer = closed.send(from("192.0.2.7:40000").insert_header(bearer("metrics-token"))).await;
    assert_eq!(answer.outcome(), (403, "AUTH_FORBIDDEN"));
    assert!(answer.body["error"]["message"].as_str().unwrap().contains("METRICS_TOKEN"));
    assert_eq!(closed.send(from("127.0.0.1:40000")).await.status, 200);

    let api = TestApi::new();
    let wrong = || from("192.0.2.7:40000").insert_header(bearer("wrong"));
    for _ in 0..10 {
        assert_eq!(api.send(wrong()).await.outcome(), (403, "AUTH_FORBIDDEN"));
    }
    assert_eq!(api.send(wrong()).await.outcome(), (429, "RATE_LIMITED"));
}

#[actix_web::test]
async fn requests_are_measured_by_pattern_and_callbacks_by_what_came_of_them() {
    let api = TestApi::new();
    let id = api.queued("0901234567").await;
    api.get(&format!("/api/outbound/messages/{id}?q=0901234567")).await;
    api.get("/api/outbound/nowhere/0901234567").await;
    assert_eq!(
        api.meter.take(),
        ["POST /api/outbound/messages 201", "GET /api/outbound/messages/{id} 200", "GET (no route) 404",]
    );
    api.post_with("/api/worker/outbound", WORKER, &json!({})).await;
    api.meter.take();
    let sent = json!({"messageId": id, "status": "SENT"});
    let unknown = json!({"messageId": "01890000-0000-7000-8000-000000000000", "status": "FAILED"});
    let all = json!([sent, sent, unknown, {"messageId": "x", "status": "SENT"}]);
    api.post_with("/api/outbound/callback", CALLBACK, &all).await;
    assert_eq!(
        api.meter.take(),
        [
            "SENT Applied",
            "SENT Unchanged",
            "FAILED Refused",
            "unreadable Refused",
            "POST /api/outbound/callback 200",
        ]
    );
}
