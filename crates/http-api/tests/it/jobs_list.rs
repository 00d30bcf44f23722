//! Jobs as a list.

use actix_web::http::Method;
use serde_json::json;

use crate::support::{Answered, TestApi, request};

const JOBS: &str = "/api/outbound/jobs";

async fn with_service(api: &TestApi, path: &str) -> Answered {
    api.send(request(Method::GET, path).insert_header(("x-service-token", "service-token"))).await
}

#[actix_web::test]
async fn the_list_is_filtered_paged_and_checked() {
    let api = TestApi::new();
    for n in 0..5 {
        let body = json!({
            "channel": "SMS", "text": format!("Chào {n}"), "to": "0901234567", "suggestionId": format!("s{}", n % 2),
        });
        assert_eq!(api.post_json(JOBS, &body).await.status, 201);
    }
    let page = with_service(&api, &format!("{JOBS}?suggestionId=s0&status=&page=2&pageSize=2")).await;
    assert_eq!(
        (&page.body["total"], &page.body["page"], &page.body["pageSize"]),
        (&json!(3), &json!(2), &json!(2))
    );
    assert_eq!(page.body["items"].as_array().unwrap().len(), 1);
    assert_eq!(with_service(&api, &format!("{JOBS}?pageSize=1000")).await.body["pageSize"], 100);
    let wrong = with_service(&api, &format!("{JOBS}?status=OPEN&page=-1&pageSize=x&ownerId=a%00b")).await;
    let paths: Vec<_> =
        wrong.body["error"]["details"].as_array().unwrap().iter().map(|one| one["path"].clone()).collect();
    assert_eq!(paths, ["status", "ownerId", "page", "pageSize"]);
    let refused = api.send(request(Method::GET, JOBS).insert_header(("x-service-token", "wrong"))).await;
    assert_eq!(refused.outcome(), (401, "AUTH_INVALID_SERVICE_TOKEN"));
    assert_eq!(api.send(request(Method::GET, JOBS)).await.outcome(), (401, "AUTH_MISSING_BEARER"));
}
