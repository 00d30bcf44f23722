//! N8N's workflows.

use reqwest::Method;
use serde_json::{Value, json};

use crate::http::{Answer, answer};
use crate::support::{SERVICE_TOKEN, TestApp, WORKER_SECRET, kinds, sms};

/// What N8N's HTTP Request node accepts.
const N8N_ACCEPTS: &str =
    "application/json,text/html,application/xhtml+xml,application/xml,text/*;q=0.9, image/*;q=0.8, */*;q=0.7";

/// N8N's node: its header, and the body as text.
async fn n8n_runs_the_worker(app: &TestApp, body: &'static str) -> Answer {
    let request = app.request(Method::POST, "/api/worker/outbound").header("x-worker-secret", WORKER_SECRET);
    let request = request.header("accept", N8N_ACCEPTS).header("user-agent", "axios/1.7.9");
    answer(request.header("content-type", "application/json").body(body)).await
}

#[tokio::test]
async fn n8n_s_schedule_runs_the_worker_with_the_body_that_it_always_sent() {
    let app = TestApp::start().await;
    for number in 0..25 {
        app.create(sms(number)).await;
    }
    let body = r#"{"batchSize":20,"concurrency":5,"dryRun":false,"retryFailedOnly":false}"#;
    let run = n8n_runs_the_worker(&app, body).await;
    assert_eq!(run.headers["content-type"], "application/json");
    let report = run.expect(200);
    let fields = [
        ("ok", json!(true)),
        ("dryRun", json!(false)),
        ("processed", json!(20)),
        ("sent", json!(0)),
        ("failed", json!(0)),
        ("skipped", json!(20)),
        ("rateLimited", json!(0)),
        ("remainingEstimate", json!(5)),
        ("breakdownByPriority", json!({"HIGH": 0, "MEDIUM": 20, "LOW": 0})),
        ("breakdownByOwner", json!([{"ownerId": null, "ownerName": null, "count": 20}])),
        ("webhookEnabled", json!(true)),
        ("quietHours", json!({"active": false})),
        ("circuit", json!("CLOSED")),
    ];
    for (name, expected) in fields {
        assert_eq!(report[name], expected, "{name}: {report}");
    }
    assert!(report["duration"].is_u64() && report["leaseId"].is_string(), "{report}");
    assert!(report.get("messages").is_none() && report.get("warnings").is_none(), "{report}");
    let rest = n8n_runs_the_worker(&app, "").await.expect(200);
    assert_eq!(rest["processed"], 5, "an empty body is all defaults");
    app.n8n.wait_until(|log| log.called_back(200) == 25, crate::support::PATIENCE).await.unwrap();
    assert_eq!(app.count("SENT").await, 25);
}

#[tokio::test]
async fn a_truncated_body_runs_nothing() {
    let app = TestApp::start().await;
    let id = app.create(sms(1)).await;
    for body in [
        r#"{"dryRun": true"#,
        r#"{"dryRun": tru"#,
        "{",
        "null",
        "[]",
        r#"{"dryRun": true}}"#,
        r#"{"dryrun": true}"#,
    ] {
        let refused = n8n_runs_the_worker(&app, body).await.expect(400);
        assert_eq!(refused["error"]["code"], "VALIDATION_ERROR", "{body}");
    }
    let truncated = app.request(Method::POST, "/api/outbound/dispatch").bearer_auth(app.admin());
    answer(truncated.body(r#"{"limit": 1"#)).await.expect(400);
    assert_eq!(kinds(&app.message(&id).await), ["CREATED"]);
    let look = n8n_runs_the_worker(&app, r#"{"dryRun": true}"#).await.expect(200);
    assert_eq!((&look["processed"], &look["leaseId"]), (&json!(1), &Value::Null));
    assert_eq!(kinds(&app.message(&id).await), ["CREATED"]);
    assert!(app.n8n.log().hand_offs.is_empty());
}

#[tokio::test]
async fn n8n_takes_new_jobs_and_moves_them_to_their_end() {
    let app = TestApp::start().await;
    let with_token = async |method: Method, path: &str, body: Option<Value>| {
        let request = app.request(method, path).header("x-service-token", SERVICE_TOKEN);
        let request = request.header("accept", N8N_ACCEPTS);
        answer(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    };
    let mut made = Vec::new();
    for number in 0..3 {
        let body = json!({
            "suggestionId": format!("s{number}"), "actionKey": "remind", "channel": "SMS", "to": "0901234567",
            "text": format!("Nhắc học phí {number}"),
        });
        made.push(app.post("/api/outbound/jobs", &app.admin(), &body).await.expect(201));
    }
    let new = with_token(Method::GET, "/api/outbound/jobs?status=NEW", None).await.expect(200);
    assert_eq!(new["total"], 3);
    for job in new["items"].as_array().unwrap() {
        let path = format!("/api/outbound/jobs/{}", job["id"].as_str().unwrap());
        let moved =
            with_token(Method::PATCH, &path, Some(json!({"status": "DISPATCHED", "runId": "r1"}))).await;
        assert_eq!(moved.expect(200)["outboundJob"]["status"], "DISPATCHED");
    }
    assert_eq!(with_token(Method::GET, "/api/outbound/jobs?status=NEW", None).await.expect(200)["total"], 0);
    app.run_worker(json!({})).await;
    for job in &made {
        app.wait_for_status(job["outboundMessage"]["id"].as_str().unwrap(), "SENT").await;
    }
    let path = format!("/api/outbound/jobs/{}", made[0]["outboundJob"]["id"].as_str().unwrap());
    let done = with_token(Method::PATCH, &path, Some(json!({"status": "DONE"}))).await.expect(200);
    assert_eq!(done["outboundJob"]["messageCounts"]["SENT"], 1);
    assert!(done["outboundJob"]["doneAt"].is_string());
    let again = with_token(Method::PATCH, &path, Some(json!({"status": "DONE"}))).await.expect(200);
    assert_eq!(again, done, "the same status again changes nothing");
    let back = with_token(Method::PATCH, &path, Some(json!({"status": "DISPATCHED"}))).await.expect(409);
    assert_eq!(back["error"]["code"], "CONFLICT");
    let path = format!("/api/outbound/jobs/{}", made[1]["outboundJob"]["id"].as_str().unwrap());
    for (body, status) in [
        (json!({"status": "FAILED", "lastError": "Zalo trả lời 500"}), "FAILED"),
        (json!({"status": "DISPATCHED", "runId": "r2"}), "DISPATCHED"),
        (json!({"status": "DONE"}), "DONE"),
    ] {
        let moved = with_token(Method::PATCH, &path, Some(body)).await.expect(200);
        assert_eq!(moved["outboundJob"]["status"], status);
    }
    let found = with_token(Method::GET, "/api/outbound/jobs?suggestionId=s1&status=DONE", None).await;
    assert_eq!(found.expect(200)["items"][0]["runId"], "r2");
}
