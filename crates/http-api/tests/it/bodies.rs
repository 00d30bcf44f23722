//! Bodies: what is no JSON object of the right shape is refused, by name.

use serde_json::{Value, json};

use crate::support::{TestApi, WORKER, request};
use actix_web::http::Method;

const CREATE: &str = "/api/outbound/messages";

fn paths(body: &Value) -> Vec<&str> {
    body["error"]["details"].as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn the_body_table() {
    let api = TestApi::new();
    let message = |name: &str, value: Value| {
        let mut body = json!({"channel": "SMS", "text": "Chào", "to": "0901234567"});
        body[name] = value;
        body.to_string().into_bytes()
    };
    let table: Vec<(&str, Vec<u8>, &str)> = vec![
        ("nothing", b"".to_vec(), ""),
        ("white space", b" \n".to_vec(), ""),
        ("null", b"null".to_vec(), ""),
        ("an array", b"[]".to_vec(), ""),
        ("an array of fields", br#"["SMS","x"]"#.to_vec(), ""),
        ("a number", b"42".to_vec(), ""),
        ("a string", br#""SMS""#.to_vec(), ""),
        ("truncated", br#"{"channel":"SMS""#.to_vec(), ""),
        ("two objects", b"{}{}".to_vec(), ""),
        ("not UTF-8", b"{\"text\":\"\xff\xfe\"}".to_vec(), ""),
        ("nested too deep", b"{\"variables\":{\"name\":".repeat(5_000), "variables.name"),
        ("unknown field", message("colour", json!("red")), "colour"),
        ("the same field twice", br#"{"text":"a","text":"b"}"#.to_vec(), "text"),
        ("wrong type", message("allowDuplicate", json!("yes")), "allowDuplicate"),
        ("a number for text", message("to", json!(84_901_234_567_u64)), "to"),
        ("a variable that is no text", message("variables", json!({"name": [1]})), "variables.name"),
        ("NUL in to", message("to", json!("090\u{0}1234567")), "to"),
        ("10,000 characters in to", message("to", json!("0".repeat(10_000))), "to"),
        ("zero-width characters alone", message("text", json!("\u{200b}\u{feff} ")), "text"),
        ("NUL in text", message("text", json!("a\u{0}b")), "text"),
        ("NUL in an id", message("leadId", json!("a\u{0}b")), "leadId"),
        ("an empty id", message("ownerId", json!("")), "ownerId"),
        ("unknown channel", message("channel", json!("FAX")), "channel"),
        ("lower-case priority", message("priority", json!("high")), "priority"),
        ("no time", message("scheduledAt", json!("tomorrow")), "scheduledAt"),
        ("a time without a zone", message("scheduledAt", json!("2026-05-04T09:00:00")), "scheduledAt"),
        ("text and template", message("templateKey", json!("hello")), "text"),
    ];
    for (name, body, path) in table {
        let answer = api.post(CREATE, body).await;
        assert_eq!(answer.outcome(), (400, "VALIDATION_ERROR"), "{name}: {}", answer.body);
        assert_eq!(paths(&answer.body), [path], "{name}: {}", answer.body);
        let reason = answer.body["error"]["details"][0]["reason"].as_str().unwrap();
        assert!(!reason.is_empty() && reason.chars().count() <= 220, "{name}: {reason}");
    }
}

#[actix_web::test]
async fn reasons_speak_of_json_and_say_when_they_are_cut() {
    let api = TestApi::new();
    let table = [
        (json!({"to": {}}), "invalid type: object, expected a string"),
        (json!({"to": []}), "invalid type: array, expected a string"),
        (json!({"variables": 7}), "invalid type: integer `7`, expected an object"),
    ];
    for (body, expected) in table {
        let answer = api.post_json(CREATE, &body).await;
        assert_eq!(answer.body["error"]["details"][0]["reason"], expected, "{body}");
    }
    let run = request(Method::POST, "/api/worker/outbound").insert_header(WORKER);
    let answer = api.send(run.set_payload(r#"{"batchSize":"20"}"#)).await;
    let expected = "invalid type: string \"20\", expected a whole number";
    assert_eq!(answer.body["error"]["details"][0]["reason"], expected);
    let answer = api.post_json(CREATE, &json!({"allowDuplicate": "ừ".repeat(300)})).await;
    let reason = answer.body["error"]["details"][0]["reason"].as_str().unwrap();
    assert!(reason.ends_with("ừ…") && reason.chars().count() == 201, "{reason}");
}

#[actix_web::test]
async fn a_compressed_body_is_refused_by_its_header() {
    let api = TestApi::new();
    let post = |coding: &'static str| {
        let post = request(Method::POST, CREATE).insert_header(crate::support::bearer("admin"));
        let body = json!({"channel": "SMS", "text": coding, "to": "0901234567"});
        post.insert_header(("content-encoding", coding)).set_payload(body.to_string())
    };
    for coding in ["gzip", "br", "deflate"] {
        let answer = api.send(post(coding)).await;
        assert_eq!(answer.outcome(), (400, "VALIDATION_ERROR"), "{coding}");
        assert_eq!(paths(&answer.body), ["Content-Encoding"]);
    }
    assert_eq!(api.send(post("identity")).await.status, 201);
}

#[actix_web::test]
async fn all_bad_fields_are_named_at_once() {
    let api = TestApi::new();
    let body = json!({"channel": "FAX", "leadId": "", "priority": "URGENT", "scheduledAt": "soon"});
    let answer = api.post_json(CREATE, &body).await;
    assert_eq!(answer.outcome(), (400, "VALIDATION_ERROR"));
    assert_eq!(paths(&answer.body), ["channel", "templateKey", "leadId", "priority", "scheduledAt"]);
    let answer = api.post_json(CREATE, &json!({})).await;
    assert_eq!(paths(&answer.body), ["channel", "templateKey"]);
}

#[actix_web::test]
async fn an_unknown_field_s_reason_names_it() {
    let api = TestApi::new();
    let answer = api.post_json(CREATE, &json!({"chanel": "SMS"})).await;
    let reason = answer.body["error"]["details"][0]["reason"].as_str().unwrap();
    assert!(reason.starts_with("unknown field `chanel`"), "{reason}");
    assert!(!reason.contains("line"), "{reason}");
}

#[actix_web::test]
async fn a_body_that_is_too_large_is_413_announced_or_not() {
    let api = TestApi::new();
    let large = "x".repeat(1024 * 1024 + 1);
    let answer = api.post(CREATE, large.clone()).await;
    assert_eq!(answer.outcome(), (413, "PAYLOAD_TOO_LARGE"));
    let announced = request(Method::POST, CREATE)
        .insert_header(crate::support::bearer("admin"))
        .insert_header(("content-length", "1048577"));
    assert_eq!(api.send(announced).await.outcome(), (413, "PAYLOAD_TOO_LARGE"));
    let bound = format!("{{}}{}", " ".repeat(1024 * 1024 - 2));
    assert_eq!(api.post(CREATE, bound).await.outcome(), (400, "VALIDATION_ERROR"));
    let callback = request(Method::POST, "/api/outbound/callback")
        .insert_header(crate::support::CALLBACK)
        .set_payload("x".repeat(4 * 1024 * 1024 + 1));
    assert_eq!(api.send(callback).await.outcome(), (413, "PAYLOAD_TOO_LARGE"));
}

#[actix_web::test]
async fn an_empty_body_runs_the_worker_and_a_malformed_one_does_not() {
    let api = TestApi::new();
    api.queued("0901234567").await;
    for malformed in [
        "{\"dryRun\": true",
        "null",
        "[]",
        "1",
        "{\"dryrun\": true}",
        "{\"batchSize\": -1}",
        "{\"batchSize\": 0}",
    ] {
        let post = request(Method::POST, "/api/worker/outbound").insert_header(WORKER).set_payload(malformed);
        assert_eq!(api.send(post).await.outcome(), (400, "VALIDATION_ERROR"), "{malformed}");
    }
    let answer = api.send(request(Method::POST, "/api/worker/outbound").insert_header(WORKER)).await;
    assert_eq!(answer.outcome(), (200, ""));
    assert_eq!(answer.body["processed"], 1, "{}", answer.body);
}
