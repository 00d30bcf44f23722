//! Requests that come singly but at once: done together, and each is answered for itself.

use std::pin::pin;

use actix_web::http::Method;
use futures_util::future::{Either, select};
use serde_json::{Value, json};

use crate::support::{Answered, CALLBACK, Fault, TestApi, WORKER, bearer, request, with_header};

const MESSAGES: &str = "/api/outbound/messages";
const CALLBACKS: &str = "/api/outbound/callback";
const UNKNOWN: &str = "01890000-0000-7000-8000-000000000000";

async fn handed_off(api: &TestApi, to: &str) -> String {
    let id = api.queued(to).await;
    let run = api.post_with("/api/worker/outbound", WORKER, &json!({})).await;
    assert_eq!(run.body["processed"], 1);
    id
}

fn sent(id: &str) -> Value {
    json!({"messageId": id, "status": "SENT"})
}

#[actix_web::test]
async fn callbacks_at_once_are_answered_each_for_itself() {
    let api = TestApi::new();
    let (one, other) = (handed_off(&api, "0901234567").await, handed_off(&api, "0901234568").await);
    let never = api.queued("0901234569").await;
    let late = json!({"messageId": other, "status": "SENT", "sentAt": "9999-01-01T00:00:00Z"});
    let bodies = [sent(&one), sent(UNKNOWN), sent(&never), late, sent(&other), sent(&one)];
    let calls = bodies.iter().map(|body| with_header(CALLBACKS, CALLBACK, body)).collect();
    let answers = api.send_at_once(calls).await;
    let codes: Vec<_> = answers.iter().map(Answered::outcome).collect();
    assert_eq!(
        codes,
        [(200, ""), (404, "NOT_FOUND"), (409, "CONFLICT"), (400, "VALIDATION_ERROR"), (200, ""), (200, "")]
    );
    let applied: Vec<_> = [0, 4, 5].map(|at: usize| answers[at].body["applied"].clone()).into();
    assert_eq!(applied, [json!(true), json!(true), json!(false)], "the repeat came last");
    for id in [one, other] {
        assert_eq!(api.status_of(&id).await, "SENT");
    }
}

#[actix_web::test]
async fn callbacks_at_once_are_saved_together() {
    let api = TestApi::new();
    let mut ids = Vec::new();
    for n in 0..8 {
        ids.push(handed_off(&api, &format!("090123456{n}")).await);
    }
    let before = api.backend.calls("save_sent");
    let calls = ids.iter().map(|id| with_header(CALLBACKS, CALLBACK, &sent(id))).collect();
    for answer in api.send_at_once(calls).await {
        assert_eq!(answer.body, json!({"ok": true, "applied": true}));
    }
    let after = api.backend.calls("save_sent");
    assert!(after - before <= 4, "{before}, {after}");
}

#[actix_web::test]
async fn messages_queued_at_once_are_answered_each_for_itself() {
    let api = TestApi::new();
    let body = |to: &str| json!({"channel": "SMS", "text": "Chào", "to": to});
    let without = json!({"channel": "SMS", "templateKey": "none", "to": "0901234570"});
    let bodies = [body("0901234567"), body("12"), without, body("0901234568"), body("0901234567")];
    let calls = bodies.iter().map(|body| {
        request(Method::POST, MESSAGES).insert_header(bearer("admin")).set_payload(body.to_string())
    });
    let answers = api.send_at_once(calls.collect()).await;
    let codes: Vec<_> = answers.iter().map(Answered::outcome).collect();
    assert_eq!(codes, [(201, ""), (400, "VALIDATION_ERROR"), (404, "NOT_FOUND"), (201, ""), (200, "")]);
    let to = |at: usize| answers[at].body["outboundMessage"]["to"].clone();
    assert_eq!([to(0), to(3), to(4)], ["+84901234567", "+84901234568", "+84901234567"]);
    assert_eq!(answers[4].body["reason"], "DUPLICATE_TODAY");
    assert_eq!(api.total().await, 3);
}

#[actix_web::test]
async fn a_callback_whose_sender_hangs_up_is_recorded_before_the_server_ends() {
    let api = TestApi::new();
    let id = handed_off(&api, "0901234567").await;
    {
        let body = sent(&id);
        let call = pin!(api.post_with(CALLBACKS, CALLBACK, &body));
        let taken = pin!(async {
            while api.tasks.is_empty() {
                tokio::task::yield_now().await;
            }
        });
        assert!(matches!(select(call, taken).await, Either::Right(_)), "the answer came first");
    }
    api.tasks.close();
    api.tasks.wait().await;
    assert_eq!(api.status_of(&id).await, "SENT");
}

#[actix_web::test]
async fn a_bug_is_no_reason_to_send_again() {
    let api = TestApi::new();
    let id = handed_off(&api, "0901234567").await;
    api.backend.fail_with(Fault::Panics);
    assert_eq!(api.post_with(CALLBACKS, CALLBACK, &sent(&id)).await.outcome(), (500, "INTERNAL_ERROR"));
    let message = json!({"channel": "SMS", "templateKey": "any", "to": "0901234568"});
    assert_eq!(api.post_json(MESSAGES, &message).await.outcome(), (500, "INTERNAL_ERROR"));
}
