//! Why a message has not gone yet.

use std::sync::Arc;

use actix_web::http::Method;
use domain::policy::quiet_hours::{QuietHours, Window};
use serde_json::{Value, json};

use crate::support::{CALLBACK, TestApi, WORKER, bearer, request, rules};

async fn explain(api: &TestApi, id: &str, language: &str) -> Value {
    let path = format!("/api/outbound/messages/{id}");
    let request = request(Method::GET, &path).insert_header(bearer("admin"));
    api.send(request.insert_header(("accept-language", language))).await.body["explain"].clone()
}

#[actix_web::test]
async fn a_waiting_message_tells_what_holds_it_back_in_the_reader_s_language() {
    let mut api = TestApi::new();
    let id = api.queued("0901234567").await;
    let free = explain(&api, &id, "").await;
    assert_eq!(
        (&free["state"], &free["reasons"][0]["code"]),
        (&json!("QUEUED"), &json!("WAITING_FOR_WORKER"))
    );
    assert_eq!(free["expectedAt"], "2026-05-04T05:00:00.000Z");
    let window = Window::parse("11:00-13:00").unwrap();
    api.api.rules = Arc::new(rules(QuietHours::new(chrono_tz::Asia::Ho_Chi_Minh, window)));
    let until = "2026-05-04T06:00:00.000Z";
    for (language, message) in [
        ("vi", "Đang trong giờ yên lặng đến 13:00:00 04/05/2026."),
        ("fr, *;q=0.1", "Quiet hours until 13:00:00 04/05/2026."),
    ] {
        let reasons = json!([{"code": "QUIET_HOURS", "message": message, "until": until}]);
        assert_eq!(
            explain(&api, &id, language).await,
            json!({"state": "QUEUED", "reasons": reasons, "expectedAt": until})
        );
    }
}

#[actix_web::test]
async fn what_is_in_flight_or_over_says_so() {
    let api = TestApi::new();
    let id = api.queued("0901234567").await;
    api.post_with("/api/worker/outbound", WORKER, &json!({})).await;
    let waits = explain(&api, &id, "en").await;
    assert_eq!(waits["reasons"][0]["code"], "WAITING_FOR_CALLBACK");
    assert_eq!(waits["reasons"][0]["until"], "2026-05-04T05:15:00.000Z");
    let sent = json!({"messageId": id, "status": "SENT"});
    assert_eq!(api.post_with("/api/outbound/callback", CALLBACK, &sent).await.status, 200);
    let over = explain(&api, &id, "en").await;
    assert_eq!(over, json!({"state": "SENT", "reasons": [{"code": "SENT", "message": "It was sent."}]}));
}
