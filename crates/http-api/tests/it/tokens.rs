//! Tokens: which open the door, and which do not.

use actix_web::cookie::Cookie;
use actix_web::http::Method;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::support::{JWT_SECRET, TestApi, claims, noon, request, token};

const LIST: &str = "/api/outbound/messages";

/// Claims with one of them changed; null takes it away.
fn with(name: &str, value: Value) -> Value {
    let mut claims = claims("admin");
    if value.is_null() {
        claims.as_object_mut().unwrap().remove(name);
    } else {
        claims[name] = value;
    }
    claims
}

fn unsigned() -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(&json!({"alg": "none", "typ": "JWT"})), part(&claims("admin")))
}

#[actix_web::test]
async fn the_token_table() {
    let api = TestApi::new();
    let at = |seconds: i64| json!((noon() + TimeDelta::seconds(seconds)).timestamp());
    let hs512 = encode(
        &Header::new(Algorithm::HS512),
        &claims("admin"),
        &EncodingKey::from_secret(JWT_SECRET.as_bytes()),
    )
    .unwrap();
    let signed = |claims: &Value| token(claims, JWT_SECRET);
    let table = [
        ("right", signed(&claims("admin")), (200, "")),
        ("the other secret", token(&claims("admin"), "jwt-new"), (200, "")),
        ("role in capitals", signed(&claims("ADMIN")), (200, "")),
        ("type access", signed(&with("type", json!("access"))), (200, "")),
        ("an audience of its own", signed(&with("aud", json!("crm"))), (200, "")),
        ("expired a moment ago", signed(&with("exp", at(-3))), (200, "")),
        ("expired", signed(&with("exp", at(-60))), (401, "AUTH_INVALID_TOKEN")),
        ("no exp", signed(&with("exp", Value::Null)), (401, "AUTH_INVALID_TOKEN")),
        ("exp as text", signed(&with("exp", json!("tomorrow"))), (401, "AUTH_INVALID_TOKEN")),
        ("not valid yet", signed(&with("nbf", at(60))), (401, "AUTH_INVALID_TOKEN")),
        ("refresh", signed(&with("type", json!("refresh"))), (401, "AUTH_INVALID_TOKEN")),
        ("refresh as typ", signed(&with("typ", json!("Refresh"))), (401, "AUTH_INVALID_TOKEN")),
        (
            "refresh as token_type",
            signed(&with("token_type", json!("refresh_token"))),
            (401, "AUTH_INVALID_TOKEN"),
        ),
        ("refresh as tokenType", signed(&with("tokenType", json!("REFRESH"))), (401, "AUTH_INVALID_TOKEN")),
        ("refresh as token_use", signed(&with("token_use", json!("refresh"))), (401, "AUTH_INVALID_TOKEN")),
        ("refresh in a list", signed(&with("type", json!(["refresh"]))), (401, "AUTH_INVALID_TOKEN")),
        ("a name that says refresh", signed(&with("name", json!("refresh"))), (200, "")),
        ("a blank branchId", signed(&with("branchId", json!(""))), (200, "")),
        ("wrong key", token(&claims("admin"), "guess"), (401, "AUTH_INVALID_TOKEN")),
        ("both secrets as one", token(&claims("admin"), "jwt-new,jwt-old"), (401, "AUTH_INVALID_TOKEN")),
        ("alg none", unsigned(), (401, "AUTH_INVALID_TOKEN")),
        ("another algorithm", hs512, (401, "AUTH_INVALID_TOKEN")),
        ("nonsense", "nonsense".to_owned(), (401, "AUTH_INVALID_TOKEN")),
        ("no sub", signed(&with("sub", Value::Null)), (401, "AUTH_INVALID_TOKEN")),
        ("sub too long", signed(&with("sub", json!("x".repeat(65)))), (401, "AUTH_INVALID_TOKEN")),
        ("branchId with NUL", signed(&with("branchId", json!("a\0b"))), (401, "AUTH_INVALID_TOKEN")),
        ("branchId as a number", signed(&with("branchId", json!(7))), (401, "AUTH_INVALID_TOKEN")),
        ("no role", signed(&with("role", Value::Null)), (403, "AUTH_FORBIDDEN")),
        ("role as a number", signed(&with("role", json!(1))), (403, "AUTH_FORBIDDEN")),
        ("unknown role", signed(&claims("root")), (403, "AUTH_FORBIDDEN")),
        ("viewer", signed(&claims("viewer")), (403, "AUTH_FORBIDDEN")),
    ];
    for (name, token, expected) in table {
        let header = ("authorization", format!("Bearer {token}"));
        let answer = api.send(request(Method::GET, LIST).insert_header(header)).await;
        assert_eq!(answer.outcome(), expected, "{name}");
    }
}

#[actix_web::test]
async fn no_token_is_told_apart_from_a_bad_one() {
    let api = TestApi::new();
    let answer = api.send(request(Method::GET, LIST)).await;
    assert_eq!(answer.outcome(), (401, "AUTH_MISSING_BEARER"));
    for header in ["Bearer ", "bearer", "Basic dTpw", ""] {
        let answer = api.send(request(Method::GET, LIST).insert_header(("authorization", header))).await;
        assert_eq!(answer.outcome(), (401, "AUTH_MISSING_BEARER"), "{header:?}");
    }
}

#[actix_web::test]
async fn the_cookie_stands_in_for_the_header_but_not_for_another_site() {
    let api = TestApi::new();
    let cookie = || Cookie::new("access_token", token(&claims("admin"), JWT_SECRET));
    let answer = api.send(request(Method::GET, LIST).cookie(cookie())).await;
    assert_eq!(answer.outcome(), (200, ""));
    let post = || {
        let body = json!({"channel": "SMS", "text": "Chào", "to": "0901234567"}).to_string();
        request(Method::POST, LIST).cookie(cookie()).set_payload(body)
    };
    let answer = api.send(post().insert_header(("sec-fetch-site", "cross-site"))).await;
    assert_eq!(answer.outcome(), (403, "AUTH_FORBIDDEN"));
    let answer = api.send(post().insert_header(("sec-fetch-site", "same-origin"))).await;
    assert_eq!(answer.outcome(), (201, ""));
}

#[actix_web::test]
async fn without_a_secret_the_door_is_closed() {
    let api = TestApi::with(http_api::AuthSettings::default());
    for path in [LIST, "/api/templates"] {
        let answer = api.get(path).await;
        assert_eq!(answer.outcome(), (403, "AUTH_FORBIDDEN"));
        assert!(answer.body["error"]["message"].as_str().unwrap().contains("JWT_SECRET is not set"));
    }
}

#[actix_web::test]
async fn a_token_s_name_is_stored_without_what_a_database_refuses() {
    let api = TestApi::new();
    let mut claims = claims("telesales");
    claims["name"] = json!("Lan\0 Anh");
    let header = ("authorization", format!("Bearer {}", token(&claims, JWT_SECRET)));
    let body = json!({"channel": "SMS", "text": "Chào", "to": "0901234567"}).to_string();
    let answer = api.send(request(Method::POST, LIST).insert_header(header).set_payload(body)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(answer.body["outboundMessage"]["contact"]["ownerName"], "Lan Anh");
    assert_eq!(answer.body["outboundMessage"]["ownerId"], "u1");
}
