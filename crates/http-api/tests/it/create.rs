//! Queueing one message.

use serde_json::json;

use crate::support::{TestApi, bearer, request};
use actix_web::http::Method;

const PATH: &str = "/api/outbound/messages";

#[actix_web::test]
async fn a_new_message_is_201_with_its_place_and_every_field() {
    let api = TestApi::new();
    let body = json!({"channel": "SMS", "text": "Chào bạn", "to": "0901 234 567", "priority": "HIGH", "ownerId": "u9"});
    let answer = api.post_json(PATH, &body).await;
    assert_eq!(answer.status, 201);
    let id = answer.body["outboundMessage"]["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("location"), format!("{PATH}/{id}"));
    let expected = json!({
        "outboundMessage": {
            "id": id, "channel": "SMS", "to": "+84901234567", "templateKey": null, "renderedText": "Chào bạn",
            "status": "QUEUED", "priority": "HIGH", "error": null, "leadId": null, "studentId": null,
            "notificationId": null, "ownerId": "u9", "branchId": null, "jobId": null, "attempt": 1, "retryCount": 0,
            "failureKind": null, "nextAttemptAt": "2026-05-04T05:00:00.000Z", "scheduledAt": null,
            "providerMessageId": null, "leaseId": null, "leaseExpiresAt": null, "dispatchedAt": null,
            "createdAt": "2026-05-04T05:00:00.000Z", "updatedAt": "2026-05-04T05:00:00.000Z", "sentAt": null,
            "contact": null,
        },
        "skipped": false,
    });
    assert_eq!(answer.body, expected);
    let read = api.get(&format!("{PATH}/{id}")).await;
    assert_eq!(read.body["outboundMessage"], expected["outboundMessage"]);
    let line = &read.body["timeline"][0];
    assert_eq!(
        (&line["kind"], &line["to"], &line["by"]),
        (&json!("CREATED"), &json!("QUEUED"), &json!("user:u1"))
    );
}

#[actix_web::test]
async fn a_duplicate_is_200_and_says_why() {
    let api = TestApi::new();
    let body = json!({"channel": "SMS", "text": "Chào", "to": "0901234567"});
    assert_eq!(api.post_json(PATH, &body).await.status, 201);
    let answer = api.post_json(PATH, &body).await;
    assert_eq!(answer.status, 200);
    assert_eq!((&answer.body["skipped"], &answer.body["reason"]), (&json!(true), &json!("DUPLICATE_TODAY")));
    assert_eq!(answer.body["outboundMessage"]["status"], "SKIPPED");
    assert_eq!(answer.header("location"), "");
}

#[actix_web::test]
async fn what_is_forbidden_goes_before_what_is_unknown_and_that_before_what_is_wrong() {
    let api = TestApi::new();
    let send = |body: serde_json::Value| {
        let header = bearer("telesales");
        api.send(request(Method::POST, PATH).insert_header(header).set_payload(body.to_string()))
    };
    let foreign = send(json!({"channel": "SMS", "text": "Chào", "to": "0901234567", "ownerId": "u2"})).await;
    assert_eq!(foreign.outcome(), (403, "AUTH_FORBIDDEN"));
    let unknown = send(json!({"channel": "SMS", "text": "Chào", "to": "123", "leadId": "nobody"})).await;
    assert_eq!(unknown.outcome(), (404, "NOT_FOUND"));
    let template = send(json!({"channel": "SMS", "templateKey": "none", "to": "0901234567"})).await;
    assert_eq!(template.outcome(), (404, "NOT_FOUND"));
    let wrong = send(json!({"channel": "SMS", "text": "Chào", "to": "123"})).await;
    assert_eq!(wrong.outcome(), (400, "VALIDATION_ERROR"));
    assert_eq!(wrong.body["error"]["details"][0]["path"], "to");
}
