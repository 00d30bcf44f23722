//! What N8N is answered.

use actix_web::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answered, CALLBACK, TestApi, WORKER, request};

async fn call(api: &TestApi, body: Value) -> Answered {
    api.post_with("/api/outbound/callback", CALLBACK, &body).await
}

async fn handed_off(api: &TestApi, to: &str) -> String {
    let id = api.queued(to).await;
    let run = api.post_with("/api/worker/outbound", WORKER, &json!({})).await;
    assert_eq!(run.body["processed"], 1);
    id
}

#[actix_web::test]
async fn one_callback_is_applied_once() {
    let api = TestApi::new();
    let id = handed_off(&api, "0901234567").await;
    let body = json!({"messageId": id, "status": "SENT", "providerMessageId": "p1"});
    assert_eq!(call(&api, body.clone()).await.body, json!({"ok": true, "applied": true}));
    assert_eq!(call(&api, body).await.body, json!({"ok": true, "applied": false}));
    let read = api.get(&format!("/api/outbound/messages/{id}")).await;
    assert_eq!(read.body["outboundMessage"]["providerMessageId"], "p1");
}

#[actix_web::test]
async fn one_callback_that_can_t_be_has_its_own_status() {
    let api = TestApi::new();
    let id = handed_off(&api, "0901234567").await;
    let never = api.queued("0901234568").await;
    let unknown = "01890000-0000-7000-8000-000000000000";
    let late = json!({"messageId": id, "status": "SENT", "sentAt": "9999-01-01T00:00:00Z"});
    let answer = call(&api, late).await;
    assert_eq!(answer.outcome(), (400, "VALIDATION_ERROR"));
    assert_eq!(answer.body["error"]["details"][0]["path"], "sentAt");
    assert_eq!(
        call(&api, json!({"messageId": unknown, "status": "SENT"})).await.outcome(),
        (404, "NOT_FOUND")
    );
    assert_eq!(call(&api, json!({"messageId": never, "status": "SENT"})).await.outcome(), (409, "CONFLICT"));
    assert_eq!(
        call(&api, json!({"messageId": "x", "status": "SENT"})).await.outcome(),
        (400, "VALIDATION_ERROR")
    );
    for body in [Value::Null, json!(1)] {
        assert_eq!(call(&api, body).await.outcome(), (400, "VALIDATION_ERROR"));
    }
}

#[actix_web::test]
async fn an_array_is_answered_one_by_one_in_its_order() {
    let api = TestApi::new();
    let id = handed_off(&api, "0901234567").await;
    let unknown = "01890000-0000-7000-8000-000000000000";
    let answer = call(
        &api,
        json!([{"messageId": "x"}, {"messageId": unknown, "status": "SENT"}, {"messageId": id, "status": "SENT"}, 7]),
    )
    .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["ok"], false);
    let results = answer.body["results"].as_array().unwrap();
    assert_eq!(results.len(), 4);
    assert_eq!(
        (&results[0]["messageId"], &results[0]["error"]["code"]),
        (&json!("x"), &json!("VALIDATION_ERROR"))
    );
    assert_eq!(
        (&results[1]["messageId"], &results[1]["error"]["code"]),
        (&json!(unknown), &json!("NOT_FOUND"))
    );
    assert_eq!(results[2], json!({"messageId": id, "applied": true}));
    assert_eq!((&results[3]["messageId"], &results[3]["applied"]), (&Value::Null, &json!(false)));
    assert_eq!(call(&api, json!([])).await.body, json!({"ok": true, "results": []}));
}

#[actix_web::test]
async fn of_a_request_that_was_signed_a_while_ago_only_what_names_no_attempt_is_refused() {
    let api = TestApi::new();
    let call = async |body: Value| {
        let late = request(Method::POST, "/api/outbound/callback").insert_header(("webhook-id", "m1"));
        let late =
            late.insert_header(("webhook-timestamp", "1")).insert_header(("webhook-signature", "late"));
        api.send(late.set_payload(body.to_string())).await
    };
    let (sent, failed) = (handed_off(&api, "0901234567").await, handed_off(&api, "0901234568").await);
    let unnamed = json!({"messageId": failed, "status": "FAILED"});
    for alone in [unnamed.clone(), json!([unnamed]), json!([unnamed, unnamed])] {
        let answer = call(alone).await;
        assert_eq!(answer.outcome(), (403, "AUTH_FORBIDDEN"));
        assert!(answer.body["error"]["message"].as_str().unwrap().contains("name `attempt` or `leaseId`"));
    }

    let answer = call(json!([{"messageId": sent, "status": "SENT"}, unnamed, {"messageId": "x"}])).await;
    assert_eq!((answer.status, &answer.body["ok"]), (StatusCode::OK, &json!(false)));
    let results = answer.body["results"].as_array().unwrap();
    assert_eq!(results[0], json!({"messageId": sent, "applied": true}));
    assert_eq!((&results[1]["messageId"], &results[1]["applied"]), (&json!(failed), &json!(false)));
    assert_eq!(results[1]["error"]["code"], "AUTH_FORBIDDEN");
    assert!(results[1]["error"]["message"].as_str().unwrap().contains("name `attempt` or `leaseId`"));
    assert_eq!(results[2]["error"]["code"], "VALIDATION_ERROR");
    let read = api.get(&format!("/api/outbound/messages/{failed}")).await;
    assert_eq!(read.body["outboundMessage"]["status"], "DISPATCHED");

    let named = call(json!([unnamed, {"messageId": failed, "status": "FAILED", "attempt": 1}])).await;
    let applied = |index: usize| named.body["results"][index]["applied"].clone();
    assert_eq!((applied(0), applied(1)), (json!(false), json!(true)), "{}", named.body);
}
