//! What N8N's answers mean.

use chrono::TimeDelta;
use domain::message::Outcome;
use domain::ports::HandOffAnswer;
use serde_json::json;
use test_support::scripted_n8n::{Reaction, ScriptedN8n};

use crate::support::{error_of, gateway, hand_off};

async fn answer(reaction: Reaction) -> HandOffAnswer {
    let n8n = ScriptedN8n::start(move |_| reaction.clone()).await.unwrap();
    hand_off(&gateway(&n8n.url())).await
}

#[tokio::test]
async fn a_webhook_that_responds_at_once_has_accepted() {
    assert_eq!(answer(Reaction::accepted()).await, HandOffAnswer::Accepted);
    assert_eq!(answer(Reaction::status(204)).await, HandOffAnswer::Accepted);
}

#[tokio::test]
async fn a_webhook_that_responds_with_its_last_node_settles_the_message() {
    let body = json!([{"status": "SENT", "providerMessageId": 42, "sentAt": "2026-11-20T08:59:59Z"}]);
    let sent_at = Some("2026-11-20T08:59:59Z".parse().unwrap());
    let expected = Outcome::Sent { provider_message_id: Some("42".to_owned()), sent_at };
    assert_eq!(answer(Reaction::settled(&body)).await, HandOffAnswer::Settled(expected));
}

#[tokio::test]
async fn an_overloaded_n8n_did_not_take_it_and_says_when_to_come_back() {
    let answer = answer(Reaction::unavailable().header("retry-after", "7")).await;
    let expected = HandOffAnswer::NotAccepted {
        error: "N8N answered 503".to_owned(),
        retry_after: Some(TimeDelta::seconds(7)),
    };
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn too_many_requests_may_give_the_time_as_a_date() {
    let answer = answer(Reaction::too_many("Fri, 20 Nov 2026 09:01:30 GMT")).await;
    let HandOffAnswer::NotAccepted { retry_after, .. } = answer else { panic!("{answer:?}") };
    assert_eq!(retry_after, Some(TimeDelta::seconds(90)));
}

#[tokio::test]
async fn an_inactive_workflow_did_not_take_it() {
    let body = r#"{"code":404,"message":"The requested webhook is not registered."}"#;
    let error = error_of(answer(Reaction::status(404).body(body)).await);
    assert_eq!(error, format!("N8N answered 404: {body}"));
}

#[tokio::test]
async fn a_bad_request_or_a_wrong_credential_is_refused() {
    for status in [400, 403, 422] {
        let answer = answer(Reaction::status(status).body("no")).await;
        assert_eq!(answer, HandOffAnswer::Refused { error: format!("N8N answered {status}: no") });
    }
}

#[tokio::test]
async fn a_gateway_that_gave_up_waiting_leaves_the_outcome_unknown() {
    assert_eq!(answer(Reaction::status(504)).await, HandOffAnswer::Unknown);
}

#[tokio::test]
async fn a_redirect_is_refused_and_not_followed() {
    let elsewhere = ScriptedN8n::start(|_| Reaction::accepted()).await.unwrap();
    let answer = answer(Reaction::redirect(&elsewhere.url())).await;
    assert_eq!(error_of(answer), "N8N answered 307 (a redirect, which is not followed)");
    assert_eq!(elsewhere.log().hand_offs.len(), 0);
}

#[tokio::test]
async fn a_huge_answer_counts_by_its_status_alone() {
    let huge = "x".repeat(3_000_000);
    assert_eq!(answer(Reaction::status(200).body(huge.clone())).await, HandOffAnswer::Accepted);
    let error = error_of(answer(Reaction::status(400).body(huge)).await);
    assert_eq!(error.len(), "N8N answered 400: ".len() + 200);
}
