//! Templates: written by those who may, and previewed.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::{Answered, TestApi, bearer, request};

const TEMPLATES: &str = "/api/outbound/templates";

async fn put(api: &TestApi, key: &str, body: &Value) -> Answered {
    let request = request(Method::PUT, &format!("{TEMPLATES}/{key}")).insert_header(bearer("manager"));
    api.send(request.set_payload(body.to_string())).await
}

fn remind() -> Value {
    json!({"key": "remind_1", "title": "Nhắc học phí", "channel": "SMS", "body": "Chào {{ name }}, {{ownerName}} đây"})
}

fn paths(answer: &Answered) -> Vec<&str> {
    answer.body["error"]["details"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["path"].as_str().unwrap())
        .collect()
}

#[actix_web::test]
async fn a_template_is_created_listed_replaced_and_removed() {
    let api = TestApi::new();
    let created = api.post_json(TEMPLATES, &remind()).await;
    assert_eq!(created.status, 201, "{}", created.body);
    assert_eq!(created.header("location"), "/api/outbound/templates/remind_1");
    let expected = json!({
        "key": "remind_1", "title": "Nhắc học phí", "channel": "SMS", "body": "Chào {{ name }}, {{ownerName}} đây",
        "isActive": true, "variables": ["name", "ownerName"], "updatedAt": "2026-05-04T05:00:00.000Z",
    });
    assert_eq!(created.body, expected);
    for path in [TEMPLATES, "/api/templates"] {
        assert_eq!(api.get(path).await.body["items"], json!([expected]));
    }
    let off = json!({"title": "Nhắc", "channel": "ZALO", "body": "Chào", "isActive": false});
    assert_eq!(put(&api, "remind_1", &off).await.body["isActive"], false);
    let same = json!({"key": "remind_1", "title": "Nhắc", "channel": "ZALO", "body": "Xin chào"});
    let same = put(&api, "remind_1", &same).await;
    assert_eq!((&same.body["isActive"], &same.body["variables"]), (&json!(false), &json!([])));
    let gone = request(Method::DELETE, &format!("{TEMPLATES}/remind_1")).insert_header(bearer("admin"));
    assert_eq!(api.send(gone).await.status, 204);
    let again = request(Method::DELETE, &format!("{TEMPLATES}/remind_1")).insert_header(bearer("admin"));
    assert_eq!(api.send(again).await.outcome(), (404, "NOT_FOUND"));
    assert_eq!(put(&api, "remind_1", &remind()).await.outcome(), (404, "NOT_FOUND"));
}

#[actix_web::test]
async fn a_key_is_taken_once_and_has_its_rules() {
    let api = TestApi::new();
    assert_eq!(api.post_json(TEMPLATES, &remind()).await.status, 201);
    assert_eq!(api.post_json(TEMPLATES, &remind()).await.outcome(), (409, "CONFLICT"));
    for (key, status) in [
        ("a", 201),
        ("a.b-c_9", 201),
        (&"x".repeat(64), 201),
        ("", 400),
        (&"x".repeat(65), 400),
        ("Remind", 400),
        ("nhắc", 400),
        ("a b", 400),
        ("a/b", 400),
        ("..", 400),
        ("a\u{0}", 400),
    ] {
        let mut body = remind();
        body["key"] = json!(key);
        assert_eq!(api.post_json(TEMPLATES, &body).await.status, status, "{key:?}");
    }
    let mut other = remind();
    other["key"] = json!("other");
    assert_eq!(paths(&put(&api, "remind_1", &other).await), ["key"]);
}

#[actix_web::test]
async fn a_body_that_does_not_parse_is_refused_with_its_place() {
    let api = TestApi::new();
    for (body, place) in [
        ("Chào\nbạn {{ name", "line 2, character 5"),
        ("Chào }}", "line 1, character 6"),
        ("{{ 1 }}", "line 1, character 1"),
        ("{{}}", "line 1, character 1"),
        ("  ", "empty"),
        ("a\u{1}b", "control characters"),
    ] {
        let mut template = remind();
        template["body"] = json!(body);
        let answer = api.post_json(TEMPLATES, &template).await;
        assert_eq!(paths(&answer), ["body"], "{body:?}");
        let reason = answer.body["error"]["details"][0]["reason"].as_str().unwrap();
        assert!(reason.contains(place), "{reason}");
    }
    let all = api.post_json(TEMPLATES, &json!({"channel": "FAX", "title": " "})).await;
    assert_eq!(paths(&all), ["key", "title", "channel", "body"]);
}

#[actix_web::test]
async fn admins_and_managers_write_and_all_who_see_messages_read() {
    let api = TestApi::new();
    for (role, reads, writes) in [
        ("admin", 200, 201),
        ("manager", 200, 409),
        ("telesales", 200, 403),
        ("direct_page", 200, 403),
        ("viewer", 403, 403),
    ] {
        let list = api.send(request(Method::GET, TEMPLATES).insert_header(bearer(role))).await;
        let write =
            request(Method::POST, TEMPLATES).insert_header(bearer(role)).set_payload(remind().to_string());
        let write = api.send(write).await;
        assert_eq!((list.status.as_u16(), write.status.as_u16()), (reads, writes), "{role}");
        for method in [Method::PUT, Method::DELETE] {
            if writes == 403 {
                let request = request(method, &format!("{TEMPLATES}/remind_1")).insert_header(bearer(role));
                assert_eq!(api.send(request).await.outcome(), (403, "AUTH_FORBIDDEN"), "{role}");
            }
        }
    }
}
