//! A request that comes twice is done once.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::{Answered, TestApi, bearer, request};

const PATH: &str = "/api/outbound/messages";

async fn create(api: &TestApi, role: &str, key: &str, body: &Value) -> Answered {
    let request =
        request(Method::POST, PATH).insert_header(bearer(role)).insert_header(("idempotency-key", key));
    api.send(request.set_payload(body.to_string())).await
}

fn message(text: &str) -> Value {
    json!({"channel": "SMS", "text": text, "to": "0901234567"})
}

async fn total(api: &TestApi) -> Value {
    api.get(PATH).await.body["total"].clone()
}

#[actix_web::test]
async fn the_first_answer_is_given_again() {
    let api = TestApi::new();
    let first = create(&api, "admin", "k1", &message("Chào")).await;
    let again = create(&api, "admin", "k1", &message("Chào")).await;
    assert_eq!(
        (first.status, first.header("idempotency-replayed")),
        (actix_web::http::StatusCode::CREATED, "")
    );
    assert_eq!((again.status, again.header("idempotency-replayed")), (first.status, "true"));
    assert_eq!((&again.body, again.header("location")), (&first.body, first.header("location")));
    assert_eq!(again.header("content-type"), "application/json");
    assert_eq!(total(&api).await, 1);
}

#[actix_web::test]
async fn another_body_under_the_same_key_is_a_conflict() {
    let api = TestApi::new();
    assert_eq!(create(&api, "admin", "k1", &message("Chào")).await.status, 201);
    assert_eq!(create(&api, "admin", "k1", &message("Khác")).await.outcome(), (409, "IDEMPOTENCY_CONFLICT"));
    assert_eq!(total(&api).await, 1);
}

#[actix_web::test]
async fn an_error_frees_the_key() {
    let api = TestApi::new();
    let bad = json!({"channel": "SMS", "text": "Chào", "to": "123"});
    assert_eq!(create(&api, "admin", "k1", &bad).await.status, 400);
    assert_eq!(create(&api, "admin", "k1", &message("Chào")).await.status, 201);
}

#[actix_web::test]
async fn a_key_has_1_to_200_visible_characters() {
    let api = TestApi::new();
    for key in ["", "two words", "đ", &"k".repeat(201)] {
        let answer = create(&api, "admin", key, &message("Chào")).await;
        assert_eq!(answer.outcome(), (400, "VALIDATION_ERROR"), "{key:?}");
        assert_eq!(answer.body["error"]["details"][0]["path"], "Idempotency-Key");
    }
    assert_eq!(create(&api, "admin", &"k".repeat(200), &message("Chào")).await.status, 201);
}
