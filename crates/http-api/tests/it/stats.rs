//! The queue in numbers.

use actix_web::http::Method;
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{CALLBACK, JWT_SECRET, TestApi, WORKER, bearer, claims, request, token};

const STATS: &str = "/api/outbound/stats";

#[actix_web::test]
async fn an_empty_queue_has_every_number() {
    let api = TestApi::new();
    let answer = api.get(STATS).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let expected = json!({
        "at": "2026-05-04T05:00:00.000Z",
        "byStatus": {"QUEUED": 0, "LEASED": 0, "DISPATCHED": 0, "SENT": 0, "FAILED": 0, "SKIPPED": 0, "CANCELLED": 0},
        "byStatusIsEstimate": false,
        "byChannel": {"ZALO": 0, "FB": 0, "SMS": 0, "CALL_NOTE": 0},
        "byChannelIsEstimate": false,
        "byPriority": {"HIGH": 0, "MEDIUM": 0, "LOW": 0},
        "byPriorityIsEstimate": false,
        "waitingByChannel": {"ZALO": 0, "FB": 0, "SMS": 0, "CALL_NOTE": 0},
        "waitingByPriority": {"HIGH": 0, "MEDIUM": 0, "LOW": 0},
        "throughput": {"sentLastMinute": 0, "sentLastHour": 0},
        "oldestDueAt": null,
        "limits": {"perMinute": null, "left": null, "perOwnerPerMinute": null, "ownLeft": null},
        "quietHours": {"active": false, "endsAt": null, "closed": [], "timeZone": "Asia/Ho_Chi_Minh"},
        "circuit": {"state": "CLOSED", "failures": 0, "until": null},
        "webhookEnabled": true,
        "simulator": false,
    });
    assert_eq!(answer.body, expected);
}

#[actix_web::test]
async fn what_waits_and_what_was_sent_is_counted() {
    let api = TestApi::new();
    let sent = api.queued("0901234567").await;
    api.post_with("/api/worker/outbound", WORKER, &json!({})).await;
    api.post_with("/api/outbound/callback", CALLBACK, &json!({"messageId": sent, "status": "SENT"})).await;
    api.queued("0907654321").await;
    api.clock.advance(TimeDelta::seconds(30));
    let body = api.get(STATS).await.body;
    assert_eq!((&body["byStatus"]["SENT"], &body["byStatus"]["QUEUED"]), (&json!(1), &json!(1)));
    assert_eq!((&body["byChannel"]["SMS"], &body["byPriority"]["MEDIUM"]), (&json!(2), &json!(2)));
    assert_eq!(
        (&body["waitingByChannel"]["SMS"], &body["waitingByPriority"]["MEDIUM"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(body["throughput"], json!({"sentLastMinute": 1, "sentLastHour": 1}));
    assert_eq!(body["oldestDueAt"], "2026-05-04T05:00:00.000Z");
}

#[actix_web::test]
async fn the_numbers_are_those_of_the_callers_scope() {
    let api = TestApi::new();
    api.queued("0901234567").await;
    let ask = |role: &str, sub: &str| {
        let mut claims = claims(role);
        claims["sub"] = json!(sub);
        let header = ("authorization", format!("Bearer {}", token(&claims, JWT_SECRET)));
        api.send(request(Method::GET, STATS).insert_header(header))
    };
    assert_eq!(ask("telesales", "u2").await.body["byStatus"]["QUEUED"], 0);
    assert_eq!(ask("manager", "u2").await.body["oldestDueAt"], Value::Null);
    assert_eq!(ask("direct_page", "u2").await.body["byStatus"]["QUEUED"], 1);
    let viewer = api.send(request(Method::GET, STATS).insert_header(bearer("viewer"))).await;
    assert_eq!(viewer.outcome(), (403, "AUTH_FORBIDDEN"));
    assert_eq!(api.send(request(Method::GET, STATS)).await.outcome(), (401, "AUTH_MISSING_BEARER"));
}
