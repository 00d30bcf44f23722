//! While N8N is simulated, every answer that shows a status says so; otherwise none does.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::{Answered, TestApi, WORKER, request};

/// Asks everything that shows the status of messages or jobs; answers by what was asked.
async fn all_that_show_a_status(api: &TestApi) -> Vec<(&'static str, Answered)> {
    let text = json!({"channel": "SMS", "text": "Chào", "to": "0901234567"});
    let created = api.post_json("/api/outbound/messages", &text).await;
    let again = api.post_json("/api/outbound/messages", &text).await;
    let id = created.body["outboundMessage"]["id"].as_str().unwrap().to_owned();
    let message = format!("/api/outbound/messages/{id}");
    let job = json!({"title": "Nhắc", "channel": "SMS", "text": "Nhắc", "to": "0901234568"});
    let job = api.post_json("/api/outbound/jobs", &job).await;
    let job_id = job.body["outboundJob"]["id"].as_str().unwrap().to_owned();
    let job_path = format!("/api/outbound/jobs/{job_id}");
    let several = json!({"channel": "SMS", "text": "Nhắc", "recipients": [{"to": "0901234569"}]});
    let moved = request(Method::PATCH, &job_path)
        .insert_header(("x-service-token", "service-token"))
        .set_payload(json!({"status": "DISPATCHED"}).to_string());
    vec![
        ("create", created),
        ("create a duplicate", again),
        ("create a job", job),
        ("create a job of several", api.post_json("/api/outbound/jobs", &several).await),
        ("list", api.get("/api/outbound/messages").await),
        ("detail", api.get(&message).await),
        ("cancel", api.post_json(&format!("{message}/cancel"), &json!({})).await),
        ("requeue", api.post_json(&format!("{message}/requeue"), &json!({})).await),
        ("jobs", api.get("/api/outbound/jobs").await),
        ("job", api.get(&job_path).await),
        ("move a job", api.send(moved).await),
        ("dispatch", api.post_json("/api/outbound/dispatch", &json!({"limit": 1})).await),
        ("run the worker", api.post_with("/api/worker/outbound", WORKER, &json!({})).await),
        ("ready", api.get("/readyz").await),
    ]
}

#[actix_web::test]
async fn every_answer_that_shows_a_status_says_that_nothing_is_sent() {
    let mut api = TestApi::new();
    api.api.simulator = true;
    for (what, answer) in all_that_show_a_status(&api).await {
        assert!(answer.status.is_success(), "{what}: {}", answer.body);
        assert_eq!(answer.body["simulator"], true, "{what}: {}", answer.body);
    }
    assert_eq!(api.get("/api/outbound/stats").await.body["simulator"], true);
}

#[actix_web::test]
async fn with_a_real_n8n_no_answer_has_the_mark() {
    let api = TestApi::new();
    for (what, answer) in all_that_show_a_status(&api).await {
        assert!(answer.status.is_success(), "{what}: {}", answer.body);
        assert_eq!(answer.body.get("simulator"), None, "{what}: {}", answer.body);
    }
    assert_eq!(api.get("/api/outbound/stats").await.body["simulator"], false);
}

#[test]
fn the_document_says_that_the_mark_may_be_left_out_and_is_never_null() {
    let document = http_api::document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let with_mark = schemas.iter().filter(|(_, schema)| schema["properties"]["simulator"].is_object());
    let left_out = |schema: &Value| {
        let required = schema["required"].as_array();
        !required.is_some_and(|names| names.contains(&json!("simulator")))
    };
    let mut names = Vec::new();
    for (name, schema) in with_mark {
        assert_eq!(left_out(schema), name != "StatsView", "{name}");
        assert_eq!(schema["properties"]["simulator"]["type"], "boolean", "{name}");
        names.push(name.as_str());
    }
    assert!(names.len() > 10, "{names:?}");
}
