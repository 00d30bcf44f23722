//! What a template would say.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::{Answered, TestApi, bearer, request};

const PREVIEW: &str = "/api/outbound/templates/t/preview";

async fn api(channel: &str, body: &str) -> TestApi {
    let api = TestApi::new();
    let template = json!({"key": "t", "title": "T", "channel": channel, "body": body});
    assert_eq!(api.post_json("/api/outbound/templates", &template).await.status, 201);
    let contacts = json!({"contacts": [
        {"leadId": "mine", "fullName": "Lan", "phone": "0901234567", "ownerId": "u1", "ownerName": "Hoa"},
        {"leadId": "theirs", "fullName": "Mai", "phone": "0907654321", "ownerId": "u2", "ownerName": "Tú"},
    ]});
    let push =
        request(Method::PUT, "/api/outbound/contacts").insert_header(("x-service-token", "service-token"));
    assert_eq!(api.send(push.set_payload(contacts.to_string())).await.status, 200);
    api
}

async fn preview(api: &TestApi, role: &str, body: &Value) -> Answered {
    api.send(request(Method::POST, PREVIEW).insert_header(bearer(role)).set_payload(body.to_string())).await
}

#[actix_web::test]
async fn an_amount_may_be_a_number_and_what_is_null_is_not_given() {
    let api = api("SMS", "{{ name }} còn {{ remaining }}, {{ paid }}").await;
    let values =
        json!({"variables": {"name": null, "remaining": 1_500_000, "paid": false}, "leadId": "mine"});
    let answer = preview(&api, "telesales", &values).await;
    assert_eq!(answer.body["renderedText"], "Lan còn 1500000, false", "{}", answer.body);
    let wrong = preview(&api, "telesales", &json!({"variables": {"remaining": ["1"]}})).await;
    assert_eq!(wrong.status, 400);
    assert_eq!(wrong.body["error"]["details"][0]["path"], "variables.remaining");
}

#[actix_web::test]
async fn what_is_known_is_filled_in_and_the_rest_named() {
    let api = api("SMS", "Chào {{ name }}, còn {{ remaining }}. {{ ownerName }} {{ phone }}").await;
    let answer = api.post(PREVIEW, "").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(
        answer.body["renderedText"],
        "Chào {{ name }}, còn {{ remaining }}. {{ ownerName }} {{ phone }}"
    );
    assert_eq!(answer.body["missing"], json!(["name", "remaining", "ownerName", "phone"]));
    let answer =
        preview(&api, "telesales", &json!({"leadId": "mine", "variables": {"name": "chị Lan"}})).await;
    assert_eq!(answer.body["renderedText"], "Chào chị Lan, còn {{ remaining }}. Hoa +84901234567");
    assert_eq!(answer.body["variables"], json!(["name", "remaining", "ownerName", "phone"]));
    assert_eq!(answer.body["missing"], json!(["remaining"]));
    let bare = preview(&api, "admin", &json!({"to": "0905 555 555"})).await;
    assert!(bare.body["renderedText"].as_str().unwrap().ends_with("+84905555555"));
}

#[actix_web::test]
async fn an_sms_says_what_it_amounts_to_and_others_do_not() {
    let sms = api("SMS", &format!("Chào{}", "a".repeat(100))).await;
    let answer = sms.post_json(PREVIEW, &json!({})).await;
    let expected = json!({
        "encoding": "GSM7", "characters": 104, "units": 104, "segments": 1, "unicodeCharacters": [],
        "segmentsWithoutDiacritics": 1,
    });
    assert_eq!(answer.body["sms"], expected);
    let unicode = api("SMS", &format!("Được{}", "a".repeat(100))).await;
    let answer = unicode.post_json(PREVIEW, &json!({})).await;
    let expected = json!({
        "encoding": "UCS2", "characters": 104, "units": 104, "segments": 2, "unicodeCharacters": ["Đ", "ư", "ợ"],
        "segmentsWithoutDiacritics": 1,
    });
    assert_eq!(answer.body["sms"], expected);
    let zalo = api("ZALO", "Chào").await;
    assert!(zalo.post_json(PREVIEW, &json!({})).await.body.get("sms").is_none());
}

#[actix_web::test]
async fn every_contact_and_number_is_checked_against_the_scope() {
    let api = api("SMS", "Chào {{ name }}").await;
    for (body, status) in [
        (json!({"leadId": "theirs"}), 403),
        (json!({"leadId": "mine", "studentId": "nobody"}), 404),
        (json!({"to": "0907654321"}), 403),
        (json!({"to": "123"}), 400),
        (json!({"leadId": ""}), 400),
        (json!({"lead": "mine"}), 400),
        (json!([]), 400),
    ] {
        let answer = preview(&api, "telesales", &body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.body);
        assert!(!answer.body.to_string().contains("Mai"), "{}", answer.body);
    }
    assert_eq!(preview(&api, "admin", &json!({"leadId": "theirs"})).await.body["renderedText"], "Chào Mai");
    assert_eq!(preview(&api, "viewer", &json!({})).await.outcome(), (403, "AUTH_FORBIDDEN"));
    let unknown = api.post_json("/api/outbound/templates/none/preview", &json!({})).await;
    assert_eq!(unknown.outcome(), (404, "NOT_FOUND"));
}
