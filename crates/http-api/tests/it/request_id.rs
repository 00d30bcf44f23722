//! Every answer names its request and keeps browsers from guessing.

use actix_web::http::Method;

use crate::support::{TestApi, request};

#[actix_web::test]
async fn a_sane_id_is_taken_and_any_other_replaced() {
    let api = TestApi::new();
    for path in ["/livez", "/nothing", "/api/outbound/messages"] {
        let given = api.send(request(Method::GET, path).insert_header(("x-request-id", "crm-42"))).await;
        assert_eq!(given.header("x-request-id"), "crm-42");
        let own = api.send(request(Method::GET, path)).await;
        assert_eq!(own.header("x-request-id").len(), 36, "{path}");
    }
    for odd in ["", "two words", &"x".repeat(65), "đ"] {
        let answer = api.send(request(Method::GET, "/livez").insert_header(("x-request-id", odd))).await;
        assert_eq!(answer.header("x-request-id").len(), 36, "{odd:?}");
    }
    let longest = "x".repeat(64);
    let answer =
        api.send(request(Method::GET, "/livez").insert_header(("x-request-id", longest.as_str()))).await;
    assert_eq!(answer.header("x-request-id"), longest);
}

#[actix_web::test]
async fn answers_of_the_api_are_not_kept_sniffed_or_framed() {
    let api = TestApi::new();
    for answer in
        [api.get("/api/outbound/messages").await, api.send(request(Method::GET, "/api/nothing")).await]
    {
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-frame-options"), "DENY");
    }
}
