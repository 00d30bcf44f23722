//! Errors have one shape, and tell nothing about the inside.

use actix_web::http::Method;
use serde_json::json;

use crate::support::{CALLBACK, Fault, TestApi, bearer, request};

const LIST: &str = "/api/outbound/messages";

#[actix_web::test]
async fn every_error_has_the_same_shape() {
    let api = TestApi::new();
    for (method, path) in [(Method::GET, "/nothing"), (Method::GET, "/api/nothing"), (Method::DELETE, LIST)] {
        let answer = api.send(request(method, path).insert_header(bearer("admin"))).await;
        assert_eq!(answer.body["ok"], false);
        let error = answer.body["error"].as_object().unwrap();
        let names: Vec<_> = error.keys().map(String::as_str).collect();
        assert_eq!(names, ["code", "message"]);
    }
}

#[actix_web::test]
async fn the_code_table() {
    let api = TestApi::new();
    let unknown = "/api/outbound/messages/01890000-0000-7000-8000-000000000000";
    assert_eq!(api.get("/nothing").await.outcome(), (404, "NOT_FOUND"));
    assert_eq!(api.get("/api/outbound/nothing").await.outcome(), (404, "NOT_FOUND"));
    assert_eq!(api.get(unknown).await.outcome(), (404, "NOT_FOUND"));
    assert_eq!(api.get("/api/outbound/messages/nonsense").await.outcome(), (404, "NOT_FOUND"));
    assert_eq!(api.get("/api/outbound/messages?page=0").await.outcome(), (400, "VALIDATION_ERROR"));
    let wrong_method = api.send(request(Method::PUT, LIST)).await;
    assert_eq!(wrong_method.outcome(), (405, "METHOD_NOT_ALLOWED"));
    assert_eq!(wrong_method.header("allow"), "GET, POST");
    let queued = api.queued("0901234567").await;
    let early = json!({"messageId": queued, "status": "SENT"});
    assert_eq!(api.post_with("/api/outbound/callback", CALLBACK, &early).await.outcome(), (409, "CONFLICT"));
}

#[actix_web::test]
async fn a_database_that_fails_is_503_and_a_bug_500_and_neither_tells_more() {
    for (fault, expected) in [
        (Fault::Unavailable, (503, "UNAVAILABLE")),
        (Fault::Busy, (503, "UNAVAILABLE")),
        (Fault::Corrupt, (500, "INTERNAL_ERROR")),
        (Fault::Refused, (500, "INTERNAL_ERROR")),
    ] {
        let api = TestApi::new();
        api.backend.fail_with(fault);
        let create = json!({"channel": "SMS", "text": "Chào", "to": "0901234567"});
        for answer in [
            api.get(LIST).await,
            api.get("/api/templates").await,
            api.post_json(LIST, &create).await,
            api.post_with("/api/worker/outbound", crate::support::WORKER, &json!({})).await,
        ] {
            assert_eq!(answer.outcome(), expected, "{fault:?}");
            assert_eq!(!answer.header("retry-after").is_empty(), expected.0 == 503);
            assert!(!answer.body.to_string().contains("10.0.0.7"), "{}", answer.body);
        }
    }
}

#[actix_web::test]
async fn ready_says_whether_requests_can_be_served_and_live_only_that_the_process_runs() {
    let mut api = TestApi::new();
    let ready = api.send(request(Method::GET, "/readyz")).await;
    assert_eq!((ready.status.as_u16(), ready.body), (200, json!({"ok": true})));
    api.api.simulator = true;
    let ready = api.send(request(Method::GET, "/readyz")).await;
    assert_eq!(ready.body, json!({"ok": true, "simulator": true}));
    api.backend.fail_with(Fault::Unavailable);
    assert_eq!(api.send(request(Method::GET, "/readyz")).await.outcome(), (503, "UNAVAILABLE"));
    assert_eq!(api.send(request(Method::GET, "/livez")).await.outcome(), (200, ""));
}
